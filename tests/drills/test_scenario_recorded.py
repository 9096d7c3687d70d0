"""An operator's own recorded prices: units, gaps, time zones, and one sentence for what is wrong."""

from pathlib import Path

import pytest

from drills.scenario.recorded import RecordedRules, recorded_scenario
from risk.sessions import Session
from risk.units import Seconds
from runtime.errors import OperatorError

ROWS = """time,SPY,NVDA
2026-05-13T13:00:00-04:00,659.25,178.25
2026-05-13T17:04:00+00:00,659.5,
1778691900,659.00000001,177
"""


def write(directory: Path, text: str, name: str = "mine.csv") -> Path:
    path = directory / name
    path.write_text(text, encoding="utf-8")
    return path


def test_prices_are_read_exactly_and_played_on_their_own_days(tmp_path: Path) -> None:
    scenario = recorded_scenario(write(tmp_path, ROWS))
    path = scenario.path(1)
    assert scenario.end - scenario.start == 300
    assert path.value("SPY", scenario.start) == 65_925_000_000
    assert path.value("SPY", scenario.start + 240) == 65_950_000_000
    assert path.series["SPY"].at(scenario.end) == 65_900_000_001
    assert 17_700_000_000 < path.value("NVDA", scenario.start + 150) < 17_825_000_000
    assert path.at(scenario.start).markets["SPY"].session is Session.REGULAR


def test_local_times_need_the_name_of_their_zone(tmp_path: Path) -> None:
    local = "time,SPY\n2026-05-13T13:00:00,659\n2026-05-13T13:05:00,660\n"
    path = write(tmp_path, local)
    with pytest.raises(OperatorError, match="without an offset: add it, or name the time zone"):
        recorded_scenario(path)
    named = recorded_scenario(path, RecordedRules(timezone="America/New_York"))
    assert named.start == recorded_scenario(write(tmp_path, ROWS, "other.csv")).start


def test_the_hour_that_a_day_has_twice_is_refused(tmp_path: Path) -> None:
    text = "time,SPY\n2026-11-01T01:30:00,659\n2026-11-01T03:30:00,660\n"
    with pytest.raises(OperatorError, match="when the clocks change"):
        recorded_scenario(write(tmp_path, text), RecordedRules(timezone="America/New_York"))


def test_a_gap_counts_only_while_outside_markets_trade(tmp_path: Path) -> None:
    weekend = "time,SPY\n2026-05-15T19:58:00-04:00,659\n2026-05-17T20:03:00-04:00,640\n"
    assert recorded_scenario(write(tmp_path, weekend)).end > 0
    day = "time,SPY\n2026-05-15T10:00:00-04:00,659\n2026-05-15T10:06:00-04:00,640\n"
    path = write(tmp_path, day)
    with pytest.raises(OperatorError, match=r"no gap of more than 300 s .* found 360 s"):
        recorded_scenario(path)
    assert recorded_scenario(path, RecordedRules(longest_gap=Seconds(360))).end > 0


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "expected a first line of `time`"),
        ("when,SPY\n1,2\n", "expected a first line of `time`"),
        ("time,SPY,SPY\n", "name each column once"),
        ("time,SPY\n1778691600,1,2\n", "expected 2 cells in line 2"),
        ("time,SPY\nnoon,1\n", "found 'noon'"),
        ("time,SPY\n2026-05-13T13:00:00.5-04:00,1\n", "expected whole seconds"),
        ("time,SPY\n1778691600,1\n1778691600,2\n", "each second once"),
        ("time,SPY\n1778691600,-1\n", "expected a price in USD above 0"),
        ("time,SPY\n1778691600,1.123456789\n", "at most 8 decimals"),
        ("time,SPY\n1778691600,1e3x\n", "found '1e3x'"),
        ("time,SPY\n1778691600,5\n", "expected two prices of SPY"),
        ("time,SPY\n1,5\n2,6\n", "that the calendar us_equities covers"),
    ],
)
def test_a_bad_file_gives_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(OperatorError) as caught:
        recorded_scenario(write(tmp_path, text))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_parquet_and_what_is_no_file_are_told_plainly(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="Parquet is not read, because the package pyarrow"):
        recorded_scenario(tmp_path / "mine.parquet")
    with pytest.raises(OperatorError, match="no such file"):
        recorded_scenario(tmp_path / "none.csv")
    with pytest.raises(OperatorError, match="expected a calendar among"):
        recorded_scenario(write(tmp_path, ROWS), RecordedRules(calendar="mars"))


def test_a_bridge_between_recorded_prices_is_the_seeds_own(tmp_path: Path) -> None:
    scenario = recorded_scenario(write(tmp_path, ROWS), RecordedRules(noise_bp=50.0))
    middle = scenario.start + 100
    assert scenario.path(1).value("SPY", middle) == scenario.path(1).value("SPY", middle)
    assert scenario.path(1).value("SPY", middle) != scenario.path(2).value("SPY", middle)
    assert scenario.path(2).series["SPY"].at(scenario.start + 240) == 65_950_000_000
