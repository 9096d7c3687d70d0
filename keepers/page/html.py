"""HTML made from values, such that nothing that comes from outside can be more than text.

A `Markup` is made here only; every other value that is put into an element is escaped, and what looks
like an address, a hash or a key is cut to its ends: the page is looked over by many shoulders.
"""

import html
import re
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

_LONG_HEX: Final = re.compile(r"\b(0x)?[0-9a-fA-F]{24,}\b")
_LINK: Final = re.compile(r"\b([a-z][a-z0-9+.-]*://)(?:[^\s/@]*@)?([^\s/?#'\"]+)[^\s'\"]*")
_VOID: Final = frozenset({"br", "link", "meta"})


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Child: TypeAlias = "str | int | Iterable[Child] | None"

NOTHING: Final = Markup()


def words(value: object) -> Markup:
    """Write a value as text: escaped, with long hexadecimal numbers and links cut short."""
    if isinstance(value, Markup):
        return value
    text = _LINK.sub(r"\1\2/…", str(value))
    return Markup(html.escape(_LONG_HEX.sub(_ends, text)))


def tag(element: str, /, *children: Child, **attributes: str | int | None) -> Markup:
    """Make an element; `class_` becomes class, `data_label` data-label; None leaves one out."""
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{words(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if element in _VOID:
        return Markup(f"<{element}{told}>")
    return Markup(f"<{element}{told}>{joined(children)}</{element}>")


def joined(children: Iterable[Child]) -> Markup:
    """Write one after the other."""
    return Markup("".join(map(_child, children)))


def table(
    caption: str, headings: Sequence[str], rows: Iterable[Sequence[Child]], *, class_: str = ""
) -> Markup:
    """Make a table whose first cell of each row is its header; a narrow screen shows rows as cards.

    The roles are said, because the style of a narrow screen would take them away.
    """
    head = tag(
        "tr", [tag("th", each, scope="col", role="columnheader") for each in headings], role="row"
    )
    body = [tag("tr", _cells(headings, row), role="row") for row in rows]
    return tag(
        "table",
        tag("caption", caption),
        tag("thead", head, role="rowgroup"),
        tag("tbody", body, role="rowgroup"),
        class_=f"cards {class_}".strip(),
        role="table",
    )


def _cells(headings: Sequence[str], row: Sequence[Child]) -> list[Markup]:
    first, *others = row
    cells = [tag("th", first, scope="row", role="rowheader")]
    cells += [
        tag("td", tag("span", cell), data_label=heading, role="cell", class_=_width(cell))
        for heading, cell in zip(headings[1:], others, strict=True)
    ]
    return cells


def _width(cell: Child) -> str | None:
    """Say that a sentence or a drawing needs the whole width of a card."""
    is_wide = isinstance(cell, Markup) and ('class="sentence' in cell or "<svg" in cell)
    return "wide" if is_wide else None


def _child(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, str | int):
        return words(child)
    return joined(child)


def _ends(found: re.Match[str]) -> str:
    text = found.group()
    return f"{text[:6]}…{text[-4:]}"
