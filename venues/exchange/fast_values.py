"""Compile constructors of frozen values for the path of a price.

`object.__setattr__` for each field is what makes frozen dataclasses slow to build. A twin class
with the same slots is filled by plain assignment and then takes the real class: Python allows that
exactly when the layouts agree and raises TypeError otherwise. About five times as fast. Only for
dataclasses with slots and without `__post_init__`; the result is as frozen as any other.
"""

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, TypeVar

T = TypeVar("T")


def compile_constructor(kind: type[T]) -> Callable[..., T]:
    """Compile a constructor that takes the fields by position, in the order of declaration."""
    names = _field_names(kind)
    return _compile(kind, names, ", ".join(names), {name: name for name in names})


def compile_copier(kind: type[T], changed: Sequence[str]) -> Callable[..., T]:
    """Compile `copy(old, *changed)`: a value like `old` but for the fields `changed`."""
    names = _field_names(kind)
    unknown = set(changed) - set(names)
    if unknown:
        raise ValueError(f"expected fields of {kind.__name__}, found {sorted(unknown)}")
    sources = {name: name if name in changed else f"old.{name}" for name in names}
    return _compile(kind, names, ", ".join(["old", *changed]), sources)


def _field_names(kind: type[Any]) -> list[str]:
    if hasattr(kind, "__post_init__"):
        raise ValueError(f"expected a class without __post_init__, found {kind.__name__}")
    return [field.name for field in fields(kind)]


def _compile(
    kind: type[T], names: Sequence[str], arguments: str, sources: dict[str, str]
) -> Callable[..., T]:
    body = "\n        ".join(f"self.{name} = {sources[name]}" for name in names)
    source = (
        f"class Draft:\n    __slots__ = {tuple(names)!r}\n"
        f"    def __init__(self, {arguments}):\n        {body}\n"
        f"def make({arguments}):\n    draft = Draft({arguments})\n"
        f"    draft.__class__ = kind\n    return draft"
    )
    scope: dict[str, Any] = {"kind": kind}
    exec(source, scope)  # noqa: S102 - field names of our own classes
    make: Callable[..., T] = scope["make"]
    return make
