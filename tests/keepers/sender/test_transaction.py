"""Transactions are the bytes that everybody else would make."""

import pytest
import rlp
from eth_account import Account
from hypothesis import given, settings
from hypothesis import strategies as st

from keepers.sender.transaction import (
    MalformedTransactionError,
    Transaction,
    assemble,
    decode,
    sender_of,
    signed_from,
    signing_hash,
)
from tests.keepers.sender.rig import ADDRESS, KEY

coincurve = pytest.importorskip("coincurve")

WORDS = st.integers(0, 2**64 - 1)


def sign(transaction: Transaction) -> bytes:
    key = coincurve.PrivateKey(KEY)
    signature = key.sign_recoverable(signing_hash(transaction), hasher=None)
    return assemble(transaction, signature).raw


@settings(deadline=None)
@given(
    nonce=WORDS,
    tip=WORDS,
    max_fee=WORDS,
    gas=WORDS,
    chain_id=st.integers(1, 2**32),
    value=st.integers(0, 2**90),
    to=st.binary(min_size=20, max_size=20),
    data=st.binary(max_size=300),
)
def test_the_bytes_equal_those_of_eth_account(
    *,
    nonce: int,
    tip: int,
    max_fee: int,
    gas: int,
    chain_id: int,
    value: int,
    to: bytes,
    data: bytes,
) -> None:
    theirs = Account.sign_transaction(
        {
            "type": 2,
            "chainId": chain_id,
            "nonce": nonce,
            "maxPriorityFeePerGas": tip,
            "maxFeePerGas": max_fee,
            "gas": gas,
            "to": to,
            "value": value,
            "data": data,
        },
        KEY,
    )
    ours = Transaction(
        chain_id=chain_id,
        nonce=nonce,
        tip=tip,
        max_fee=max_fee,
        gas=gas,
        to=to,
        value=value,
        data=data,
    )
    raw = sign(ours)
    assert raw == bytes(theirs.raw_transaction)
    assert signed_from(raw).hash == "0x" + theirs.hash.hex().removeprefix("0x")
    assert decode(raw) == ours
    assert sender_of(raw) == ADDRESS


def any_transaction() -> Transaction:
    return Transaction(
        chain_id=1, nonce=0, tip=0, max_fee=1, gas=21_000, to=ADDRESS, value=0, data=b""
    )


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "EIP-1559"),
        (b"\x01\xc0", "EIP-1559"),
        (b"\x02\xff\xff", "RLP"),
        (b"\x02" + rlp.encode([b""] * 9), "twelve fields"),
        (b"\x02" + rlp.encode([b""] * 12), "access list"),
        (b"\x02" + rlp.encode([[]] * 12), "twelve fields"),
    ],
)
def test_other_bytes_are_refused(raw: bytes, words: str) -> None:
    with pytest.raises(MalformedTransactionError, match=words):
        decode(raw)


def test_a_signature_that_recovers_to_nobody_is_refused() -> None:
    fields = rlp.decode(sign(any_transaction())[1:])
    fields[-1] = b"\xff" * 32
    with pytest.raises(MalformedTransactionError, match="recovers to no address"):
        sender_of(b"\x02" + rlp.encode(fields))


def test_a_signature_has_65_bytes() -> None:
    with pytest.raises(ValueError, match="65 bytes"):
        assemble(any_transaction(), b"\0" * 64)
