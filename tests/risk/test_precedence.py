"""The strictest wish wins, nobody else lifts an operator's halt, and no answer contradicts itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.integrity import ActiveCause, IntegrityDecision
from risk.integrity_rules import Action, Cause
from risk.market_wide import MarketWideDecision
from risk.precedence import (
    SILENCE,
    BandEdges,
    Machine,
    Standing,
    Wish,
    after_wishes,
    band_around,
    combined,
    integrity_wish,
    market_wide_wish,
)
from risk.units import MarketStatus, Ppm, PriceE8
from tests.builders import price

OPEN = Wish(status=MarketStatus.OPEN, why="all is well")
LIMIT = Wish(status=MarketStatus.LIMIT, why="at the band")
REDUCE = Wish(status=MarketStatus.REDUCE_ONLY, why="few sources")
HALT = Wish(status=MarketStatus.HALTED, why="7 % down")
BY_HAND = Wish(status=MarketStatus.HALTED, why="I do not like it")


LEAVING = Wish(status=MarketStatus.OPEN, closes_withdrawals=True, why="a fifth left at once")


def edges(low: int, high: int) -> BandEdges:
    return BandEdges(low=price(low), high=price(high))


def banded(low: int, high: int) -> Wish:
    return Wish(status=MarketStatus.OPEN, band=edges(low, high), why=f"{low} to {high}")


def standing(**wishes: Wish) -> Standing:
    return after_wishes(SILENCE, {Machine(name): wish for name, wish in wishes.items()})


def test_nobody_restricts_a_market_of_which_nobody_spoke() -> None:
    wanted = combined(SILENCE)
    assert (wanted.status, wanted.band, wanted.by) == (MarketStatus.OPEN, None, None)
    assert combined(standing(band=OPEN, operator=OPEN)).by is None


def test_withdrawals_are_closed_by_whom_it_concerns_and_the_market_trades_on() -> None:
    wanted = combined(standing(withdrawals=LEAVING, band=LIMIT))
    assert (wanted.status, wanted.by) == (MarketStatus.LIMIT, Machine.BAND)
    assert wanted.closes_withdrawals
    assert wanted.closes_by is Machine.WITHDRAWALS
    assert wanted.closes_why.startswith("a fifth left at once; the guardian closes withdrawals")
    assert wanted.closes_why.endswith("only the owner opens them again (open_withdrawals)")
    assert combined(standing(band=LIMIT)).closes_by is None


@pytest.mark.parametrize(
    ("wishes", "status", "by"),
    [
        ({"band": LIMIT, "integrity": OPEN}, MarketStatus.LIMIT, Machine.BAND),
        ({"band": LIMIT, "integrity": REDUCE}, MarketStatus.REDUCE_ONLY, Machine.INTEGRITY),
        ({"market_wide": HALT, "integrity": REDUCE}, MarketStatus.HALTED, Machine.MARKET_WIDE),
        ({"market_wide": HALT, "operator": OPEN}, MarketStatus.HALTED, Machine.MARKET_WIDE),
        ({"market_wide": HALT, "operator": BY_HAND}, MarketStatus.HALTED, Machine.OPERATOR),
        ({"emergency": REDUCE, "integrity": REDUCE}, MarketStatus.REDUCE_ONLY, Machine.EMERGENCY),
    ],
)
def test_the_strictest_wins_and_is_named(
    wishes: dict[str, Wish], status: MarketStatus, by: Machine
) -> None:
    wanted = combined(standing(**wishes))
    assert (wanted.status, wanted.by) == (status, by)
    assert wanted.why == wishes[by.value].why


def test_an_operators_halt_is_lifted_by_an_operator_only() -> None:
    halted = standing(operator=BY_HAND, band=OPEN)
    others = standing(band=OPEN, emergency=OPEN, integrity=OPEN, market_wide=OPEN)
    halted = after_wishes(halted, others.wishes)
    assert combined(halted).status is MarketStatus.HALTED
    assert combined(after_wishes(halted, {Machine.OPERATOR: OPEN})).status is MarketStatus.OPEN


def test_a_machine_that_falls_silent_opens_nothing() -> None:
    before = standing(integrity=HALT)
    assert combined(after_wishes(before, {Machine.BAND: OPEN})).by is Machine.INTEGRITY


def test_a_band_is_what_every_band_allows() -> None:
    wanted = combined(standing(band=banded(90, 105), integrity=banded(95, 110)))
    assert wanted.band == edges(95, 105)
    assert not wanted.disputed_bands
    assert (wanted.status, wanted.why) == (MarketStatus.OPEN, "95 to 110")


def test_the_narrower_band_is_the_reason_where_the_status_is_the_same() -> None:
    wanted = combined(standing(band=banded(90, 110), integrity=banded(98, 102)))
    assert wanted.by is Machine.INTEGRITY


def test_bands_with_nothing_in_common_make_a_market_reduce_only() -> None:
    wanted = combined(standing(band=banded(90, 95), integrity=banded(96, 98)))
    assert (wanted.status, wanted.band) == (MarketStatus.REDUCE_ONLY, edges(96, 98))
    assert wanted.disputed_bands
    assert "nothing in common" in wanted.why
    halted = combined(standing(band=banded(90, 95), integrity=banded(96, 98), market_wide=HALT))
    assert (halted.status, halted.why) == (MarketStatus.HALTED, HALT.why)
    assert combined(standing(band=banded(90, 95), integrity=banded(95, 98))).band == edges(95, 95)


@pytest.mark.parametrize(
    ("action", "mark", "wish"),
    [
        (Action.NONE, 100, (MarketStatus.OPEN, None, False)),
        (Action.TIGHTER_BAND, 100, (MarketStatus.OPEN, (98, 102), False)),
        (Action.TIGHTER_BAND, None, (MarketStatus.REDUCE_ONLY, None, False)),
        (Action.TIGHTER_BAND, 0, (MarketStatus.REDUCE_ONLY, None, False)),
        (Action.REDUCE_ONLY, 100, (MarketStatus.REDUCE_ONLY, (98, 102), False)),
        (Action.REDUCE_ONLY, None, (MarketStatus.REDUCE_ONLY, None, False)),
        (Action.HALT, 100, (MarketStatus.HALTED, None, False)),
        (Action.CLOSE_WITHDRAWALS, 100, (MarketStatus.HALTED, None, True)),
    ],
)
def test_an_action_becomes_a_wish_and_never_a_softer_one(
    action: Action,
    mark: int | None,
    wish: tuple[MarketStatus, tuple[int, int] | None, bool],
) -> None:
    causes = (ActiveCause(cause=Cause.PRICE_STALE, action=action, why="old"),)
    made = integrity_wish(
        IntegrityDecision(action=action, causes=causes, why="old"),
        mark=None if mark is None else price(mark),
        half_width=Ppm(20_000),
    )
    status, band, closes = wish
    assert made == Wish(
        status=status,
        band=None if band is None else edges(*band),
        closes_withdrawals=closes,
        why="old",
    )


def test_a_market_wide_decision_becomes_a_wish() -> None:
    decision = MarketWideDecision(status=MarketStatus.HALTED, level=1, until=None, why="level 1")
    assert market_wide_wish(decision) == Wish(status=MarketStatus.HALTED, why="level 1")


@given(st.integers(1, 10**15), st.integers(0, 999_999))
def test_a_band_around_a_mark_holds_it_and_is_never_wider_than_asked(mark: int, width: int) -> None:
    band = band_around(PriceE8(mark), Ppm(width))
    assert band.low <= mark <= band.high
    assert (mark - band.low) * 10**6 <= mark * width
    assert (band.high - mark) * 10**6 <= mark * width


def test_what_no_machine_may_wish_is_refused() -> None:
    with pytest.raises(ValueError, match="found SETTLED"):
        Wish(status=MarketStatus.SETTLED, why="no")
    for low, high in ((0, 5), (6, 5)):
        with pytest.raises(ValueError, match="0 < low <= high"):
            edges(low, high)


WISHES = st.builds(
    Wish,
    status=st.sampled_from([each for each in MarketStatus if each is not MarketStatus.SETTLED]),
    band=st.one_of(
        st.none(),
        st.tuples(st.integers(1, 200), st.integers(0, 200)).map(
            lambda edge: edges(edge[0], edge[0] + edge[1])
        ),
    ),
    closes_withdrawals=st.booleans(),
    why=st.sampled_from(["a", "b"]),
)
SPOKEN = st.dictionaries(st.sampled_from(Machine), WISHES)


@given(st.lists(SPOKEN, max_size=8), st.data())
def test_the_answer_is_as_strict_as_every_standing_wish_and_one(
    rounds: list[dict[Machine, Wish]], data: st.DataObject
) -> None:
    before, last = SILENCE, dict[Machine, Wish]()
    for spoken in rounds:
        before = after_wishes(before, spoken)
        last |= spoken
    wanted = combined(before)
    shuffled = dict(data.draw(st.permutations(list(last.items()))))
    assert wanted == combined(Standing(wishes=shuffled))
    for wish in last.values():
        assert wanted.status >= wish.status
        assert wanted.closes_withdrawals >= wish.closes_withdrawals
        if wish.band is not None and wanted.band is not None and not wanted.disputed_bands:
            assert wish.band.low <= wanted.band.low <= wanted.band.high <= wish.band.high
    banded_ = [wish.band for wish in last.values() if wish.band is not None]
    assert (wanted.band is None) == (not banded_)
    if wanted.disputed_bands:
        assert wanted.status >= MarketStatus.REDUCE_ONLY
        assert wanted.band in banded_
    elif wanted.by is not None:
        assert last[wanted.by].status is wanted.status
        assert last[wanted.by].why == wanted.why


@given(SPOKEN, st.sampled_from(Machine), WISHES)
def test_one_more_wish_never_makes_the_answer_softer(
    spoken: dict[Machine, Wish], machine: Machine, wish: Wish
) -> None:
    before = {each: kept for each, kept in spoken.items() if each is not machine}
    one, two = (
        combined(Standing(wishes=before)),
        combined(Standing(wishes={**before, machine: wish})),
    )
    assert two.status >= one.status
    assert two.closes_withdrawals >= one.closes_withdrawals
    if one.band is not None:
        assert two.band is not None
