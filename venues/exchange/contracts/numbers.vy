# pragma version 0.4.3
"""
@title Arithmetic with named directions
@notice Vyper's own `//` truncates toward zero on signed numbers, so every division of the
        exchange says here where it rounds: floor toward minus infinity, ceil toward plus
        infinity, trunc toward zero. Divisors are always positive.
        Also packs two 128 bit halves into one storage word. Pure: holds no state.
"""

PRICE_SCALE: constant(int256) = 10**10   # price (1e-8) x size (1e-8) to money (1e-6)
PPM: constant(uint256) = 10**6
HALF: constant(uint256) = 2**128 - 1


@internal
@pure
def div_floor(a: int256, b: int256) -> int256:
    quotient: int256 = a // b
    if a < 0 and unsafe_mul(quotient, b) != a:
        return unsafe_sub(quotient, 1)
    return quotient


@internal
@pure
def div_ceil(a: int256, b: int256) -> int256:
    quotient: int256 = a // b
    if a > 0 and unsafe_mul(quotient, b) != a:
        return unsafe_add(quotient, 1)
    return quotient


@internal
@pure
def div_trunc(a: int256, b: int256) -> int256:
    return a // b


@internal
@pure
def div_up(a: uint256, b: uint256) -> uint256:
    """@notice Unsigned ceil."""
    if a == 0:
        return 0
    return unsafe_add(unsafe_sub(a, 1) // b, 1)


@internal
@pure
def magnitude(a: int256) -> uint256:
    if a < 0:
        return convert(-a, uint256)
    return convert(a, uint256)


@internal
@pure
def value(size: int256, mark: uint256) -> int256:
    """@notice Signed value of a size at a price, rounded down: a doubt never adds equity."""
    return self.div_floor(size * convert(mark, int256), PRICE_SCALE)


@internal
@pure
def notional(size: uint256, price: uint256) -> uint256:
    """@notice Value of an unsigned size at a price, rounded up: requirements round up."""
    return self.div_up(size * price, 10**10)


@internal
@pure
def part_up(amount: uint256, ppm: uint256) -> uint256:
    return self.div_up(amount * ppm, PPM)


@internal
@pure
def clamp(wanted: uint256, low: uint256, high: uint256) -> uint256:
    return min(max(wanted, low), high)


@internal
@pure
def pack(high: int256, low: int256) -> uint256:
    """@notice Two signed halves in a word; reverts when one does not fit in 128 bits."""
    upper: uint256 = convert(convert(convert(high, int128), bytes32), uint256)
    lower: uint256 = convert(convert(convert(low, int128), bytes32), uint256)
    return (upper << 128) | (lower & HALF)


@internal
@pure
def high_half(word: uint256) -> int256:
    return convert(convert(word, bytes32), int256) >> 128


@internal
@pure
def low_half(word: uint256) -> int256:
    return convert(convert(word << 128, bytes32), int256) >> 128


@internal
@pure
def lowest_bit(bits: uint256) -> uint256:
    """@notice Position of the lowest set bit of a non-empty 128 bit set, by bisection."""
    isolated: uint256 = bits & unsafe_sub(0, bits)
    at: uint256 = 0
    if isolated >= 2**64:
        isolated = isolated >> 64
        at = 64
    if isolated >= 2**32:
        isolated = isolated >> 32
        at = unsafe_add(at, 32)
    if isolated >= 2**16:
        isolated = isolated >> 16
        at = unsafe_add(at, 16)
    if isolated >= 2**8:
        isolated = isolated >> 8
        at = unsafe_add(at, 8)
    if isolated >= 2**4:
        isolated = isolated >> 4
        at = unsafe_add(at, 4)
    # 1, 2, 4, 8 are left
    if isolated >= 4:
        isolated = isolated >> 2
        at = unsafe_add(at, 2)
    return unsafe_add(at, isolated >> 1)


@internal
@pure
def count_bits(bits: uint256) -> uint256:
    left: uint256 = bits
    count: uint256 = 0
    for i: uint256 in range(128):
        if left == 0:
            break
        left = left & unsafe_sub(left, 1)
        count = unsafe_add(count, 1)
    return count
