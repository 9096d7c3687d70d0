"""The shipped rulebooks say what their rules say, and a wrong file is one sentence."""

from pathlib import Path

import pytest

from config.rulebooks import (
    RULEBOOKS_DIRECTORY,
    load_rulebook,
    load_rulebooks,
    rulebook_named,
)
from risk.band_rules import LuldBand, MeanKind, PriceBracket, StaticBand
from risk.sessions import Session
from risk.units import Ppm, PriceE8, Seconds
from runtime.errors import OperatorError
from tests.builders import price

LULD = RULEBOOKS_DIRECTORY / "us_luld.toml"
CME = RULEBOOKS_DIRECTORY / "cme_dynamic.toml"


def test_three_rulebooks_are_shipped_by_name() -> None:
    books = load_rulebooks()
    assert set(books) == {"cme_dynamic", "static", "us_luld"}
    assert all(book.name == name for name, book in books.items())
    assert rulebook_named("static", books) is books["static"]


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(OperatorError, match="found 'luld': choose from cme_dynamic, static, us_l"):
        rulebook_named("luld", load_rulebooks())


def test_the_us_rulebook_has_the_numbers_of_the_plan() -> None:
    book = load_rulebook(LULD)
    assert isinstance(book.band, LuldBand)
    assert book.sessions == {Session.REGULAR}
    how = book.band.reference
    assert (how.window, how.mean, how.least_change, how.least_age) == (
        300,
        MeanKind.TRADES,
        10_000,
        30,
    )
    assert book.band.tier_1[2] == PriceBracket(
        lowest=PriceE8(price(3) + 1), width=Ppm(50_000), is_doubled_before_close=True
    )
    assert book.band.tier_2[2] == PriceBracket(lowest=PriceE8(price(3) + 1), width=Ppm(100_000))
    assert book.band.tier_1[0].widest == price("0.15")
    assert book.band.doubled_before_close == 25 * 60
    assert (book.limit.pause_after, book.limit.straddle_pause_after) == (15, None)
    assert (book.pause.length, book.pause.extension, book.pause.held_to_close) == (300, 300, 600)
    assert book.dynamic is None


def test_the_dynamic_rulebook_has_the_numbers_of_the_exchange() -> None:
    book = load_rulebook(CME)
    assert book.band == StaticBand(down=Ppm(70_000), up=Ppm(70_000))
    dynamic = book.dynamic
    assert dynamic is not None
    assert (dynamic.move, dynamic.window, dynamic.pause) == (35_000, 3_600, 120)
    assert (dynamic.late_window, dynamic.late_pause) == (300, 5)
    assert book.limit.pause_after is None
    assert Session.REGULAR not in book.sessions


def test_zero_seconds_are_not_the_same_as_none(tmp_path: Path) -> None:
    path = tmp_path / "at_once.toml"
    path.write_text(CME.read_text().replace("[limit]", "[limit]\npause_after_seconds = 0"))
    assert load_rulebook(path).limit.pause_after == Seconds(0)


@pytest.mark.parametrize(
    ("source", "old", "new", "sentence"),
    [
        (LULD, "[pause]", "[pauze]", "pauze is no key of the configuration: did you mean `pause`?"),
        (LULD, "extension_seconds = 300", "", "pause.extension_seconds is missing: set it"),
        (LULD, 'mean = "trades"', 'mean = "median"', "luld.reference.mean must be one of"),
        (LULD, '["regular"]', '["lunch"]', "sessions[0] must be one of"),
        (LULD, '["regular"]', "[]", "sessions must be a list of at least 1, found a list of 0"),
        (
            LULD,
            "from_usd = 0,",
            "from_usd = 1,",
            "[luld] must have brackets that rise from_usd = 0",
        ),
        (LULD, "above_usd = 3, ", "", "must have from_usd or above_usd, found neither: keep one"),
        (LULD, "{ above_usd = 3,", "{ from_usd = 3, above_usd = 3,", "found both: keep one"),
        (LULD, "above_usd = 3,", "above_usd = 3.5,", 'or a string of decimals like "0.25"'),
        (LULD, "width_ppm = 100_000", "width_ppm = 1_000_000", "must be less than 1000000"),
        (LULD, "reopening_prices = 5", "reopening_prices = 0", "must be at least 1, found 0"),
        (LULD, "pause_after_seconds = 15", "pause_after_seconds = -1", "at least 0, found -1"),
        (
            LULD,
            "[limit]",
            "[static]\ndown_ppm = 1\nup_ppm = 1\n[limit]",
            "both [luld] and [static]",
        ),
        (CME, "late_pause_seconds = 5", "late_pause_seconds = 121", "(121) must be at most"),
        (CME, 'tick_usd = "0.01"', "tick_usd = 0", "must be a price greater than 0"),
        (CME, "window_seconds = 3_600", "window_seconds = 0", "greater than 0, found 0"),
        (CME, "[limit]", "[limit", "must be TOML"),
    ],
)
def test_a_wrong_file_is_one_sentence(
    tmp_path: Path, source: Path, old: str, new: str, sentence: str
) -> None:
    text = source.read_text()
    assert old in text
    path = tmp_path / "wrong.toml"
    path.write_text(text.replace(old, new))
    with pytest.raises(OperatorError) as error:
        load_rulebook(path)
    assert sentence in str(error.value)
    assert "wrong.toml" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_rulebook_needs_a_band_or_a_breaker(tmp_path: Path) -> None:
    text = CME.read_text()
    begin, end = text.index("[static]"), text.index("# Nothing follows")
    path = tmp_path / "nothing.toml"
    path.write_text(text[:begin] + text[end:])
    with pytest.raises(
        OperatorError, match=r"must have \[luld\], \[static\] or \[dynamic\], found"
    ):
        load_rulebook(path)
