"""The accounts monitor: what it holds, how far it trusts it, whom it wakes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

import pytest
from prometheus_client import CollectorRegistry

from monitors.account_metrics import AccountMetrics
from monitors.accounts import AccountsMonitor
from risk.account_watch import AccountWatch
from risk.columns import columns_of
from risk.corporate_prices import Rebase
from risk.corporate_values import Ratio
from risk.margin import Account
from risk.market import Market
from risk.price_guard import Doubt, PriceRules
from risk.units import FundingE12, MarketId, MarketStatus, Ppm, QuoteAtoms, Seconds, SizeE8
from tests.builders import (
    NOW,
    make_account,
    make_account_id,
    make_market,
    make_position,
    make_rules,
    price,
    shares,
    usd,
)
from venues.port import (
    BlockRef,
    Change,
    CollateralChanged,
    Funds,
    FundsChanged,
    MarketChanged,
    PositionChanged,
    Snapshot,
    StampedChange,
)

MARKET = make_market()
HEALTHY = make_account(usd(900), [make_position(shares(10))], number=1)
AT_THE_EDGE = make_account(usd(60), [make_position(shares(10))], number=2)
FUNDS = Funds(
    insurance_fund=usd(1_000),
    fee_pool=QuoteAtoms(0),
    funding_pool=QuoteAtoms(0),
    rewards_owed=QuoteAtoms(0),
)


class Woken:
    """Counts how often somebody was woken."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


def make_monitor(registry: CollectorRegistry) -> AccountsMonitor:
    return AccountsMonitor(
        watch=AccountWatch(),
        price_rules=PriceRules(
            max_divergence=Ppm(100_000), warm_up_updates=3, future_tolerance=Seconds(5)
        ),
        metrics=AccountMetrics.create(registry),
        random=Random(1),
    )


@pytest.fixture
def monitor() -> AccountsMonitor:
    return make_monitor(CollectorRegistry())


@pytest.fixture
def woken(monitor: AccountsMonitor) -> Woken:
    woken = Woken()
    monitor.on_wake(woken)
    return woken


def make_snapshot(*accounts: Account, market: Market = MARKET) -> Snapshot:
    return Snapshot(
        block=BlockRef(number=100, timestamp=NOW, hash=b"\x01" * 32),
        markets={market.id: market},
        accounts=[columns_of(list(accounts or (HEALTHY, AT_THE_EDGE)))],
        funds=FUNDS,
        rules=make_rules(),
        backstop_account=make_account_id(99),
    )


def stamped(*changes: Change, block: int = 101) -> Sequence[StampedChange]:
    return [
        StampedChange(
            block_number=block, log_index=number, transaction_hash=b"\x02" * 32, change=change
        )
        for number, change in enumerate(changes)
    ]


def price_update(mark: int, *, seconds: int = 1, market: Market = MARKET) -> MarketChanged:
    later = Seconds(NOW + seconds)
    moved = replace(
        market, mark=mark, index=mark, price_timestamp=later, updated_at=later, funding_time=later
    )
    return MarketChanged(market=moved, is_price_only=True)


def test_trusts_nothing_before_a_snapshot(monitor: AccountsMonitor, woken: Woken) -> None:
    assert monitor.distrust == "no snapshot yet"
    with pytest.raises(RuntimeError, match="snapshot"):
        _ = monitor.rules
    assert woken.times == 0


def test_a_fall_wakes_and_names_who_is_under_margin(monitor: AccountsMonitor, woken: Woken) -> None:
    monitor.on_snapshot(make_snapshot())
    assert woken.times == 0
    monitor.on_changes(stamped(price_update(price(198))), now=Seconds(NOW + 1))
    assert woken.times == 1
    assert list(monitor.worst(10)) == [AT_THE_EDGE.id]
    assert monitor.state(AT_THE_EDGE.id).is_liquidatable
    assert monitor.oldest_under_margin() == (NOW + 1, 101)


def test_a_quiet_price_wakes_nobody(monitor: AccountsMonitor, woken: Woken) -> None:
    monitor.on_snapshot(make_snapshot())
    monitor.on_changes(stamped(price_update(price("200.5"))), now=Seconds(NOW + 1))
    assert woken.times == 0
    assert monitor.under_margin_count() == 0


def test_after_an_interruption_nobody_is_woken_until_the_next_snapshot(
    monitor: AccountsMonitor, woken: Woken
) -> None:
    monitor.on_snapshot(make_snapshot())
    monitor.on_interrupted("the socket closed")
    monitor.on_changes(stamped(price_update(price(198))), now=Seconds(NOW + 1))
    assert monitor.distrust == "the socket closed"
    assert woken.times == 0
    monitor.on_snapshot(make_snapshot(market=price_update(price(198)).market))
    assert monitor.distrust is None
    assert woken.times == 1


