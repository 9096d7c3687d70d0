"""One run of a drill: what identifies it, what it is called in files and commands, how far it is."""

from dataclasses import dataclass, replace

from drills.report.record import Ground, Variant
from drills.scenario.values import Scenario
from risk.units import Seconds
from runtime.errors import OperatorError


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """One scenario, variant and seed on one ground."""

    scenario: str
    """A name that ships, or a path that ends in .toml."""
    accounts: int
    seed: int = 1
    variant: Variant = Variant.BASE
    ground: Ground = Ground.MEMORY
    begin: Seconds | None = None
    """Where the drill begins; None: with the scenario."""
    until: Seconds | None = None
    """Where it ends; None: with the scenario."""

    def between(self, begin: Seconds | None, until: Seconds | None) -> "RunPlan":
        """Give the same over another stretch."""
        return replace(self, begin=begin, until=until)

    @property
    def name(self) -> str:
        """Give the run's name, which is its file's: two runs that differ have two names."""
        stem = self.scenario.rpartition("/")[2].removesuffix(".toml")
        parts = [
            stem,
            self.ground.value,
            self.variant.value,
            f"{self.accounts}",
            f"seed{self.seed}",
        ]
        parts += [f"from{self.begin}"] if self.begin is not None else []
        parts += [f"until{self.until}"] if self.until is not None else []
        return "-".join(parts)

    @property
    def command(self) -> str:
        """Give the command that repeats it; its times are seconds of the venue's clock."""
        words = ["bellkeeper", "drill", self.scenario, "--on", self.ground.value]
        words += ["--accounts", str(self.accounts), "--seed", str(self.seed)]
        words += ["--variant", self.variant.value] if self.variant is not Variant.BASE else []
        words += ["--from", str(self.begin)] if self.begin is not None else []
        words += ["--until", str(self.until)] if self.until is not None else []
        return " ".join(words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run is."""

    now: Seconds
    begin: Seconds
    end: Seconds
    under_margin: int
    liquidations: int
    halts: int


def span_of(plan: RunPlan, scenario: Scenario) -> tuple[Seconds, Seconds]:
    """Give the stretch that is played; raises OperatorError for one outside of the scenario."""
    begin = scenario.start if plan.begin is None else plan.begin
    end = scenario.end if plan.until is None else plan.until
    if not scenario.start <= begin < end <= scenario.end:
        raise OperatorError(
            f"expected a stretch from {scenario.start} to {scenario.end} that ends after it begins,"
            f" found {begin} to {end}: choose another --from or --until"
        )
    return begin, end
