"""The breakers over splits and dividends: neither tripped by one, nor any freer after it."""

from dataclasses import replace

from monitors.breakers.memory import read_market
from monitors.operator_orders import OrderKind
from risk.corporate_prices import Rebase
from risk.corporate_values import Ratio
from risk.precedence import Machine, Wish
from risk.units import MarketId, MarketStatus, PriceE8
from tests.builders import price
from tests.monitors.breakers.world import NVDA, SPY, World

TEN = Rebase(ratio=Ratio(numerator=10, denominator=1))


class Actions:
    """What corporate actions want, in a test's hand."""

    def __init__(self) -> None:
        self.wanted: Wish | None = None
        self.resumed: list[str] = []

    def wish(self, symbol: str) -> Wish | None:
        return self.wanted if symbol == "NVDA" else None

    def resume(self, symbol: str) -> None:
        self.resumed.append(symbol)


def rebased(world: World, by: Rebase, market: MarketId = NVDA) -> None:
    """Do to a market what the exchange does, and tell the panel."""
    held = world.venue.markets[market]
    world.venue.markets[market] = after = replace(
        held,
        mark=by.price(held.mark),
        index=by.price(held.index),
        band_low=by.price(held.band_low),
        band_high=by.price(held.band_high),
    )
    world.panel.rebase(after, by)


def test_a_split_trips_nothing_and_scales_the_band() -> None:
    world = World()
    world.obeying(30, NVDA=100)
    band = world.panel.wanted()[NVDA].band
    assert band is not None
    rebased(world, TEN)
    assert world.status() is MarketStatus.OPEN
    after = world.panel.wanted()[NVDA].band
    assert after is not None
    assert (after.low, after.high) == (band.low // 10, band.high // 10)
    assert set(world.obeying(30, NVDA=10)) == {MarketStatus.OPEN}


def test_a_fall_counts_on_through_a_split() -> None:
    world = World()
    world.obeying(30, NVDA=100)
    world.obeying(5, NVDA=96)
    rebased(world, TEN)
    # Another percent and the band of 5 % is reached, as it would have been without the split.
    assert MarketStatus.LIMIT in world.obeying(10, NVDA=9.4)


def test_a_dividend_of_an_index_market_is_no_fall_of_the_whole_market() -> None:
    world = World()
    world.obeying(30, SPY=100, NVDA=100)
    rebased(world, Rebase(amount=price(8)), SPY)
    assert set(world.obeying(5, SPY=92, NVDA=100)) == {MarketStatus.OPEN}


def test_what_was_rebased_is_remembered_at_once() -> None:
    world = World()
    world.obeying(30, NVDA=100)
    text = world.notes.noted("breaker/NVDA")
    before = None if text is None else read_market(text)
    rebased(world, TEN)
    text = world.notes.noted("breaker/NVDA")
    after = None if text is None else read_market(text)
    assert before is not None
    assert after is not None
    assert after.previous_close == before.previous_close // 10


def test_what_is_worth_less_than_the_dividend_begins_anew() -> None:
    world = World()
    world.obeying(30, NVDA=100)
    market = world.venue.markets[NVDA]
    low = price(100)
    world.venue.markets[NVDA] = replace(
        market, mark=price(60), index=price(60), band_low=PriceE8(0), band_high=PriceE8(0)
    )
    world.panel.rebase(world.venue.markets[NVDA], Rebase(amount=low))
    assert set(world.obeying(5, NVDA=60)) == {MarketStatus.OPEN}


def test_an_action_halts_and_its_silence_leaves_the_halt_standing() -> None:
    world, actions = World(), Actions()
    world.actions = actions
    world.restart()
    world.obeying(3, NVDA=100)
    actions.wanted = Wish(status=MarketStatus.HALTED, why="halted for a split")
    assert world.run(1, NVDA=100) == [MarketStatus.HALTED]
    assert world.panel.wanted()[NVDA].by is Machine.CORPORATE
    actions.wanted = None
    assert world.run(1, NVDA=100) == [MarketStatus.HALTED]
    assert world.order(OrderKind.RESUME) is MarketStatus.OPEN
    assert actions.resumed == ["NVDA"]


def test_a_resumption_does_not_lift_what_an_action_still_wants() -> None:
    world, actions = World(), Actions()
    world.actions = actions
    world.restart()
    actions.wanted = Wish(status=MarketStatus.HALTED, why="halted for a split")
    world.run(1, NVDA=100)
    assert world.order(OrderKind.RESUME) is MarketStatus.HALTED
