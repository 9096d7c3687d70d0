"""EIP-1559 transactions: encode, hash, sign over, decode, recover the sender.

Only this type (0x02) is ever made, with an empty access list. The bytes are those that any other
library makes of the same fields; a test compares them one by one. Fees are wei per unit of gas.
"""

from dataclasses import dataclass
from typing import Final, cast

import coincurve
import rlp
from eth_hash.auto import keccak

_TYPE: Final = b"\x02"
_SIGNED_FIELDS: Final = 12
_ACCESS_LIST: Final = 8
_SIGNATURE_BYTES: Final = 65


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """What a key is asked to sign."""

    chain_id: int
    nonce: int
    tip: int
    max_fee: int
    gas: int
    to: bytes
    value: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedTransaction:
    """Bytes that any node accepts, and the hash it will be known by."""

    transaction: Transaction
    raw: bytes
    hash: str


class MalformedTransactionError(Exception):
    """Bytes that are no signed EIP-1559 transaction with an empty access list."""


def address_text(address: bytes) -> str:
    """Write an address as JSON-RPC wants it, without a checksum."""
    return "0x" + address.hex()


def address_of(key: coincurve.PublicKey) -> bytes:
    """Give the address of a public key."""
    return keccak(key.format(compressed=False)[1:])[-20:]


def signing_hash(transaction: Transaction) -> bytes:
    """Give the 32 bytes that the key signs."""
    return keccak(_TYPE + rlp.encode(_fields(transaction)))


def assemble(transaction: Transaction, signature: bytes) -> SignedTransaction:
    """Join a transaction and its signature (r, s, parity: 65 bytes)."""
    if len(signature) != _SIGNATURE_BYTES:
        raise ValueError(f"expected a signature of {_SIGNATURE_BYTES} bytes, was {len(signature)}")
    r, s = _minimal(int.from_bytes(signature[:32])), _minimal(int.from_bytes(signature[32:64]))
    fields = [*_fields(transaction), _minimal(signature[64]), r, s]
    raw = _TYPE + rlp.encode(fields)
    return SignedTransaction(transaction=transaction, raw=raw, hash=hash_of(raw))


def hash_of(raw: bytes) -> str:
    """Give the hash by which nodes know these bytes."""
    return "0x" + keccak(raw).hex()


def signed_from(raw: bytes) -> SignedTransaction:
    """Read signed bytes that came from elsewhere."""
    return SignedTransaction(transaction=decode(raw), raw=raw, hash=hash_of(raw))


def decode(raw: bytes) -> Transaction:
    """Read the fields back from signed bytes."""
    chain_id, nonce, tip, max_fee, gas, to, value, data = _signed_fields(raw)[:_ACCESS_LIST]
    return Transaction(
        chain_id=_number(chain_id),
        nonce=_number(nonce),
        tip=_number(tip),
        max_fee=_number(max_fee),
        gas=_number(gas),
        to=to,
        value=_number(value),
        data=data,
    )


def sender_of(raw: bytes) -> bytes:
    """Recover the address that signed."""
    parity, r, s = _signed_fields(raw)[_ACCESS_LIST:]
    signature = r.rjust(32, b"\0") + s.rjust(32, b"\0") + bytes([_number(parity)])
    try:
        key = coincurve.PublicKey.from_signature_and_message(
            signature, signing_hash(decode(raw)), hasher=None
        )
    except Exception as error:
        raise MalformedTransactionError("the signature recovers to no address") from error
    return address_of(key)


def _fields(transaction: Transaction) -> list[bytes | list[bytes]]:
    return [
        _minimal(transaction.chain_id),
        _minimal(transaction.nonce),
        _minimal(transaction.tip),
        _minimal(transaction.max_fee),
        _minimal(transaction.gas),
        transaction.to,
        _minimal(transaction.value),
        transaction.data,
        [],
    ]


def _signed_fields(raw: bytes) -> list[bytes]:
    """Give the eight fields before the access list and the three of the signature."""
    if raw[:1] != _TYPE:
        raise MalformedTransactionError("expected an EIP-1559 transaction")
    try:
        fields = rlp.decode(raw[1:])
    except rlp.DecodingError as error:
        raise MalformedTransactionError("expected RLP after the type byte") from error
    if not isinstance(fields, list) or len(fields) != _SIGNED_FIELDS:
        raise MalformedTransactionError("expected the twelve fields of a signed transaction")
    if fields.pop(_ACCESS_LIST) != []:
        raise MalformedTransactionError("expected an empty access list")
    if any(not isinstance(field, bytes) for field in fields):
        raise MalformedTransactionError("expected the twelve fields of a signed transaction")
    return cast("list[bytes]", fields)


def _minimal(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8)


def _number(field: bytes) -> int:
    return int.from_bytes(field)
