"""What the desk holds of one market: what it remembers, and what it judged last."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitors.incentives.terms import TUNED, MarketTerms
from risk.base_funding import PremiumState
from risk.guard_rails import Limits, Parameter
from risk.incentive_reserve import Allotment
from risk.incentive_rules import MeasuredLiquidity, UnknownLiquidity
from risk.incentive_simulation import SimulatedWrite
from risk.incentive_terms import Lever, LiquidityTarget, ScheduledLevers
from risk.incentive_write import IncentiveWrite, value_on_chain
from risk.incentives import IncentiveDecision, IncentiveState
from risk.market import Market
from risk.sessions import Session
from risk.units import PpbPerHour, Ppm, Seconds

LEVERS_OF: Mapping[Parameter, tuple[Lever, ...]] = {
    Parameter.INITIAL_MARGIN: (Lever.INITIAL_MARGIN,),
    Parameter.FUNDING_RATE: (Lever.FUNDING_MULTIPLIER, Lever.SKEW_SLOPE),
    Parameter.TAKER_FEE: (Lever.TAKER_FEE,),
    Parameter.MAKER_FEE: (Lever.MAKER_FEE,),
    Parameter.OPEN_INTEREST_CAP: (Lever.OPEN_INTEREST_CAP,),
}
"""From which levers each parameter is made."""
UNREAD: str = "the owner's limits were not read yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a market's levers ought to be at a moment, and the write that comes next."""

    at: Seconds
    market: Market
    """As it was then."""
    limits: Mapping[Parameter, Limits]
    session: Session
    scheduled: ScheduledLevers
    """By schedule and events at this moment, without looking ahead."""
    levers: ScheduledLevers
    """With looking ahead: what the controller adds to."""
    liquidity: MeasuredLiquidity | UnknownLiquidity
    target: LiquidityTarget
    allotment: Allotment
    premium: int | None
    """The last hour's mean, in ppb; None where too little was seen."""
    base_rate: PpbPerHour | None
    skew: Ppm | None
    decision: IncentiveDecision
    wanted: Mapping[Parameter, int]
    """Without the funding rate while the premium is unknown."""
    write: IncentiveWrite
    simulated: SimulatedWrite | None

    def why(self, parameter: Parameter) -> str:
        """Say why a parameter is wanted where it is."""
        by_lever = {each.lever: each.why for each in self.decision.levers}
        reasons = list(dict.fromkeys(by_lever[lever] for lever in LEVERS_OF[parameter]))
        if parameter is Parameter.FUNDING_RATE:
            reasons.append(self._funding_words())
        return "; ".join(reasons)

    def _funding_words(self) -> str:
        if self.premium is None:
            return "too little of the last hour's premium was seen"
        skew = "skew is unknown" if self.skew is None else f"skew {self.skew} ppm"
        return f"mean premium {self.premium} ppb, base rate {self.base_rate} ppb an hour, {skew}"


@dataclass(slots=True)
class MarketState:
    """One market, in place."""

    terms: MarketTerms
    controller: IncentiveState | None = None
    premium: PremiumState = field(default_factory=PremiumState)
    written: dict[Parameter, Seconds] = field(default_factory=dict)
    """When each parameter was last seen to be written, by anybody."""
    seen: dict[Parameter, int] = field(default_factory=dict)
    """Each parameter as the chain had it in the last step."""
    own: dict[Parameter, int] = field(default_factory=dict)
    """What we sent last, of each parameter."""
    pending: tuple[Parameter, int] | None = None
    """A write of ours that has not landed."""
    stepped_at: Seconds | None = None
    judged: Judgement | None = None
    why_not: str = UNREAD
    """Why there is no judgement."""

    def changed_by_others(self, market: Market, now: Seconds) -> list[tuple[Parameter, int]]:
        """Note what moved on chain since the last step; give what we did not move."""
        foreign = []
        for parameter in TUNED:
            value = value_on_chain(market, parameter)
            before = self.seen.get(parameter)
            self.seen[parameter] = value
            if before is None or before == value:
                continue
            self.written[parameter] = now
            if self.own.get(parameter) != value:
                foreign.append((parameter, value))
        return foreign

    def cooling(self, parameter: Parameter, limits: Limits, now: Seconds) -> Seconds:
        """Give how long the exchange still refuses to have a parameter written."""
        written = self.written.get(parameter)
        return Seconds(0 if written is None else max(0, written + limits.cool_down - now))
