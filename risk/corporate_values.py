"""What a corporate action is, and what it does to a market.

An action changes what a share is worth, or what it is, at a moment that is known beforehand. Values
only: terms are compared field by field, so ratios are kept reduced. Prices are 1e-8 USD a share; the
moment is on the venue's clock: the first second in which the underlying trades on the new basis.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import gcd
from typing import Final

from risk.amounts import price_text
from risk.units import PriceE8, Seconds, SizeE8, div_floor, div_trunc

LARGEST_PART: Final = 10**6
"""Of a ratio; the exchange takes no larger one (docs/exchange.md section 8)."""


class ActionKind(StrEnum):
    """What companies do to their shares; a closed set, it may become a metric label."""

    SPLIT = "split"
    """And the reverse split and the stock dividend, which are one in other words."""
    CASH_DIVIDEND = "cash_dividend"
    SYMBOL_CHANGE = "symbol_change"
    CASH_MERGER = "cash_merger"
    DELISTING = "delisting"
    STOCK_MERGER = "stock_merger"
    SPIN_OFF = "spin_off"


class Handling(StrEnum):
    """What becomes of a market whose share turns into something else."""

    SETTLE = "settle"
    """The market ends at a price."""
    CONVERT = "convert"
    """Positions live on: a merger for shares rescales them by its ratio and follows the acquirer; a
    spin-off pays the worth of what was spun off in cash, as a special dividend would."""


class Effect(StrEnum):
    """What the exchange is told."""

    RESCALE = "rescale"
    PAY = "pay"
    SETTLE = "settle"
    ALIAS = "alias"
    """Nothing: only the sources follow another symbol."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """So many new shares for so many old ones, reduced. ValueError beyond what the exchange takes."""

    numerator: int
    denominator: int

    def __post_init__(self) -> None:
        parts = (self.numerator, self.denominator)
        if not all(1 <= part <= LARGEST_PART for part in parts) or gcd(*parts) != 1:
            raise ValueError(
                f"expected a reduced ratio of whole numbers from 1 to {LARGEST_PART}, found"
                f" {self.numerator}:{self.denominator}"
            )

    @property
    def inverse(self) -> "Ratio":
        """Give the ratio that undoes this one, rounding apart."""
        return Ratio(numerator=self.denominator, denominator=self.numerator)

    def price(self, price: PriceE8) -> PriceE8:
        """Give what a price becomes, rounded down as the exchange does."""
        return PriceE8(div_floor(price * self.denominator, self.numerator))

    def size(self, size: SizeE8) -> SizeE8:
        """Give what a size becomes, rounded toward zero as the exchange does."""
        return SizeE8(div_trunc(size * self.numerator, self.denominator))

    def __str__(self) -> str:
        return f"{self.numerator}:{self.denominator}"


def ratio_of(new: int, old: int) -> Ratio:
    """Reduce so many new shares for so many old ones; ValueError when that is no ratio."""
    if min(new, old) < 1:
        raise ValueError(f"expected a ratio of numbers above 0, found {new}:{old}")
    common = gcd(new, old)
    return Ratio(numerator=div_floor(new, common), denominator=div_floor(old, common))


@dataclass(frozen=True, slots=True, kw_only=True)
class CorporateAction:
    """One action on one market, with its terms. ValueError for terms that its kind cannot have."""

    symbol: str
    kind: ActionKind
    ex_date: str
    """The day as published, such as 2026-04-06; to be told and to tell actions apart."""
    effective: Seconds
    ratio: Ratio | None = None
    """Of a split; of a merger for shares, the acquirer's shares for ours."""
    amount: PriceE8 | None = None
    """A dividend, the worth of what was spun off, or the price at which a market ends; a share's."""
    is_special: bool = False
    """Of a dividend: one outside the regular ones."""
    new_symbol: str | None = None
    handling: Handling = Handling.SETTLE
    """Of a merger for shares and a spin-off; nothing to all others."""

    def __post_init__(self) -> None:
        wanted = _KIND_TO_NEEDS.get(self.kind, ())
        if self.handling is Handling.CONVERT:
            wanted += _CONVERT_NEEDS.get(self.kind, ())
        lacking = [name for name in wanted if getattr(self, name) is None]
        if lacking:
            raise ValueError(f"expected a {self.kind} with {' and '.join(lacking)}, found none")
        if self.new_symbol == self.symbol:
            raise ValueError(f"expected a new symbol other than {self.symbol}, found the same")
        if self.amount is not None and self.amount <= 0:
            raise ValueError(f"expected an amount above 0, found {self.amount}")
        if self.kind is ActionKind.SPLIT and self.ratio == Ratio(numerator=1, denominator=1):
            raise ValueError("expected a split that changes something, found 1:1")

    @property
    def effect(self) -> Effect:
        """Give what the exchange is told."""
        if self.handling is Handling.CONVERT:
            if self.kind is ActionKind.STOCK_MERGER:
                return Effect.RESCALE
            if self.kind is ActionKind.SPIN_OFF:
                return Effect.PAY
        return _KIND_TO_EFFECT[self.kind]

    @property
    def key(self) -> str:
        """Give the name of the action: `NVDA split 2024-06-10`."""
        special = "special " if self.is_special else ""
        return f"{self.symbol} {special}{self.kind} {self.ex_date}"

    @property
    def rebases_price(self) -> bool:
        """Say whether whoever ignores it sees a false move of the price, large enough to liquidate."""
        return self.kind in _REBASING or self.is_special

    @property
    def followed_symbol(self) -> str:
        """Give the symbol that the sources must follow afterwards."""
        follows = self.effect is Effect.ALIAS or (
            self.kind is ActionKind.STOCK_MERGER and self.effect is Effect.RESCALE
        )
        return self.new_symbol if follows and self.new_symbol is not None else self.symbol

    def price_after(self, price: PriceE8) -> PriceE8:
        """Give what a price from before is worth after; at most 0 when the dividend eats it."""
        if self.effect is Effect.RESCALE and self.ratio is not None:
            return self.ratio.price(price)
        if self.effect is Effect.PAY and self.amount is not None:
            return PriceE8(price - self.amount)
        if self.effect is Effect.SETTLE and self.amount is not None:
            return self.amount
        return price

    def __str__(self) -> str:
        terms = [str(self.ratio)] if self.ratio is not None else []
        terms += [f"{price_text(self.amount)} USD a share"] if self.amount is not None else []
        terms += [f"to {self.new_symbol}"] if self.new_symbol is not None else []
        return " ".join([self.key, *terms])


_KIND_TO_EFFECT: Final = {
    ActionKind.SPLIT: Effect.RESCALE,
    ActionKind.CASH_DIVIDEND: Effect.PAY,
    ActionKind.SYMBOL_CHANGE: Effect.ALIAS,
    ActionKind.CASH_MERGER: Effect.SETTLE,
    ActionKind.DELISTING: Effect.SETTLE,
    ActionKind.STOCK_MERGER: Effect.SETTLE,
    ActionKind.SPIN_OFF: Effect.SETTLE,
}
_KIND_TO_NEEDS: Final[Mapping[ActionKind, tuple[str, ...]]] = {
    ActionKind.SPLIT: ("ratio",),
    ActionKind.CASH_DIVIDEND: ("amount",),
    ActionKind.SYMBOL_CHANGE: ("new_symbol",),
    ActionKind.CASH_MERGER: ("amount",),
}
_CONVERT_NEEDS: Final[Mapping[ActionKind, tuple[str, ...]]] = {
    ActionKind.STOCK_MERGER: ("ratio", "new_symbol"),
    ActionKind.SPIN_OFF: ("amount",),
}
_REBASING: Final = frozenset({ActionKind.SPLIT, ActionKind.STOCK_MERGER, ActionKind.SPIN_OFF})
