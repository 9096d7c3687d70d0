"""Reading what duties say of themselves on `/status`: plain JSON values, whose shape is theirs to change.

A key that is not there, or of another kind than expected, reads as nothing: the page shows less, and
never fails.
"""

from collections.abc import Mapping, Sequence


def mapping_at(told: Mapping[str, object] | None, *path: str) -> Mapping[str, object]:
    """Give the mapping at the end of a path of keys, empty where there is none."""
    found: object = told
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def text_at(told: Mapping[str, object], key: str) -> str:
    """Give a text, empty where there is none."""
    found = told.get(key)
    return found if isinstance(found, str) else ""


def integer_at(told: Mapping[str, object], key: str) -> int | None:
    """Give an integer, None where there is none."""
    found = told.get(key)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def list_at(told: Mapping[str, object], key: str) -> Sequence[object]:
    """Give a list, empty where there is none."""
    found = told.get(key)
    return found if isinstance(found, list | tuple) else ()
