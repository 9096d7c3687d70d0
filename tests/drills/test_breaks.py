"""Counting what the breakers did from events."""

from drills.breaks import Breaks
from drills.chain_events import ChainEvent
from risk.units import MarketStatus, Seconds
from tests.builders import NOW


def tell(breaks: Breaks, after: int, name: str, **values: object) -> None:
    event = ChainEvent(
        name=name,
        values={"market": 0} | values,
        block=7,
        timestamp=Seconds(NOW + after),
        transaction="0x01",
    )
    breaks.count(event)


def test_a_halt_lasts_until_something_softer_is_set() -> None:
    breaks = Breaks()
    for after, status in enumerate((1, 3, 3, 2, 0)):
        tell(breaks, 10 * after, "StatusChanged", status=status)
    assert breaks.halts == [20]
    assert breaks.halted_now == 0
    assert breaks.statuses[MarketStatus.HALTED] == 2
    tell(breaks, 99, "StatusChanged", status=3)
    assert (breaks.halts, breaks.halted_now) == ([20], 1)


def test_a_mark_touches_its_band_when_it_comes_to_an_edge() -> None:
    breaks = Breaks()
    tell(breaks, 0, "PricePublished", mark=90)
    tell(breaks, 0, "BandChanged", low=90, high=110)
    for after, mark in enumerate((100, 90, 90, 91, 110)):
        tell(breaks, after, "PricePublished", mark=mark)
    assert [moment - NOW for moment, _ in breaks.touches] == [1, 4]
    assert breaks.touched(Seconds(NOW + 2), Seconds(NOW + 4)) == 0
    assert breaks.touched(Seconds(NOW + 1), Seconds(NOW + 5)) == 1


def test_a_liquidation_in_a_halt_is_noticed_and_a_refused_one_is_not() -> None:
    breaks = Breaks()
    tell(breaks, 0, "LiquidationResult", code=0)
    tell(breaks, 1, "StatusChanged", status=3)
    tell(breaks, 2, "LiquidationResult", code=4)
    assert breaks.liquidated_in_a_halt == 0
    tell(breaks, 3, "LiquidationResult", code=0)
    assert breaks.liquidated_in_a_halt == 1
