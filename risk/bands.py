"""The price band of one market as a state machine: (state, facts, now, rules) → (state, decision).

    OFF_HOURS → NORMAL ⇄ STRADDLE ⇄ LIMIT → PAUSED → EXTENDED → REOPENING → NORMAL or OFF_HOURS

One step takes at most one arrow. A pause is entered from a limit state that lasted, a straddle state
where the rules say so, or a rolling move that was too large; it is left only by its return rule:
its time is over, the session does not hold it, and a good price has come; then good prices in a row
before anybody trades. Market facts never raise; time is what the caller says and never goes back.
"""

from dataclasses import replace
from typing import assert_never

from risk import dynamic_breaker, reference_price
from risk.amounts import percent_text, price_text
from risk.band_drawing import collar, has_arrived, own_band, wanted_band, wanted_status
from risk.band_rules import LuldBand, PriceBand, Rulebook, StaticBand
from risk.band_state import BandDecision, BandFacts, BandState, Stage
from risk.units import Seconds

_Step = tuple[BandState, str]


def step(
    state: BandState, facts: BandFacts, *, now: Seconds, rules: Rulebook
) -> tuple[BandState, BandDecision]:
    """Advance a market to `now` and say which band and status it should have, and why.

    A `now` before the last one (a reorganised chain) counts as no time at all.
    """
    now = max(now, state.seen_at)
    match state.stage:
        case Stage.OFF_HOURS:
            after, why = _off_hours(state, facts, now, rules)
        case Stage.NORMAL | Stage.STRADDLE | Stage.LIMIT:
            after, why = _trading(state, facts, now, rules)
        case Stage.PAUSED | Stage.EXTENDED:
            after, why = _paused(state, facts, now, rules)
        case Stage.REOPENING:
            after, why = _reopening(state, facts, now, rules)
        case unknown:
            assert_never(unknown)
    if after.seen_at != now:
        after = replace(after, seen_at=now)
    return after, BandDecision(
        stage=after.stage,
        band=wanted_band(after, facts, rules),
        status=wanted_status(after.stage, facts),
        why=why,
    )


def _off_hours(state: BandState, facts: BandFacts, now: Seconds, rules: Rulebook) -> _Step:
    if facts.session not in rules.sessions:
        if facts.is_at_edge(facts.discovery):
            edges = f"{price_text(facts.discovery.low)} to {price_text(facts.discovery.high)}"
            return state, (
                f"mark {price_text(facts.mark)} is at the edge of the discovery bound {edges} of"
                f" session {facts.session}"
            )
        return state, f"{rules.name} does not hold in session {facts.session}: discovery bound"
    if not facts.has_good_price or facts.mark <= 0:
        return state, f"session {facts.session} waits for its first good price: discovery bound"
    # A mark that is still on its way to the opening price is at no limit, and has not moved too far.
    if not has_arrived(facts, facts.discovery, rules):
        return state, (
            f"mark {price_text(facts.mark)} has yet to reach the opening price"
            f" {price_text(facts.index)}: discovery bound"
        )
    opened = _opened(facts, now, rules)
    return opened, f"session {facts.session} opened at {price_text(facts.index)}"


def _reopened(facts: BandFacts, now: Seconds, rules: Rulebook) -> BandState:
    """Begin anew after a pause: a static band may be around the price at which trading returns."""
    opened = _opened(facts, now, rules)
    if not _follows_pause(rules):
        return opened
    return replace(opened, reference=facts.index, reference_close=facts.previous_close)


def _follows_pause(rules: Rulebook) -> bool:
    return isinstance(rules.band, StaticBand) and rules.band.follows_pause


def _opened(facts: BandFacts, now: Seconds, rules: Rulebook) -> BandState:
    """Begin anew: what was seen before an opening counts for nothing."""
    prices, moves = reference_price.EMPTY, dynamic_breaker.EMPTY
    if isinstance(rules.band, LuldBand):
        how = rules.band.reference
        prices = reference_price.with_price(prices, facts.index, now=now, rules=how)
    if rules.dynamic is not None and facts.mark > 0:
        moves = dynamic_breaker.with_price(moves, facts.mark, now=now, rules=rules.dynamic)
    return BandState(
        stage=Stage.NORMAL if facts.session in rules.sessions else Stage.OFF_HOURS,
        since=now,
        seen_at=now,
        reference=facts.index if isinstance(rules.band, LuldBand) else None,
        reference_since=now,
        prices=prices,
        moves=moves,
    )


def _trading(state: BandState, facts: BandFacts, now: Seconds, rules: Rulebook) -> _Step:
    if facts.session not in rules.sessions:
        return (
            _entered(state, Stage.OFF_HOURS, now),
            f"{rules.name} does not hold in session {facts.session}: discovery bound",
        )
    if state.reference_close not in {None, facts.previous_close}:
        state = replace(state, reference=None, reference_close=None)
    seen = _observed(state, facts, now, rules)
    tripped = _tripped(seen, facts, now, rules)
    if tripped is not None:
        return tripped
    band = collar(seen, facts, rules)
    stage = _stage_at(band, facts)
    if stage is not seen.stage:
        return _entered(seen, stage, now), _words(stage, band, facts)
    after = {
        Stage.LIMIT: rules.limit.pause_after,
        Stage.STRADDLE: rules.limit.straddle_pause_after,
    }.get(stage)
    if after is None or now - seen.since < after:
        return seen, _words(stage, band, facts)
    paused = _pause(seen, now, rules.pause.length, may_extend=rules.pause.extension > 0)
    return paused, (
        f"{stage} state for {now - seen.since} s at mark {price_text(facts.mark)}: paused for"
        f" {rules.pause.length} s"
    )


