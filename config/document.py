"""Write docs/configuration.md from the schema: `python -m config.document`.

The docstring under each field is the only place where a knob is explained; a test compares the page
with what this module gives, so that it is never stale.
"""

import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from config.problems import section_of
from config.schema.markets import ExchangeFile, MarketFile
from config.settings import Settings

PAGE: Final = Path(__file__).parent.parent / "docs" / "configuration.md"
_INTRODUCTION: Final = """\
# Configuration

<!-- Written by `make docs` from config/schema/. Do not edit: change the docstring under the field. -->

`bellkeeper run --config FILE` reads one TOML file. It may start from another: `extends = "devnet"`
takes a shipped profile (devnet, testnet, mainnet), `extends = "other.toml"` a file beside it. What a
file leaves out comes from the one it extends, and then from the defaults below. A list, or the key
of a lane, replaces the one below it whole. Paths are relative to the file that says them. Unknown keys,
wrong types and senseless values stop the program with one sentence and exit code 78.
`bellkeeper config show --config FILE` prints what is in force and who said so.

## Secrets

Only these come from the environment, and they win over every file:

| variable | what it sets |
|---|---|
| `BELLKEEPER_ENDPOINT_<NAME>_HTTP_URL`, `BELLKEEPER_ENDPOINT_<NAME>_WS_URL` | address of the endpoint of that name (capitals, `-` as `_`) |
| `BELLKEEPER_KEYS_<LANE>_PASSWORD_FILE` | path of the file with the password of the keystore of the lane, a table of `[keys]` in capitals: `URGENT`, `PRICER` and so on |
| `BELLKEEPER_KEYS_<LANE>_REMOTE_SIGNER_URL` | address of the lane's remote signer |

The URLs may be given as `…_FILE`: the variable then names a file whose first line is the value, as
container secrets arrive. No variable holds a password itself. A variable with one of these beginnings
that matches nothing is refused.
"""


def document() -> str:
    """Give the whole page."""
    parts = [_INTRODUCTION]
    for name, field in Settings.model_fields.items():
        parts += _section(name, field)
    parts.append(
        "## Files of markets\n\n`bellkeeper exchange deploy` creates the markets that "
        "`config/exchange.toml` lists, in that order, each from `config/markets/<symbol>.toml`. "
        "Money is an integer or a string of decimals and is converted exactly.\n"
    )
    parts.append("### exchange.toml\n\n" + _table(ExchangeFile, ""))
    parts.append("### markets/*.toml\n\n" + _table(MarketFile, ""))
    return "\n".join(parts)


def _section(name: str, field: FieldInfo) -> list[str]:
    model = section_of(field.annotation)
    if model is None:
        raise TypeError(f"expected a section for {name}, found {field.annotation!r}")
    return [f"## [{name}]\n\n{(model.__doc__ or '').strip()}\n\n{_table(model, '')}"]


def _table(model: type[BaseModel], prefix: str) -> str:
    lines = ["| key | type | default | |", "|---|---|---|---|"]
    for key, field in _fields(model, prefix):
        words = (field.description or "").replace("|", "\\|").replace("\n", " ")
        lines.append(f"| `{key}` | {_type(field.annotation)} | {_default(field)} | {words} |")
    return "\n".join(lines) + "\n"


def _fields(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        inner = section_of(field.annotation)
        if inner is None:
            yield f"{prefix}{name}", field
        elif get_origin(field.annotation) is tuple:
            yield f"{prefix}{name}", field
            yield from _fields(inner, f"{prefix}{name}[].")
        else:
            yield from _fields(inner, f"{prefix}{name}.")


def _type(annotation: Any) -> str:  # noqa: ANN401 - whatever a field is declared as
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(arguments[0])
    if origin is Literal:
        return ", ".join(f"`{choice}`" for choice in arguments)
    if origin is tuple:
        return f"list of {_type(arguments[0])}"
    if type(None) in arguments:
        return _type(Union[tuple(part for part in arguments if part is not type(None))])  # noqa: UP007
    names = {
        int: "integer",
        float: "number",
        str: "string",
        bool: "true or false",
        Path: "path",
        Decimal: "amount",
    }
    return names.get(annotation, "table")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=False)
    if value is None:
        return "–"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int):
        return f"`{value:_}`"
    if isinstance(value, float):
        return f"`{value:g}`"
    return f"`{value}`"


def main() -> None:
    """Write the page."""
    PAGE.write_text(document(), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE.name}\n")


if __name__ == "__main__":
    main()
