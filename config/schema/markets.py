"""The schema of a market's file and of `exchange.toml`.

Money is in USD and converted exactly; rates are parts per million. The rules here are stricter than
the contract's where the contract would accept something that hurts: a liquidation that costs more
than the margin it finds, or a guard rail that its own market already breaks.
"""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from config.schema.fields import (
    ATOMS_PER_USD,
    PRICE_UNITS_PER_USD,
    NaturalInt,
    PositiveInt,
    PositiveUsd,
    PriceUsd,
    Section,
    Usd,
    WholeSeconds,
    exact_units,
)
from config.schema.limits import Limits

PositivePpm = Annotated[int, Field(gt=0, le=1_000_000)]
NaturalPpm = Annotated[int, Field(ge=0, le=1_000_000)]
FeePpm = Annotated[int, Field(ge=-1_000_000, le=1_000_000)]
Symbol = Annotated[str, Field(pattern=r"^[A-Z0-9.-]{1,16}$")]


def atoms(amount: Decimal) -> int:
    """Turn USD into the quote token's atoms, exactly."""
    return exact_units(amount, ATOMS_PER_USD)


class TierRow(Section):
    """Maintenance margin from a notional on."""

    from_notional_usd: Usd
    """Notional from which the rate holds; 0 for the first tier."""

    maintenance_margin_ppm: PositivePpm
    """Part of the notional above `from_notional_usd` that must be kept."""


class PriceRules(Section):
    """What the exchange makes of a published price."""

    clamp_ppm: PositivePpm
    """Largest move of mark and index in one update."""

    min_interval_seconds: WholeSeconds
    """Shortest time between two accepted updates."""

    expiry_seconds: WholeSeconds
    """Age after which a price is stale: no new risk and no liquidation."""


class Fees(Section):
    """What a trade costs."""

    taker_ppm: FeePpm
    """Fee of the taking side, in ppm of the notional."""

    maker_ppm: FeePpm
    """Fee of the making side; negative is a rebate, never more than the taker pays."""


class Sizes(Section):
    """How large the market and a position may be."""

    open_interest_cap_usd: PositiveUsd
    """Most open interest (sum of longs at the mark)."""

    min_position_usd: PositiveUsd
    """Smallest position that may be opened or left by a liquidation."""


class MarketLiquidation(Section):
    """What a liquidation in this market may take and cost."""

    slice_threshold_usd: PositiveUsd
    """Notional above which a position goes in slices."""

    penalty_ppm: NaturalPpm
    """Penalty, in ppm of the notional closed: the keeper's reward and the insurance fund."""

    spread_max_ppm: NaturalPpm
    """Largest discount from the mark at which the backstop takes over."""

    backstop_cap_usd: PositiveUsd
    """Largest inventory of the backstop in this market."""


