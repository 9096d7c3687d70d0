"""Secrets of price sources, from files: read once at the start, never from a command line or a variable."""

from pathlib import Path

from keepers.sender.local_signer import check_private
from runtime.errors import OperatorError


def read_secret(path: Path, what: str) -> str:
    """Give the first line of a file that only we may read; raises OperatorError with one sentence."""
    check_private(path, what)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise OperatorError(
            f"the {what} {path} must be a text file, found other bytes: correct the path"
        ) from None
    except OSError as error:
        raise OperatorError(
            f"the {what} {path} cannot be read ({error.strerror}): check the path"
        ) from None
    secret = lines[0].strip() if lines else ""
    if not secret:
        raise OperatorError(
            f"the {what} {path} has an empty first line: write the key into it, and nothing else"
        )
    if not secret.isprintable() or not secret.isascii():
        raise OperatorError(
            f"the {what} {path} must hold a key of plain letters, digits and signs, found others:"
            " copy the key again"
        )
    return secret
