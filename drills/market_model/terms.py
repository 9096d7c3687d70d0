"""What the market model assumes, in one place, each figure with where it comes from.

Moves are in bp and money in USD, as floats: they describe people, as `drills.maker_model` does, whose measured
depths and volatilities are used here. "ours" marks what nothing public supports.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from drills.maker_model.terms import ModelTerms
from risk.sessions import Session

_PEOPLE = ModelTerms()


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketTerms:
    """One market's book. Raises ValueError for nonsense."""

    depth_usd: float = 1_200_000.0
    """A side, within `width_bp` of the price, on a usual regular session: what the maker model offers on a
    Friday before the close (docs/incentives_drill.md)."""
    width_bp: float = 25.0
    """The distance at which that depth was measured."""
    session_depth: Mapping[Session, float] = field(
        default_factory=lambda: {
            Session.REGULAR: 1.0,
            Session.POST: 0.45,
            Session.PRE: 0.45,
            Session.OVERNIGHT: 0.46,
            Session.WEEKEND: 0.048,
            Session.HOLIDAY: 0.048,
            Session.HALTED: 0.048,
            Session.UNKNOWN: 0.048,
        }
    )
    """Parts of it in the other sessions, by the same page without incentives: 58,000 USD while outside is closed,
    554,000 to 569,000 overnight, 515,000 to 565,000 before the opening; post as pre: ours."""
    usual_volatility_bp: Mapping[Session, float] = field(
        default_factory=lambda: {
            session: _PEOPLE.climate(session).volatility_bp for session in Session
        }
    )
    """For the square root of an hour: the maker model's."""
    volatility_power: float = 1.0
    """Depth falls with this power of volatility over its usual: see `calibration.py`."""
    least_part: float = 0.002
    """Some orders are always left; ours."""
    volatility_seconds: float = 120.0
    """Time constant in which makers measure volatility; ours."""
    back_open_seconds: float = 60.0
    """Time constant in which arbitrage takes the price back while outside trades: a look of the maker
    model's arbitrageurs; ours."""
    back_closed_seconds: float = 600.0
    """The same while outside is closed: a push of December 2025 was gone within 30 minutes, three of these."""
    back_pressed_seconds: float = 14_400.0
    """The same while outside is closed and somebody still pushes: who sells for hours may know something, so others
    wait until it ends; ours."""
    largest_offset_bp: float = 5_000.0
    """No order goes through at less than half the value; ours."""

    def __post_init__(self) -> None:
        positive = (
            self.depth_usd,
            self.width_bp,
            self.least_part,
            self.volatility_seconds,
            self.back_open_seconds,
            self.back_closed_seconds,
            self.back_pressed_seconds,
            self.largest_offset_bp,
            *self.session_depth.values(),
            *self.usual_volatility_bp.values(),
        )
        if min(positive) <= 0 or self.volatility_power < 0:
            raise ValueError(f"expected amounts and times above 0, found {self}")
        if set(self.session_depth) != set(Session) or set(self.usual_volatility_bp) != set(Session):
            raise ValueError("expected a depth and a volatility for every session, found fewer")

    def scaled(self, volatility: float, *, depth_usd: float | None = None) -> "MarketTerms":
        """Give a market whose usual volatility is so many times as large, for `drills.maker_model.terms.VOLATILITY`."""
        return replace(
            self,
            depth_usd=self.depth_usd if depth_usd is None else depth_usd,
            usual_volatility_bp={
                session: usual * volatility for session, usual in self.usual_volatility_bp.items()
            },
        )
