"""Which band and status belong to a stage, and whether the mark has come to where trading may begin.

The rulebook's own band where it draws one in this session, else the discovery bound. A discovery
bound is never widened: it is the last that holds. Every band contains its reference.
"""

from risk import dynamic_breaker
from risk.band_rules import LuldBand, PriceBand, Rulebook, StaticBand
from risk.band_state import BandFacts, BandState, Stage
from risk.units import PPM_SCALE, MarketStatus, PriceE8, div_floor


def wanted_status(stage: Stage, facts: BandFacts) -> MarketStatus:
    """Give the status of a stage: halted while nobody may trade, LIMIT at an edge, else OPEN."""
    if stage.is_halted:
        return MarketStatus.HALTED
    at_bound = stage is Stage.OFF_HOURS and facts.is_at_edge(facts.discovery)
    return MarketStatus.LIMIT if stage is Stage.LIMIT or at_bound else MarketStatus.OPEN


def wanted_band(state: BandState, facts: BandFacts, rules: Rulebook) -> PriceBand:
    """Give the stage's band; while halted it reaches as far as the mark."""
    band = collar(state, facts, rules)
    if not state.stage.is_halted or facts.mark <= 0 or band.holds(facts.mark):
        return band
    # While nobody trades the mark must be able to walk to its new place: the venue takes no band
    # that leaves it outside.
    return PriceBand(
        reference=band.reference,
        low=min(band.low, facts.mark),
        high=max(band.high, facts.mark),
    )


def collar(state: BandState, facts: BandFacts, rules: Rulebook) -> PriceBand:
    """Give the stage's band: wider by a step in a pause, by two in its extension."""
    own = None if state.stage is Stage.OFF_HOURS else own_band(state.reference, facts, rules)
    if own is None:
        return facts.discovery
    steps = {Stage.PAUSED: 1, Stage.EXTENDED: 2}.get(state.stage, 0)
    if not steps:
        return own
    wider = div_floor(own.reference * rules.pause.collar_step * steps, PPM_SCALE)
    return PriceBand(
        reference=own.reference,
        low=PriceE8(max(own.low - wider, 1)),
        high=PriceE8(own.high + wider),
    )


def own_band(reference: PriceE8 | None, facts: BandFacts, rules: Rulebook) -> PriceBand | None:
    """Draw the rulebook's band; None where it draws none, and the discovery bound holds."""
    if facts.session not in rules.sessions:
        return None
    match rules.band:
        case StaticBand(follows_pause=True) if reference is not None:
            return rules.band.around(reference)
        case StaticBand():
            return rules.band.around(facts.previous_close)
        case LuldBand() if reference is not None:
            return rules.band.around(
                reference,
                rules.band.bracket(facts.tier, facts.previous_close),
                leverage=facts.leverage,
                seconds_to_close=facts.seconds_to_close,
            )
        case _:
            return None


def has_arrived(facts: BandFacts, reach: PriceBand | None, rules: Rulebook) -> bool:
    """Say whether the mark is so near the index, as far as it can reach it, that no rule would trip."""
    around = own_band(facts.index, facts, rules)
    if isinstance(rules.band, LuldBand) and around is not None and around.is_edge(facts.mark):
        return False
    if rules.dynamic is None:
        return True
    goal = facts.index if reach is None else min(max(facts.index, reach.low), reach.high)
    most = dynamic_breaker.variant(facts.previous_close, rules.dynamic)
    return abs(facts.mark - goal) < most
