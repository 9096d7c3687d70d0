"""Each log exactly once and in an order that cannot be told from the chain's."""

from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from risk.liquidation import LiquidationRules
from risk.units import AccountId, MarketId, Ppm, PriceE8, QuoteAtoms, Seconds
from tests.builders import DEFAULT_MARKET, NOW, price
from tests.venues.exchange.logs import ABI, ADDRESS, make_log
from venues.exchange.ledger import FeedInterruptedError, Ledger
from venues.exchange.metrics import FeedMetrics, ResyncReason
from venues.port import (
    BlockRef,
    CollateralChanged,
    Funds,
    LiquidationSettled,
    MarketChanged,
    PositionChanged,
    Snapshot,
)

ACCOUNT = AccountId(5 << 96)
SIGHTED = 10
"""Block of the snapshot."""


class Bench:
    """A ledger after a snapshot, with its metrics."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        metrics = FeedMetrics.create(self.registry)
        self.ledger = Ledger(ABI, ADDRESS, metrics=metrics)
        zero = QuoteAtoms(0)
        rules = LiquidationRules(
            slice=Ppm(1),
            cool_down=Seconds(1),
            slice_memory=Seconds(1),
            critical_margin=Ppm(1),
            buffer=Ppm(1),
            reward=Ppm(1),
            reward_cap=zero,
            gas_per_item=0,
            gas_margin=Ppm(0),
            native_price=PriceE8(1),
        )
        self.ledger.reset(
            Snapshot(
                block=BlockRef(number=SIGHTED, timestamp=NOW, hash=b"\x01" * 32),
                markets={MarketId(0): DEFAULT_MARKET},
                accounts=(),
                funds=Funds(
                    insurance_fund=zero, fee_pool=zero, funding_pool=zero, rewards_owed=zero
                ),
                rules=rules,
                backstop_account=AccountId(1),
            )
        )

    def take(self, log: dict[str, Any]) -> Any:
        stamped = self.ledger.take(log)
        return None if stamped is None else stamped.change

    def count(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"bellkeeper_feed_{name}", labels) or 0.0


@pytest.fixture
def bench() -> Bench:
    return Bench()


def cash(amount: int, *, block: int = 11, index: int = 0, account: int = ACCOUNT) -> dict[str, Any]:
    return make_log("CollateralChanged", account, amount, 1, 1, block=block, index=index)


def position(size: int, *, block: int = 11, index: int = 0, market: int = 0) -> dict[str, Any]:
    return make_log(
        "PositionChanged", ACCOUNT, market, size, -7, 3, 0, 99, block=block, index=index
    )


def published(
    mark: int, *, block: int = 11, index: int = 0, market: int = 0, at: int = NOW + 1
) -> dict[str, Any]:
    values = (market, mark, mark + 1, at, at, 17, mark)
    return make_log("PricePublished", *values, block=block, index=index)


def test_gives_absolute_values(bench: Bench) -> None:
    assert bench.take(cash(42)) == CollateralChanged(account=ACCOUNT, collateral=QuoteAtoms(42))
    changed = bench.take(position(-3, index=1))
    assert isinstance(changed, PositionChanged)
    assert (changed.size, changed.quote, changed.funding, changed.collateral) == (-3, -7, 3, 99)


def test_folds_a_price_with_its_funding(bench: Bench) -> None:
    changed = bench.take(published(price(201)))
    assert isinstance(changed, MarketChanged)
    assert changed.is_price_only
    market = changed.market
    assert (market.mark, market.index) == (price(201), price(201) + 1)
    assert (market.funding_numerator, market.funding_time, market.updated_at) == (
        17,
        NOW + 1,
        NOW + 1,
    )
    assert market.tiers == DEFAULT_MARKET.tiers


def test_moves_the_clock_by_the_block_of_a_price_and_never_back(bench: Bench) -> None:
    bench.take(published(price(201), at=NOW + 9))
    assert bench.ledger.now == NOW + 9
    bench.take(published(price(201), at=NOW + 5, index=1))
    assert bench.ledger.now == NOW + 9
    bench.take(cash(1, index=2) | {"blockTimestamp": hex(NOW + 12)})
    assert bench.ledger.now == NOW + 12


def test_drops_what_the_snapshot_already_holds(bench: Bench) -> None:
    assert bench.take(cash(1, block=SIGHTED)) is None
    assert bench.take(cash(1, block=3)) is None


def test_drops_a_log_that_comes_twice(bench: Bench) -> None:
    assert bench.take(cash(1)) is not None
    assert bench.take(cash(1)) is None
    assert bench.count("logs_duplicate_total") == 1


def test_tells_a_rewrite_when_a_place_comes_again_with_other_content(bench: Bench) -> None:
    bench.take(cash(1))
    with pytest.raises(FeedInterruptedError, match="other content") as caught:
        bench.take(cash(2))
    assert caught.value.reason is ResyncReason.REORG


def test_tells_a_rewrite_when_a_log_is_removed(bench: Bench) -> None:
    with pytest.raises(FeedInterruptedError, match="removed"):
        bench.take(cash(1) | {"removed": True})


def test_applies_a_late_log_that_nothing_overtook(bench: Bench) -> None:
    bench.take(cash(1, index=5))
    late = bench.take(cash(2, index=3, account=ACCOUNT + 1))
    assert late == CollateralChanged(account=AccountId(ACCOUNT + 1), collateral=QuoteAtoms(2))


def test_drops_a_late_log_whose_every_value_was_overwritten(bench: Bench) -> None:
    bench.take(position(3, index=5))
    assert bench.take(cash(2, index=3)) is None
    assert bench.take(position(9, index=4)) is None


def test_ends_the_epoch_when_a_late_log_was_overwritten_in_part(bench: Bench) -> None:
    bench.take(cash(2, index=5))
    with pytest.raises(FeedInterruptedError) as caught:
        bench.take(position(3, index=4))
    assert caught.value.reason is ResyncReason.OUT_OF_ORDER


def test_an_audit_brings_what_was_missing_in_order(bench: Bench) -> None:
    bench.take(cash(1, index=0))
    logs = [cash(3, index=2), cash(1, index=0), published(price(202), index=1)]
    missing = bench.ledger.reconcile(11, logs)
    assert [item.log_index for item in missing] == [1, 2]
    assert bench.ledger.audited == 11
    assert bench.ledger.is_untouched(ACCOUNT)


def test_an_audit_tells_a_rewrite_when_the_chain_lacks_what_was_applied(bench: Bench) -> None:
    bench.take(cash(1))
    assert bench.ledger.phantoms(11, [])
    with pytest.raises(FeedInterruptedError, match="the chain lacks it"):
        bench.ledger.reconcile(11, [])


def test_counts_what_an_audit_brought_as_late_or_lost(bench: Bench) -> None:
    bench.ledger.reconcile(11, [cash(1, index=0), cash(2, index=1)])
    assert bench.take(cash(1, index=0)) is None
    bench.ledger.reconcile(11 + 64, [])
    assert bench.count("logs_healed_total", cause="late") == 1
    assert bench.count("logs_healed_total", cause="lost") == 1


def test_an_unknown_log_of_an_audited_block_is_a_rewrite(bench: Bench) -> None:
    bench.ledger.reconcile(12, [])
    with pytest.raises(FeedInterruptedError, match="the audit of that block lacked it"):
        bench.take(cash(1, block=12))


def test_knows_which_accounts_and_markets_were_touched_since_the_audit(bench: Bench) -> None:
    bench.take(cash(1, block=12))
    bench.take(published(price(201), block=13))
    assert not bench.ledger.is_untouched(ACCOUNT)
    assert bench.ledger.untouched_markets() == {}
    bench.ledger.reconcile(12, [cash(1, block=12)])
    assert bench.ledger.is_untouched(ACCOUNT)
    assert bench.ledger.untouched_markets() == {}
    bench.ledger.reconcile(13, [published(price(201), block=13)])
    assert set(bench.ledger.untouched_markets()) == {0}


@pytest.mark.parametrize(
    ("log", "defect"),
    [
        (published(0), "bad_value"),
        (published(10**15 + 1), "bad_value"),
        (published(price(1), market=7), "unknown_market"),
        (position(1, market=9), "unknown_market"),
        (position(2**63), "bad_value"),
        (cash(-(2**63) - 1), "bad_value"),
        (make_log("StatusChanged", 0, 5, 1, b"\x01" * 20), "bad_value"),
        (make_log("ParameterChanged", 0, 9, 1, 1, 1, 1), "bad_value"),
        (make_log("MarketCreated", 3, b"X".ljust(32, b"\0")), "unknown_market"),
        (make_log("MarketCreated", 1, b"\xff" * 32), "bad_value"),
        (cash(1) | {"topics": ["0x" + "77" * 32]}, "unknown_event"),
        (cash(1) | {"data": "0x12"}, "malformed"),
        (cash(1) | {"transactionHash": None}, "malformed"),
        (cash(1) | {"transactionHash": "0x1"}, "malformed"),
        (cash(1) | {"blockTimestamp": "soon"}, "malformed"),
    ],
)
def test_a_log_that_makes_no_sense_is_counted_and_ends_the_epoch(
    bench: Bench, log: dict[str, Any], defect: str
) -> None:
    before = dict(bench.ledger.fold.markets)
    with pytest.raises(FeedInterruptedError, match="expected") as caught:
        bench.take(log)
    assert caught.value.reason is ResyncReason.UNDECODABLE
    assert caught.value.at_least == 11
    assert bench.count("logs_undecodable_total", defect=defect) == 1
    assert bench.ledger.fold.markets == before


def test_skips_a_log_of_another_contract_and_one_without_a_place(bench: Bench) -> None:
    assert bench.take(cash(1) | {"address": "0x" + "11" * 20}) is None
    assert bench.take(cash(1) | {"blockNumber": None}) is None
    assert bench.count("logs_undecodable_total", defect="foreign") == 1
    assert bench.count("logs_undecodable_total", defect="unplaced") == 1


def test_tells_a_liquidation_in_a_market_that_nobody_knows(bench: Bench) -> None:
    values = (ACCOUNT, 2**200, "0x" + "22" * 20, 6, *[0] * 8)
    settled = bench.take(make_log("LiquidationResult", *values))
    assert isinstance(settled, LiquidationSettled)
    assert settled.keeper == b"\x22" * 20
    assert settled.code == "unknown_market"
