"""Recovery agrees with another library, and takes one signature of each digest only."""

from typing import Final

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from keepers.sender.recover import recover_address

ORDER: Final = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
KEY: Final = b"\x11" * 32
DIGEST: Final = bytes(range(32))
SIGNATURE: Final = bytes(Account.unsafe_sign_hash(DIGEST, KEY).signature)


def address_of_key(key: bytes) -> bytes:
    return bytes.fromhex(Account.from_key(key).address[2:])


@given(number=st.integers(1, ORDER - 1), digest=st.binary(min_size=32, max_size=32))
def test_recovers_what_another_library_signed(number: int, digest: bytes) -> None:
    key = number.to_bytes(32)
    signature = bytes(Account.unsafe_sign_hash(digest, key).signature)
    assert signature[64] in {27, 28}
    assert recover_address(digest, signature) == address_of_key(key)
    bare = signature[:64] + bytes([signature[64] - 27])
    assert recover_address(digest, bare) == address_of_key(key)


@given(s=st.integers(1, ORDER - 1), r=st.binary(min_size=32, max_size=32), v=st.integers(0, 255))
def test_a_foreign_signature_gives_the_same_address_as_elsewhere_or_none(
    s: int, r: bytes, v: int
) -> None:
    signature = r + s.to_bytes(32) + bytes([v])
    try:
        found = recover_address(DIGEST, signature)
    except ValueError:
        return
    assert s <= ORDER // 2
    assert found == bytes.fromhex(Account._recover_hash(DIGEST, signature=signature)[2:])


def test_the_mirror_image_is_refused() -> None:
    mirrored_s = (ORDER - int.from_bytes(SIGNATURE[32:64])).to_bytes(32)
    mirrored = SIGNATURE[:32] + mirrored_s + bytes([55 - SIGNATURE[64]])
    assert Account._recover_hash(DIGEST, signature=mirrored) == Account.from_key(KEY).address
    with pytest.raises(ValueError, match="expected the signature with the low s"):
        recover_address(DIGEST, mirrored)


def test_the_largest_low_s_is_not_called_high() -> None:
    half = ORDER // 2
    for s, sentence in ((half, "one that has none|^$"), (half + 1, "its mirror image")):
        signature = b"\xff" * 32 + s.to_bytes(32) + b"\x00"
        with pytest.raises(ValueError, match=sentence):
            recover_address(DIGEST, signature)


@pytest.mark.parametrize("v", [2, 3, 26, 29, 30, 35, 255])
def test_no_other_v_is_taken(v: int) -> None:
    with pytest.raises(ValueError, match=f"to be 0, 1, 27 or 28, found {v}"):
        recover_address(DIGEST, SIGNATURE[:64] + bytes([v]))


@pytest.mark.parametrize(
    ("digest", "signature"),
    [(DIGEST[:31], SIGNATURE), (DIGEST, SIGNATURE[:64]), (DIGEST, SIGNATURE + b"\0"), (b"", b"")],
)
def test_lengths_are_exact(digest: bytes, signature: bytes) -> None:
    with pytest.raises(ValueError, match="expected a digest of 32 bytes and a signature of 65"):
        recover_address(digest, signature)


@pytest.mark.parametrize("r", [0, ORDER, 2**256 - 1])
def test_what_is_no_point_recovers_to_nobody(r: int) -> None:
    with pytest.raises(ValueError, match="expected a signature of some key"):
        recover_address(DIGEST, r.to_bytes(32) + (1).to_bytes(32) + b"\x1b")