def test_a_snapshot_replaces_all_that_was_held(monitor: AccountsMonitor) -> None:
    monitor.on_snapshot(make_snapshot())
    monitor.on_snapshot(make_snapshot(HEALTHY))
    assert len(monitor.watch.book) == 1
    with pytest.raises(KeyError):
        monitor.account(AT_THE_EDGE.id)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda: CollateralChanged(account=HEALTHY.id, collateral=usd(5)),
            lambda monitor: monitor.account(HEALTHY.id).collateral == usd(5),
        ),
        (
            lambda: PositionChanged(
                account=HEALTHY.id,
                market=MarketId(0),
                size=SizeE8(0),
                quote=QuoteAtoms(0),
                funding=FundingE12(0),
                slice_time=Seconds(0),
                collateral=usd(7),
            ),
            lambda monitor: (
                monitor.account(HEALTHY.id).positions == ()
                and monitor.account(HEALTHY.id).collateral == usd(7)
            ),
        ),
        (
            lambda: FundsChanged(funds=replace(FUNDS, insurance_fund=usd(3))),
            lambda monitor: monitor.insurance_fund == usd(3),
        ),
    ],
    ids=["collateral", "position", "funds"],
)
def test_applies_changes(
    monitor: AccountsMonitor,
    change: Callable[[], Change],
    expected: Callable[[AccountsMonitor], bool],
) -> None:
    monitor.on_snapshot(make_snapshot())
    monitor.on_changes(stamped(change()), now=NOW)
    assert expected(monitor)


def test_a_market_needs_one_live_price_after_a_snapshot_and_three_after_a_halt(
    monitor: AccountsMonitor,
) -> None:
    monitor.on_snapshot(make_snapshot())
    assert monitor.doubt(MarketId(0)) is Doubt.WARMING_UP
    monitor.on_changes(stamped(price_update(price(200))), now=Seconds(NOW + 1))
    assert monitor.doubt(MarketId(0)) is None
    halted = replace(monitor.markets[MarketId(0)], status=MarketStatus.HALTED)
    monitor.on_changes(
        stamped(MarketChanged(market=halted, is_price_only=False)), now=Seconds(NOW + 1)
    )
    assert monitor.doubt(MarketId(0)) is Doubt.CLOSED
    reopened = replace(halted, status=MarketStatus.OPEN)
    monitor.on_changes(
        stamped(MarketChanged(market=reopened, is_price_only=False)), now=Seconds(NOW + 1)
    )
    for second in (2, 3, 4):
        assert monitor.doubt(MarketId(0)) is Doubt.WARMING_UP
        update = price_update(price(200), seconds=second)
        monitor.on_changes(stamped(update), now=Seconds(NOW + second))
    assert monitor.doubt(MarketId(0)) is None


def test_a_sealed_block_moves_the_clock_and_never_back(monitor: AccountsMonitor) -> None:
    monitor.on_snapshot(make_snapshot())
    monitor.on_sealed(BlockRef(number=120, timestamp=Seconds(NOW + 50), hash=None))
    monitor.on_sealed(BlockRef(number=119, timestamp=Seconds(NOW + 49), hash=None))
    assert (monitor.now, monitor.sealed_block) == (NOW + 50, 120)


def test_an_audit_counts_the_accounts_that_differ(monitor: AccountsMonitor) -> None:
    monitor.on_snapshot(make_snapshot())
    told = [HEALTHY, replace(AT_THE_EDGE, collateral=usd(61))]
    block = BlockRef(number=100, timestamp=NOW, hash=None)
    assert monitor.audit(block, columns_of(told)) == 1
    assert monitor.audit(block, columns_of([HEALTHY])) == 0
    assert set(monitor.accounts_for_audit(5)) <= {HEALTHY.id, AT_THE_EDGE.id}


def test_the_gauges_show_dollars_and_closed_labels() -> None:
    registry = CollectorRegistry()
    monitor = make_monitor(registry)
    monitor.on_snapshot(make_snapshot())
    monitor.show()

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, labels)

    assert value("bellkeeper_insurance_fund_usd") == 1_000.0
    assert value("bellkeeper_accounts") == 2.0
    assert value("bellkeeper_mark_price_usd", market="AAPL") == 200.0
    assert value("bellkeeper_market_status", market="AAPL", status="open") == 1.0
    assert value("bellkeeper_price_doubt", market="AAPL", doubt="warming_up") == 1.0
    assert value("bellkeeper_price_doubt", market="AAPL", doubt="stale") == 0.0


def test_a_split_and_a_dividend_are_told_once_by_event_or_by_what_a_snapshot_shows(
    monitor: AccountsMonitor,
) -> None:
    told: list[tuple[int, Rebase]] = []
    monitor.on_rebased(lambda market, by: told.append((market.mark, by)))
    monitor.on_snapshot(make_snapshot())
    half, dividend = Rebase(ratio=Ratio(numerator=2, denominator=1)), Rebase(amount=price(3))
    split = replace(MARKET, mark=half.price(MARKET.mark), index=half.price(MARKET.index))
    change = MarketChanged(market=split, is_price_only=False, rebase=half)
    monitor.on_changes(stamped(change), now=Seconds(NOW + 1))
    monitor.on_snapshot(make_snapshot(market=split))
    assert told == [(split.mark, half)]
    paid = replace(split, mark=dividend.price(split.mark), index=dividend.price(split.index))
    monitor.on_snapshot(make_snapshot(market=paid))
    assert told[1:] == [(paid.mark, dividend)]
