"""Totals kept by events are those of a new reading, whatever happened in between."""

from hypothesis import given
from hypothesis import strategies as st

from risk.columns import columns_of
from risk.margin import Account, Position
from risk.solvency_claims import totals_of
from risk.solvency_flows import Event, FlowCount
from risk.solvency_running import RunningBook
from risk.solvency_valuation import Valuation
from risk.units import AccountId, MarketId, PriceE8, QuoteAtoms, SizeE8
from tests.builders import NOW, make_market

MARKETS = {MarketId(number): make_market(number) for number in range(3)}
Happening = tuple[int, int | None, int, int, int]
"""Account, market (None: only its cash), cash, size, quote."""
HAPPENINGS = st.lists(
    st.tuples(
        st.integers(1, 4),
        st.none() | st.integers(0, 2),
        st.integers(-(10**12), 10**12),
        st.integers(-(10**10), 10**10),
        st.integers(-(10**12), 10**12),
    ),
    max_size=25,
)
World = dict[int, tuple[int, dict[int, tuple[int, int]]]]


def event_of(happening: Happening) -> Event:
    account, market, cash, size, quote = happening
    values = {"account": account, "collateral": cash}
    if market is None:
        return Event(name="CollateralChanged", values=values, block=1)
    more = {"market": market, "size": size, "quote": quote if size else 0}
    return Event(name="PositionChanged", values=values | more, block=1)


def play(world: World, happening: Happening) -> None:
    """Do the same the slow, clear way."""
    account, market, cash, size, quote = happening
    held = dict(world.get(account, (0, {}))[1])
    if market is not None:
        held.pop(market, None)
        if size:
            held[market] = (size, quote)
    world[account] = (cash, held)


def accounts_of(world: World) -> list[Account]:
    return [
        Account(
            id=AccountId(number),
            collateral=QuoteAtoms(cash),
            positions=tuple(
                Position(market=MarketId(market), size=SizeE8(size), quote=QuoteAtoms(quote))
                for market, (size, quote) in sorted(held.items())
            ),
        )
        for number, (cash, held) in sorted(world.items())
    ]


@given(HAPPENINGS, HAPPENINGS)
def test_running_totals_are_those_of_a_new_reading(
    before: list[Happening], after: list[Happening]
) -> None:
    world: World = {}
    for happening in before:
        play(world, happening)
    book = accounts_of(world)
    running = RunningBook([columns_of(book[:2]), columns_of(book[2:])], market_count=3)
    for happening in after:
        running.apply(event_of(happening))
        play(world, happening)
    fresh = Valuation([columns_of(accounts_of(world))], MARKETS, NOW)
    assert running.totals == totals_of(fresh)


def test_a_market_created_since_counts_from_nothing() -> None:
    running = RunningBook([], market_count=0)
    running.apply(Event(name="MarketCreated", values={"market": 0}, block=1))
    assert running.totals.sides[MarketId(0)].longs == 0
    running.apply(event_of((1, 0, 5, -7, 9)))
    totals = running.totals
    assert (totals.collateral, totals.quote, totals.sides[MarketId(0)].shorts) == (5, 9, 7)


def test_a_split_that_began_before_we_looked_is_judged_by_what_it_began_with() -> None:
    count = FlowCount({MarketId(0): (PriceE8(300), SizeE8(10))}, first=1)
    finished = {"market": 0, "numerator": 3, "denominator": 1, "mark": 100}
    count.add(Event(name="OpenInterestChanged", values={"market": 0, "open_interest": 30}, block=1))
    count.add(Event(name="SplitFinished", values=finished, block=1))
    (action,) = count.flows(1).actions
    assert (action.wanted_mark, action.open_interest_before, action.open_interest_after) == (
        100,
        10,
        30,
    )
