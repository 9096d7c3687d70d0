"""Units and the three divisions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.units import (
    account_id,
    account_label,
    account_owner,
    account_subaccount,
    div_ceil,
    div_floor,
    div_trunc,
    notional,
    signed_value,
)


@pytest.mark.parametrize(
    ("numerator", "floor", "ceil", "trunc"),
    [(7, 3, 4, 3), (-7, -4, -3, -3), (6, 3, 3, 3), (-6, -3, -3, -3), (0, 0, 0, 0)],
)
def test_each_division_goes_its_own_way(numerator: int, floor: int, ceil: int, trunc: int) -> None:
    assert div_floor(numerator, 2) == floor
    assert div_ceil(numerator, 2) == ceil
    assert div_trunc(numerator, 2) == trunc


@given(st.integers(), st.integers(1))
def test_truncation_is_the_division_nearer_to_zero(numerator: int, denominator: int) -> None:
    nearer = div_floor if numerator >= 0 else div_ceil
    assert div_trunc(numerator, denominator) == nearer(numerator, denominator)
    assert div_trunc(-numerator, denominator) == -div_trunc(numerator, denominator)


@pytest.mark.parametrize(("size", "value", "exposure"), [(1, 0, 1), (-1, -1, 1), (0, 0, 0)])
def test_value_rounds_down_and_notional_up(size: int, value: int, exposure: int) -> None:
    assert signed_value(size, 1) == value
    assert notional(size, 1) == exposure


def test_a_long_and_its_short_never_add_up_to_a_gain() -> None:
    assert signed_value(3, 10**9) + signed_value(-3, 10**9) == -1


@given(st.binary(min_size=20, max_size=20), st.integers(0, 2**96 - 1))
def test_an_account_id_keeps_owner_and_subaccount(owner: bytes, subaccount: int) -> None:
    account = account_id(owner, subaccount)
    assert account_owner(account) == owner
    assert account_subaccount(account) == subaccount
    assert account_label(account) == f"0x{owner.hex()}/{subaccount}"


@pytest.mark.parametrize("owner", [b"", b"\x01" * 19, b"\x01" * 21])
def test_an_owner_has_twenty_bytes(owner: bytes) -> None:
    with pytest.raises(ValueError, match="20 bytes"):
        account_id(owner, 0)


@pytest.mark.parametrize("subaccount", [-1, 2**96])
def test_a_subaccount_fits_its_bits(subaccount: int) -> None:
    with pytest.raises(ValueError, match="below 2\\*\\*96"):
        account_id(b"\x01" * 20, subaccount)
