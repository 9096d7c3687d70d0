"""Secrets from the environment: the last layer, and the only thing it may say.

`BELLKEEPER_ENDPOINT_<NAME>_HTTP_URL`, `…_WS_URL`: address of the endpoint of that name.
`BELLKEEPER_KEYS_<LANE>_REMOTE_SIGNER_URL`: address of the lane's remote signer.
Each may be given as `…_FILE` instead, with the path of a file whose first line is the value: that is
how container secrets arrive.
`BELLKEEPER_KEYS_<LANE>_PASSWORD_FILE`: path of the file with the password of the lane's keystore. A
password itself is taken from no variable: other processes can read a process's environment.
A name with one of these beginnings that matches nothing is refused, because a misspelt secret would
silently leave the old one in force.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from config.schema.keys import Keys
from config.toml import Table
from runtime.errors import OperatorError

ENDPOINT_PREFIX: Final = "BELLKEEPER_ENDPOINT_"
KEYS_PREFIX: Final = "BELLKEEPER_KEYS_"
FILE_SUFFIX: Final = "_FILE"
_ENDPOINT_KEYS: Final = ("http_url", "ws_url")
_LANES: Final = tuple(Keys.model_fields)
_PATH_VARIABLE: Final = "_PASSWORD_FILE"
"""The one ending that names a path itself rather than a file that holds the value."""


def apply_environment(table: Table, environment: Mapping[str, str]) -> dict[str, str]:
    """Put secrets into `table`; give the variable behind each key that was set."""
    key_to_source: dict[str, str] = {}
    for variable in sorted(environment):
        if not variable.startswith((ENDPOINT_PREFIX, KEYS_PREFIX)):
            continue
        is_path = variable.startswith(KEYS_PREFIX) and variable.endswith(_PATH_VARIABLE)
        bare = variable if is_path else variable.removesuffix(FILE_SUFFIX)
        if bare != variable and bare in environment:
            raise OperatorError(
                f"expected one of the environment variables {bare} and {variable}, found both: "
                "remove one"
            )
        target, key, written = _find_target(table, bare, variable)
        value = environment[variable]
        target[key] = _first_line(Path(value), variable) if bare != variable else value
        key_to_source[written] = f"environment {variable}"
    return key_to_source


def _find_target(table: Table, bare: str, variable: str) -> tuple[Table, str, str]:
    """Find the table, the key in it and the key as written with dots that a variable sets."""
    if bare.startswith(ENDPOINT_PREFIX):
        for index, endpoint in enumerate(_endpoints(table)):
            name = str(endpoint.get("name", "")).upper().replace("-", "_")
            for key in _ENDPOINT_KEYS:
                if bare == f"{ENDPOINT_PREFIX}{name}_{key.upper()}":
                    return endpoint, key, f"network.endpoints[{index}].{key}"
        raise OperatorError(
            f"the environment variable {variable} matches no endpoint: write "
            f"{ENDPOINT_PREFIX}<NAME>_HTTP_URL or _WS_URL with a name from [network] endpoints"
        )
    for lane in _LANES:
        for key in ("password_file", "remote_signer_url"):
            if bare == f"{KEYS_PREFIX}{lane.upper()}_{key.upper()}":
                keys = table.setdefault("keys", {})
                if isinstance(keys, dict) and isinstance(keys.setdefault(lane, {}), dict):
                    return keys[lane], key, f"keys.{lane}.{key}"
    raise OperatorError(
        f"the environment variable {variable} matches no key: write "
        f"{KEYS_PREFIX}<URGENT|HOUSEKEEPING|PRICER|BREAKER|GUARDIAN>_PASSWORD_FILE or _REMOTE_SIGNER_URL"
    )


def _endpoints(table: Table) -> list[Table]:
    network = table.get("network")
    endpoints = network.get("endpoints") if isinstance(network, dict) else None
    if not isinstance(endpoints, list):
        return []
    return [endpoint for endpoint in endpoints if isinstance(endpoint, dict)]


def _first_line(path: Path, variable: str) -> str:
    named_by = f"the environment variable {variable}"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise OperatorError(
            f"{named_by} must name a text file, found other bytes in {path}: correct the path"
        ) from None
    except OSError as error:
        why = (error.strerror or repr(error)).lower()
        raise OperatorError(
            f"{named_by} must name a readable file, found {path} ({why}): correct the path or its "
            "permissions"
        ) from None
    if not lines or not lines[0]:
        raise OperatorError(
            f"{named_by} must name a file that holds the secret, found {path} with an empty first "
            "line: write the secret into it"
        )
    return lines[0]
