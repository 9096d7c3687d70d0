"""What operators vouch for: a file of price ranges, read again whenever it changes.

`bellkeeper vouch` writes it. A word says that a market's price between two limits is true, until a
time; it is how a far jump that too few sources confirm gets through. A file that cannot be read
vouches for nothing.
"""

import asyncio
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
import structlog

from risk.jump_guard import OperatorWord
from risk.units import PriceE8, Seconds
from runtime.supervise import sleep_unless

READ_SECONDS: Final = 0.5
HIGHEST_PRICE: Final = 10**15
LONGEST_TEXT: Final = 200

log = structlog.get_logger(__name__)


class WordsFileError(ValueError):
    """A file of words is not what it should be: one sentence, expected and found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedWord:
    """A word with who gave it and why; there is no cryptography in it, the file's mode guards it."""

    market: str
    word: OperatorWord
    by: str
    reason: str


def parse_words(payload: bytes) -> tuple[SignedWord, ...]:
    """Read a file of words; raises WordsFileError."""
    try:
        found = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise WordsFileError(f"expected JSON, found something else ({error})") from error
    entries = found.get("words") if isinstance(found, dict) else None
    if not isinstance(entries, list):
        raise WordsFileError('expected an object with a list "words", found something else')
    return tuple(_word(entry) for entry in entries)


def render_words(words: tuple[SignedWord, ...]) -> bytes:
    """Write a file of words."""
    entries = [
        {
            "market": each.market,
            "low_e8": each.word.low,
            "high_e8": each.word.high,
            "until_seconds": each.word.until,
            "by": each.by,
            "reason": each.reason,
        }
        for each in words
    ]
    return orjson.dumps({"words": entries}, option=orjson.OPT_INDENT_2) + b"\n"


def _word(entry: object) -> SignedWord:
    if not isinstance(entry, dict):
        raise WordsFileError("expected each word to be an object, found something else")
    low, high, until = (_integer(entry, name) for name in ("low_e8", "high_e8", "until_seconds"))
    if not 0 < low <= high <= HIGHEST_PRICE:
        raise WordsFileError(f"expected 0 < low_e8 <= high_e8 <= 10^15, found {low} and {high}")
    return SignedWord(
        market=_text(entry, "market"),
        word=OperatorWord(low=PriceE8(low), high=PriceE8(high), until=Seconds(until)),
        by=_text(entry, "by"),
        reason=_text(entry, "reason"),
    )


def _integer(entry: Mapping[str, Any], name: str) -> int:
    value = entry.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise WordsFileError(
            f"expected an integer {name} in each word, found {reprlib.repr(value)}"
        )
    return value


def _text(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name)
    if not isinstance(value, str) or not value or len(value) > LONGEST_TEXT:
        raise WordsFileError(
            f"expected a short text {name} in each word, found {reprlib.repr(value)}"
        )
    return value


class OperatorWords:
    """The words that hold, by market."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._words: tuple[SignedWord, ...] = ()
        self._forgotten: tuple[SignedWord, ...] = ()

    def word(self, symbol: str, now: Seconds) -> OperatorWord | None:
        """Give the word on a market's price that holds at `now`; of several the one that ends last."""
        held = [
            each.word
            for each in self._words
            if each.market == symbol and now <= each.word.until and each not in self._forgotten
        ]
        return max(held, key=lambda word: word.until) if held else None

    def forget(self, symbol: str) -> None:
        """Believe no word that was given of a market so far: its prices changed their meaning."""
        self._forgotten += tuple(each for each in self._words if each.market == symbol)

    async def run(self, stop: asyncio.Event) -> None:
        """Read the file when it changes, until `stop`."""
        self.read()
        while not await sleep_unless(stop, READ_SECONDS):
            self.read()

    def read(self) -> None:
        """Read the file if it is another than the last one; without one nobody vouches."""
        try:
            state = self._path.stat()
            seen = (state.st_mtime_ns, state.st_size)
            if seen == self._seen:
                return
            self._seen, self._words = seen, parse_words(self._path.read_bytes())
        except FileNotFoundError:
            self._seen, self._words = None, ()
            return
        except (OSError, WordsFileError) as error:
            self._words = ()
            log.error("operator_words_unreadable", error=str(error))  # noqa: TRY400 - an operator's slip
            return
        for each in self._words:
            log.warning(
                "operator_vouches",
                market=each.market,
                low_e8=each.word.low,
                high_e8=each.word.high,
                until_seconds=each.word.until,
                by=each.by,
                reason=each.reason,
            )
