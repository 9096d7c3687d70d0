"""A key from a keystore file (version 3), unlocked by a password file.

The key is in memory only, inside the signing library's object. No message, log, repr or traceback
shows it or the password: the functions that hold them return before anything is raised, and errors
are raised without the library's own as their cause.
"""

import json
from pathlib import Path
from typing import Final

import coincurve
from eth_keyfile.keyfile import decode_keyfile_json

from keepers.sender.signer import PolicedSigner
from keepers.sender.signing_policy import SigningPolicy
from keepers.sender.transaction import (
    SignedTransaction,
    Transaction,
    address_of,
    address_text,
    assemble,
    signing_hash,
)
from runtime.errors import OperatorError

_OTHERS: Final = 0o077
"""Permission bits of group and world."""


class LocalSigner(PolicedSigner):
    """Signs in this process; about 0.1 ms a transaction."""

    def __init__(self, key: coincurve.PrivateKey, policy: SigningPolicy) -> None:
        super().__init__(address_of(key.public_key), policy)
        self._key = key

    @classmethod
    def open(
        cls,
        keystore: Path,
        password_file: Path,
        policy: SigningPolicy,
        *,
        expected_address: bytes | None = None,
    ) -> "LocalSigner":
        """Unlock a keystore; every failure is one sentence for the operator."""
        check_private(keystore, "keystore")
        check_private(password_file, "password file")
        found = _unlock(keystore, password_file)
        if isinstance(found, str):
            raise OperatorError(found)
        signer = cls(found, policy)
        if expected_address not in (None, signer.address):
            raise OperatorError(
                f"the keystore {keystore} holds the key of {address_text(signer.address)}, expected "
                f"{address_text(expected_address or b'')}: point the lane at the right keystore"
            )
        return signer

    async def _sign(self, transaction: Transaction) -> SignedTransaction:
        signature = self._key.sign_recoverable(signing_hash(transaction), hasher=None)
        return assemble(transaction, signature)


def check_private(path: Path, what: str) -> None:
    """Refuse a secret that others on this machine could read or change."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise OperatorError(
            f"the {what} {path} cannot be read ({error.strerror}): check the path"
        ) from error
    if mode & _OTHERS:
        raise OperatorError(
            f"the {what} {path} is open to others (mode {mode & 0o777:o}): run chmod 600 on it"
        )


def _unlock(keystore: Path, password_file: Path) -> coincurve.PrivateKey | str:
    """Give the key, or the sentence that says why there is none."""
    try:
        content = json.loads(keystore.read_bytes())
        password = password_file.read_bytes().rstrip(b"\r\n")
    except OSError as error:
        return f"{error.filename} cannot be read ({error.strerror}): check its owner"
    except (ValueError, RecursionError):
        return f"the keystore {keystore} is not JSON: expected a version 3 keystore"
    if not isinstance(content, dict) or content.get("version") != 3:
        return f"the keystore {keystore} is not of version 3: export the key as a V3 keystore"
    try:
        return coincurve.PrivateKey(decode_keyfile_json(content, password))
    except ValueError:
        # The library says so of a wrong checksum, which is a wrong password.
        return f"the password in {password_file} does not open the keystore {keystore}"
    except (KeyError, TypeError, AttributeError, NotImplementedError):
        return f"the keystore {keystore} is incomplete or damaged: export it again"
