"""Files of corporate actions: what they mean, who is believed, and what is said of a slip."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from config.calendars import CALENDARS_DIRECTORY, load_calendar
from config.corporate_actions import ACTIONS_DIRECTORY, load_actions, read_actions_file
from risk.corporate_agreement import Accord
from risk.corporate_rules import CorporateRules
from risk.corporate_values import Ratio
from risk.sessions import Session
from runtime.errors import OperatorError
from tests.builders import price

RULES = CorporateRules()
HEAD = """
timezone = "America/New_York"
provider = "{provider}"
heard_at = 2030-05-01T12:00:00Z
"""
SPLIT = """
[[action]]
kind = "split"
symbol = "NVDA"
ex_date = 2030-06-10
ratio = "10:1"
"""
APPROVAL = """
[action.approval]
by = "night-desk"
at = 2030-05-02T12:00:00Z
reason = "read the filing"
"""


def write(folder: Path, provider: str, *rows: str, name: str | None = None) -> Path:
    path = folder / f"{name or provider}.toml"
    path.write_text(HEAD.format(provider=provider) + "".join(rows))
    return path


def test_the_evening_before_the_ex_date_is_when_it_trades_on_the_new_basis(tmp_path: Path) -> None:
    write(tmp_path, "alpaca", SPLIT)
    (report,) = load_actions(tmp_path).reports
    action = report.action
    moment = datetime.fromtimestamp(action.effective, tz=UTC)
    assert moment == datetime(2030, 6, 9, 20, tzinfo=ZoneInfo("America/New_York"))
    assert action.ratio == Ratio(numerator=10, denominator=1)
    assert (report.source, report.document) == ("alpaca", "alpaca.toml")
    assert report.heard_at == datetime(2030, 5, 1, 12, tzinfo=UTC).timestamp()


def test_that_evening_is_when_overnight_trading_of_the_day_begins() -> None:
    calendar = load_calendar(CALENDARS_DIRECTORY / "us_equities.toml")
    (action, *_) = [
        datetime(2026, 4, 5, 20, tzinfo=calendar.zone).timestamp(),  # Sunday before Monday the 6th
    ]
    border = calendar.timeline.last_boundary(int(action))  # type: ignore[arg-type]
    assert border is not None
    assert (border.start, border.session) == (action, Session.OVERNIGHT)


def test_a_row_may_say_another_time(tmp_path: Path) -> None:
    write(tmp_path, "alpaca", SPLIT + 'time = "09:30"\n')
    (report,) = load_actions(tmp_path).reports
    moment = datetime.fromtimestamp(report.action.effective, tz=UTC)
    assert moment == datetime(2030, 6, 10, 9, 30, tzinfo=ZoneInfo("America/New_York"))


def test_two_providers_make_an_agreement_and_two_files_of_one_do_not(tmp_path: Path) -> None:
    write(tmp_path, "alpaca", SPLIT)
    write(tmp_path, "alpaca", SPLIT, name="alpaca-again")
    (agreement,) = load_actions(tmp_path).agreements(RULES).values()
    assert agreement.accord is Accord.SINGLE
    write(tmp_path, "polygon", SPLIT)
    judged = load_actions(tmp_path).agreements(RULES)
    assert list(judged) == ["NVDA split 2030-06-10"]
    assert judged["NVDA split 2030-06-10"].accord is Accord.AGREED


def test_a_row_with_an_approval_stands_against_everybody_and_alone(tmp_path: Path) -> None:
    write(tmp_path, "own-word", SPLIT, APPROVAL)
    (agreement,) = load_actions(tmp_path).agreements(RULES).values()
    assert agreement.accord is Accord.APPROVED
    write(tmp_path, "polygon", SPLIT.replace("10:1", "5:1"))
    (agreement,) = load_actions(tmp_path).agreements(RULES).values()
    assert agreement.action is not None
    assert agreement.action.ratio == Ratio(numerator=10, denominator=1)
    assert agreement.why.startswith("night-desk approved NVDA split 2030-06-10 10:1")


def test_days_that_differ_are_one_action_in_dispute(tmp_path: Path) -> None:
    write(tmp_path, "alpaca", SPLIT)
    write(tmp_path, "polygon", SPLIT.replace("2030-06-10", "2030-06-11"))
    (agreement,) = load_actions(tmp_path).agreements(RULES).values()
    assert agreement.accord is Accord.DISAGREED
    assert "ex-date 2030-06-10 and 2030-06-11" in agreement.why


def test_amounts_and_ratios_are_exact(tmp_path: Path) -> None:
    dividend = (
        '[[action]]\nkind = "cash_dividend"\nsymbol = "SPY"\nex_date = 2030-06-20\n'
        'amount = "1.76000001"\n'
    )
    write(tmp_path, "alpaca", SPLIT.replace("10:1", "1000000:500000"), dividend)
    split, paid = (report.action for report in load_actions(tmp_path).reports)
    assert split.ratio == Ratio(numerator=2, denominator=1)
    assert paid.amount == price("1.76000001")


def test_the_example_is_checked_and_nothing_in_it_holds() -> None:
    example = read_actions_file(ACTIONS_DIRECTORY / "example.toml")
    assert example.is_example
    assert [row.kind for row in example.action] == ["split", "cash_dividend", "symbol_change"]
    assert load_actions().reports == ()
    assert load_actions().approvals == ()


@pytest.mark.parametrize(
    ("row", "words"),
    [
        pytest.param(
            SPLIT.replace("10:1", "ten"), "action[0].ratio must be new shares for old", id="ratio"
        ),
        pytest.param(SPLIT.replace("10:1", "0:1"), 'found "0:1"', id="a ratio of nothing"),
        pytest.param(SPLIT.replace("10:1", "1000001:1"), "from 1 to 1000000", id="a large ratio"),
        pytest.param(SPLIT.replace("split", "splitt"), "must be one of 'split'", id="kind"),
        pytest.param(SPLIT.replace("ratio", "ratios"), "did you mean `ratio`?", id="key"),
        pytest.param(
            SPLIT.replace('ratio = "10:1"', ""),
            "action[0] of NVDA: expected a split with ratio, found none",
            id="a split without a ratio",
        ),
        pytest.param(
            SPLIT + 'handling = "convert"\n', "at a split: remove it", id="a split converted"
        ),
        pytest.param(SPLIT + "is_special = true\n", "at a split: remove it", id="a special split"),
        pytest.param(
            SPLIT.replace("split", "cash_dividend") + "amount = 0.5\n",
            "action[0].amount must be",
            id="a float",
        ),
        pytest.param(
            SPLIT.replace("split", "cash_dividend") + 'amount = "0.000000001"\n',
            "at most 8 decimals",
            id="too fine",
        ),
        pytest.param(
            SPLIT + APPROVAL.replace("Z", ""), "its distance from UTC", id="a time without a zone"
        ),
    ],
)
def test_a_slip_is_one_sentence(tmp_path: Path, row: str, words: str) -> None:
    path = write(tmp_path, "alpaca", row)
    with pytest.raises(OperatorError) as caught:
        load_actions(tmp_path)
    sentence = str(caught.value)
    assert words in sentence
    assert sentence.startswith(str(path))
    assert "\n" not in sentence


def test_an_import_holds_no_approvals(tmp_path: Path) -> None:
    write(tmp_path, "alpaca", 'imported_from = "alpaca"\n', SPLIT, APPROVAL)
    with pytest.raises(OperatorError, match="approvals in a file of your own"):
        load_actions(tmp_path)
