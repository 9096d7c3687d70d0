"""How corporate actions are believed, made and verified, and when a price looks like a split."""

from typing import Annotated

from pydantic import Field, model_validator

from config.schema.fields import FilePath, NaturalInt, PositiveInt, Section, WholeSeconds
from config.schema.markets import PositivePpm, Symbol
from risk.corporate_rules import CorporateRules
from risk.split_suspicion import SuspicionRules
from risk.units import Ppm
from risk.units import Seconds as VenueSeconds

NaturalSeconds = Annotated[int, Field(ge=0, le=31_536_000)]


class Corporate(Section):
    """The corporate keeper: it makes splits, dividends and settlements when their moment comes."""

    watches: bool = False
    """Whether `bellkeeper run` without a duty runs this one too. It needs `[keys.corporate]`, and the duties price and breaker in the same process."""

    actions_directory: FilePath | None = None
    """Folder of what publishers tell; left out: `config/corporate-actions/`. It is read again whenever it changes."""

    orders_file: FilePath | None = None
    """File in which operators order (`bellkeeper actions approve`, `abort`, `resume`)."""

    followed: dict[Symbol, Symbol] = Field(default_factory=dict)
    """Markets whose sources follow another symbol by now, after a change of symbol or a merger: `FB = "META"`."""

    gas: PositiveInt = Field(default=15_000_000, ge=200_000)
    """Gas of one write. A rescaled account took 18_400 (anvil): raise it with `chunk`, at most to `liquidation.max_gas_per_transaction`, which the signer refuses to pass."""

    retry_seconds: PositiveInt = 10
    """Pause of a market after the exchange refused a write, on the venue's clock."""

    standby_seconds: NaturalInt = Field(default=0, le=600)
    """A second keeper writes only what was wanted for so long; 0 for the first."""

    least_sources: PositiveInt = Field(default=2, ge=2, le=16)
    """Publishers that must tell the same; with fewer an operator must approve."""

    same_action_seconds: WholeSeconds = 864_000
    """Two tellings whose days differ by at most this are one action told differently."""

    same_dividend_seconds: WholeSeconds = 259_200
    """The same for dividends."""

    notice_seconds: WholeSeconds = 172_800
    """So long before its moment an action that is not agreed on is an alarm."""

    arm_lead_seconds: WholeSeconds = 86_400
    """So long before its moment an agreed action is armed."""

    halt_lead_seconds: NaturalSeconds = 900
    """So long before its moment the market is halted."""

    dividend_halt_lead_seconds: NaturalSeconds = 60
    """The same for a regular dividend, which is one write."""

    chunk: PositiveInt = Field(default=256, le=1_024)
    """Accounts rescaled in one write."""

    apply_wait_seconds: WholeSeconds = 600
    """Writes that take longer are an alarm."""

    first_price_wait_seconds: WholeSeconds = 345_600
    """A first price that takes longer is an alarm."""

    tolerance_ppm: PositivePpm = 100_000
    """How far the first price may lie from what the last one before is worth now."""

    warm_up_prices: PositiveInt = Field(default=3, le=1_000)
    """Prices in a row, within the tolerance, before trading returns."""

    taken_up_for_seconds: WholeSeconds = 259_200
    """An action first heard of so long after its moment is history."""

    suspicion_tolerance_ppm: PositivePpm = 20_000
    """How near to a known ratio a price must fall within one update to look like a split that nobody announced."""

    suspicion_closure_tolerance_ppm: PositivePpm = 50_000
    """The same over a closure, in which the share moves besides."""

    @model_validator(mode="after")
    def _check_together(self) -> "Corporate":
        leads = (
            self.dividend_halt_lead_seconds,
            self.halt_lead_seconds,
            self.arm_lead_seconds,
            self.notice_seconds,
        )
        if list(leads) != sorted(leads):
            raise ValueError(
                "must have dividend_halt_lead_seconds <= halt_lead_seconds <= arm_lead_seconds <="
                f" notice_seconds, found {', '.join(map(str, leads))}: put them in that order"
            )
        if self.tolerance_ppm >= 1_000_000:
            raise ValueError("must have `tolerance_ppm` below 1_000_000: lower it")
        near, far = self.suspicion_tolerance_ppm, self.suspicion_closure_tolerance_ppm
        if not near <= far <= 100_000:
            raise ValueError(
                "must have suspicion_tolerance_ppm <= suspicion_closure_tolerance_ppm <= 100_000,"
                f" found {near} and {far}: wider ones would run into each other"
            )
        return self

    @property
    def rules(self) -> CorporateRules:
        """Give how careful to be."""
        return CorporateRules(
            least_sources=self.least_sources,
            same_action=VenueSeconds(self.same_action_seconds),
            same_dividend=VenueSeconds(self.same_dividend_seconds),
            notice=VenueSeconds(self.notice_seconds),
            arm_lead=VenueSeconds(self.arm_lead_seconds),
            halt_lead=VenueSeconds(self.halt_lead_seconds),
            dividend_halt_lead=VenueSeconds(self.dividend_halt_lead_seconds),
            chunk=self.chunk,
            apply_wait=VenueSeconds(self.apply_wait_seconds),
            first_price_wait=VenueSeconds(self.first_price_wait_seconds),
            tolerance=Ppm(self.tolerance_ppm),
            warm_up=self.warm_up_prices,
            taken_up_for=VenueSeconds(self.taken_up_for_seconds),
        )

    @property
    def suspicion_rules(self) -> SuspicionRules:
        """Give how near to a ratio is near."""
        return SuspicionRules(
            tolerance=Ppm(self.suspicion_tolerance_ppm),
            closure_tolerance=Ppm(self.suspicion_closure_tolerance_ppm),
        )
