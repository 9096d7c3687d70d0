"""SIGKILL at every commit of the journal, and at any moment; a full, a read-only and a torn journal."""

import resource
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Final

from runtime.errors import OperatorError
from tests.faults.dying_keeper import ANY, MOMENTS
from tests.faults.journals import open_work, read_journal
from tests.faults.keeper import Keeper
from tests.faults.stage import Stage

WRITERS: Final = ("open_lane", "__init__", "plan_and_sign", "sent", "mined", "settle_all", "final")
"""Every method of the journal that commits on the way of a liquidation."""
_FRAME_BYTES: Final = 4_120
"""A page of SQLite's write-ahead log with its header."""
_READ_ONLY: Final = (
    *("unshare", "--user", "--map-root-user", "--mount", "sh", "-c"),
    'd=$1; shift; mount --bind "$d" "$d" && mount -o remount,bind,ro "$d" && exec "$@"',
    "sh",
)


def deaths(random: Random, times: int) -> Iterator[str]:
    """Name the moments: each writer at each moment in turn, then any commit at all."""
    # A lane is bound to its key once per journal, so those deaths come first.
    first = [f"{WRITERS[0]}:{moment}:1" for moment in MOMENTS]
    corners = [f"{writer}:{moment}:1" for writer in WRITERS[1:] for moment in MOMENTS]
    random.shuffle(corners)
    corners = first + corners
    for number in range(times):
        if number < len(corners) or number % 2:
            yield corners[number % len(corners)]
        else:
            yield f"{ANY}:{random.choice(MOMENTS)}:{random.randrange(1, 16)}"


def kill_at_commits(stage: Stage, times: int) -> None:
    """Let the keeper die at one commit per life, and finish in a last life."""
    died = live_through(stage, deaths(stage.random, times))
    stage.notes.append(f"{len(died)} of {len(WRITERS) * len(MOMENTS)} commits met")


def live_through(stage: Stage, moments: Iterable[str]) -> set[str]:
    """Live and die once for each moment, then finish; give the deaths that came to pass."""
    keeper = stage.keeper()
    died: set[str] = set()
    for death in moments:
        _live(stage, keeper, death)
        last = keeper.last_lines(1)
        if last.startswith("died "):
            died.add(last)
    _last_life(stage, keeper)
    return died


def kill_at_any_moment(stage: Stage, times: int) -> None:
    """Kill from outside, while a wave is being handled or right after."""
    keeper = stage.keeper()
    for _ in range(times):
        _begin(stage, keeper)
        keeper.wait_ready()
        stage.wave(2)
        stage.wait_blocks(stage.random.randrange(5))
        keeper.kill()
        stage.faults += 1
        _finish(stage, keeper)
    _last_life(stage, keeper)