class MarketFile(Section):
    """One market as it is created."""

    symbol: Symbol
    """Ticker of the underlying, at most 16 characters; unique on the exchange."""

    asset_class: Literal["stock", "etf", "crypto_fund", "commodity", "treasury_fund"]
    """What the underlying is; decides its sessions."""

    luld_tier: Literal[1, 2] = 2
    """Tier of the underlying under limit up / limit down: 1 for the S&P 500, the Russell 1000 and chosen funds."""

    reference_price_usd: PriceUsd
    """Price at which drills start. The exchange itself begins without one."""

    initial_margin_ppm: PositivePpm
    """Part of the notional needed to open; 50_000 is 20 times leverage."""

    tiers: Annotated[tuple[TierRow, ...], Field(min_length=1, max_length=4, strict=False)]
    """Maintenance margin, rising with the notional."""

    price: PriceRules
    """Rules of a price update."""

    fees: Fees
    """Fees of a trade."""

    size: Sizes
    """Bounds of size."""

    liquidation: MarketLiquidation
    """Rules of liquidation in this market."""

    limits: Limits
    """The owner's guard rails, one table for each parameter."""

    @property
    def reference_price_e8(self) -> int:
        """Give the reference price in 1e-8 USD."""
        return exact_units(self.reference_price_usd, PRICE_UNITS_PER_USD)

    @property
    def tier_pairs(self) -> list[tuple[int, int]]:
        """List (lower bound in atoms, rate in ppm), as `risk.market.make_tiers` takes them."""
        return [(atoms(tier.from_notional_usd), tier.maintenance_margin_ppm) for tier in self.tiers]

    @model_validator(mode="after")
    def _check_together(self) -> "MarketFile":
        self._check_tiers()
        self._check_costs()
        self._check_limits()
        return self

    def _check_tiers(self) -> None:
        if self.tiers[0].from_notional_usd != 0:
            raise ValueError(
                f"the first of `tiers` must start at 0, found {self.tiers[0].from_notional_usd}: "
                "set its `from_notional_usd = 0`"
            )
        for lower, upper in zip(self.tiers, self.tiers[1:], strict=False):
            if (
                upper.from_notional_usd <= lower.from_notional_usd
                or upper.maintenance_margin_ppm <= lower.maintenance_margin_ppm
            ):
                raise ValueError(
                    "`tiers` must rise in notional and in margin, found "
                    f"{upper.from_notional_usd} at {upper.maintenance_margin_ppm} ppm after "
                    f"{lower.from_notional_usd} at {lower.maintenance_margin_ppm} ppm: reorder them"
                )
        least = self.tiers[0].maintenance_margin_ppm
        if self.initial_margin_ppm < least:
            raise ValueError(
                f"`initial_margin_ppm` ({self.initial_margin_ppm}) must be at least the first "
                f"tier's `maintenance_margin_ppm` ({least}): raise the first or lower the second"
            )

    def _check_costs(self) -> None:
        cost = self.liquidation.penalty_ppm + self.liquidation.spread_max_ppm
        least = self.tiers[0].maintenance_margin_ppm
        if cost >= least:
            raise ValueError(
                f"`liquidation.penalty_ppm` + `liquidation.spread_max_ppm` ({cost}) must be less "
                f"than the first tier's `maintenance_margin_ppm` ({least}), or a liquidation "
                "would cost more than the margin it finds: lower them"
            )
        if self.fees.taker_ppm + self.fees.maker_ppm < 0:
            raise ValueError(
                f"`fees.taker_ppm` ({self.fees.taker_ppm}) must carry the rebate of "
                f"`fees.maker_ppm` ({self.fees.maker_ppm}): raise the first or lower the rebate"
            )
        if self.liquidation.slice_threshold_usd <= self.size.min_position_usd:
            raise ValueError(
                f"`liquidation.slice_threshold_usd` ({self.liquidation.slice_threshold_usd}) must "
                f"exceed `size.min_position_usd` ({self.size.min_position_usd}): raise the first"
            )

    def _check_limits(self) -> None:
        least = self.tiers[0].maintenance_margin_ppm
        if self.limits.initial_margin.minimum_ppm < least:
            raise ValueError(
                f"`limits.initial_margin.minimum_ppm` ({self.limits.initial_margin.minimum_ppm}) "
                f"must be at least the first tier's `maintenance_margin_ppm` ({least}): raise it"
            )
        starts = {
            "initial_margin_ppm": (self.initial_margin_ppm, "initial_margin"),
            "fees.taker_ppm": (self.fees.taker_ppm, "taker_fee"),
            "fees.maker_ppm": (self.fees.maker_ppm, "maker_fee"),
            "size.open_interest_cap_usd": (
                atoms(self.size.open_interest_cap_usd),
                "open_interest_cap",
            ),
        }
        for key, (start, name) in starts.items():
            rail = getattr(self.limits, name).rail
            if not rail.minimum <= start <= rail.maximum:
                raise ValueError(
                    f"`{key}` must lie within [limits.{name}], which it does not: "
                    "widen the limits or move the value"
                )


class ExchangeLiquidation(Section):
    """Rules of liquidation for all markets."""

    slice_ppm: PositivePpm
    """Part of a large position that goes first."""

    cool_down_seconds: NaturalInt
    """Pause between a slice and the rest."""

    slice_memory_seconds: PositiveInt
    """Time after which a large position is sliced afresh."""

    critical_margin_ppm: NaturalPpm
    """Below this part of the maintenance margin: no slices and no cool-down."""

    buffer_ppm: Annotated[int, Field(ge=1_000_000, le=2_000_000)]
    """Liquidation stops when equity reaches maintenance margin times this."""

    @model_validator(mode="after")
    def _check_together(self) -> "ExchangeLiquidation":
        if self.slice_memory_seconds <= self.cool_down_seconds:
            raise ValueError(
                f"`slice_memory_seconds` ({self.slice_memory_seconds}) must exceed "
                f"`cool_down_seconds` ({self.cool_down_seconds}), or the rest would never go: "
                "raise the first"
            )
        return self


class Reward(Section):
    """What a keeper earns for an item."""

    notional_ppm: NaturalPpm
    """Part of the notional closed."""

    cap_usd: PositiveUsd
    """Most for one item."""

    gas_per_item: NaturalInt
    """Gas that is paid back for an item."""

    gas_margin_ppm: Annotated[int, Field(ge=0, le=10_000_000)]
    """Margin on top of the gas."""

    native_price_usd: PriceUsd
    """Price of the chain's native coin, to pay gas in USD. The owner keeps it roughly true."""


class ExchangeFile(Section):
    """What holds for the whole exchange."""

    markets: Annotated[tuple[Symbol, ...], Field(min_length=1, max_length=128, strict=False)]
    """Symbols in the order of their creation; each has a file in `markets/`."""

    liquidation: ExchangeLiquidation
    """Rules of liquidation."""

    reward: Reward
    """The keeper's reward."""

    @model_validator(mode="after")
    def _check_together(self) -> "ExchangeFile":
        twice = {symbol for symbol in self.markets if self.markets.count(symbol) > 1}
        if twice:
            raise ValueError(
                f"`markets` must name each symbol once, found {min(twice)} twice: remove one"
            )
        return self
