"""What a file in config/breakers/ says: market-wide levels and who follows, and the integrity breaker."""

from typing import Annotated

from pydantic import Field, model_validator

from config.schema.breaker_causes import (
    BlocksCause,
    CauseTable,
    InputsCause,
    PpmCause,
    SecondsCause,
    SpanSeconds,
    UsdCause,
    WarmUp,
    WindowCause,
)
from config.schema.calendars import AssetClass
from config.schema.fields import Name, Section, WholeSeconds
from config.schema.markets import Symbol
from risk.integrity_rules import Cause, IntegrityRules
from risk.market_wide_rules import LevelRule, MarketWideRules
from risk.units import Ppm, Seconds


class Level(Section):
    """One level of a market-wide halt."""

    fall_ppm: Annotated[int, Field(gt=0, lt=1_000_000)]
    """Fall below the previous close that reaches it."""

    halt_seconds: WholeSeconds | None = None
    """How long the markets halt; left out: to the end of the trading day, however near the close."""

    @property
    def rule(self) -> LevelRule:
        """Give the level as the rules have it."""
        halt = None if self.halt_seconds is None else Seconds(self.halt_seconds)
        return LevelRule(fall=Ppm(self.fall_ppm), halt=halt)


class Group(Section):
    """Markets that pause together when their index falls."""

    name: Name
    """Short name in logs and metrics."""

    index: Symbol
    """Market whose index price is looked at."""

    asset_classes: tuple[AssetClass, ...] = Field(default=(), strict=False)
    """Classes of market that follow."""

    levels: tuple[Level, ...] = Field(min_length=1, max_length=8, strict=False)
    """Levels from the first to the last."""

    cut_off_seconds: SpanSeconds
    """No halt with a length begins so near the close."""

    warm_up: WarmUp
    """Fresh prices of the index for each step back."""

    @property
    def rules(self) -> MarketWideRules:
        """Give the rules; raises ValueError for what cannot stand together."""
        return MarketWideRules(
            index=self.index,
            levels=tuple(level.rule for level in self.levels),
            cut_off=Seconds(self.cut_off_seconds),
            warm_up=self.warm_up,
        )

    @model_validator(mode="after")
    def _check_together(self) -> "Group":
        try:
            _ = self.rules
        except ValueError as error:
            raise ValueError(f"{error}: correct `levels`") from None
        return self


class Following(Section):
    """What one market follows, in place of the groups of its class."""

    market: Symbol
    """The market."""

    groups: tuple[str, ...] = Field(strict=False)
    """Names of groups; the strictest decides. An empty list: it follows nothing."""


class MarketWide(Section):
    """The market-wide breaker."""

    groups: tuple[Group, ...] = Field(strict=False)
    """Each with its own index, levels and memory."""

    follows: tuple[Following, ...] = Field(default=(), strict=False)
    """Markets that do not follow the groups of their class."""

    @model_validator(mode="after")
    def _check_together(self) -> "MarketWide":
        names = [group.name for group in self.groups]
        markets = [each.market for each in self.follows]
        for what, values in (("groups", names), ("follows", markets)):
            twice = {value for value in values if values.count(value) > 1}
            if twice:
                raise ValueError(
                    f"must name each of `{what}` once, found {min(twice)} twice: remove one"
                )
        for each in self.follows:
            unknown = sorted(set(each.groups) - set(names))
            if unknown:
                known = ", ".join(sorted(names)) or "none"
                raise ValueError(
                    f"must let {each.market} follow groups that exist ({known}), found"
                    f" {unknown[0]}: correct it"
                )
        return self


class Integrity(Section):
    """The integrity breaker; a cause that is left out is not watched."""

    longest_gap_seconds: WholeSeconds
    """After a longer pause between two observations a cause counts as not watched."""

    tighter_band_ppm: Annotated[int, Field(gt=0, lt=1_000_000)]
    """Half-width of the band that `tighter_band` asks for, in ppm of the mark."""

    price_stale: SecondsCause | None = None
    """Age of the price that the venue holds."""

    below_quorum: InputsCause | None = None
    """Inputs behind the price: providers by day, book and participants by night."""

    sources_diverge: PpmCause | None = None
    """Distance of the farthest source from the combined price."""

    mark_index_divergence: PpmCause | None = None
    """Distance of the mark from the index."""

    book_emptied: WindowCause | None = None
    """Fall of the book's depth."""

    open_interest_jump: WindowCause | None = None
    """Rise of the open interest."""

    concentration: PpmCause | None = None
    """Part of the open interest that the largest account holds."""

    liquidation_backlog: BlocksCause | None = None
    """Age of the oldest account under margin."""

    underlying_halted: CauseTable | None = None
    """Trading halt of the underlying."""

    limit_changed: CauseTable | None = None
    """Limits of the owner that differ from those that were approved."""

    insurance_falling: WindowCause | None = None
    """Fall of the insurance fund."""

    solvency_breach: UsdCause | None = None
    """What the vault lacks; a little is rounding."""

    role_changed: CauseTable | None = None
    """Role holders that differ from those that were approved."""

    chain_stalled: SecondsCause | None = None
    """Age of the last block on our own clock."""

    proof_broken: CauseTable | None = None
    """What the proof of solvency asks of all markets, for money and authority; the ladder is the most."""

    risk_unproven: CauseTable | None = None
    """What the proof asks of a market, for waits, prices, bad debt and concentration; the same."""

    @property
    def tables(self) -> dict[Cause, CauseTable]:
        """Give the table of every cause that is watched."""
        named = {cause: getattr(self, cause.value) for cause in Cause}
        return {cause: table for cause, table in named.items() if table is not None}

    @property
    def rules(self) -> IntegrityRules:
        """Give the rules; raises ValueError for what cannot stand together."""
        return IntegrityRules(
            causes={cause: table.rule for cause, table in self.tables.items()},
            longest_gap=Seconds(self.longest_gap_seconds),
            tighter_band=Ppm(self.tighter_band_ppm),
        )

    @model_validator(mode="after")
    def _check_together(self) -> "Integrity":
        try:
            _ = self.rules
        except ValueError as error:
            raise ValueError(f"{error}: correct it") from None
        return self


class BreakersFile(Section):
    """All breakers that are no bands."""

    market_wide: MarketWide
    """Halts when the whole market falls."""

    integrity: Integrity
    """Restrictions when the exchange doubts itself."""
