"""The tables of the drills' pages are what the models give now."""

import pytest

from drills.model_pages import DOCS, PAGES, with_table


@pytest.mark.parametrize("page", PAGES)
def test_a_page_holds_the_table_that_is_measured_now(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    assert with_table(text, PAGES[page]()) == text, "run `python -m drills.model_pages`"


def test_a_page_without_a_place_for_its_table_is_refused() -> None:
    with pytest.raises(ValueError, match="found no pair"):
        with_table("# A page", "| a |")
