"""How leverage, funding, fees and caps follow the sessions, and what makers are paid off hours."""

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, Field

from config.schema.fields import (
    ATOMS_PER_USD,
    FilePath,
    NaturalInt,
    PositiveInt,
    PositiveUsd,
    Seconds,
    Section,
    WholeSeconds,
    exact_units,
)
from config.schema.markets import PositivePpm, Symbol
from risk.units import account_label, parse_account


def _check_account(value: str) -> str:
    try:
        return account_label(parse_account(value))
    except ValueError:
        raise ValueError("an account as 0xowner/subaccount") from None


AccountText = Annotated[str, AfterValidator(_check_account)]


class Incentives(Section):
    """The incentive keeper: it moves each market's levers by schedule, events and measured liquidity."""

    watches: bool = False
    """Whether `bellkeeper run` without a duty runs this one too. It needs `[keys.tuner]`."""

    symbols: Annotated[tuple[Symbol, ...], Field(max_length=128, strict=False)] = ()
    """Markets whose levers it moves; left out: those that are priced, else all that are shipped."""

    schedule_directory: FilePath | None = None
    """Folder of the schedule; left out: `config/incentives/`."""

    events_directory: FilePath | None = None
    """Folder of dated events; left out: `config/events/`."""

    makers: Annotated[tuple[AccountText, ...], Field(max_length=64, strict=False)] = ()
    """The makers' accounts: others' net position against them is the skew. Without any no funding is added for skew."""

    effective_notional_usd: PositiveUsd = Decimal(20_000)
    """Trade for which the effective spread is measured."""

    base_interest_ppm: Annotated[int, Field(ge=-10_000, le=10_000)] = 100
    """Interest of the funding rate for 8 hours."""

    base_cap_ppb_per_hour: PositiveInt = Field(default=40_000_000, le=1_000_000_000)
    """Largest base funding rate, before the schedule's multiplier; 40_000_000 is 4 % an hour."""

    funding_tolerance_ppb_per_hour: PositiveInt = 2_500
    """How far a funding rate may be off before it is written again."""

    gas: PositiveInt = Field(default=300_000, ge=50_000)
    """Gas of one write."""

    retry_seconds: PositiveInt = 30
    """Pause of a market after the exchange refused a write, on the venue's clock."""

    standby_seconds: NaturalInt = 0
    """A second keeper writes only what was possible and wanted for so long; 0 for the first."""

    reading_seconds: Seconds = 5.0
    """Pause between readings of the owner's limits."""

    reaction_seconds: WholeSeconds = 60
    """Longest time from when a write is needed and possible until it has landed. The budget's reserve and the simulation of funding stand on it: raise it where blocks, the count of trades or `standby_seconds` are slow."""

    largest_notional_usd_per_second: PositiveUsd = Decimal(50_000)
    """Most that is traded in one market in a second, for the budget's reserve: within it a budget is never overspent."""

    largest_trades_per_second: PositiveInt = 50
    """Most trades of one market in a second, for the same."""

    pace_tolerance_ppm: PositivePpm = 100_000
    """Part of a week's budget by which spending may run ahead of the clock."""

    counting_seconds: Seconds = 1.0
    """Pause between readings of settled trades."""

    uncounted_seconds: Seconds = 60.0
    """Without a reading of trades for so long, rebates go home."""

    recount_minutes: PositiveInt = Field(default=60, le=10_080)
    """How often the week's spending is counted anew from the chain and compared."""

    @property
    def largest_notional_atoms(self) -> int:
        """Give the most notional of a second in the quote token's atoms."""
        return exact_units(self.largest_notional_usd_per_second, ATOMS_PER_USD)

    @property
    def effective_notional_atoms(self) -> int:
        """Give the trade of the effective spread in atoms."""
        return exact_units(self.effective_notional_usd, ATOMS_PER_USD)
