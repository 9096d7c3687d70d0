"""Whatever happens, the machine goes only where its rules lead. A small second model watches it."""

from dataclasses import dataclass
from typing import Final

from hypothesis import example, given
from hypothesis import strategies as st

from risk.band_rules import LuldBand, LuldTier, Rulebook
from risk.band_state import BandDecision, BandFacts, BandState, Stage, begin
from risk.bands import step
from risk.sessions import Session
from risk.units import MarketStatus, Seconds
from tests.risk.banding import BOTH, CME, LULD, STATIC, facts

TRADING: Final = {Stage.NORMAL, Stage.STRADDLE, Stage.LIMIT}
ARROWS: Final = {
    Stage.OFF_HOURS: {Stage.OFF_HOURS, Stage.NORMAL},
    Stage.NORMAL: TRADING | {Stage.PAUSED, Stage.OFF_HOURS},
    Stage.STRADDLE: TRADING | {Stage.PAUSED, Stage.OFF_HOURS},
    Stage.LIMIT: TRADING | {Stage.PAUSED, Stage.OFF_HOURS},
    Stage.PAUSED: {Stage.PAUSED, Stage.EXTENDED, Stage.REOPENING},
    Stage.EXTENDED: {Stage.EXTENDED, Stage.REOPENING},
    Stage.REOPENING: {Stage.REOPENING, Stage.NORMAL, Stage.OFF_HOURS},
}
SESSIONS: Final = st.sampled_from(
    [Session.REGULAR] * 5 + [Session.OVERNIGHT] * 3 + [Session.WEEKEND, Session.HALTED]
)
CENTS: Final = st.integers(8_800, 11_200)
BOOKS: Final = st.sampled_from([LULD, CME, STATIC, BOTH])

Walk = list[tuple[int, BandFacts]]


@st.composite
def moments(draw: st.DrawFn) -> tuple[int, BandFacts]:
    """A time that usually passes and sometimes goes back, and facts that are often at an edge."""
    cents = draw(CENTS | st.sampled_from([9_000, 9_300, 9_500, 9_650, 10_000, 10_500]))
    index = draw(st.just(cents) | CENTS)
    seen = facts(
        f"{cents / 100:.2f}",
        f"{index / 100:.2f}",
        has_good_price=draw(st.sampled_from([True, True, True, False])),
        opposite_side_quotes=draw(st.sampled_from([False, False, False, True])),
        session=draw(SESSIONS),
        seconds_to_close=draw(st.sampled_from([None, 20_000, 1_200, 500, 60])),
        tier=draw(st.sampled_from(LuldTier)),
    )
    return draw(st.sampled_from([1, 1, 7, 15, 60, 125, 300, 301, -20])), seen


WALKS: Final = st.lists(moments(), min_size=1, max_size=60)


@dataclass
class Watch:
    """What a watcher with a clock knows: when a stage began, and the row of good prices."""

    rules: Rulebook
    clock: int = 0
    entered: int = 0
    is_by_move: bool = False
    good_row: int = 0

    def check(self, before: Stage, after: Stage, seen: BandFacts, why: str) -> None:
        """Check one arrow, then remember it."""
        assert after in ARROWS[before]
        stood = self.clock - self.entered
        self.good_row = self.good_row + 1 if seen.has_good_price else 0
        if before in {Stage.PAUSED, Stage.EXTENDED} and after is not before:
            self._check_pause_is_over(before, after, seen, stood)
        if before is Stage.REOPENING and after is not before:
            assert self.good_row >= self.rules.pause.reopening_prices
        if after is Stage.PAUSED and before is not after:
            self.is_by_move = "moved" in why
            self._check_pause_has_a_cause(before, seen, stood)
        if after is not before:
            self.entered = self.clock

    def _check_pause_is_over(
        self, before: Stage, after: Stage, seen: BandFacts, stood: int
    ) -> None:
        pause, dynamic = self.rules.pause, self.rules.dynamic
        if before is Stage.EXTENDED:
            assert stood >= pause.extension
        elif self.is_by_move and dynamic is not None:
            assert stood >= dynamic.late_pause
            assert after is not Stage.EXTENDED
        else:
            assert stood >= pause.length
        is_ours = seen.session in self.rules.sessions
        to_close = seen.seconds_to_close
        assert not (is_ours and to_close is not None and to_close <= pause.held_to_close)
        assert seen.has_good_price or after is Stage.EXTENDED

    def _check_pause_has_a_cause(self, before: Stage, seen: BandFacts, stood: int) -> None:
        assert seen.session in self.rules.sessions
        if self.is_by_move:
            assert self.rules.dynamic is not None
            assert seen.has_good_price
        else:
            # Only a limit state that lasted: no rulebook that is shipped pauses a straddle state.
            assert before is Stage.LIMIT
            assert self.rules.limit.pause_after is not None
            assert stood >= self.rules.limit.pause_after
            assert not seen.opposite_side_quotes


