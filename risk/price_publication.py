"""Which prices to publish now, and what the exchange will make of them.

A market is published once in an interval even when nothing moved, since silence looks like an
outage; earlier when the price has moved far; never before the venue's minimum, which would only
be refused. What is not published has its reason. The forecast mirrors docs/exchange.md section 3.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from risk.market import Market
from risk.price_support import Rung
from risk.units import PPM_SCALE, MarketId, Ppm, PriceE8, Seconds, div_floor

MOST_PRICES = 64
"""Prices that the exchange takes in one call."""
HIGHEST_PRICE = 10**15


class PriceCode(IntEnum):
    """What the exchange says of each price that is published, as in docs/exchange.md section 3."""

    ACCEPTED = 0
    UNKNOWN_MARKET = 1
    MARKET_CLOSED = 2
    ZERO_PRICE = 3
    FUTURE = 4
    BACKWARDS = 5
    EXPIRED = 6
    TOO_SOON = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class FairPrice:
    """What a market's price ought to be, and how well that is known."""

    market: MarketId
    mark: PriceE8
    index: PriceE8
    timestamp: Seconds
    """To which time on the venue's clock the price belongs; the exchange ages it from here."""
    rung: Rung


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicationRules:
    """How often to publish."""

    interval: Seconds
    """Between two publications of a quiet market."""
    early_move: Ppm
    """Publish sooner when mark or index moved by more than this from what the chain holds."""


class Silence(StrEnum):
    """Why a market is not published now."""

    UNKNOWN_MARKET = "unknown_market"
    CLOSED = "closed"
    UNSUPPORTED = "unsupported"
    NO_PRICE = "no_price"
    FUTURE_DATED = "future_dated"
    BACKWARDS = "backwards"
    EXPIRED = "expired"
    TOO_SOON = "too_soon"
    NOT_DUE = "not_due"
    BATCH_FULL = "batch_full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """Prices for one transaction, and the reason for each that is left out."""

    prices: tuple[FairPrice, ...]
    silences: tuple[tuple[MarketId, Silence], ...]


def plan_publication(
    markets: dict[MarketId, Market],
    prices: Iterable[FairPrice],
    *,
    now: Seconds,
    rules: PublicationRules,
) -> Publication:
    """Choose what to publish at `now` (the venue's clock); the longest silent markets first.

    A batch is full at the exchange's 64; what did not fit is first in the next.
    """
    due: list[tuple[Seconds, FairPrice]] = []
    silences: list[tuple[MarketId, Silence]] = []
    for price in prices:
        market = markets.get(price.market)
        silence = (
            Silence.UNKNOWN_MARKET if market is None else why_silent(market, price, now, rules)
        )
        if market is None or silence is not None:
            silences.append((price.market, silence or Silence.UNKNOWN_MARKET))
        else:
            due.append((market.updated_at, price))
    due.sort(key=lambda each: (each[0], each[1].market))
    silences += [(price.market, Silence.BATCH_FULL) for _, price in due[MOST_PRICES:]]
    return Publication(
        prices=tuple(price for _, price in due[:MOST_PRICES]),
        silences=tuple(sorted(silences)),
    )


def why_silent(
    market: Market, price: FairPrice, now: Seconds, rules: PublicationRules
) -> Silence | None:
    """Give the first reason not to publish this price now, or None when it is due."""
    waited = now - market.updated_at
    reasons = (
        (market.is_settled or market.is_splitting, Silence.CLOSED),
        (price.rung is Rung.SILENT, Silence.UNSUPPORTED),
        (
            min(price.mark, price.index) <= 0 or max(price.mark, price.index) > HIGHEST_PRICE,
            Silence.NO_PRICE,
        ),
        (price.timestamp > now, Silence.FUTURE_DATED),
        (price.timestamp < market.price_timestamp, Silence.BACKWARDS),
        (now - price.timestamp > market.expiry, Silence.EXPIRED),
        (waited < market.min_interval, Silence.TOO_SOON),
        (waited < rules.interval and not _moved_far(market, price, rules), Silence.NOT_DUE),
    )
    return next((silence for holds, silence in reasons if holds), None)


def _moved_far(market: Market, price: FairPrice, rules: PublicationRules) -> bool:
    expected = forecast(market, price)
    moves = (
        (market.mark, price.mark, expected.mark),
        (market.index, price.index, expected.index),
    )
    # A mark that the band holds cannot follow: repeating the wish sooner would change nothing.
    return any(
        reached != old and abs(wanted - old) * PPM_SCALE > old * rules.early_move
        for old, wanted, reached in moves
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The prices that the exchange will hold after a publication."""

    mark: PriceE8
    index: PriceE8


def forecast(market: Market, price: FairPrice) -> Forecast:
    """Give what the exchange will make of a price: clamped per update, then inside the band."""
    mark = _stepped(market.mark, price.mark, market.clamp)
    if market.band_low or market.band_high:
        mark = PriceE8(min(max(mark, market.band_low), market.band_high))
    return Forecast(mark=mark, index=_stepped(market.index, price.index, market.clamp))


def _stepped(old: PriceE8, wanted: PriceE8, clamp: Ppm) -> PriceE8:
    if old == 0:
        return wanted
    step = div_floor(old * clamp, PPM_SCALE)
    return PriceE8(min(max(wanted, old - step), old + step))
