"""A journal that moves, for traces."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from runtime.journal import Intent, Journal, Purpose, TransactionDraft
from tests.runtime.journal.conftest import StepClock, clock, journal, path

__all__ = ["clock", "journal", "path"]


def intent(number: int = 0) -> Intent:
    """One wish of many."""
    return Intent(
        kind="liquidate",
        market="TSLA",
        account=f"0xbb/{number}",
        judged_on="block 7",
        expires_at=2_000,
        payload={"block": 7},
    )


def draft(nonce: int = 0, tag: str = "first", purpose: Purpose = Purpose.CALL) -> TransactionDraft:
    """Signed bytes, decided on a quarter of a second before the signer was asked."""
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


Signed = Callable[..., TransactionDraft]


@contextlib.contextmanager
def opened(path: Path, clock: StepClock) -> Iterator[Journal]:
    """Open the journal as a keeper's life does."""
    with Journal.open(path, clock) as journal:
        journal.open_lane("urgent", address="0xaa", chain_id=1)
        yield journal


def signer(journal: Journal, clock: StepClock) -> Signed:
    """Make what plans and signs an intent: 0.25 s of judging, 0.5 s at the signer."""

    def sign(number: int = 0) -> TransactionDraft:
        decided_at = clock.seconds
        clock.seconds += 0.75
        made = replace(draft(number), decided_at=decided_at, signing_at=decided_at + 0.25)
        journal.plan_and_sign([intent(number)], made)
        return made

    return sign


@pytest.fixture
def signed(journal: Journal, clock: StepClock) -> Signed:
    return signer(journal, clock)


def mine(journal: Journal, clock: StepClock, made: TransactionDraft, *, status: int = 1) -> None:
    """Send after 1 s and mine after 2 s more."""
    clock.seconds += 1
    journal.sent(made.hash)
    clock.seconds += 2
    journal.mined(made.hash, block=8, status=status, gas_used=21_000)


def finish(journal: Journal, clock: StepClock, made: TransactionDraft) -> None:
    """Send, mine and finalise after 4 s more."""
    mine(journal, clock, made)
    journal.settle(intent(made.nonce).key, "liquidated")
    clock.seconds += 4
    journal.final(made.hash)
