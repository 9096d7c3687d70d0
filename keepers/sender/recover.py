"""Who signed a digest: the address, from the signature alone.

Only one signature of a digest by a key is taken: the one with the low s (EIP-2). Its mirror image
(n − s, other parity) recovers to the same address and would pass for a second, different signature.
"""

from typing import Final

import coincurve

from keepers.sender.transaction import address_of

SIGNATURE_BYTES: Final = 65
_DIGEST_BYTES: Final = 32
_HALF_ORDER: Final = 0x7FFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_5D576E73_57A4501D_DFE92F46_681B20A0
"""Half of the order of secp256k1, rounded down."""
_PARITIES: Final = {0: 0, 1: 1, 27: 0, 28: 1}


def recover_address(digest: bytes, signature: bytes) -> bytes:
    """Recover the 20-byte address that signed a 32-byte digest.

    The signature is r, s (32 bytes each, big end first) and v: 0 or 1, or 27 or 28. Raises ValueError
    for whatever is not that, for a high s, and for what recovers to no key.
    """
    if len(digest) != _DIGEST_BYTES or len(signature) != SIGNATURE_BYTES:
        raise ValueError(
            f"expected a digest of {_DIGEST_BYTES} bytes and a signature of {SIGNATURE_BYTES},"
            f" found {len(digest)} and {len(signature)}"
        )
    parity = _PARITIES.get(signature[64])
    if parity is None:
        raise ValueError(f"expected v of the signature to be 0, 1, 27 or 28, found {signature[64]}")
    if int.from_bytes(signature[32:64]) > _HALF_ORDER:
        raise ValueError("expected the signature with the low s, found its mirror image")
    try:
        key = coincurve.PublicKey.from_signature_and_message(
            signature[:64] + bytes([parity]), digest, hasher=None
        )
    except ValueError as error:
        raise ValueError("expected a signature of some key, found one that has none") from error
    return address_of(key)
