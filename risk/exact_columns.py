"""Products and quotients of whole columns, exact to the unit and as fast as numpy.

A product of two 64-bit numbers does not fit 64 bits. The quotient is guessed in floats, and the
remainder of the guess, which is small, is taken modulo 2^64, where it is exact: it says by how much
the guess was wrong. Nothing is ever rounded by a float; what does not fit is refused, never wrapped.
A column of Python ints (dtype object) takes the slow way, which has no limits.
"""

from typing import Final

import numpy as np

from risk.columns import Int64Column

_LARGEST_QUOTIENT: Final = float(1 << 60)
"""The float guess is off by at most 2^-51 of a quotient: 512 here, and 512 · 10^14 fits 64 bits."""
_LARGEST_DIVISOR: Final = 10**14
_HALF_BITS: Final = 32
_LOW_HALF: Final = (1 << _HALF_BITS) - 1


def mul_div_floor(left: Int64Column, right: Int64Column, divisor: int) -> Int64Column:
    """Give floor(left · right / divisor) row by row; the columns are of equal length.

    Raises OverflowError for a quotient above 2^60, and ValueError for a divisor above 10^14.
    """
    if not 0 < divisor <= _LARGEST_DIVISOR:
        raise ValueError(f"expected a divisor from 1 to {_LARGEST_DIVISOR}, found {divisor}")
    if "O" in {left.dtype.kind, right.dtype.kind}:
        slow: Int64Column = np.floor_divide(left.astype(np.object_) * right, divisor)
        return slow
    rough = left.astype(np.float64) * right.astype(np.float64) / divisor
    if len(rough) and float(np.abs(rough).max()) > _LARGEST_QUOTIENT:
        raise OverflowError("expected quotients below 2^60, found a larger one")
    guess = np.rint(rough).astype(np.int64)
    # Modulo 2^64 on purpose: the true remainder of the guess is far smaller than that.
    product = left.astype(np.uint64) * right.astype(np.uint64)
    rest = (product - guess.astype(np.uint64) * np.uint64(divisor)).astype(np.int64)
    found: Int64Column = guess + np.floor_divide(rest, divisor)
    return found


def mul_div_ceil(left: Int64Column, right: Int64Column, divisor: int) -> Int64Column:
    """Give ceil(left · right / divisor) row by row; raises as `mul_div_floor`."""
    negative: Int64Column = -mul_div_floor(-left, right, divisor)
    return negative


def exact_sum(column: Int64Column) -> int:
    """Add up a column of any length exactly, in two halves."""
    high = int(np.right_shift(column, _HALF_BITS).sum())
    low = int(np.bitwise_and(column, _LOW_HALF).sum())
    return (high << _HALF_BITS) + low


def sums_by(groups: Int64Column, values: Int64Column, count: int) -> list[int]:
    """Add up values by group number, exactly; groups are from 0 to count − 1."""
    held = rows_by(groups, count)
    return [exact_sum(values[rows]) for rows in held]


def rows_by(groups: Int64Column, count: int) -> list[Int64Column]:
    """Give the rows of each group, in order; groups are from 0 to count − 1, and below 2^15."""
    short = groups.astype(np.int16)  # numpy sorts short numbers by their digits
    order = np.argsort(short, kind="stable")
    edges = np.searchsorted(short[order], np.arange(count + 1))
    return [order[edges[each] : edges[each + 1]] for each in range(count)]
