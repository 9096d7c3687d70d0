"""A strict reader of HTML: what a browser would silently mend is an error here."""

from html.parser import HTMLParser
from typing import Final

VOID: Final = frozenset({"br", "link", "meta"})


class Page(HTMLParser):
    """Reads a document whole; raises AssertionError for the first thing that is not in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {self.open}"
        ids = self.values("id")
        assert len(ids) == len(set(ids)), f"an id twice: {ids}"

    @property
    def text(self) -> str:
        """All that is read, in one line."""
        return " ".join(" ".join(self.words).split())

    def values(self, attribute: str) -> list[str]:
        """Give an attribute's values, of every element that has it."""
        return [found[attribute] or "" for _, found in self.elements if attribute in found]

    def count(self, element: str) -> int:
        """Count the elements of a name."""
        return sum(name == element for name, _ in self.elements)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        assert len(found) == len(attrs), f"an attribute twice in {tag}: {attrs}"
        inline = [name for name in found if name == "style" or name.startswith("on")]
        assert not inline, f"the policy refuses {inline} of {tag}"
        assert tag not in {"style", "iframe", "object", "form", "base"}, f"no {tag} here"
        assert tag != "script" or found.get("src"), "no inline script"
        self.elements.append((tag, found))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"{tag} is closed and was not open"
        assert self.open.pop() == tag, f"{tag} is closed out of order"

    def handle_data(self, data: str) -> None:
        assert not (self.open and self.open[-1] == "script" and data.strip()), "no inline script"
        self.words.append(data)
