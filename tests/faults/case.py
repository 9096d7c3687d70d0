"""What a case of the matrix is, and what came out of its runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.faults.checks import Verdict
from tests.faults.stage import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One kind of fault: plays on a stage, and leaves all keepers stopped or settled."""

    name: str
    what: str
    """What is done, for the table."""
    play: Callable[[Stage, int], None]
    """Given the stage and how often to do it; counts in `stage.faults`."""
    times: int
    """How often on one stage."""
    stages: int = 1
    """Stages in one run of `make faults`, each with a seed of its own."""
    start: int | None = None
    """The chain's clock at the beginning, Unix seconds; ours if left out."""
    ahead: int = 0
    """The chain's clock before ours, in seconds."""
    market: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One run of a case."""

    case: str
    seed: int
    faults: int
    verdict: Verdict
    blocks: int
    """Longest recovery: from the fault's end, or the price, to the last liquidation."""
    milliseconds: int
    notes: tuple[str, ...] = ()
    error: str = ""
    """Why a run could not be judged: something never came, or a keeper died of a bug."""

    @property
    def is_good(self) -> bool:
        """Say whether nothing was lost, doubled or out of balance."""
        return not self.error and self.verdict.is_good
