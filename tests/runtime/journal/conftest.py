"""A journal on a real file, and the things to put into it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runtime.journal import Intent, Journal, Purpose, TransactionDraft


class StepClock:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def now(self) -> float:
        """Unix time in seconds."""
        return self.seconds

    def monotonic(self) -> float:
        """Seconds from an arbitrary start."""
        return self.seconds


MakeIntent = Callable[..., Intent]
MakeDraft = Callable[..., TransactionDraft]


@pytest.fixture
def clock() -> StepClock:
    return StepClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def journal(path: Path, clock: StepClock) -> Iterator[Journal]:
    with Journal.open(path, clock) as journal:
        journal.open_lane("urgent", address="0xaa", chain_id=1)
        yield journal


@pytest.fixture
def make_intent() -> MakeIntent:
    def make(account: str = "0xbb/0", *, judged_on: str = "block 7") -> Intent:
        return Intent(
            kind="liquidation",
            market="TSLA",
            account=account,
            judged_on=judged_on,
            expires_at=2_000,
            payload={"block": 7, "reason": "equity below maintenance margin"},
        )

    return make


@pytest.fixture
def make_draft() -> MakeDraft:
    def make(
        nonce: int = 0, *, tag: str = "first", purpose: Purpose = Purpose.CALL
    ) -> TransactionDraft:
        return TransactionDraft(
            lane="urgent",
            nonce=nonce,
            raw=f"{nonce} {tag}".encode(),
            hash=f"0x{nonce}-{tag}",
            gas=100_000,
            max_fee=10,
            tip=1,
            expires_at=2_000,
            purpose=purpose,
        )

    return make
