"""What operators vouch for is read from their file whenever it changes."""

import os
from pathlib import Path

import pytest

from monitors.prices.operator_words import (
    OperatorWords,
    SignedWord,
    WordsFileError,
    parse_words,
    render_words,
)
from risk.jump_guard import OperatorWord
from risk.units import Seconds
from tests.builders import NOW, price


def word(market: str = "NVDA", *, minutes: int = 10, low: str = "90") -> SignedWord:
    return SignedWord(
        market=market,
        word=OperatorWord(low=price(low), high=price(110), until=Seconds(NOW + 60 * minutes)),
        by="alice",
        reason="seen on every terminal",
    )


def write(path: Path, *words: SignedWord, at: int) -> None:
    path.write_bytes(render_words(words))
    os.utime(path, ns=(at, at))


def test_what_is_written_is_read() -> None:
    words = (word(), word("AAPL", minutes=1))
    assert parse_words(render_words(words)) == words


def test_a_word_holds_for_its_market_until_its_time(tmp_path: Path) -> None:
    path = tmp_path / "words.json"
    held = OperatorWords(path)
    held.read()
    assert held.word("NVDA", NOW) is None
    write(path, word(), word(minutes=30, low="80"), at=1)
    held.read()
    assert held.word("AAPL", NOW) is None
    found = held.word("NVDA", NOW)
    assert found is not None
    assert found.low == price(80)
    assert held.word("NVDA", Seconds(NOW + 1_801)) is None


def test_a_file_that_changes_or_goes_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "words.json"
    held = OperatorWords(path)
    write(path, word(), at=1)
    held.read()
    write(path, word("AAPL"), at=2)
    held.read()
    assert (held.word("NVDA", NOW), held.word("AAPL", NOW)) == (None, word("AAPL").word)
    path.unlink()
    held.read()
    assert held.word("AAPL", NOW) is None


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        (b"{", "expected JSON"),
        (b"[]", 'a list "words"'),
        (b'{"words": [3]}', "each word to be an object"),
        (b'{"words": [{"low_e8": true}]}', "an integer low_e8"),
        (b'{"words": [{"low_e8": 2, "high_e8": 1, "until_seconds": 1}]}', "low_e8 <= high_e8"),
        (b'{"words": [{"low_e8": 1, "high_e8": 1, "until_seconds": 1}]}', "a short text market"),
    ],
)
def test_a_file_that_is_none_vouches_for_nothing(
    payload: bytes, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "words.json"
    held = OperatorWords(path)
    write(path, word(), at=1)
    held.read()
    path.write_bytes(payload)
    held.read()
    assert held.word("NVDA", NOW) is None
    with pytest.raises(WordsFileError, match=sentence.replace("[", r"\[")):
        parse_words(payload)
    assert "operator_words_unreadable" in capsys.readouterr().out
