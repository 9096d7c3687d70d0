"""An explanation of a price as people read it, and the commands that stand around it."""

from pathlib import Path

import pytest

from keepers.cli import main
from keepers.commands.price_text import explanation_lines
from monitors.prices.operator_words import parse_words
from tests.builders import NOW, price
from tests.keepers.duties.test_price_settings import settings_of
from tests.monitors.prices.desk_rig import CLOSES, Rig, weekend_book


def test_shows_every_source_with_its_verdict_and_the_mark() -> None:
    rig = Rig()
    rig.world.say("200", NOW)
    rig.world.say("0", NOW, "two")
    rig.world.book = weekend_book("201")
    rig.at(NOW)
    lines = explanation_lines("AAPL", dict(rig.why))
    assert lines[0] == "AAPL: mark 200.00, index 200.00 USD, external: outside markets trade"
    assert any(line.split()[:3] == ["two", "non_positive", "0.00"] for line in lines)
    assert any(line.split()[:4] == ["one", "valid", "200.00", "0.000"] for line in lines)
    assert "median of book             201.00" in lines
    assert "state                      warming up" in lines


def test_shows_a_disputed_session_and_a_halt() -> None:
    rig = Rig()
    rig.run_open("200", CLOSES - 3, CLOSES - 1)
    rig.world.participants_say = price("199.5")
    rig.at(CLOSES + 300)
    text = "\n".join(explanation_lines("AAPL", dict(rig.why)))
    assert "internal: the session is weekend" in text
    assert "participants               199.50" in text
    assert "session     weekend, since 300 s" in text


def test_says_that_there_is_no_price() -> None:
    rig = Rig(dollars="0")
    rig.desk.fair_prices()
    text = explanation_lines("AAPL", dict(rig.why))[0]
    assert text == "AAPL: no price: there was never a price to start from"
    assert explanation_lines("AAPL", {"why": "no round was played yet"}) == [
        "AAPL: no round was played yet"
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("explain-price", "QQQ"), "a market that this profile prices (NVDA, SPY, WTI)"),
        (("explain-price", "NVDA"), "expected a running keeper at"),
        (("vouch", "NVDA", "--low", "1", "--high", "2", "--reason", "x"), "words_file"),
    ],
)
def test_what_cannot_be_told_is_one_sentence(
    arguments: tuple[str, ...],
    sentence: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings_of(tmp_path)
    (tmp_path / "keeper.toml").write_text(
        (tmp_path / "keeper.toml").read_text() + '[http]\nlisten = "127.0.0.1:1"\n'
    )
    assert main([*arguments, "--config", str(tmp_path / "keeper.toml")]) == 78
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1


def vouch(folder: Path, *arguments: str) -> int:
    path = folder / "keeper.toml"
    if not path.exists():
        settings_of(folder)
        path.write_text(path.read_text() + '[prices]\nwords_file = "words.json"\n')
    return main(["vouch", *arguments, "--config", str(path)])


def test_a_word_is_written_beside_those_that_hold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert vouch(tmp_path, "NVDA", "--low", "150", "--high", "160.5", "--reason", "split") == 0
    assert vouch(tmp_path, "SPY", "--low", "600", "--high", "700", "--reason", "gap") == 0
    words = parse_words((tmp_path / "words.json").read_bytes())
    assert [(each.market, each.word.low, each.reason) for each in words] == [
        ("NVDA", price(150), "split"),
        ("SPY", price(600), "gap"),
    ]
    assert (tmp_path / "words.json").stat().st_mode & 0o777 == 0o600
    assert "NVDA: prices from 150 to 160.5 USD are vouched for" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("QQQ", "--low", "1", "--high", "2", "--reason", "x"), "found QQQ"),
        (("NVDA", "--low", "3", "--high", "2", "--reason", "x"), "swap them"),
        (("NVDA", "--low", "x", "--high", "2", "--reason", "x"), "expected --low as a price"),
        (("NVDA", "--low", "1", "--high", "2", "--reason", " "), "a --reason"),
        (("NVDA", "--low", "1", "--high", "2", "--reason", "x", "--minutes", "241"), "--minutes"),
    ],
)
def test_a_word_that_is_none_is_refused(
    arguments: tuple[str, ...],
    sentence: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert vouch(tmp_path, *arguments) == 78
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "words.json").exists()
