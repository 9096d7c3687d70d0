"""Pages cut by numpy are what eth_abi decodes, and what does not fit is refused whole."""

from typing import Any

import pytest
from eth_abi import encode  # type: ignore[attr-defined]
from hypothesis import given, settings
from hypothesis import strategies as st

from risk.columns import AccountColumns
from tests.venues.exchange.logs import ABI
from venues.exchange.page_codec import decode_page, from_hex, select_accounts
from venues.exchange.slicers import UndecodableError

TYPES = [kind.canonical for kind in ABI.function("accounts_page").outputs]
SIGNED = st.integers(-(2**63), 2**63 - 1)
COUNT = st.integers(0, 2**63 - 1)
POSITION = st.tuples(st.integers(0, 127), SIGNED, SIGNED, SIGNED, COUNT)
ACCOUNT = st.tuples(st.integers(0, 2**256 - 1), SIGNED, st.lists(POSITION, max_size=4))


def page_bytes(accounts: list[Any], *, number: int = 9, following: int = 3) -> bytes:
    rows = [(account, cash, len(held)) for account, cash, held in accounts]
    positions = [position for _, _, held in accounts for position in held]
    return encode(TYPES, [(number, 1_800_000_000, following, rows, positions)])


@given(accounts=st.lists(ACCOUNT, max_size=6))
@settings(max_examples=60, deadline=None)
def test_gives_what_was_encoded(accounts: list[Any]) -> None:
    page = decode_page(page_bytes(accounts))
    assert (page.block_number, page.timestamp, page.next) == (9, 1_800_000_000, 3)
    found = [
        (
            account.id,
            account.collateral,
            [(p.market, p.size, p.quote, p.funding, p.slice_time) for p in account.positions],
        )
        for account in page.accounts.accounts()
    ]
    assert found == accounts


@pytest.mark.parametrize(
    ("cash", "position", "column"),
    [
        (2**63, (0, 1, 1, 1, 1), "collateral"),
        (-(2**63) - 1, (0, 1, 1, 1, 1), "collateral"),
        (0, (0, 2**64, 1, 1, 1), "size"),
        (0, (0, 1, -(2**200), 1, 1), "quote"),
        (0, (0, 1, 1, 2**255 - 1, 1), "funding"),
        (0, (2**63, 1, 1, 1, 1), "market"),
        (0, (0, 1, 1, 1, 2**256 - 1), "slice_time"),
    ],
)
def test_refuses_a_number_beyond_64_bits_rather_than_wrap_it(
    cash: int, position: tuple[int, ...], column: str
) -> None:
    with pytest.raises(UndecodableError, match=f"column {column}"):
        decode_page(page_bytes([(5, cash, [position])]))


def test_refuses_a_page_cut_anywhere() -> None:
    raw = page_bytes([(5, 1, [(0, 1, 1, 1, 1)]), (6, 1, [])])
    for end in range(0, len(raw), 16):
        with pytest.raises(UndecodableError):
            decode_page(raw[:end])


def test_refuses_counts_that_do_not_add_up() -> None:
    raw = encode(TYPES, [(9, 1, 1, [(5, 0, 2)], [(0, 1, 1, 1, 1)])])
    with pytest.raises(UndecodableError, match="expected 2 positions, found 1"):
        decode_page(raw)


def test_keeps_the_positions_of_the_accounts_that_are_kept() -> None:
    position = (0, 1, 1, 1, 1)
    rows: list[Any] = [(5, 1, [position]), (6, 2, [position, position]), (7, 3, [])]
    columns: AccountColumns = decode_page(page_bytes(rows)).accounts
    kept = select_accounts(columns, [False, True, True])
    assert kept.accounts() == columns.accounts()[1:]


@pytest.mark.parametrize("text", [None, 5, "abc", "0xabc", "0xzz"])
def test_refuses_what_is_not_hex(text: object) -> None:
    with pytest.raises(UndecodableError, match="expected"):
        from_hex(text)
