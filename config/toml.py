"""Read a TOML file, or say in one sentence why not."""

import tomllib
from pathlib import Path
from typing import Any

from runtime.errors import OperatorError

Table = dict[str, Any]


def read_toml(path: Path) -> Table:
    """Give the file's tables; every way to fail is the operator's to mend."""
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        raise OperatorError(f"expected a configuration file at {path}, found none") from None
    except UnicodeDecodeError:
        raise OperatorError(
            f"{path} must be TOML in UTF-8, found other bytes: is it the right file?"
        ) from None
    except OSError as error:
        why = (error.strerror or repr(error)).lower()
        raise OperatorError(
            f"expected to read {path}, but the system said: {why} (correct its path or permissions)"
        ) from None
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise OperatorError(
            f"{path} must be TOML of a few levels, found lists or tables nested without end"
        ) from None
    except ValueError as error:
        # Also of a number that Python refuses to read for its length.
        raise OperatorError(
            f"{path} must be TOML, found otherwise: {str(error).lower().rstrip('.')}"
        ) from None
