"""Sources that move by a split's ratio, one after the other, at once, or over a closure."""

from monitors.prices.split_watch import SplitWatch
from risk.corporate_values import Ratio
from risk.price_report import Micros, PriceReport
from risk.sessions import Boundary, Session, SessionTimeline
from risk.split_suspicion import Suspicion, SuspicionRules
from risk.units import PriceE8, Seconds
from tests.builders import NOW, price

NOTHING = PriceE8(0)
TEN = Ratio(numerator=10, denominator=1)
TIMELINE = SessionTimeline(
    boundaries=(
        Boundary(start=Seconds(NOW - 3_600), session=Session.POST),
        Boundary(start=Seconds(NOW + 100), session=Session.WEEKEND),
        Boundary(start=Seconds(NOW + 1_000), session=Session.OVERNIGHT),
    ),
    end=Seconds(NOW + 100_000),
)


class Sources:
    """What sources say, and a watch over them."""

    def __init__(self) -> None:
        self.watch = SplitWatch(SuspicionRules(), TIMELINE)
        self.said: dict[str, PriceReport] = {}

    def say(self, dollars: str, now: int, *names: str) -> None:
        for name in names:
            self.said[name] = PriceReport(
                source=name,
                symbol="AAPL",
                price=price(dollars),
                observed_at=Seconds(now),
                order=Micros(now * 10**6),
            )

    def look(
        self, now: int, held: PriceE8 = NOTHING, expected: Ratio | None = None
    ) -> Suspicion | None:
        return self.watch.look(
            list(self.said.values()),
            held=held,
            held_at=Seconds(NOW),
            now=Seconds(now),
            expected=expected,
        )


def test_sources_that_move_one_after_the_other_are_seen_together() -> None:
    sources = Sources()
    sources.say("200", NOW, "a", "b", "c")
    assert sources.look(NOW) is None
    sources.say("20", NOW + 1, "a")
    assert sources.look(NOW + 1) is None
    sources.say("20.01", NOW + 30, "b")
    found = sources.look(NOW + 30)
    assert found is not None
    assert (found.ratio, found.sources) == (TEN, ("a", "b"))
    # It is told once, and stands.
    assert sources.look(NOW + 31) is None
    assert sources.watch.suspicion == found


def test_one_that_learns_of_it_hours_later_is_seen_with_the_first() -> None:
    sources = Sources()
    sources.say("200", NOW, "a", "b", "c")
    sources.look(NOW, held=price(200))
    sources.say("20", NOW + 1, "a")
    sources.look(NOW + 1, held=price(200))
    # The others rise by a tenth in the meantime, and the venue's price with them.
    sources.say("220", NOW + 7_200, "b", "c")
    sources.say("22", NOW + 7_200, "a")
    assert sources.look(NOW + 7_200, held=price(220)) is None
    sources.say("22", NOW + 7_201, "b")
    found = sources.look(NOW + 7_201, held=price(220))
    assert found is not None
    assert (found.ratio, found.sources) == (TEN, ("a", "b"))


def test_one_that_nobody_follows_is_never_suspected_alone() -> None:
    sources = Sources()
    sources.say("200", NOW, "a", "b", "c")
    sources.look(NOW, held=price(200))
    for later in (1, 600, 86_400):
        sources.say("20", NOW + later, "a")
        assert sources.look(NOW + later, held=price(200)) is None


def test_one_that_says_something_else_or_comes_back_has_not_moved() -> None:
    for dollars in ("200", "40"):
        sources = Sources()
        sources.say("200", NOW, "a", "b", "c")
        sources.look(NOW, held=price(200))
        sources.say("20", NOW + 1, "a")
        sources.look(NOW + 1, held=price(200))
        sources.say(dollars, NOW + 2, "a")
        sources.look(NOW + 2, held=price(201))
        sources.say("20.1", NOW + 3, "b")
        assert sources.look(NOW + 3, held=price(201)) is None, dollars


def test_a_walk_is_no_split() -> None:
    sources = Sources()
    for step, dollars in enumerate(("200", "160", "130", "105", "100")):
        sources.say(dollars, NOW + step, "a", "b")
        assert sources.look(NOW + step) is None


def test_what_an_action_expects_is_no_suspicion() -> None:
    sources = Sources()
    sources.say("200", NOW, "a", "b")
    sources.look(NOW)
    sources.say("20", NOW + 1, "a", "b")
    assert sources.look(NOW + 1, expected=TEN) is None


def test_a_split_in_our_absence_is_seen_by_the_venue_s_price() -> None:
    sources = Sources()
    sources.say("20", NOW, "a", "b")
    found = sources.look(NOW, held=price(200))
    assert found is not None
    assert found.ratio == TEN


def test_over_a_closure_more_room_is_given_for_news() -> None:
    within, over = Sources(), Sources()
    for sources, later in ((within, NOW + 10), (over, NOW + 1_001)):
        sources.say("200", NOW, "a", "b")
        sources.look(NOW)
        sources.say("20.8", later, "a", "b")
        sources.look(later)
    assert within.watch.suspicion is None
    assert over.watch.suspicion is not None
    assert "over a closure" in over.watch.suspicion.why


def test_what_an_operator_lifts_does_not_come_back() -> None:
    sources = Sources()
    sources.say("20", NOW, "a", "b")
    sources.look(NOW, held=price(200))
    assert sources.watch.lift()
    # The venue's own price is still on its way.
    assert sources.look(NOW + 1, held=price(150)) is None
    assert not sources.watch.lift()


def test_after_a_split_on_chain_the_watch_begins_anew() -> None:
    sources = Sources()
    sources.say("20", NOW, "a", "b")
    sources.look(NOW, held=price(200))
    sources.watch.rebase()
    assert sources.look(NOW + 1, held=price(20)) is None
    assert sources.watch.suspicion is None