def check_decision(decision: BandDecision, state: BandState, seen: BandFacts) -> None:
    """Check that band, status and stage say one thing."""
    band, stage = decision.band, decision.stage
    assert stage is state.stage
    assert 0 < band.low <= band.reference <= band.high
    assert (decision.status is MarketStatus.HALTED) == stage.is_halted
    if stage.is_halted:
        assert band.holds(seen.mark)
    elif stage is Stage.OFF_HOURS:
        assert band == seen.discovery
    elif stage is Stage.LIMIT:
        assert decision.status is MarketStatus.LIMIT
        assert band.is_edge(seen.mark)
        assert not seen.opposite_side_quotes
    else:
        assert decision.status is MarketStatus.OPEN
    assert decision.why
    assert "\n" not in decision.why


def run(walk: Walk, rules: Rulebook) -> tuple[BandState, list[BandDecision], int]:
    """Walk with the watcher at its side; its clock, too, never goes back."""
    state = begin(MarketStatus.OPEN, now=Seconds(0), pause=rules.pause.length)
    watch, wall, decisions = Watch(rules=rules), 0, []
    for elapsed, seen in walk:
        wall += elapsed
        watch.clock = max(watch.clock, wall)
        before = state.stage
        state, decision = step(state, seen, now=Seconds(max(wall, 0)), rules=rules)
        assert state.seen_at == watch.clock
        watch.check(before, state.stage, seen, decision.why)
        check_decision(decision, state, seen)
        decisions.append(decision)
    return state, decisions, watch.clock


AT_LOW = facts(95, 94)
TO_EXTENSION: Walk = [(1, facts(100)), (1, AT_LOW), (15, AT_LOW), (300, facts(91, 80))]


@given(WALKS, BOOKS)
@example([*TO_EXTENSION, (300, facts(91)), *[(1, facts(91))] * 6], LULD)
@example([(1, facts(100)), (1, facts(95)), (299, facts(95)), (16, facts(95))], BOTH)
def test_every_arrow_has_its_reason_and_no_two_actions_contradict(
    walk: Walk, rules: Rulebook
) -> None:
    run(walk, rules)


@given(WALKS, BOOKS)
def test_the_same_facts_give_the_same_state_and_decisions(walk: Walk, rules: Rulebook) -> None:
    assert run(walk, rules) == run(walk, rules)


@given(WALKS, BOOKS)
def test_calm_brings_every_market_back(walk: Walk, rules: Rulebook) -> None:
    state, _, clock = run(walk, rules)
    session = Session.REGULAR if rules in {LULD, STATIC, BOTH} else Session.OVERNIGHT
    calm = facts(100, session=session)
    longest = rules.pause.length + rules.pause.extension + 2 * rules.pause.reopening_prices + 400
    for second in range(clock + 1, clock + longest):
        state, _ = step(state, calm, now=Seconds(second), rules=rules)
    _, decision = step(state, calm, now=Seconds(clock + longest), rules=rules)
    assert (decision.stage, decision.status) == (Stage.NORMAL, MarketStatus.OPEN)


@given(WALKS, st.sampled_from([LULD, BOTH]))
def test_memory_is_bounded(walk: Walk, rules: Rulebook) -> None:
    state, _, _ = run(walk, rules)
    assert isinstance(rules.band, LuldBand)
    assert len(state.prices.entries) <= rules.band.reference.window + 1
    assert max(len(state.moves.lows), len(state.moves.highs)) <= 3_600
