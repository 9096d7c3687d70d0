"""How bands are drawn, markets paused and halted, and who may order it."""

from typing import Annotated

from pydantic import Field

from config.schema.fields import FilePath, Name, NaturalInt, PositiveInt, Seconds, Section
from config.schema.markets import PositivePpm, Symbol


class MarketRulebook(Section):
    """What differs for one market."""

    symbol: Symbol
    """The market."""

    rulebook: Name
    """Its rulebook, by the name of a file in `config/rulebooks/` without `.toml`, `-` for `_`."""


class Breaker(Section):
    """The breaker keeper: it draws each market's band and sets its status by rule."""

    watches: bool = False
    """Whether `bellkeeper run` without a duty runs this one too. It needs `[keys.breaker]` or `[keys.guardian]`; the shipped emergency plans need both."""

    band_tolerance_ppm: PositivePpm = 2_000
    """How far both edges of a band may be off, in ppm of the mark, before it is written again."""

    gas: PositiveInt = Field(default=300_000, ge=50_000)
    """Gas of one write."""

    retry_seconds: PositiveInt = 10
    """Pause of a market after the exchange refused a write; a stricter status does not wait."""

    standby_seconds: NaturalInt = Field(default=0, le=600)
    """How long, on the venue's clock, a write must have been wanted before this instance makes it. 0 for the instance that acts; 5 or more for each further one, which then acts only when the first does not."""

    reading_seconds: Seconds = 2.0
    """Pause between readings of roles, limits and the vault."""

    orders_file: FilePath | None = None
    """File in which operators order (`bellkeeper halt`, `resume`, `reduce-only`, `plan`)."""

    rules_file: FilePath | None = None
    """Rules of the market-wide and integrity breakers; left out: `config/breakers/default.toml`."""

    plans_directory: FilePath | None = None
    """Folder of emergency plans; left out: `config/plans/`."""

    rulebooks: Annotated[tuple[MarketRulebook, ...], Field(max_length=128, strict=False)] = ()
    """Markets with another rulebook than their calendar names."""
