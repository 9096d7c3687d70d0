"""From files and the environment to settings: defaults < profile < `--config FILE` < secrets.

A file may say `extends = "devnet"` (a shipped profile) or `extends = "other.toml"` (beside it).
Sections are merged key by key; a value, a list or a lane's key replaces the one below it whole.
Paths are relative to the file that says them; a default path, to the file that was asked for.
Every problem is an `OperatorError` of one sentence. Nothing here looks at the process: the
environment is handed in.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

from pydantic import BaseModel, ValidationError

from config.environment import apply_environment
from config.problems import key_path, problem_sentence, section_of
from config.settings import Roles, Settings
from config.toml import Table, read_toml
from runtime.errors import OperatorError

CONFIG_DIRECTORY: Final = Path(__file__).parent
PROFILES_DIRECTORY: Final = CONFIG_DIRECTORY / "profiles"
_DEEPEST_CHAIN: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedConfig:
    """Settings, and where each key that was set came from."""

    settings: Settings
    path: Path
    key_to_source: Mapping[str, str]


def load(path: Path, *, environment: Mapping[str, str]) -> LoadedConfig:
    """Read, merge and check a configuration; raises OperatorError with one sentence."""
    key_to_source: dict[str, str] = {}
    table: Table = {}
    for file, layer in _layers(path):
        _merge(table, layer, file, key_to_source)
    key_to_source |= apply_environment(table, environment)
    _anchor_defaults(table, Settings, path.parent)

    def file_of(key: str) -> str:
        return _source_of(key, key_to_source) or str(path)

    try:
        settings = Settings.model_validate(table)
    except ValidationError as error:
        raise OperatorError(problem_sentence(error, Settings, file_of)) from None
    return LoadedConfig(settings=settings, path=path, key_to_source=key_to_source)


def load_roles(path: Path) -> Roles:
    """Read a file of `role = "0x…"` lines; raises OperatorError with one sentence."""
    try:
        return Roles.model_validate(read_toml(path))
    except ValidationError as error:
        raise OperatorError(problem_sentence(error, Roles, lambda _key: str(path))) from None


def shipped_profile(name: str) -> Path:
    """Give the path of a shipped profile: devnet, testnet, mainnet."""
    path = PROFILES_DIRECTORY / f"{name}.toml"
    if not path.is_file():
        names = ", ".join(sorted(file.stem for file in PROFILES_DIRECTORY.glob("*.toml")))
        raise OperatorError(f"expected one of the shipped profiles {names}, found {name!r}")
    return path


def _layers(path: Path) -> list[tuple[str, Table]]:
    """Read the file and all that it extends, the lowest layer first."""
    layers: list[tuple[str, Table]] = []
    seen: list[Path] = []
    file: Path | None = path
    while file is not None:
        if file.resolve() in seen or len(seen) == _DEEPEST_CHAIN:
            raise OperatorError(
                f"{seen[-1]}: extends must not lead back or deeper than {_DEEPEST_CHAIN} files, "
                f"found {file}: remove it"
            )
        seen.append(file.resolve())
        table = read_toml(file)
        below = _extended(file, table.pop("extends", None))
        _anchor_paths(table, Settings, file.parent)
        layers.append((str(file), table))
        file = below
    return layers[::-1]


def _extended(file: Path, wanted: object) -> Path | None:
    if wanted is None:
        return None
    if not isinstance(wanted, str) or not wanted:
        raise OperatorError(
            f"{file}: extends must be the name of a profile or of a file, found {wanted!r}: "
            'write for example extends = "devnet"'
        )
    for candidate in (file.parent / wanted, CONFIG_DIRECTORY / wanted):
        if wanted.endswith(".toml") and candidate.is_file():
            return candidate
    try:
        return shipped_profile(wanted)
    except OperatorError as error:
        raise OperatorError(f"{file}: extends names no file: {error}") from None


def _merge(table: Table, layer: Table, file: str, key_to_source: dict[str, str]) -> None:
    """Lay `layer` over `table`, section by section, and note where each value came from."""
    for section, values in deepcopy(layer).items():
        held = table.get(section)
        if not isinstance(values, dict) or not isinstance(held, dict | None):
            table[section] = values
            key_to_source[section] = file
            continue
        for key, value in values.items():
            written = f"{section}.{key}"
            for stale in [old for old in key_to_source if _is_within(old, written)]:
                del key_to_source[stale]
            for inner in _keys_within(value, (section, key)):
                key_to_source[key_path(inner)] = file
        table[section] = (held or {}) | values


def _keys_within(value: object, location: tuple[int | str, ...]) -> Iterator[tuple[int | str, ...]]:
    """List the value's own location and those of everything inside it."""
    yield location
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _keys_within(inner, (*location, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _keys_within(inner, (*location, index))


def _is_within(key: str, outer: str) -> bool:
    return key == outer or key.startswith((f"{outer}.", f"{outer}["))


def _source_of(key: str, key_to_source: Mapping[str, str]) -> str | None:
    """Find who set a key, or else who set something inside or around it."""
    if key in key_to_source:
        return key_to_source[key]
    inside = [source for known, source in key_to_source.items() if _is_within(known, key)]
    around = [source for known, source in key_to_source.items() if _is_within(key, known)]
    return next(iter(inside[-1:] or around[-1:]), None)


def _anchor_paths(table: Table, model: type[BaseModel], base: Path) -> None:
    """Make the paths in a file relative to that file rather than to wherever we were started."""
    for key, value in table.items():
        field = model.model_fields.get(key)
        if field is None:
            continue
        inner = section_of(field.annotation)
        if inner is not None:
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, dict):
                    _anchor_paths(part, inner, base)
        elif _holds_path(field.annotation) and isinstance(value, str) and value:
            table[key] = str(base / Path(value).expanduser())


def _anchor_defaults(table: Table, model: type[BaseModel], base: Path) -> None:
    for key, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            held = table.get(key, {})
            if isinstance(held, dict):
                _anchor_defaults(held, inner, base)
                if held:
                    table[key] = held
        elif isinstance(field.default, Path) and key not in table:
            table[key] = str(base / field.default)


def _holds_path(annotation: object) -> bool:
    """Say whether a field is a path, however it is wrapped."""
    return annotation is Path or any(_holds_path(part) for part in get_args(annotation))
