"""How the last resort is taken: who gives up a position when nobody else can carry a bankrupt account."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from config.schema.fields import (
    ATOMS_PER_USD,
    NaturalInt,
    PositiveInt,
    PositiveUsd,
    Seconds,
    Section,
    Usd,
    exact_units,
)


class Deleverage(Section):
    """The deleverage keeper: insurance fund first, backstop next, then others in profit, in small steps."""

    watches: bool = False
    """Whether `bellkeeper run` without a duty runs this one too. It needs `[keys.deleverager]`."""

    policy: Literal["profit_leverage", "pro_rata"] = "profit_leverage"
    """Who is taken: the highest profit ratio times leverage first, each whole; or everybody in proportion to size."""

    max_items_per_transaction: Annotated[int, Field(ge=1, le=64)] = 16
    """Pairs closed in one step, which is one transaction. After it everything is judged anew."""

    max_gas_per_transaction: PositiveInt = Field(default=15_000_000, ge=500_000)
    """Gas limit of one transaction. Steps shrink to fit what receipts have taught about the cost of an item."""

    step_notional_usd: PositiveUsd = Decimal(1_000_000)
    """Most that one step closes on each side, at the mark. One item at least is always sent, cut to this."""

    smallest_share_usd: Usd = Decimal(10)
    """Pro rata: nobody is asked for less than this at the mark, so that crumbs do not eat the gas."""

    max_refusals: PositiveInt = Field(default=64, le=10_000)
    """Counterparties that cannot bear their part are tried up to so many for one account in one step."""

    most_accounts_judged: PositiveInt = Field(default=256, le=100_000)
    """Bankrupt accounts judged in one cycle, those who owe most; more take longer and hold up the others of the process."""

    retry_seconds: PositiveInt = 5
    """Pause of an account after the exchange refused an item of it, on the venue's clock; doubled with each in a row."""

    standby_seconds: NaturalInt = 0
    """A second keeper acts only when a need was left alone for so long; 0 for the first."""

    forecast_seconds: Seconds = 5.0
    """Pause between two forecasts of a market. They take a tenth of a core at most, so with many accounts it takes longer."""

    @property
    def step_notional_atoms(self) -> int:
        """Give the most that a step closes in the quote token's atoms."""
        return exact_units(self.step_notional_usd, ATOMS_PER_USD)

    @property
    def smallest_share_atoms(self) -> int:
        """Give the smallest share in atoms."""
        return exact_units(self.smallest_share_usd, ATOMS_PER_USD)
