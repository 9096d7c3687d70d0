"""Play a case once, on a stage of its own, and judge."""

import tempfile
import time
import traceback
from pathlib import Path

from tests.faults.case import Case, Outcome
from tests.faults.checks import Verdict, judge
from tests.faults.stage import Stage, running_stage

_NOTHING = Verdict(lost=(), doubled=(), unbalanced=())


def play(case: Case, seed: int, *, times: int | None = None, keep: Path | None = None) -> Outcome:
    """Play it; whatever goes wrong is in the outcome. `keep` is a folder for logs and journals."""
    with tempfile.TemporaryDirectory(prefix="faults-") as temporary:
        folder = Path(temporary) if keep is None else keep
        start = case.start if not case.ahead else int(time.time()) + case.ahead
        with running_stage(folder, seed, start=start, **case.market) as stage:
            verdict, error = _NOTHING, ""
            try:
                case.play(stage, case.times if times is None else times)
                verdict = judge(stage)
            except Exception as problem:  # noqa: BLE001 - a run that cannot be judged is told, not hidden
                error = f"{type(problem).__name__}: {problem}"
                (folder / "problem.txt").write_text(traceback.format_exc())
            return _outcome(case, seed, stage, verdict, error)


def _outcome(case: Case, seed: int, stage: Stage, verdict: Verdict, error: str) -> Outcome:
    return Outcome(
        case=case.name,
        seed=seed,
        faults=stage.faults,
        verdict=verdict,
        blocks=max((wave.blocks or 0 for wave in stage.waves), default=0),
        milliseconds=max((wave.milliseconds or 0 for wave in stage.waves), default=0),
        notes=tuple(stage.notes),
        error=error,
    )