def full_disk(stage: Stage, times: int) -> None:
    """Let the disk be full somewhere in a wave: the keeper must stop and say so, then go on."""
    keeper = stage.keeper()
    for _ in range(times):
        _begin(stage, keeper)
        keeper.wait_ready()
        room = stage.random.randrange(1, 12) * _FRAME_BYTES // 2
        wal = keeper.journal.with_name(keeper.journal.name + "-wal")
        limit = wal.stat().st_size + room
        resource.prlimit(keeper.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        while keeper.is_alive:
            stage.wave(1)
            stage.wait(lambda: not keeper.is_alive or _is_over(stage, keeper), "it dies or goes on")
            if keeper.is_alive:
                stage.finish()
        _require_end(keeper, "the journal")
        stage.faults += 1
        _finish(stage, keeper)
    _last_life(stage, keeper)


def read_only_disk(stage: Stage, times: int) -> None:
    """Start on a read-only journal: the keeper must refuse in a sentence, and later go on."""
    keeper = stage.keeper()
    _begin(stage, keeper)
    keeper.wait_ready()
    for _ in range(times):
        stage.wave(1)
        keeper.kill()
        keeper.start(before=(*_READ_ONLY, str(keeper.journal.parent)))
        _require_end(keeper, "the journal")
        stage.faults += 1
        _finish(stage, keeper)
    _last_life(stage, keeper)


def can_mount() -> bool:
    """Say whether this machine lets us mount in a namespace of our own."""
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run([*_READ_ONLY[:4], "true"], check=False, capture_output=True)
    return tried.returncode == 0


def torn_log(stage: Stage, times: int) -> None:
    """Kill, and cut the end off the write-ahead log, as a disk that lied about its flush would.

    Every other death is with bytes on their way and nothing written since: what is cut off then is the
    commit that they must not leave without, and only the chain knows of them.
    """
    keeper = stage.keeper()
    told = 0
    for number, death in enumerate(deaths(stage.random, times)):
        _live(stage, keeper, death if number % 2 else "sent:before:1")
        wal = keeper.journal.with_name(keeper.journal.name + "-wal")
        tear(wal, stage.random.randrange(1, 3 * _FRAME_BYTES))
        keeper.start()
        stage.wait(lambda: keeper.is_ready() or _is_foreign(keeper), "it is ready or halts")
        if _is_foreign(keeper):
            told += 1
            acknowledge(stage, keeper)
        _finish(stage, keeper, is_started=True)
    stage.notes.append(f"{told} times a whole commit was gone, and the lane halted until told")
    _last_life(stage, keeper)


def tear(wal: Path, size: int) -> None:
    """Cut so many bytes off the end of what a write-ahead log holds; behind it lie older frames."""
    text = wal.read_bytes() if wal.exists() else b""
    salts, end = text[16:24], 32
    while text[end + 8 : end + 16] == salts and end + _FRAME_BYTES <= len(text):
        end += _FRAME_BYTES
    if text:
        with wal.open("r+b") as file:
            file.truncate(max(32, end - size))


def acknowledge(stage: Stage, keeper: Keeper, *, already: Sequence[int] = ()) -> None:
    """Do as the runbook says: find the nonces that are not the journal's, then restart with the word."""
    keeper.kill()
    known = {tx.nonce for tx in read_journal(keeper.journal).transactions}
    used = int(stage.rpc.call("eth_getTransactionCount", keeper.key.address, "pending"), 16)
    accepted = stage.acknowledged.setdefault(keeper.key.address, set())
    accepted |= {nonce for nonce in range(used) if nonce not in known} | set(already)
    keeper.start("--acknowledge-foreign-nonces")
    # Not before it has said so is it in the journal.
    stage.wait(keeper.is_ready, "it goes on once acknowledged")


# --- lives ---------------------------------------------------------------------------------------


def _begin(stage: Stage, keeper: Keeper, die_at: str | None = None) -> None:
    if not keeper.is_alive:
        keeper.start(die_at=die_at)
        stage.healed()


def _is_over(stage: Stage, keeper: Keeper) -> bool:
    return stage.done(stage.waves[-1]) and open_work(keeper.journal) == 0


def _live(stage: Stage, keeper: Keeper, die_at: str) -> None:
    """Live until the death, or until there is nothing left to do."""
    keeper.kill()
    _begin(stage, keeper, die_at)
    if not stage.waves or stage.done(stage.waves[-1]):
        stage.wave(2)
    stage.wait(
        lambda: not keeper.is_alive or _is_over(stage, keeper), f"it dies at {die_at} or is done"
    )
    keeper.kill()
    stage.faults += 1
    if stage.done(stage.waves[-1]):
        stage.finish()


def _finish(stage: Stage, keeper: Keeper, *, is_started: bool = False) -> None:
    """Let an honest life finish the wave."""
    if not is_started:
        _begin(stage, keeper)
    stage.finish()
    stage.settle()


def _last_life(stage: Stage, keeper: Keeper) -> None:
    _begin(stage, keeper)
    keeper.wait_ready()
    stage.finish()
    stage.settle()
    assert keeper.stop() == 0


def _require_end(keeper: Keeper, words: str) -> None:
    code = keeper.wait_end()
    assert code == OperatorError.exit_code, f"exit code {code}: {keeper.last_lines()}"
    assert words in keeper.last_lines(1), keeper.last_lines()


def _is_foreign(keeper: Keeper) -> bool:
    return "acknowledge" in keeper.halted()
