"""From what markets ought to be to what is written now: one write for each market, strictest first.

Stricter statuses go by the guardian's key, which needs no epoch and outruns a resumption, and by the
breaker's where there is no guardian. Softer statuses and bands go by the breaker's. A market
that must be halted gets no band before: nobody trades there, and a band would hold its price. A market
that trades again gets its band first: not even for a block does it trade inside an old one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from risk.band_write import BandWrite, plan_band
from risk.guard_rails import Limits
from risk.market import Market
from risk.precedence import BandEdges, Wanted
from risk.units import MarketId, MarketStatus, Ppm, Seconds

EXCHANGE: Final = MarketId(-1)
"""Stands for the whole exchange, where a deed is about all of it."""


class What(StrEnum):
    """What is written."""

    STATUS = "status"
    BAND = "band"
    WITHDRAWALS = "withdrawals"


class Key(StrEnum):
    """By whose key."""

    BREAKER = "breaker"
    GUARDIAN = "guardian"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One write. `market` is EXCHANGE for withdrawals."""

    what: What
    key: Key
    market: MarketId
    symbol: str
    status: MarketStatus | None = None
    band: BandEdges | None = None
    by: str
    """The machine that decides."""
    why: str

    @property
    def value(self) -> str:
        """What is written, in a word."""
        if self.band is not None:
            return f"{self.band.low}-{self.band.high}"
        return "closed" if self.status is None else self.status.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rails:
    """The owner's limits of one market's band and status, and when each was last written.

    Times are on the venue's clock; None for a write that we know nothing of.
    """

    band: Limits
    status: Limits
    band_written: Seconds | None = None
    status_written: Seconds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeedRules:
    """What the keeper may do."""

    band_tolerance: Ppm
    has_breaker: bool = True
    has_guardian: bool = True


def deeds(
    markets: Mapping[MarketId, Market],
    wanted: Mapping[MarketId, Wanted],
    *,
    rails: Mapping[MarketId, Rails],
    withdrawals_open: bool | None,
    now: Seconds,
    rules: DeedRules,
) -> list[Deed]:
    """Say what to write now, the most urgent first. A market without `rails` only gets stricter."""
    found: list[Deed] = []
    for number, wish in wanted.items():
        market = markets[number]
        if market.is_settled:
            continue
        deed = _deed(market, wish, rails.get(number), now, rules)
        if deed is not None:
            found.append(deed)
    closing = [wish for wish in wanted.values() if wish.closes_withdrawals]
    if closing and withdrawals_open and rules.has_guardian:
        found.append(_withdrawals_deed(closing[0]))
    return sorted(found, key=_urgency)


def _deed(
    market: Market, wish: Wanted, rails: Rails | None, now: Seconds, rules: DeedRules
) -> Deed | None:
    if wish.status > market.status:
        return _stricter_deed(market, wish, rules)
    if rails is None or not rules.has_breaker or market.is_splitting:
        return None
    band = _band_write(market, wish, rails, now, rules)
    if band.band is not None:
        return Deed(
            what=What.BAND,
            key=Key.BREAKER,
            market=market.id,
            symbol=market.symbol,
            band=band.band,
            by=_by(wish),
            why=band.why,
        )
    if wish.status == market.status or band.is_due_later or not _may_soften(wish, rails, now):
        return None
    return _status_deed(market, wish, Key.BREAKER)


def _stricter_deed(market: Market, wish: Wanted, rules: DeedRules) -> Deed | None:
    if rules.has_guardian:
        return _status_deed(market, wish, Key.GUARDIAN)
    return _status_deed(market, wish, Key.BREAKER) if rules.has_breaker else None


def _status_deed(market: Market, wish: Wanted, key: Key) -> Deed:
    return Deed(
        what=What.STATUS,
        key=key,
        market=market.id,
        symbol=market.symbol,
        status=wish.status,
        by=_by(wish),
        why=wish.why,
    )


def _may_soften(wish: Wanted, rails: Rails, now: Seconds) -> bool:
    limits, written = rails.status, rails.status_written
    is_cool = written is None or now >= written + limits.cool_down
    return is_cool and limits.minimum <= wish.status <= limits.maximum


def _band_write(
    market: Market, wish: Wanted, rails: Rails, now: Seconds, rules: DeedRules
) -> BandWrite:
    if wish.band is None:
        return BandWrite(band=None, why="no machine asks for a band")
    return plan_band(
        market,
        wish.band,
        rails.band,
        now=now,
        last_written=rails.band_written,
        tolerance=rules.band_tolerance,
    )


def _by(wish: Wanted) -> str:
    return "" if wish.by is None else wish.by.value


def _withdrawals_deed(wish: Wanted) -> Deed:
    return Deed(
        what=What.WITHDRAWALS,
        key=Key.GUARDIAN,
        market=EXCHANGE,
        symbol="*",
        by="" if wish.closes_by is None else wish.closes_by.value,
        why=wish.closes_why,
    )


def _urgency(deed: Deed) -> tuple[int, int]:
    """Put what nobody can undo or trade through first: withdrawals, then the strictest status, bands."""
    if deed.what is What.WITHDRAWALS:
        return (0, 0)
    if deed.status is not None:
        return (1, -int(deed.status))
    return (2, deed.market)
