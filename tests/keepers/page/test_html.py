"""HTML made from values: what comes from outside stays text, and is cut where it is an address."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from keepers.page.html import Markup, table, tag, words

KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"


class _Seen(HTMLParser):
    """Notes every element and all text."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[str] = []
        self.text = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.text += "".join(value or "" for _, value in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text(alphabet=st.sampled_from("<>&\"'/=abc script!-\x00"), max_size=40))
def test_no_text_makes_an_element_or_leaves_its_attribute(text: str) -> None:
    seen = _Seen(tag("p", text, title=text))
    assert seen.elements == ["p"]
    inner = tag("p", text)[len("<p>") : -len("</p>")]
    assert not set(inner) & set("<>\"'")


def test_an_element_inside_another_is_not_escaped_twice() -> None:
    assert tag("p", tag("b", "a & b"), None, 7) == "<p><b>a &amp; b</b>7</p>"


def test_addresses_hashes_and_keys_are_cut_to_their_ends() -> None:
    told = words(f"account 0x4b7ede9344bdb678bd3bf19a45fc6c0c36784e4b/0, key {KEY}, bare {KEY[2:]}")
    assert "0x4b7e…4e4b/0" in told
    assert KEY[2:] not in told
    assert KEY[10:40] not in told


def test_a_link_loses_its_password_and_its_path() -> None:
    told = words("no answer from https://user:hunter2@rpc.example.org/v2/apikey?token=1 in 3 s")
    assert told == "no answer from https://rpc.example.org/… in 3 s"


def test_a_table_has_a_caption_headers_and_roles_that_a_narrow_screen_keeps() -> None:
    made = table("Prices", ("Market", "Mark"), [("NVDA", "148.23")])
    assert isinstance(made, Markup)
    assert "<caption>Prices</caption>" in made
    assert '<th scope="col" role="columnheader">Mark</th>' in made
    assert '<th scope="row" role="rowheader">NVDA</th>' in made
    assert '<td data-label="Mark" role="cell"><span>148.23</span></td>' in made