def _observed(state: BandState, facts: BandFacts, now: Seconds, rules: Rulebook) -> BandState:
    """Take a good mark into the windows, and move the reference where the rule says so."""
    if not facts.has_good_price or facts.mark <= 0:
        return state
    reference, since, prices, moves = (
        state.reference,
        state.reference_since,
        state.prices,
        state.moves,
    )
    if isinstance(rules.band, LuldBand) and reference is not None:
        how = rules.band.reference
        prices = reference_price.with_price(prices, facts.mark, now=now, rules=how)
        # In a limit state the reference stays: prices held at an edge must not drag the band along.
        if state.stage is not Stage.LIMIT:
            mean = reference_price.mean(prices, now=now, rules=how)
            moved = reference_price.next_reference(
                reference, mean, age=Seconds(now - since), rules=how
            )
            if moved != reference:
                reference, since = moved, now
    if rules.dynamic is not None:
        moves = dynamic_breaker.with_price(moves, facts.mark, now=now, rules=rules.dynamic)
    return BandState(
        stage=state.stage,
        since=state.since,
        seen_at=now,
        reference=reference,
        reference_close=state.reference_close,
        reference_since=since,
        prices=prices,
        moves=moves,
    )


def _tripped(state: BandState, facts: BandFacts, now: Seconds, rules: Rulebook) -> _Step | None:
    """Pause where the mark has moved too far within the rolling window."""
    dynamic = rules.dynamic
    if dynamic is None or not facts.has_good_price:
        return None
    limits = dynamic_breaker.limits(state.moves, facts.previous_close, now=now, rules=dynamic)
    if limits is None or not limits.is_tripped_by(facts.mark):
        return None
    length = dynamic_breaker.pause_length(facts.seconds_to_close, dynamic)
    return _pause(state, now, length, may_extend=False), (
        f"mark {price_text(facts.mark)} moved {percent_text(dynamic.move)} % of the previous close"
        f" within {dynamic.window} s: paused for {length} s"
    )


def _stage_at(band: PriceBand, facts: BandFacts) -> Stage:
    if facts.is_at_edge(band):
        return Stage.STRADDLE if facts.opposite_side_quotes else Stage.LIMIT
    is_outside = facts.has_good_price and not band.holds(facts.index)
    return Stage.STRADDLE if is_outside else Stage.NORMAL


def _words(stage: Stage, band: PriceBand, facts: BandFacts) -> str:
    if stage is Stage.NORMAL:
        return "the mark is inside its band"
    edges = f"{price_text(band.low)} to {price_text(band.high)}"
    if stage is Stage.LIMIT:
        return f"mark {price_text(facts.mark)} is at the edge of {edges} with nobody opposite"
    return (
        f"mark {price_text(facts.mark)} and index {price_text(facts.index)} straddle the band"
        f" {edges}"
    )


def _paused(state: BandState, facts: BandFacts, now: Seconds, rules: Rulebook) -> _Step:
    if now < state.pause_ends:
        return state, f"{state.stage} for {state.pause_ends - now} s more"
    is_late = (
        facts.session in rules.sessions
        and facts.seconds_to_close is not None
        and facts.seconds_to_close <= rules.pause.held_to_close
    )
    if is_late:
        return state, f"{state.stage} until the close, {facts.seconds_to_close} s away"
    is_orderly = facts.has_good_price and collar(state, facts, rules).holds(facts.index)
    if state.may_extend and not is_orderly:
        longer = replace(
            _entered(state, Stage.EXTENDED, now),
            pause_ends=Seconds(now + rules.pause.extension),
            may_extend=False,
        )
        return longer, f"no orderly price at the end: pause extended by {rules.pause.extension} s"
    if not facts.has_good_price:
        return state, f"{state.stage} until a good price comes"
    reopening = replace(
        _entered(state, Stage.REOPENING, now), reference=facts.index, may_extend=False
    )
    return (
        reopening,
        f"pause over: {rules.pause.reopening_prices} good prices before trading returns",
    )


def _reopening(state: BandState, facts: BandFacts, now: Seconds, rules: Rulebook) -> _Step:
    if not facts.has_good_price:
        return replace(state, good_prices=0), "the price is not good: the count starts anew"
    if not _has_settled(state, facts, rules):
        return replace(state, reference=facts.index, good_prices=0), (
            f"index {price_text(facts.index)} and mark {price_text(facts.mark)} have yet to settle:"
            " the count starts anew"
        )
    good = state.good_prices + 1
    if good < rules.pause.reopening_prices:
        counted = replace(state, reference=facts.index, good_prices=good)
        return counted, f"reopening: {good} of {rules.pause.reopening_prices} good prices"
    opened = _reopened(facts, now, rules)
    return opened, f"{good} good prices in a row: trading returned at {price_text(facts.index)}"


def _has_settled(state: BandState, facts: BandFacts, rules: Rulebook) -> bool:
    """Say whether the mark is near the index, and the index near the one before.

    A moving band is what near means to an index; without one any good index will do.
    """
    before = own_band(state.reference, facts, rules)
    if before is None:
        return True
    if isinstance(rules.band, LuldBand):
        return before.holds(facts.index) and has_arrived(facts, None, rules)
    if _follows_pause(rules):
        return before.holds(facts.index) and before.holds(facts.mark)
    return has_arrived(facts, before, rules)


def _pause(state: BandState, now: Seconds, length: Seconds, *, may_extend: bool) -> BandState:
    return replace(
        _entered(state, Stage.PAUSED, now),
        pause_ends=Seconds(now + length),
        may_extend=may_extend,
    )


def _entered(state: BandState, stage: Stage, now: Seconds) -> BandState:
    return replace(state, stage=stage, since=now, good_prices=0)
