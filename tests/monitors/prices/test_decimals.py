"""Providers' numbers become ours exactly, or are refused."""

import contextlib
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.prices.decimals import (
    price_from_decimal,
    price_from_mantissa,
    read_decimal,
    read_integer,
    read_time,
    width_from_decimal,
    width_from_mantissa,
)
from monitors.prices.port import WrongShapeError

EXACT = Context(prec=400)


@pytest.mark.parametrize(
    ("mantissa", "exponent", "price"),
    [
        ("33223750", -5, 332_23750000),
        ("11223872331053", -8, 112238_72331053),
        (21134, -2, 211_34000000),
        ("0", -5, 0),
        ("-1", -8, -1),
        ("3", 2, 300_00000000),
        ("19", -9, 1),
        ("-19", -9, -2),
        (2**191 - 1, -18, (2**191 - 1) // 10**10),
    ],
)
def test_scales_a_mantissa_and_rounds_a_price_down(
    mantissa: object, exponent: int, price: int
) -> None:
    assert price_from_mantissa(mantissa, exponent) == price


def test_rounds_a_width_up() -> None:
    assert width_from_mantissa("11", -9) == 2
    assert width_from_decimal("0.000000001") == 1
    assert width_from_mantissa("0", -9) == 0


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("211.345", 211_34500000),
        ("0.1", 10000000),
        ("1e2", 100_00000000),
        ("1.5E-3", 150000),
        ("-2.5", -2_50000000),
        (7, 7_00000000),
        ("123456789.12345678", 123456789_12345678),
        ("0.29", 29000000),
    ],
)
def test_reads_decimal_text_as_it_is_written(text: object, price: int) -> None:
    assert price_from_decimal(text) == price


@pytest.mark.parametrize(
    "value",
    [
        "NaN", "nan", "inf", "-Infinity", "", " 1", "1 ", "1_000", "1,5", "0x10", ".", "1.", ".5",
        "١٢", "1e9999", "1e999", "9" * 81, 10**80, "1e41", 1.5, float("nan"), None, True, [], {},
    ],
)  # fmt: skip
def test_refuses_what_is_no_price(value: object) -> None:
    with pytest.raises(WrongShapeError):
        price_from_decimal(value)
    with pytest.raises(WrongShapeError):
        price_from_mantissa(value, -8)


@pytest.mark.parametrize("exponent", [None, "x", 1.0, True, 10**9, -(10**9), 60])
def test_refuses_an_exponent_that_no_price_has(exponent: object) -> None:
    with pytest.raises(WrongShapeError):
        price_from_mantissa("1", exponent)


def test_refuses_a_negative_width() -> None:
    with pytest.raises(WrongShapeError, match="at least 0"):
        width_from_mantissa("-1", -8)


@pytest.mark.parametrize("value", [-1, 10**11, "1785424136123", 1.0, True])
def test_refuses_a_time_that_no_clock_shows(value: object) -> None:
    with pytest.raises(WrongShapeError):
        read_time(value, "publish_time")


@given(st.integers(-(10**40), 10**40), st.integers(-40, -1))
def test_agrees_with_exact_decimal_arithmetic(mantissa: int, exponent: int) -> None:
    exact = EXACT.scaleb(Decimal(mantissa), exponent + 8)
    down = int(exact.to_integral_value(ROUND_FLOOR, context=EXACT))
    up = int(exact.to_integral_value(ROUND_CEILING, context=EXACT))
    assert price_from_mantissa(mantissa, exponent) == down
    assert price_from_decimal(f"{mantissa}e{exponent}") == down
    if mantissa >= 0:
        assert width_from_mantissa(str(mantissa), exponent) == up


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12))
def test_reads_any_decimal_without_losing_a_digit(number: Decimal) -> None:
    mantissa, exponent = read_decimal(str(number), "price")
    assert EXACT.scaleb(Decimal(mantissa), exponent) == number


@given(st.text() | st.integers() | st.floats() | st.none() | st.booleans() | st.binary())
def test_raises_only_the_wrong_shape_error(value: object) -> None:
    for read in (price_from_decimal, width_from_decimal):
        with contextlib.suppress(WrongShapeError):
            assert isinstance(read(value), int)
    with contextlib.suppress(WrongShapeError):
        assert isinstance(read_integer(value, "number"), int)
