"""A bad scenario file gives one sentence: what was expected, what was found, what to do."""

from pathlib import Path

import pytest

from drills.scenario.loader import load_scenario
from runtime.errors import OperatorError

GOOD = """
title = "A fall"
story = "Nothing of this happened."
timezone = "America/New_York"
recorded_from = 2026-05-12T16:00:00
recorded_to = 2026-05-13T16:00:00
played_on = 2026-05-12
trading_days = [2026-05-13]

[[series]]
name = "stocks"
unit = "%"
between = "bridge"
noise = { bp_per_root_hour = 40, assumption = true, why = "ours" }
facts = [
    { at = 2026-05-12T16:00:00, value = "100", assumption = true, why = "ours" },
    { at = 2026-05-13T16:00:00, value = "90", source = "a page", quality = "secondary" },
]

[[markets]]
symbol = "SPY"
follows = "stocks"
"""


def write(directory: Path, text: str) -> Path:
    path = directory / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_operators_own_file_is_played(tmp_path: Path) -> None:
    scenario = load_scenario(write(tmp_path, GOOD))
    assert scenario.name == "mine"
    fall = scenario.path(1).value("SPY", scenario.end) / scenario.markets[0].price
    assert fall == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('title = "A fall"', "", "title is missing"),
        ('unit = "%"', 'unit = "%"\nbetwen = "line"', "did you mean `between`"),
        (
            'source = "a page", quality = "secondary"',
            "first_touch = false",
            "must have `source` and `quality`, or `assumption = true` and `why`, found neither",
        ),
        (
            'source = "a page", quality = "secondary"',
            'source = "a page"',
            "found neither: say where the figure comes from",
        ),
        (
            'source = "a page", quality = "secondary"',
            'source = "a page", quality = "secondary", assumption = true, why = "?"',
            "found both",
        ),
        ('quality = "secondary"', 'quality = "hearsay"', "series[0].facts[1].quality must be"),
        ('value = "90"', 'value = "-1"', "a price greater than 0"),
        ('value = "90"', "value = 90.5", "an integer or a string of decimals"),
        ("2026-05-12T16:00:00, value", "2026-05-13T16:00:00, value", "in order of time"),
        ("at = 2026-05-13T16:00:00", "at = 2026-05-14T16:00:00", "widen the window"),
        ("at = 2026-05-13T16:00:00", "at = 2026-05-13T16:00:00-04:00", "without an offset"),
        ("noise = {", "# noise = {", "must have a `noise` table exactly where stocks is a bridge"),
        ('between = "bridge"', 'between = "line"', "must have a `noise` table exactly"),
        ('follows = "stocks"', 'follows = "bonds"', "must name one of stocks in follows of SPY"),
        ('follows = "stocks"', 'follows = "stocks"\nbeta_ppm = 2_000_000', "found neither"),
        ("played_on = 2026-05-12", "played_on = 2026-05-13", "must be a Tuesday"),
        ("played_on = 2026-05-12", "played_on = 2031-05-13", "must cover 2031-05-13"),
        ("played_on = 2026-05-12", "played_on = 2026-07-21", None),
        ("recorded_to = 2026-05-13T16:00:00", "recorded_to = 2026-05-12T16:00:00", "must end"),
        ("trading_days = [2026-05-13]", "trading_days = [2026-05-14]", "must list trading_days"),
        ('timezone = "America/New_York"', 'timezone = "New York"', "the name of a time zone"),
        ('symbol = "SPY"', 'symbol = "ZZZ"', "it must have a `reference_price_usd`"),
    ],
)
def test_a_bad_file_gives_one_sentence(
    tmp_path: Path, old: str, new: str, sentence: str | None
) -> None:
    assert old in GOOD
    path = write(tmp_path, GOOD.replace(old, new, 1))
    if sentence is None:
        assert load_scenario(path).start > 0
        return
    with pytest.raises(OperatorError) as caught:
        load_scenario(path)
    words = str(caught.value)
    assert sentence in words
    assert str(path) in words
    assert "\n" not in words


HOUR = "from = 2026-05-13T10:00:00\nto = 2026-05-13T11:00:00\n"


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (
            '[[halts]]\nreason = "x"\n' + HOUR.replace("T11:", "T09:"),
            "must end after it begins",
        ),
        (
            '[[faults]]\nsources = ["fourth"]\nstate = "gone"\n' + HOUR,
            "must name one of first, second, third in sources of a fault, found fourth",
        ),
        (
            '[[faults]]\nsources = ["first"]\nstate = "offset"\n' + HOUR,
            "must have `offset_ppm` exactly for offset and printed",
        ),
        (
            '[[flows]]\nside = "sell"\nnotional_usd = 5\n' + HOUR,
            "must have one symbol for a flow",
        ),
        (
            '[[outages]]\nwhat = "chain"\nsymbols = ["SPY"]\n' + HOUR,
            "it stops every market",
        ),
        (
            "[[splits]]\nat = 2026-05-13T10:00:00\nsymbol = 'NVDA'\nnew_shares = 2\nold_shares = 1\n",
            "must name one of SPY in symbols",
        ),
    ],
)
def test_a_bad_row_gives_one_sentence(tmp_path: Path, row: str, sentence: str) -> None:
    path = write(tmp_path, f'{GOOD}\n{row}assumption = true\nwhy = "ours"\n')
    with pytest.raises(OperatorError) as caught:
        load_scenario(path)
    assert sentence in str(caught.value)


def test_facts_must_lie_in_their_range(tmp_path: Path) -> None:
    ranges = (
        "ranges = [ { from = 2026-05-12T17:00:00, to = 2026-05-13T16:00:00, low = 95, high = 99,"
        ' assumption = true, why = "ours" } ]\n\n[[markets]]'
    )
    path = write(tmp_path, GOOD.replace("[[markets]]", ranges))
    with pytest.raises(OperatorError, match="found 90 at 2026-05-13 16:00:00 of stocks outside 95"):
        load_scenario(path)


def test_a_trading_day_must_be_one_when_it_is_played(tmp_path: Path) -> None:
    # 19 May moves to Memorial Day, a week later.
    text = GOOD.replace("2026-05-12", "2026-05-18").replace("2026-05-13", "2026-05-19")
    text = text.replace("trading_days = [2026-05-19]", "trading_days = [2026-05-18]")
    text = text.replace("played_on = 2026-05-18", "played_on = 2026-05-25")
    with pytest.raises(OperatorError, match="2026-05-25, on which it is played, has no regular"):
        load_scenario(write(tmp_path, text))


def test_a_time_that_its_new_day_lacks_is_refused(tmp_path: Path) -> None:
    # 02:30 on Sunday, 15 March 2026, would be played on the 8th, when that hour does not exist.
    text = GOOD.replace("2026-05-12", "2026-03-13").replace("2026-05-13", "2026-03-16")
    text = text.replace("played_on = 2026-03-13", "played_on = 2026-03-06")
    headline = (
        '\n[[headlines]]\nat = 2026-03-15T02:30:00\ntext = "x"\nassumption = true\nwhy = "ours"\n'
    )
    with pytest.raises(OperatorError, match="2026-03-08 02:30, which that day lacks or has twice"):
        load_scenario(write(tmp_path, text + headline))


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(OperatorError, match="expected a scenario among black_monday_1987, "):
        load_scenario("black_tuesday")


def test_a_file_of_other_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="must be TOML"):
        load_scenario(write(tmp_path, "time,SPY\n"))
