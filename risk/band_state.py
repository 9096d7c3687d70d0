"""What a price band's state machine knows, sees and says: its stages, state, facts and decision."""

from dataclasses import dataclass
from enum import StrEnum

from risk import dynamic_breaker, reference_price
from risk.band_rules import UNLEVERAGED, LuldTier, PriceBand
from risk.sessions import Session
from risk.units import PPM_SCALE, MarketStatus, Ppm, PriceE8, Seconds


class Stage(StrEnum):
    """Where a market stands between trading freely and not at all."""

    NORMAL = "normal"
    STRADDLE = "straddle"
    """The index is outside the band, or the mark is at an edge and still trades there."""
    LIMIT = "limit"
    """The mark is at an edge and nobody takes the other side there: a clock runs."""
    PAUSED = "paused"
    EXTENDED = "extended"
    """The pause ended without an orderly price, and was made longer once."""
    REOPENING = "reopening"
    """The pause is over; good prices are counted before trading returns."""
    OFF_HOURS = "off_hours"
    """The rulebook does not hold in this session, or its first good price is yet to come."""

    @property
    def is_halted(self) -> bool:
        """Say whether nobody may trade or be liquidated."""
        return self in HALTED_STAGES


HALTED_STAGES = frozenset({Stage.PAUSED, Stage.EXTENDED, Stage.REOPENING})


@dataclass(frozen=True, slots=True, kw_only=True)
class BandFacts:
    """What is true of a market now.

    Raises ValueError without a previous close or leverage, or for a good price that is none.
    """

    mark: PriceE8
    """As the venue holds it, clamped to the band that the venue has; 0 before the first."""
    index: PriceE8
    """The indicative price: where the mark would be without a band. Looked at only when good."""
    has_good_price: bool
    """Whether mark and index are fresh and well supported at this moment."""
    opposite_side_quotes: bool
    """Whether somebody takes the other side at the edge that the mark is at."""
    session: Session
    seconds_to_close: Seconds | None
    """Until the session ends; None where it does not, or nobody knows."""
    previous_close: PriceE8
    """Of the last regular session."""
    discovery: PriceBand
    """The discovery bound and the reference that it is around."""
    tier: LuldTier = LuldTier.TWO
    leverage: Ppm = UNLEVERAGED
    """The product's own factor; −3_000_000 is three times inverse."""
    held: tuple[PriceE8, PriceE8] | None = None
    """The edges of the band that the venue has."""
    held_tolerance: Ppm = Ppm(0)
    """How far those may be off what they are meant to be, in ppm of the mark, and are left as they are."""

    def is_at_edge(self, band: PriceBand) -> bool:
        """Say whether the mark is at an edge of a band, or beyond, as the venue has it drawn.

        The venue stops the mark at its own edge, which may lie a tolerance before the band's: who only
        looked at the band would never see it stop.
        """
        if band.is_edge(self.mark) or self.held is None:
            return band.is_edge(self.mark)
        low, high = self.held
        return (self.mark <= low and self._stands_for(low, band.low)) or (
            self.mark >= high and self._stands_for(high, band.high)
        )

    def _stands_for(self, held: PriceE8, edge: PriceE8) -> bool:
        return abs(held - edge) * PPM_SCALE <= self.mark * self.held_tolerance

    def __post_init__(self) -> None:
        if self.previous_close <= 0 or self.leverage == 0:
            raise ValueError(
                "expected a previous close above 0 and a leverage other than 0, found"
                f" {self.previous_close} and {self.leverage}: give the last regular close"
            )
        if self.has_good_price and self.index <= 0:
            raise ValueError(f"expected a good price to be above 0, found {self.index}")


@dataclass(frozen=True, slots=True, kw_only=True)
class BandState:
    """All that the machine remembers of a market between two steps."""

    stage: Stage
    since: Seconds
    """When the stage began."""
    seen_at: Seconds
    """The latest time ever seen: the machine's time never goes back."""
    reference: PriceE8 | None = None
    """Of a moving band; None until the first opening. Of a static one that follows its pauses: the last reopening."""
    reference_close: PriceE8 | None = None
    """The previous close for which that reopening counts; None of a moving band."""
    reference_since: Seconds = Seconds(0)
    prices: reference_price.PriceWindow = reference_price.EMPTY
    moves: dynamic_breaker.BreakerWindow = dynamic_breaker.EMPTY
    pause_ends: Seconds = Seconds(0)
    """Before this no pause or extension ends."""
    may_extend: bool = False
    """Whether the pause that is running may be made longer."""
    good_prices: int = 0
    """In a row, while reopening."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BandDecision:
    """What the market should have now, and why in one sentence."""

    stage: Stage
    band: PriceBand
    status: MarketStatus
    """OPEN, LIMIT or HALTED; another breaker may want a stricter one, and the strictest wins."""
    why: str


def begin(status: MarketStatus, *, now: Seconds, pause: Seconds) -> BandState:
    """Give the state to start from when none is remembered.

    A market that is found halted is taken to have paused just now, for a whole pause: how long it
    has stood is unknown, and to restart a keeper must not open it. Any other waits, unhalted, for its
    first good price, so that a restart halts nothing either.
    """
    is_halted = status >= MarketStatus.HALTED
    return BandState(
        stage=Stage.PAUSED if is_halted else Stage.OFF_HOURS,
        since=now,
        seen_at=now,
        pause_ends=Seconds(now + pause) if is_halted else now,
    )
