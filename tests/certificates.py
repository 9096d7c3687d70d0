"""A certificate for loopback, made when a test asks for it: no key lies in the repository."""

import base64
from pathlib import Path

from Crypto.Hash import SHA256
from Crypto.PublicKey import ECC
from Crypto.Signature import DSS
from Crypto.Util.asn1 import DerObjectId

_ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2"
_COMMON_NAME = "2.5.4.3"
_BASIC_CONSTRAINTS = "2.5.29.19"
_ALTERNATIVE_NAMES = "2.5.29.17"
_BOOLEAN, _INTEGER, _BITS, _OCTETS, _TEXT, _TIME = 0x01, 0x02, 0x03, 0x04, 0x0C, 0x17
_SEQUENCE, _SET = 0x30, 0x31


def write_certificate(folder: Path) -> tuple[Path, Path]:
    """Write a self-signed certificate for 127.0.0.1 and localhost, and its key; give both paths."""
    key = ECC.generate(curve="P-256")
    algorithm = _der(_SEQUENCE, _oid(_ECDSA_WITH_SHA256))
    common_name = _der(_SEQUENCE, _oid(_COMMON_NAME), _der(_TEXT, b"test"))
    name = _der(_SEQUENCE, _der(_SET, common_name))
    valid = _der(_SEQUENCE, _der(_TIME, b"200101000000Z"), _der(_TIME, b"490101000000Z"))
    alternatives = _der(_SEQUENCE, _der(0x82, b"localhost"), _der(0x87, bytes([127, 0, 0, 1])))
    extensions = _der(
        _SEQUENCE,
        _extension(_BASIC_CONSTRAINTS, _der(_SEQUENCE, _der(_BOOLEAN, b"\xff"))),
        _extension(_ALTERNATIVE_NAMES, alternatives),
    )
    told = _der(
        _SEQUENCE,
        _der(0xA0, _der(_INTEGER, b"\x02")),
        _der(_INTEGER, b"\x01"),
        *(algorithm, name, valid, name),
        key.public_key().export_key(format="DER"),
        _der(0xA3, extensions),
    )
    signature = DSS.new(key, "fips-186-3", encoding="der").sign(SHA256.new(told))
    whole = _der(_SEQUENCE, told, algorithm, _der(_BITS, b"\0", signature))
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    text = base64.encodebytes(whole).decode()
    certificate_file.write_text(f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n")
    key_file.touch(mode=0o600)
    key_file.write_text(str(key.export_key(format="PEM")))
    return certificate_file, key_file


def _der(tag: int, *parts: bytes) -> bytes:
    """Encode contents under a tag, the length before them."""
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(digits)]) + digits + content


def _oid(dotted: str) -> bytes:
    return DerObjectId(dotted).encode()


def _extension(dotted: str, value: bytes) -> bytes:
    return _der(_SEQUENCE, _oid(dotted), _der(_OCTETS, value))
