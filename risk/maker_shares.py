"""Who makes a market, from the trades that were settled in a rolling window of time.

A maker is an owner, however many accounts he trades with: concentration must not hide behind
subaccounts. A trade between two accounts of one owner is volume and made nobody's market: it counts
for no maker. Volume is the notional on which the exchange charges its fees, each trade rounded up.

The window is cut into slices, as in `risk.fact_windows`: a slice is kept until its last second has left
the span, so a window may remember up to one slice too long and never too short. Each slice names a
bounded number of makers; beyond that, sums stay exact and what is said of makers is None.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from risk.fact_windows import WindowRules
from risk.units import (
    PPM_SCALE,
    SUBACCOUNT_BITS,
    AccountId,
    Ppm,
    PriceE8,
    QuoteAtoms,
    Seconds,
    SizeE8,
    div_ceil,
    div_floor,
    notional,
)


class Trade(Protocol):
    """A trade as it was settled."""

    @property
    def taker(self) -> AccountId:
        """Who crossed the spread."""

    @property
    def maker(self) -> AccountId:
        """Whose order rested."""

    @property
    def size(self) -> SizeE8:
        """The taker's, + bought."""

    @property
    def price(self) -> PriceE8:
        """At which both were filled."""

    @property
    def taker_fee(self) -> QuoteAtoms:
        """What the taker paid; below 0: was paid."""

    @property
    def maker_fee(self) -> QuoteAtoms:
        """What the maker paid; below 0: was paid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MakerRules:
    """How long trades are remembered, and how many makers of each slice of time.

    Raises ValueError for a number of makers below 1.
    """

    window: WindowRules = WindowRules(span=Seconds(3_600))
    most_makers: int = 1_000

    def __post_init__(self) -> None:
        if self.most_makers < 1:
            raise ValueError(f"expected at least 1 maker for a slice, found {self.most_makers}")


@dataclass(frozen=True, slots=True, kw_only=True)
class MakerShares:
    """What was settled in one market in the window, in quote atoms."""

    observed: Seconds
    """How much of the span was watched: less than all of it means that trades may lack."""
    trades: int
    volume: QuoteAtoms
    """Of all trades."""
    self_volume: QuoteAtoms
    """Of those between two accounts of one owner."""
    taker_fees: QuoteAtoms
    """Signed: less what takers were paid."""
    maker_fees: QuoteAtoms
    """What makers paid; what they were paid is not taken off."""
    rebates: QuoteAtoms
    """What makers were paid, as a number from 0 on."""
    makers: int | None
    """How many owners made a market; None when they were more than could be named."""
    largest_share: Ppm | None
    """The largest maker's part of the makers' volume, rounded up; None without any such volume, or
    with more makers than could be named."""

    @property
    def maker_volume(self) -> QuoteAtoms:
        """Give the volume in which one owner made a market for another."""
        return QuoteAtoms(self.volume - self.self_volume)


@dataclass(slots=True)
class _Sums:
    """Sums of a slice, or of the window."""

    trades: int = 0
    volume: int = 0
    self_volume: int = 0
    taker_fees: int = 0
    maker_fees: int = 0
    rebates: int = 0
    unnamed: int = 0
    """Trades of makers beyond the number that is named."""
    by_maker: dict[int, int] = field(default_factory=dict)
    """From owner to volume."""

    def add(self, other: "_Sums", sign: int) -> None:
        """Add or take away a slice."""
        self.trades += sign * other.trades
        self.volume += sign * other.volume
        self.self_volume += sign * other.self_volume
        self.taker_fees += sign * other.taker_fees
        self.maker_fees += sign * other.maker_fees
        self.rebates += sign * other.rebates
        self.unnamed += sign * other.unnamed
        for owner, volume in other.by_maker.items():
            left = self.by_maker.get(owner, 0) + sign * volume
            if left:
                self.by_maker[owner] = left
            else:
                self.by_maker.pop(owner, None)


class MakerWindow:
    """The settled trades of one market, `since` when they are watched; fed in place.

    Times are the venue's clock; one that went back feeds the last slice.
    """

    def __init__(self, rules: MakerRules, *, since: Seconds) -> None:
        self._rules = rules
        self._since = since
        self._slices: deque[tuple[int, _Sums]] = deque()
        self._whole = _Sums()

    def take(self, trade: Trade, now: Seconds) -> None:
        """Count a trade that was settled at `now`."""
        self._age(now)
        number = div_floor(now, self._rules.window.slice)
        if not self._slices or self._slices[-1][0] < number:
            self._slices.append((number, _Sums()))
        last = self._slices[-1][1]
        one = _sums_of(trade)
        is_new = one.by_maker.keys() - last.by_maker.keys()
        if is_new and len(last.by_maker) >= self._rules.most_makers:
            one.by_maker.clear()
            one.unnamed = 1
        last.add(one, 1)
        self._whole.add(one, 1)

    def shares(self, now: Seconds) -> MakerShares:
        """Give what was settled in the window that ends at `now`."""
        self._age(now)
        whole = self._whole
        is_named = not whole.unnamed
        return MakerShares(
            observed=Seconds(max(0, min(self._rules.window.span, now - self._since))),
            trades=whole.trades,
            volume=QuoteAtoms(whole.volume),
            self_volume=QuoteAtoms(whole.self_volume),
            taker_fees=QuoteAtoms(whole.taker_fees),
            maker_fees=QuoteAtoms(whole.maker_fees),
            rebates=QuoteAtoms(whole.rebates),
            makers=len(whole.by_maker) if is_named else None,
            largest_share=_largest_share(whole.by_maker.values()) if is_named else None,
        )

    def forget(self, now: Seconds) -> None:
        """Begin anew: what was settled until now is not known to be all."""
        self._since = now
        self._slices.clear()
        self._whole = _Sums()

    def _age(self, now: Seconds) -> None:
        oldest = div_floor(now - self._rules.window.span, self._rules.window.slice)
        while self._slices and self._slices[0][0] < oldest:
            self._whole.add(self._slices.popleft()[1], -1)


def _sums_of(trade: Trade) -> _Sums:
    volume = notional(trade.size, trade.price)
    maker = trade.maker >> SUBACCOUNT_BITS
    is_own = maker == trade.taker >> SUBACCOUNT_BITS
    return _Sums(
        trades=1,
        volume=volume,
        self_volume=volume if is_own else 0,
        taker_fees=trade.taker_fee,
        maker_fees=max(0, trade.maker_fee),
        rebates=max(0, -trade.maker_fee),
        by_maker={} if is_own else {maker: volume},
    )


def _largest_share(volumes: Iterable[int]) -> Ppm | None:
    every = tuple(volumes)
    if not every:
        return None
    return Ppm(div_ceil(max(every) * PPM_SCALE, sum(every)))
