"""Words about prices: a range that an operator vouches for, written where the price keeper reads it."""

import getpass
from pathlib import Path
from typing import Final

from config.schema.fields import PRICE_UNITS_PER_USD, exact_decimal, exact_units
from config.settings import Settings
from keepers.admin.reasons import clean_reason
from keepers.admin.whole_file import alone, replace_whole
from monitors.prices.operator_words import (
    HIGHEST_PRICE,
    LONGEST_TEXT,
    SignedWord,
    WordsFileError,
    parse_words,
    render_words,
)
from risk.jump_guard import OperatorWord
from risk.units import PriceE8, Seconds
from runtime.clock import SystemClock
from runtime.errors import OperatorError

MOST_MINUTES: Final = 240
USUAL_MINUTES: Final = 15
SECONDS_PER_MINUTE: Final = 60


def vouch(
    settings: Settings,
    market: str,
    *,
    low: str,
    high: str,
    minutes: int,
    reason: str,
    by: str | None = None,
) -> str:
    """Write the word, in the name of who runs this or of `by`; tell it. Raises OperatorError."""
    prices = settings.prices
    if prices.words_file is None:
        raise OperatorError(
            "expected [prices] words_file, found none: name a file that the keeper may read, and"
            " start the keeper again"
        )
    if market not in prices.symbols:
        known = ", ".join(prices.symbols) or "none"
        raise OperatorError(
            f"expected a market that this profile prices ({known}), found {market}: correct the"
            " symbol"
        )
    lowest, highest = _price(low, "--low"), _price(high, "--high")
    if lowest > highest:
        raise OperatorError(f"expected --low at most --high, found {low} and {high}: swap them")
    if not 1 <= minutes <= MOST_MINUTES:
        raise OperatorError(
            f"expected --minutes from 1 to {MOST_MINUTES}, found {minutes}: correct it"
        )
    now = int(SystemClock().now())
    word = SignedWord(
        market=market,
        word=OperatorWord(
            low=lowest, high=highest, until=Seconds(now + minutes * SECONDS_PER_MINUTE)
        ),
        by=(by or getpass.getuser())[:LONGEST_TEXT],
        reason=clean_reason(reason),
    )
    _add(prices.words_file, word, Seconds(now))
    return (
        f"{market}: prices from {low} to {high} USD are vouched for, for {minutes} minutes, by"
        f" {word.by}"
    )


def _price(text: str, option: str) -> PriceE8:
    try:
        price = exact_units(exact_decimal(text), PRICE_UNITS_PER_USD)
    except ValueError:
        price = 0
    if not 0 < price <= HIGHEST_PRICE:
        raise OperatorError(
            f"expected {option} as a price such as 227.50, found {text!r}: correct it"
        )
    return PriceE8(price)


def _add(path: Path, word: SignedWord, now: Seconds) -> None:
    """Add a word to those that still hold."""
    try:
        with alone(path):
            held = parse_words(path.read_bytes()) if path.exists() else ()
            kept = tuple(each for each in held if each.word.until >= now)
            replace_whole(path, render_words((*kept, word)))
    except WordsFileError as error:
        raise OperatorError(f"{path}: {error}: move it away and say it again") from error
    except OSError as error:
        raise OperatorError(
            f"expected to write {path}, but the system said: {error.strerror} (correct"
            " [prices] words_file or its folder's permissions)"
        ) from error
