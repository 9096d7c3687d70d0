"""A Monday morning is one step of the scores, and a short outage is none."""

from monitors.participants.reopenings import GATHER_SECONDS, SHORTEST_CLOSED, Quoting
from monitors.participants.store import Reopening
from risk.participant_quotes import StandingPrice
from risk.units import PriceE8, Seconds
from tests.builders import NOW, price


class Desk:
    """Remembers each step."""

    def __init__(self) -> None:
        self.steps: list[list[Reopening]] = []

    def reopened(self, reopenings: list[Reopening]) -> None:
        self.steps.append(list(reopenings))

    def price(self, symbol: str) -> StandingPrice:
        return StandingPrice(
            price=price(101) if symbol == "NVDA" else None,
            confidence=PriceE8(0),
            weights=(),
            left_out=(),
        )


def reopening(symbol: str, *, opened_at: int = NOW, closed_for: int = 200_000) -> Reopening:
    return Reopening(
        symbol=symbol,
        closed_at=Seconds(opened_at - closed_for),
        opened_at=Seconds(opened_at),
        close=price(100),
        price=price(102),
    )


def test_all_markets_of_a_morning_are_one_step() -> None:
    desk = Desk()
    quoting = Quoting(desk)  # type: ignore[arg-type]
    morning = [reopening("NVDA"), reopening("AAPL", opened_at=NOW + 90)]
    for each in morning:
        quoting.on_reopening(each)
        quoting.flush(Seconds(each.opened_at))
    assert desk.steps == []
    quoting.flush(Seconds(NOW + GATHER_SECONDS))
    quoting.flush(Seconds(NOW + 2 * GATHER_SECONDS))
    assert desk.steps == [morning]


def test_a_short_silence_scores_nobody() -> None:
    desk = Desk()
    quoting = Quoting(desk)  # type: ignore[arg-type]
    quoting.on_reopening(reopening("NVDA", closed_for=SHORTEST_CLOSED - 1))
    quoting.flush(Seconds(NOW + 10 * GATHER_SECONDS))
    assert desk.steps == []


def test_gives_the_price_that_participants_make_together() -> None:
    quoting = Quoting(Desk())  # type: ignore[arg-type]
    assert quoting.standing_price("NVDA") == price(101)
    assert quoting.standing_price("AAPL") is None
