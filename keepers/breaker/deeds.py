"""From what markets ought to be to what is written now: one write for each market, strictest first.

Stricter statuses go by the guardian's key, which needs no epoch and outruns a resumption, and by the
breaker's where there is no guardian. Softer statuses and bands go by the breaker's. A market
that must be halted gets no band before: nobody trades there, and a band would hold its price.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from risk.band_write import plan_band
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
class DeedRules:
    """What the keeper may do."""

    band_tolerance: Ppm
    has_breaker: bool = True
    has_guardian: bool = True


def deeds(
    markets: Mapping[MarketId, Market],
    wanted: Mapping[MarketId, Wanted],
    *,
    limits: Mapping[MarketId, Limits],
    band_written: Mapping[MarketId, Seconds],
    withdrawals_open: bool | None,
    now: Seconds,
    rules: DeedRules,
) -> list[Deed]:
    """Say what to write now, the most urgent first."""
    found: list[Deed] = []
    for number, wish in wanted.items():
        market = markets[number]
        if market.is_settled:
            continue
        status = _status_deed(market, wish, rules)
        if status is not None:
            found.append(status)
        elif number in limits and rules.has_breaker:
            found.extend(
                _band_deeds(market, wish, limits[number], band_written.get(number), now, rules)
            )
    closing = [wish for wish in wanted.values() if wish.closes_withdrawals]
    if closing and withdrawals_open and rules.has_guardian:
        found.append(_withdrawals_deed(closing[0]))
    return sorted(found, key=_urgency)


def _status_deed(market: Market, wish: Wanted, rules: DeedRules) -> Deed | None:
    if market.status == wish.status:
        return None
    is_stricter = wish.status > market.status
    if is_stricter and rules.has_guardian:
        key = Key.GUARDIAN
    elif rules.has_breaker:
        key = Key.BREAKER
    else:
        return None
    return Deed(
        what=What.STATUS,
        key=key,
        market=market.id,
        symbol=market.symbol,
        status=wish.status,
        by="" if wish.by is None else wish.by.value,
        why=wish.why,
    )


def _band_deeds(
    market: Market,
    wish: Wanted,
    limits: Limits,
    written: Seconds | None,
    now: Seconds,
    rules: DeedRules,
) -> Iterable[Deed]:
    if wish.band is None:
        return
    planned = plan_band(
        market,
        wish.band,
        limits,
        now=now,
        last_written=written,
        tolerance=rules.band_tolerance,
    )
    if planned.band is not None:
        yield Deed(
            what=What.BAND,
            key=Key.BREAKER,
            market=market.id,
            symbol=market.symbol,
            band=planned.band,
            by="" if wish.by is None else wish.by.value,
            why=planned.why,
        )


def _withdrawals_deed(wish: Wanted) -> Deed:
    return Deed(
        what=What.WITHDRAWALS,
        key=Key.GUARDIAN,
        market=EXCHANGE,
        symbol="*",
        by="" if wish.by is None else wish.by.value,
        why=wish.why,
    )


def _urgency(deed: Deed) -> tuple[int, int]:
    """Put what nobody can undo or trade through first: withdrawals, then the strictest status, bands."""
    if deed.what is What.WITHDRAWALS:
        return (0, 0)
    if deed.status is not None:
        return (1, -int(deed.status))
    return (2, deed.market)
