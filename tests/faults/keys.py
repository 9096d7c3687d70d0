"""Keys of the keepers under test: one each, made from a seed, and the keystore as its operator has it."""

import json
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final

import coincurve
from eth_keyfile import create_keyfile_json  # type: ignore[attr-defined]

from keepers.sender.transaction import address_of

PASSWORD: Final = "correct horse"


@dataclass(frozen=True, slots=True, kw_only=True)
class DevKey:
    """A key worth nothing."""

    secret: bytes

    @classmethod
    def of(cls, name: str) -> "DevKey":
        """Make the key of that name, always the same."""
        return cls(secret=blake2b(b"fault matrix " + name.encode(), digest_size=32).digest())

    @property
    def address(self) -> str:
        """Give the address as text, in lower case."""
        return f"0x{address_of(coincurve.PublicKey.from_secret(self.secret)).hex()}"

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Write keystore and password file, owner-only."""
        keystore, password = folder / "key.json", folder / "key.password"
        document = create_keyfile_json(self.secret, PASSWORD.encode(), iterations=2)
        keystore.write_text(json.dumps(document))
        password.write_text(PASSWORD)
        keystore.chmod(0o600)
        password.chmod(0o600)
        return keystore, password
