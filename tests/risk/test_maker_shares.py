"""A rolling window of settled trades: exact to the atom, never forgetful, bounded."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.fact_windows import WindowRules
from risk.maker_shares import MakerRules, MakerWindow
from risk.units import AccountId, PriceE8, QuoteAtoms, Seconds, SizeE8, account_id, div_ceil
from tests.builders import price, shares, usd

RULES = MakerRules(window=WindowRules(span=Seconds(60), slices=6))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    taker: AccountId
    maker: AccountId
    size: SizeE8
    price: PriceE8
    taker_fee: QuoteAtoms = QuoteAtoms(0)
    maker_fee: QuoteAtoms = QuoteAtoms(0)


def owner(number: int, subaccount: int = 0) -> AccountId:
    return account_id(number.to_bytes(20, "big"), subaccount)


def trade(maker: int, dollars: int = 100, *, taker: int = 99, **fees: int) -> Settled:
    return Settled(
        taker=owner(taker),
        maker=owner(maker),
        size=shares(1),
        price=price(dollars),
        **{name: QuoteAtoms(fee) for name, fee in fees.items()},
    )


def fed(*trades: tuple[int, Settled], rules: MakerRules = RULES) -> MakerWindow:
    window = MakerWindow(rules, since=Seconds(0))
    for now, each in trades:
        window.take(each, Seconds(now))
    return window


def test_a_window_without_trades_has_nobody_and_no_share() -> None:
    found = fed().shares(Seconds(100))
    assert (found.trades, found.volume, found.makers, found.largest_share) == (0, 0, 0, None)


def test_counts_makers_and_the_part_of_the_largest_rounded_up() -> None:
    found = fed((1, trade(1, 200)), (2, trade(2, 100)), (3, trade(1, 100)), (4, trade(3, 200)))
    shares_now = found.shares(Seconds(5))
    assert (shares_now.makers, shares_now.volume) == (3, usd(600))
    assert shares_now.largest_share == 500_000
    thirds = fed((1, trade(1, 1)), (1, trade(2, 1)), (1, trade(3, 1))).shares(Seconds(1))
    assert thirds.largest_share == 333_334


def test_subaccounts_of_one_owner_are_one_maker() -> None:
    one = Settled(taker=owner(9), maker=owner(1, 1), size=shares(1), price=price(100))
    other = Settled(taker=owner(9), maker=owner(1, 2), size=shares(-1), price=price(100))
    found = fed((1, one), (1, other)).shares(Seconds(1))
    assert (found.makers, found.largest_share, found.volume) == (1, 1_000_000, usd(200))


def test_trading_with_oneself_is_volume_and_makes_nobodys_market() -> None:
    own = Settled(taker=owner(1, 1), maker=owner(1, 2), size=shares(5), price=price(100))
    found = fed((1, own), (1, trade(2, 100))).shares(Seconds(1))
    assert (found.volume, found.self_volume, found.maker_volume) == (usd(600), usd(500), usd(100))
    assert (found.makers, found.largest_share) == (1, 1_000_000)


def test_what_makers_pay_and_are_paid_is_told_apart() -> None:
    found = fed(
        (1, trade(1, maker_fee=-7, taker_fee=50)),
        (1, trade(2, maker_fee=3, taker_fee=-1)),
        (1, trade(2, maker_fee=-2)),
    ).shares(Seconds(1))
    assert (found.rebates, found.maker_fees, found.taker_fees) == (9, 3, 49)


def test_a_notional_rounds_up_as_the_exchange_charges_it() -> None:
    dust = Settled(taker=owner(9), maker=owner(1), size=SizeE8(-1), price=PriceE8(10**8 + 1))
    assert fed((1, dust), (1, dust)).shares(Seconds(1)).volume == 2


@pytest.mark.parametrize(
    ("now", "volume"), [(160, 300), (165, 300), (169, 300), (170, 200), (219, 200), (220, 0)]
)
def test_a_trade_is_kept_for_the_span_and_at_most_a_slice_longer(now: int, volume: int) -> None:
    window = fed((105, trade(1, 100)), (155, trade(2, 200)))
    assert window.shares(Seconds(now)).volume == usd(volume)


def test_what_left_the_window_leaves_no_maker_behind() -> None:
    window = fed((105, trade(1, 100)), (155, trade(2, 200)))
    assert window.shares(Seconds(170)).makers == 1
    assert window.shares(Seconds(170)).largest_share == 1_000_000


def test_a_clock_that_went_back_feeds_the_last_slice() -> None:
    window = fed((155, trade(1)), (20, trade(2)))
    assert window.shares(Seconds(160)).trades == 2


def test_says_how_much_of_the_span_was_watched() -> None:
    window = MakerWindow(RULES, since=Seconds(1_000))
    watched = [window.shares(Seconds(now)).observed for now in (990, 1_000, 1_030, 1_060, 5_000)]
    assert watched == [0, 0, 30, 60, 60]


def test_forgetting_begins_anew() -> None:
    window = fed((100, trade(1)))
    window.forget(Seconds(110))
    found = window.shares(Seconds(120))
    assert (found.observed, found.trades, found.volume, found.makers) == (10, 0, 0, 0)


def test_more_makers_than_are_named_are_unknown_and_sums_stay_exact() -> None:
    rules = MakerRules(window=RULES.window, most_makers=2)
    window = fed(*((100, trade(number)) for number in (1, 2, 3, 4, 1)), rules=rules)
    found = window.shares(Seconds(101))
    assert (found.trades, found.volume) == (5, usd(500))
    assert found.makers is None
    assert found.largest_share is None
    assert len(window._whole.by_maker) == 2
    # Once that slice is gone everybody is named again.
    window.take(trade(7), Seconds(175))
    assert window.shares(Seconds(175)).makers == 1


def test_refuses_to_name_nobody() -> None:
    with pytest.raises(ValueError, match="at least 1 maker"):
        MakerRules(most_makers=0)


TRADES = st.lists(
    st.tuples(
        st.integers(0, 40),
        st.integers(1, 4),
        st.integers(1, 4),
        st.integers(-(10**12), 10**12).filter(bool),
        st.integers(1, 10**12),
        st.integers(-(10**6), 10**6),
    ),
    max_size=40,
)


@given(TRADES, st.sampled_from([(60, 6), (60, 60), (7, 3), (1, 1)]), st.integers(0, 80))
def test_a_window_is_what_a_slow_sum_of_all_trades_says(
    steps: list[tuple[int, int, int, int, int, int]], span: tuple[int, int], later: int
) -> None:
    rules = MakerRules(window=WindowRules(span=Seconds(span[0]), slices=span[1]))
    window, now = MakerWindow(rules, since=Seconds(0)), 0
    told: list[tuple[int, Settled]] = []
    for wait, taker, maker, size, at, fee in steps:
        now += wait
        each = Settled(
            taker=owner(taker, 5),
            maker=owner(maker),
            size=SizeE8(size),
            price=PriceE8(at),
            taker_fee=QuoteAtoms(-fee),
            maker_fee=QuoteAtoms(fee),
        )
        told.append((now, each))
        window.take(each, Seconds(now))
    now += later
    width = -(-span[0] // span[1])
    kept = [each for time, each in told if time // width >= (now - span[0]) // width]
    by_maker: dict[int, int] = {}
    for each in kept:
        if each.maker >> 96 != each.taker >> 96:
            worth = -(-abs(each.size) * each.price // 10**10)
            by_maker[each.maker >> 96] = by_maker.get(each.maker >> 96, 0) + worth
    found = window.shares(Seconds(now))
    assert found.trades == len(kept)
    assert found.volume == sum(-(-abs(each.size) * each.price // 10**10) for each in kept)
    assert found.maker_volume == sum(by_maker.values())
    assert found.rebates - found.maker_fees == found.taker_fees
    assert found.rebates == sum(max(0, -each.maker_fee) for each in kept)
    assert found.makers == len(by_maker)
    largest = max(by_maker.values(), default=0)
    if by_maker:
        assert found.largest_share == div_ceil(largest * 10**6, sum(by_maker.values()))
    assert len(window._slices) <= span[1] + 1
