"""A key signs calls of its duty and cancels, within its bounds, and nothing else."""

import dataclasses

import coincurve
import pytest

from keepers.sender import LocalSigner, PolicyViolation, RemoteSigner
from keepers.sender.signer import PolicedSigner
from keepers.sender.transaction import Transaction
from tests.keepers.sender.rig import ADDRESS, CHAIN_ID, GWEI, KEY, LOGGER, SELECTOR, signing_policy

ALLOWED = Transaction(
    chain_id=CHAIN_ID,
    nonce=0,
    tip=GWEI,
    max_fee=150 * GWEI,
    gas=1_000_000,
    to=LOGGER,
    value=0,
    data=SELECTOR + bytes(32),
)
CANCEL = dataclasses.replace(ALLOWED, to=ADDRESS, data=b"")


def signer() -> LocalSigner:
    return LocalSigner(coincurve.PrivateKey(KEY), signing_policy())


@pytest.mark.parametrize("transaction", [ALLOWED, CANCEL])
async def test_calls_of_the_duty_and_cancels_are_signed(transaction: Transaction) -> None:
    assert (await signer().sign(transaction)).transaction == transaction


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"chain_id": 1}, "expected chain 31337, was 1"),
        ({"value": 1}, "expected no value to be sent, was 1 wei"),
        ({"max_fee": 150 * GWEI + 1}, "wei per gas"),
        ({"tip": 150 * GWEI + 1}, "expected a tip within the fee"),
        ({"gas": 1_000_001}, "expected at most 1000000 gas"),
        ({"to": b"\x77" * 20}, "expected an allowed call"),
        ({"to": b""}, "expected an allowed call"),
        ({"data": b"\x00\x00\x00\x01"}, "expected an allowed call, was 0x00000001"),
        ({"data": b""}, "expected an allowed call"),
        ({"data": SELECTOR[:3]}, "expected an allowed call"),
        ({"to": ADDRESS}, "expected an allowed call"),
    ],
)
async def test_anything_else_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(PolicyViolation, match=words):
        await signer().sign(dataclasses.replace(ALLOWED, **change))  # type: ignore[arg-type]


@pytest.mark.parametrize("change", [{"value": 1}, {"chain_id": 1}, {"gas": 2_000_000}])
async def test_a_cancel_is_bounded_too(change: dict[str, object]) -> None:
    with pytest.raises(PolicyViolation):
        await signer().sign(dataclasses.replace(CANCEL, **change))  # type: ignore[arg-type]


def test_no_signer_overrides_the_check() -> None:
    assert issubclass(LocalSigner, PolicedSigner)
    assert issubclass(RemoteSigner, PolicedSigner)
    assert "sign" not in LocalSigner.__dict__
    assert "sign" not in RemoteSigner.__dict__
