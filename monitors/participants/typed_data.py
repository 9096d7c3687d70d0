"""A quote's two forms: the JSON that a participant sends, and the 32 bytes that it signs (EIP-712).

The domain names the chain and the exchange, so that a quote for one venue is worth nothing at
another. The participant's name is not signed: its address is who it is. Prices and size are signed
in 1e-8, as integers; in the JSON they are decimal text of the same exact amount.
"""

from collections.abc import Mapping
from typing import Any, Final

from eth_hash.auto import keccak

from monitors.prices.decimals import read_decimal, read_integer, read_time
from monitors.prices.http import load_json, member
from monitors.prices.port import WrongShapeError
from risk.participant_quotes import Quote
from risk.units import PriceE8, Seconds, div_trunc

DOMAIN_NAME: Final = "Bellkeeper Quotes"
DOMAIN_VERSION: Final = "1"
DOMAIN_TYPE: Final = (
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
QUOTE_TYPE: Final = (
    "Quote(string symbol,int256 bid,int256 ask,int256 size,"
    "uint64 sequence,uint64 issuedAt,uint64 expiresAt)"
)
MEMBERS: Final = frozenset({
    "participant", "symbol", "bid", "ask", "size", "sequence", "issued_at", "expires_at", "signature",
})  # fmt: skip
LARGEST_AMOUNT: Final = 10**18
"""No larger |price| or |size| in 1e-8: what the exchange can hold."""
LARGEST_SEQUENCE: Final = 2**63 - 1
SIGNATURE_DIGITS: Final = 130
_DECIMALS: Final = 8
_DOMAIN_TYPE_HASH: Final = keccak(DOMAIN_TYPE.encode())
_QUOTE_TYPE_HASH: Final = keccak(QUOTE_TYPE.encode())
_WORD: Final = 32
_UINT64_BYTES: Final = 8
_ADDRESS_BYTES: Final = 20


def domain_separator(*, chain_id: int, exchange: bytes) -> bytes:
    """Give the hash of the domain; `exchange` is the contract's 20-byte address."""
    if len(exchange) != _ADDRESS_BYTES:
        raise ValueError(f"expected an exchange address of 20 bytes, found {len(exchange)}")
    return keccak(
        _DOMAIN_TYPE_HASH
        + keccak(DOMAIN_NAME.encode())
        + keccak(DOMAIN_VERSION.encode())
        + chain_id.to_bytes(_WORD)
        + exchange.rjust(_WORD, b"\0")
    )


def quote_digest(separator: bytes, quote: Quote) -> bytes:
    """Give the digest of a quote in the domain of a separator.

    Raises OverflowError for numbers that the types cannot hold.
    """
    return keccak(b"\x19\x01" + separator + _struct_hash(quote))


def _struct_hash(quote: Quote) -> bytes:
    return keccak(
        _QUOTE_TYPE_HASH
        + keccak(quote.symbol.encode())
        + _int256(quote.bid)
        + _int256(quote.ask)
        + _int256(quote.size)
        + _uint64(quote.sequence)
        + _uint64(quote.issued_at)
        + _uint64(quote.expires_at)
    )


def _int256(number: int) -> bytes:
    return number.to_bytes(_WORD, signed=True)


def _uint64(number: int) -> bytes:
    # First into its own eight bytes, which refuse what is too large or negative.
    return number.to_bytes(_UINT64_BYTES).rjust(_WORD, b"\0")


def parse_quote(body: bytes) -> tuple[Quote, bytes]:
    """Read a request's body into a quote and the 65 bytes of its signature.

    Raises WrongShapeError, one sentence, for all that is not exactly the documented format.
    """
    value = load_json(body)
    if not isinstance(value, dict) or value.keys() != MEMBERS:
        raise WrongShapeError(
            f"expected an object with exactly these members: {', '.join(sorted(MEMBERS))}"
        )
    quote = Quote(
        participant=member(value, "participant", str, "the quote"),
        symbol=member(value, "symbol", str, "the quote"),
        bid=PriceE8(_amount(value, "bid")),
        ask=PriceE8(_amount(value, "ask")),
        size=_amount(value, "size"),
        sequence=_sequence(value["sequence"]),
        issued_at=Seconds(read_time(value["issued_at"], "issued_at")),
        expires_at=Seconds(read_time(value["expires_at"], "expires_at")),
    )
    return quote, _signature(member(value, "signature", str, "the quote"))


def _amount(value: Mapping[str, Any], name: str) -> int:
    """Read decimal text exactly, in 1e-8: what is signed must be what is written."""
    mantissa, exponent = read_decimal(member(value, name, str, "the quote"), name)
    shift = exponent + _DECIMALS
    # At least one of the two is 1.
    larger, smaller = int(10 ** max(shift, 0)), int(10 ** max(-shift, 0))
    amount = div_trunc(mantissa * larger, smaller)
    is_exact = amount * smaller == mantissa * larger
    if not is_exact or abs(amount) > LARGEST_AMOUNT:
        raise WrongShapeError(
            f"expected {name} with at most {_DECIMALS} decimals and at most 1e10 in size,"
            " found a finer or larger one"
        )
    return amount


def _sequence(value: object) -> int:
    sequence = read_integer(value, "sequence")
    if not 0 <= sequence <= LARGEST_SEQUENCE:
        raise WrongShapeError("expected sequence to lie between 0 and 2**63 - 1, found another")
    return sequence


def _signature(text: str) -> bytes:
    digits = text.removeprefix("0x")
    try:
        signature = bytes.fromhex(digits)
    except ValueError:
        signature = b""
    if len(digits) != SIGNATURE_DIGITS or len(signature) * 2 != SIGNATURE_DIGITS:
        raise WrongShapeError("expected signature as 0x and 130 hexadecimal digits")
    return signature
