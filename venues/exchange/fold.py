"""Fold events into markets: the last known market plus an event gives the market after it.

Every event carries absolute values, so a market is exact from its events alone, the first one
included (`MarketCreated` is followed by its rules and parameters in the same transaction). What
does not make sense — a price of zero, a market that nobody created — is refused with a sentence
and leaves the market as it was; the feed then takes a new snapshot. A price is the hot path.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from risk.corporate_prices import Rebase
from risk.corporate_values import ratio_of
from risk.market import Market, Tier
from risk.units import (
    PPM_SCALE,
    MarketId,
    MarketStatus,
    Ppm,
    PriceE8,
    QuoteAtoms,
    Seconds,
    SizeE8,
)
from venues.exchange.fast_values import compile_constructor, compile_copier
from venues.exchange.slicers import Defect, UndecodableError
from venues.exchange.views import status_of, symbol_of, tiers_of
from venues.port import MarketChanged

MAX_PRICE: Final = 10**15
"""1e-8 USD; the contract accepts no price above."""
MOST_MARKETS: Final = 128

_PRICE_FIELDS: Final = (
    "mark",
    "index",
    "price_timestamp",
    "updated_at",
    "funding_numerator",
    "funding_time",
)
_RULE_FIELDS: Final = (
    "clamp",
    "min_interval",
    "expiry",
    "min_position_notional",
    "slice_threshold",
    "penalty",
    "spread_max",
    "backstop_cap",
)
_PARAMETERS: Final = {
    1: "initial_margin",
    2: "funding_rate",
    3: "taker_fee",
    4: "maker_fee",
    5: "open_interest_cap",
}

_with_price = compile_copier(Market, _PRICE_FIELDS)
_with_open_interest = compile_copier(Market, ("open_interest",))
_with_band = compile_copier(Market, ("band_low", "band_high"))
_with_status = compile_copier(Market, ("status",))
_with_dividend = compile_copier(Market, ("mark", "index", "funding_numerator", "funding_time"))
_with_split_begun = compile_copier(Market, ("is_splitting", "funding_numerator", "funding_time"))
_with_split_finished = compile_copier(
    Market,
    (
        "mark",
        "index",
        "band_low",
        "band_high",
        "funding_numerator",
        "funding_time",
        "is_splitting",
    ),
)
_with_settlement = compile_copier(
    Market, (*_PRICE_FIELDS, "funding_rate", "band_low", "band_high", "status")
)
_with_rules = compile_copier(Market, (*_RULE_FIELDS, "tiers"))
_with_parameter = {
    number: compile_copier(Market, (name, "funding_numerator", "funding_time"))
    for number, name in _PARAMETERS.items()
}
_changed = compile_constructor(MarketChanged)


class MarketFold:
    """All markets as of the last event. Methods take an event's values and give the change."""

    def __init__(self, markets: Mapping[MarketId, Market] | None = None) -> None:
        self.markets: dict[MarketId, Market] = dict(markets or {})

    def reset(self, markets: Mapping[MarketId, Market]) -> None:
        """Start again from a snapshot."""
        self.markets = dict(markets)

    def _known(self, number: MarketId) -> Market:
        market = self.markets.get(number)
        if market is None:
            raise UndecodableError(
                f"expected one of {len(self.markets)} known markets, found market {number}",
                Defect.UNKNOWN_MARKET,
            )
        return market

    def _keep(self, market: Market, *, is_price_only: bool = False) -> MarketChanged:
        self.markets[market.id] = market
        return _changed(market, is_price_only, None)

    def price_published(self, values: tuple[Any, ...]) -> MarketChanged:
        """Fold an accepted price; accepting one accrues funding up to its block."""
        number, mark, index, price_timestamp, updated_at, numerator = values
        old = self._known(number)
        _require_prices(number, mark, index)
        market = _with_price(old, mark, index, price_timestamp, updated_at, numerator, updated_at)
        self.markets[market.id] = market
        return _changed(market, True, None)

    def open_interest_changed(self, values: tuple[Any, ...]) -> MarketChanged:
        """Fold a new open interest: no margin depends on it, so nothing but "prices" moved."""
        number, open_interest = values
        market = _with_open_interest(self._known(number), SizeE8(open_interest))
        return self._keep(market, is_price_only=True)

    def band_changed(self, values: tuple[Any, ...]) -> MarketChanged:
        """Fold a new price band, or none (0, 0)."""
        number, low, high = values
        return self._keep(_with_band(self._known(number), PriceE8(low), PriceE8(high)))

    def status_changed(self, values: tuple[Any, ...]) -> MarketChanged:
        """Fold a new market status."""
        number, status = values
        return self._keep(_with_status(self._known(number), status_of(status)))

    def parameter_changed(self, values: tuple[Any, ...]) -> MarketChanged:
        """Fold one tuned parameter; a new funding rate comes with funding accrued until then."""
        number, parameter, value, numerator, funding_time = values
        copy = _with_parameter.get(parameter)
        if copy is None:
            raise UndecodableError(
                f"expected a parameter from 1 to {len(_PARAMETERS)}, found {parameter}",
                Defect.BAD_VALUE,
            )
        return self._keep(copy(self._known(number), value, numerator, Seconds(funding_time)))

    def rules_changed(self, values: tuple[Any, ...]) -> MarketChanged:
        """Fold the owner's rules of a market, margin tiers included."""
        number, *rules = values
        plain, count, words = rules[: len(_RULE_FIELDS)], rules[len(_RULE_FIELDS)], rules[-12:]
        return self._keep(_with_rules(self._known(number), *plain, tiers_of(count, words)))

    def dividend_paid(self, values: tuple[Any, ...]) -> MarketChanged:
        """Fold a dividend: prices fall by it, and funding hands it from shorts to longs."""
        number, amount, mark, index, numerator, time = values
        _require_prices(number, mark, index)
        market = _with_dividend(self._known(number), mark, index, numerator, time)
        return replace(self._keep(market), rebase=Rebase(amount=amount))

    def split_begun(self, values: tuple[Any, ...]) -> MarketChanged:
        """Fold the start of a split: no price counts until it is finished."""
        number, numerator, time = values
        return self._keep(_with_split_begun(self._known(number), True, numerator, time))

    def split_finished(self, values: tuple[Any, ...]) -> MarketChanged:
        """Fold the end of a split: rescaled prices and band, funding from zero."""
        number, new, of_old, mark, index, low, high, numerator, time = values
        _require_prices(number, mark, index)
        if min(new, of_old) < 1:
            raise UndecodableError(
                f"expected a ratio of numbers above 0 for market {number}, found {new}:{of_old}",
                Defect.BAD_VALUE,
            )
        old = self._known(number)
        market = _with_split_finished(old, mark, index, low, high, numerator, time, False)
        return replace(self._keep(market), rebase=Rebase(ratio=ratio_of(new, of_old)))

    def market_settled(self, values: tuple[Any, ...]) -> MarketChanged:
        """Fold a settlement: one last price, no band and no funding from here on."""
        number, price, numerator, time = values
        _require_prices(number, price, price)
        old = self._known(number)
        return self._keep(
            _with_settlement(
                old, price, price, time, time, numerator, time, 0, 0, 0, MarketStatus.SETTLED
            )
        )

    def market_created(self, values: tuple[Any, ...]) -> MarketChanged:
        """Start a market without a price; its rules and parameters follow in the same block.

        Until they do it demands full margin: whoever looks in between is never too lenient.
        """
        number, symbol = values
        if number != len(self.markets) or number >= MOST_MARKETS:
            raise UndecodableError(
                f"expected market {len(self.markets)} to be created next, found market {number}",
                Defect.UNKNOWN_MARKET,
            )
        zero = QuoteAtoms(0)
        full = Ppm(PPM_SCALE)
        market = Market(
            id=MarketId(number),
            symbol=symbol_of(symbol),
            status=MarketStatus.OPEN,
            mark=PriceE8(0),
            index=PriceE8(0),
            price_timestamp=Seconds(0),
            updated_at=Seconds(0),
            funding_time=Seconds(0),
            initial_margin=full,
            open_interest_cap=zero,
            clamp=full,
            min_interval=Seconds(0),
            expiry=Seconds(0),
            min_position_notional=zero,
            slice_threshold=zero,
            penalty=Ppm(0),
            spread_max=Ppm(0),
            backstop_cap=zero,
            tiers=(Tier(lower_bound=zero, rate=full, deduction=zero),),
        )
        return self._keep(market)


def _require_prices(number: int, mark: int, index: int) -> None:
    if not (0 < mark <= MAX_PRICE and 0 < index <= MAX_PRICE):
        raise UndecodableError(
            f"expected prices from 1 to {MAX_PRICE} for market {number}, found {mark} and {index}",
            Defect.BAD_VALUE,
        )


RULE_FIELDS: Final = (*_RULE_FIELDS, "tier_count", *(f"tiers.{word}" for word in range(12)))
"""Fields of MarketRulesChanged after the market, flattened to words."""
