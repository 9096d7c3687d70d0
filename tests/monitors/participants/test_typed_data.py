"""The signed bytes are those of any wallet, and the page says what is so."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from keepers.sender.recover import recover_address
from monitors.participants.http import ANSWERS
from monitors.participants.typed_data import domain_separator, parse_quote, quote_digest
from risk.participant_quotes import Quote, QuoteVerdict
from risk.units import PriceE8, Seconds
from tests.monitors.participants.rig import (
    CHAIN_ID,
    EXCHANGE,
    FIRM,
    FIRM_KEY,
    QUOTE,
    body_of,
    sign,
    typed_data,
)

PAGE: Final = (Path(__file__).parents[3] / "docs/participant_quotes.md").read_text()
SEPARATOR: Final = domain_separator(chain_id=CHAIN_ID, exchange=EXCHANGE)

amounts = st.integers(-(10**18), 10**18)
words = st.integers(0, 2**64 - 1)


@given(
    symbol=st.text(st.characters(exclude_categories=["Cs"]), max_size=80),
    bid=amounts,
    ask=amounts,
    size=amounts,
    sequence=words,
    issued_at=words,
    expires_at=words,
    chain_id=st.integers(1, 2**64),
    exchange=st.binary(min_size=20, max_size=20),
)
def test_the_digest_is_the_one_a_wallet_signs(  # noqa: PLR0917, PLR0913 - the fields
    symbol: str,
    bid: int,
    ask: int,
    size: int,
    sequence: int,
    issued_at: int,
    expires_at: int,
    chain_id: int,
    exchange: bytes,
) -> None:
    quote = Quote(
        participant="firm",
        symbol=symbol,
        bid=PriceE8(bid),
        ask=PriceE8(ask),
        size=size,
        sequence=sequence,
        issued_at=Seconds(issued_at),
        expires_at=Seconds(expires_at),
    )
    theirs = encode_typed_data(*typed_data(quote, chain_id=chain_id, exchange=exchange))
    separator = domain_separator(chain_id=chain_id, exchange=exchange)
    assert separator == theirs.header
    assert quote_digest(separator, quote) == keccak(
        b"\x19" + theirs.version + theirs.header + theirs.body
    )


@pytest.mark.parametrize("field", ["sequence", "issued_at", "expires_at"])
def test_what_the_types_cannot_hold_is_refused(field: str) -> None:
    for value in (2**64, -1):
        facts: dict[str, Any] = {field: value}
        with pytest.raises(OverflowError):
            quote_digest(SEPARATOR, replace(QUOTE, **facts))


def test_an_exchange_is_twenty_bytes() -> None:
    with pytest.raises(ValueError, match="expected an exchange address of 20 bytes, found 19"):
        domain_separator(chain_id=1, exchange=b"\0" * 19)


@given(bid=amounts, ask=amounts, size=amounts, sequence=st.integers(0, 2**63 - 1))
def test_what_is_written_is_read_exactly(bid: int, ask: int, size: int, sequence: int) -> None:
    quote = replace(QUOTE, bid=PriceE8(bid), ask=PriceE8(ask), size=size, sequence=sequence)
    body = json.dumps(body_of(quote, b"\x07" * 65)).encode()
    assert parse_quote(body) == (quote, b"\x07" * 65)


def test_the_pages_example_is_what_the_key_signs() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    quote, signature = parse_quote(example.encode())
    assert quote == QUOTE
    assert signature == sign(quote, FIRM_KEY)
    digest = quote_digest(SEPARATOR, quote)
    assert recover_address(digest, signature) == FIRM.address
    for value in (SEPARATOR, digest, FIRM.address, EXCHANGE):
        assert "0x" + value.hex() in PAGE
    assert Account.from_key(FIRM_KEY).address.lower() == "0x" + FIRM.address.hex()
    assert FIRM_KEY[2:] not in PAGE


def test_the_pages_table_is_that_of_the_code_in_the_order_of_the_checks() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d{3}) \| (.*?) \|$", PAGE, re.MULTILINE)
    assert rows == [(each.value, str(ANSWERS[each][0]), ANSWERS[each][1]) for each in QuoteVerdict]
