"""One market as the exchange holds it: its rules, its prices, its funding.

The exact rules are in docs/exchange.md; what is computed here mirrors the contract to the atom.
Times are on the venue's clock. A market that may not be priced (stale, never priced, in the middle
of a split) says so through `is_stale`: whoever judges must look before using `mark`.
"""

from dataclasses import dataclass

from risk.units import (
    FUNDING_NUMERATOR_SCALE,
    PPM_SCALE,
    FundingE12,
    MarketId,
    MarketStatus,
    PpbPerHour,
    Ppm,
    PriceE8,
    QuoteAtoms,
    Seconds,
    SizeE8,
    div_ceil,
    div_floor,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """Maintenance margin from `lower_bound` of notional on: `notional · rate − deduction`."""

    lower_bound: QuoteAtoms
    rate: Ppm
    deduction: QuoteAtoms


def make_tiers(bounds_and_rates: list[tuple[int, int]]) -> tuple[Tier, ...]:
    """Build continuous tiers from (lower bound in atoms, rate in ppm) pairs.

    Raises ValueError unless the first bound is 0 and bounds and rates strictly increase.
    """
    tiers: list[Tier] = []
    for bound, rate in bounds_and_rates:
        if not tiers:
            if bound != 0 or rate <= 0:
                raise ValueError(
                    f"expected a first tier from 0 at a positive rate, found {bound}, {rate}"
                )
            deduction = 0
        else:
            last = tiers[-1]
            if bound <= last.lower_bound or rate <= last.rate:
                raise ValueError(f"expected tiers to rise, found {bound}, {rate} after {last}")
            deduction = last.deduction + div_floor(bound * (rate - last.rate), PPM_SCALE)
        tiers.append(
            Tier(lower_bound=QuoteAtoms(bound), rate=Ppm(rate), deduction=QuoteAtoms(deduction))
        )
    return tuple(tiers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """Rules and live state of one market; field by field as in the contract's `MarketView`."""

    id: MarketId
    symbol: str
    status: MarketStatus = MarketStatus.OPEN
    is_splitting: bool = False
    mark: PriceE8
    index: PriceE8
    price_timestamp: Seconds
    updated_at: Seconds
    funding_rate: PpbPerHour = PpbPerHour(0)
    funding_numerator: int = 0
    funding_time: Seconds
    band_low: PriceE8 = PriceE8(0)
    band_high: PriceE8 = PriceE8(0)
    open_interest: SizeE8 = SizeE8(0)
    initial_margin: Ppm
    taker_fee: Ppm = Ppm(0)
    maker_fee: Ppm = Ppm(0)
    open_interest_cap: QuoteAtoms
    clamp: Ppm
    min_interval: Seconds
    expiry: Seconds
    min_position_notional: QuoteAtoms
    slice_threshold: QuoteAtoms
    penalty: Ppm
    spread_max: Ppm
    backstop_cap: QuoteAtoms
    tiers: tuple[Tier, ...]

    @property
    def is_settled(self) -> bool:
        """Say whether the market was closed for good at a settlement price."""
        return self.status is MarketStatus.SETTLED

    @property
    def may_liquidate(self) -> bool:
        """Say whether the contract takes liquidations here, prices apart."""
        return self.status < MarketStatus.HALTED and not self.is_splitting

    def is_stale(self, now: Seconds) -> bool:
        """Say whether the mark may not be used at `now`: then no new risk and no liquidation."""
        if self.is_settled:
            return False
        if self.is_splitting or self.mark == 0:
            return True
        return now - self.price_timestamp > self.expiry

    def funding_index(self, now: Seconds) -> FundingE12:
        """Give the cumulative funding of one share at `now`, accrued on the index price.

        It stands still while a split is in progress.
        """
        elapsed = 0 if self.is_splitting else now - self.funding_time
        accrued = self.funding_rate * self.index * elapsed
        return FundingE12(div_floor(self.funding_numerator + accrued, FUNDING_NUMERATOR_SCALE))

    def maintenance_margin(self, notional: QuoteAtoms) -> QuoteAtoms:
        """Give what a position of this notional must keep, rounded up; 0 once settled."""
        if self.is_settled:
            return QuoteAtoms(0)
        tier = self.tiers[0]
        for candidate in self.tiers[1:]:
            if candidate.lower_bound > notional:
                break
            tier = candidate
        return QuoteAtoms(div_ceil(notional * tier.rate, PPM_SCALE) - tier.deduction)

    def required_to_open(self, notional: QuoteAtoms) -> QuoteAtoms:
        """Give what a position of this notional needs to be opened, rounded up."""
        if self.is_settled:
            return QuoteAtoms(0)
        initial = div_ceil(notional * self.initial_margin, PPM_SCALE)
        return QuoteAtoms(max(initial, self.maintenance_margin(notional)))
