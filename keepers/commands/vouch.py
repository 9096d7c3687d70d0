"""`bellkeeper vouch MARKET`: say that a price within two limits is true, for some minutes.

The way out when a market truly moved farther than its sources can confirm (`docs/prices.md`). The
running keeper reads the file within a second and logs it with name and reason.
"""

import argparse
import getpass
import os
from pathlib import Path
from typing import Final

from config.schema.fields import PRICE_UNITS_PER_USD, exact_decimal, exact_units
from keepers.commands.reporting import add_config_argument, load_config
from monitors.prices.operator_words import (
    HIGHEST_PRICE,
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
SECONDS_PER_MINUTE: Final = 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_config_argument(parser)
    parser.add_argument("market", metavar="MARKET", help="the market's symbol")
    parser.add_argument("--low", required=True, metavar="USD", help="lowest price that is true")
    parser.add_argument("--high", required=True, metavar="USD", help="highest price that is true")
    parser.add_argument(
        "--minutes", type=int, default=15, help=f"for how long (15; at most {MOST_MINUTES})"
    )
    parser.add_argument("--reason", required=True, help="why, for the log and those who come after")


def run(arguments: argparse.Namespace) -> int:
    """Write the word into the file that the keeper reads."""
    prices = load_config(arguments).settings.prices
    if prices.words_file is None:
        raise OperatorError(
            "expected [prices] words_file, found none: name a file that the keeper may read, and"
            " start the keeper again"
        )
    if arguments.market not in prices.symbols:
        known = ", ".join(prices.symbols) or "none"
        raise OperatorError(
            f"expected a market that this profile prices ({known}), found {arguments.market}:"
            " correct the symbol"
        )
    low, high = _price(arguments.low, "--low"), _price(arguments.high, "--high")
    if low > high:
        raise OperatorError(
            f"expected --low at most --high, found {arguments.low} and {arguments.high}: swap them"
        )
    if not 1 <= arguments.minutes <= MOST_MINUTES:
        raise OperatorError(
            f"expected --minutes from 1 to {MOST_MINUTES}, found {arguments.minutes}: correct it"
        )
    if not arguments.reason.strip():
        raise OperatorError("expected a --reason, found an empty one: say why the price is true")
    now = int(SystemClock().now())
    until = Seconds(now + arguments.minutes * SECONDS_PER_MINUTE)
    word = SignedWord(
        market=arguments.market,
        word=OperatorWord(low=low, high=high, until=until),
        by=getpass.getuser(),
        reason=arguments.reason.strip()[:200],
    )
    _add(prices.words_file, word, Seconds(now))
    print(
        f"{word.market}: prices from {arguments.low} to {arguments.high} USD are vouched for,"
        f" for {arguments.minutes} minutes, by {word.by}"
    )
    return 0


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
    """Add a word to those that still hold; the file is replaced in one move."""
    try:
        held = parse_words(path.read_bytes()) if path.exists() else ()
        kept = tuple(each for each in held if each.word.until >= now)
        beside = path.with_name(f".{path.name}.new")
        beside.unlink(missing_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(render_words((*kept, word)))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except WordsFileError as error:
        raise OperatorError(f"{path}: {error}: move it away and say it again") from error
    except OSError as error:
        raise OperatorError(
            f"expected to write {path}, but the system said: {error.strerror} (correct"
            " [prices] words_file or its folder's permissions)"
        ) from error
