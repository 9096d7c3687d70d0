"""One market, several machines, one answer: the strictest wish wins.

Each machine can only replace its own wish, and its silence leaves the wish standing: so an operator's
halt is lifted by an operator and by nobody else, and a machine that died opens nothing. The status is the
strictest of all; the band is what every band allows. Where bands have nothing in common the machines
differ about the price itself: the narrowest is kept, and the market is reduce-only at least.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from risk.integrity import IntegrityDecision
from risk.integrity_rules import Action
from risk.market_wide import MarketWideDecision
from risk.units import PPM_SCALE, MarketStatus, Ppm, PriceE8, div_ceil, div_floor
from risk.withdrawal_gate import WHO_OPENS, GateDecision


class Machine(StrEnum):
    """Who wishes; of equally strict wishes the first in this order is told as the reason."""

    OPERATOR = "operator"
    BY_HAND = "by_hand"
    """Somebody set a status on chain that is not ours to undo."""
    EMERGENCY = "emergency"
    CORPORATE = "corporate"
    """A corporate action, or a split that nobody announced: one basis must not judge the other."""
    INTEGRITY = "integrity"
    WITHDRAWALS = "withdrawals"
    """The withdrawal gate: it closes withdrawals, and the markets trade on."""
    MARKET_WIDE = "market_wide"
    BAND = "band"


@dataclass(frozen=True, slots=True, kw_only=True)
class BandEdges:
    """The two prices that the exchange takes; raises ValueError unless 0 < low <= high."""

    low: PriceE8
    high: PriceE8

    def __post_init__(self) -> None:
        if not 0 < self.low <= self.high:
            raise ValueError(f"expected 0 < low <= high, found {self.low} and {self.high}")

    @property
    def width(self) -> int:
        """Distance between the edges, in 1e-8 USD."""
        return self.high - self.low


def band_around(mark: PriceE8, half_width: Ppm) -> BandEdges:
    """Give the band that reaches so far from the mark on both sides; edges rounded inward."""
    return BandEdges(
        low=PriceE8(div_ceil(mark * (PPM_SCALE - half_width), PPM_SCALE)),
        high=PriceE8(div_floor(mark * (PPM_SCALE + half_width), PPM_SCALE)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What one machine wants of one market. Raises ValueError for SETTLED: that is no breaker's."""

    status: MarketStatus
    band: BandEdges | None = None
    """None: this machine asks for no band."""
    closes_withdrawals: bool = False
    why: str

    def __post_init__(self) -> None:
        if self.status is MarketStatus.SETTLED:
            raise ValueError("expected a status up to HALTED, found SETTLED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The last wish of each machine that ever spoke."""

    wishes: Mapping[Machine, Wish] = field(default_factory=dict)


SILENCE: Final = Standing()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the market ought to be."""

    status: MarketStatus
    band: BandEdges | None
    closes_withdrawals: bool
    by: Machine | None
    """Whose wish is the strictest; None while nobody restricts."""
    why: str
    closes_by: Machine | None = None
    """Who closes withdrawals, which need not be who decides on the status."""
    closes_why: str = ""
    disputed_bands: bool = False
    """Whether two bands had nothing in common."""


def after_wishes(before: Standing, wishes: Mapping[Machine, Wish]) -> Standing:
    """Let each machine that spoke replace its own wish."""
    return Standing(wishes={**before.wishes, **wishes})


def combined(standing: Standing) -> Wanted:
    """Give the one status and band that satisfy every standing wish, and the machine that decides.

    The reason is that of the strictest wish: by status, then by withdrawals, then by the band's width.
    """
    wishes = [(each, standing.wishes[each]) for each in Machine if each in standing.wishes]
    machine, strictest = max(wishes, key=lambda each: _strictness(each[1]), default=_NOBODY)
    band, is_disputed = _common(wish.band for _, wish in wishes)
    closing = [(each, wish) for each, wish in wishes if wish.closes_withdrawals]
    restricts = _strictness(strictest) > _strictness(_NO_WISH)
    wanted = Wanted(
        status=strictest.status,
        band=band,
        closes_withdrawals=bool(closing),
        closes_by=closing[0][0] if closing else None,
        closes_why=_closes_why(closing[0][1]) if closing else "",
        by=machine if restricts else None,
        why=strictest.why if restricts else _NO_WISH.why,
        disputed_bands=is_disputed,
    )
    if is_disputed and wanted.status < MarketStatus.REDUCE_ONLY:
        why = "the bands of two machines have nothing in common"
        return replace(wanted, status=MarketStatus.REDUCE_ONLY, by=Machine.BAND, why=why)
    return wanted


def _closes_why(wish: Wish) -> str:
    """Tell why nothing may leave, and that no keeper takes it back."""
    return wish.why if WHO_OPENS in wish.why else f"{wish.why}; {WHO_OPENS}"


_NO_WISH: Final = Wish(status=MarketStatus.OPEN, why="no machine restricts the market")
_NOBODY: Final[tuple[Machine | None, Wish]] = (None, _NO_WISH)


def _strictness(wish: Wish) -> tuple[int, bool, bool, int]:
    """Order wishes: the narrower of two bands is the stricter, and any band stricter than none."""
    width = 0 if wish.band is None else wish.band.width
    return (wish.status, wish.closes_withdrawals, wish.band is not None, -width)


def _common(bands: Iterable[BandEdges | None]) -> tuple[BandEdges | None, bool]:
    """Give the prices that all bands allow; the narrowest band where there are none, and True."""
    drawn = [band for band in bands if band is not None]
    if not drawn:
        return None, False
    low, high = max(band.low for band in drawn), min(band.high for band in drawn)
    if low <= high:
        return BandEdges(low=low, high=high), False
    return min(drawn, key=lambda band: band.width), True


def market_wide_wish(decision: MarketWideDecision) -> Wish:
    """Turn a decision of the market-wide breaker into its wish."""
    return Wish(status=decision.status, why=decision.why)


def withdrawals_wish(decision: GateDecision) -> Wish:
    """Turn a decision of the withdrawal gate into its wish; that the owner opens is in its words."""
    why = decision.sentence
    if decision.should_close:
        why += f"; {decision.return_rule}"
    return Wish(status=MarketStatus.OPEN, closes_withdrawals=decision.should_close, why=why)


def integrity_wish(decision: IntegrityDecision, *, mark: PriceE8 | None, half_width: Ppm) -> Wish:
    """Turn a decision of the integrity breaker into its wish.

    Without a mark no band can be drawn: then what was to be a tighter band is reduce-only.
    """
    action = decision.action
    band = None
    if action.tightens_band and mark:
        band = band_around(mark, half_width)
    elif action is Action.TIGHTER_BAND:
        action = Action.REDUCE_ONLY
    return Wish(
        status=action.status,
        band=band,
        closes_withdrawals=action is Action.CLOSE_WITHDRAWALS,
        why=decision.why,
    )
