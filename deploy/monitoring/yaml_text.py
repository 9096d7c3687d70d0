"""Write YAML: maps, lists, texts, numbers, truths; a text of several lines as a block. Nothing else is needed here."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

Tree: TypeAlias = "str | int | bool | Mapping[str, Tree] | Sequence[Tree]"


def yaml_text(tree: Mapping[str, Tree], *, note: str) -> str:
    """Give a document that begins with a comment."""
    return "\n".join([f"# {note}", *_mapping(tree), ""])


def _mapping(tree: Mapping[str, Tree]) -> Iterator[str]:
    for key, value in tree.items():
        name = key if key.replace("_", "").isalnum() else json.dumps(key)
        yield from _entry(f"{name}:", value)


def _entry(head: str, value: Tree) -> Iterator[str]:
    match value:
        case bool():
            yield f"{head} {str(value).lower()}"
        case int():
            yield f"{head} {value}"
        case str() if "\n" in value:
            yield f"{head} |-"
            yield from (f"  {line}".rstrip() for line in value.splitlines())
        case str():
            yield f"{head} {_scalar(value)}"
        case Mapping():
            lines = list(_mapping(value))
            yield head if lines else f"{head} {{}}"
            yield from (f"  {line}".rstrip() for line in lines)
        case _:
            yield head if value else f"{head} []"
            for item in value:
                yield from (f"  {line}".rstrip() for line in _item(item))


def _item(item: Tree) -> Iterator[str]:
    if isinstance(item, Mapping):
        for number, line in enumerate(_mapping(item)):
            yield f"- {line}" if number == 0 else f"  {line}"
    elif isinstance(item, str | int):
        yield f"- {_scalar(item)}"
    else:
        raise TypeError(f"expected a map, a text or a number in a list, found {item!r}")


def _scalar(value: str | int) -> str:
    return json.dumps(value, ensure_ascii=False)
