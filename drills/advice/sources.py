"""Which series stand for which class of market, and where their files come from.

`make advise` installs the packages into folders of their own and puts those on Python's path; the files
are found by that path and read. What a class has no series for gets no advice: nothing is scaled from
another class. Series marked `check` enter no advice; they are played in the crises that the others miss.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from drills.advice.series import Day, Layout, is_stale, load_file
from runtime.errors import OperatorError

MOST_STALE: Final = 0.30
"""A year is left out when more of its opens than this equal the close before, to the last digit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One series and its file under some folder of Python's path."""

    name: str
    file: str
    layout: Layout = field(default_factory=Layout)
    is_check: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Days of one market, and the years of it that count."""

    name: str
    days: tuple[Day, ...]
    left_out: frozenset[int] = frozenset()
    """Years whose opens are no opens; only their highs, lows and closes are used."""
    closes_only: bool = False
    is_check: bool = False


_STOCKS: Final = "bokeh_sampledata/_data/stocks.csv.gz"
_CLOSES: Final = "skfolio/datasets/data/sp500_dataset.csv.gz"
_TWENTY: Final = (
    "AAPL",
    "AMD",
    "BAC",
    "BBY",
    "CVX",
    "GE",
    "HD",
    "JNJ",
    "JPM",
    "KO",
    "LLY",
    "MRK",
    "MSFT",
    "PEP",
    "PFE",
    "PG",
    "RRC",
    "UNH",
    "WMT",
    "XOM",
)

SOURCES: Final[Mapping[str, tuple[Source, ...]]] = {
    "etf": (
        Source(
            name="Nasdaq Composite",
            file="arch/data/nasdaq/nasdaq.csv.gz",
            layout=Layout(date_format="%m/%d/%Y"),
        ),
        Source(name="S&P 500", file="node_modules/vega-datasets/data/sp500-2000.csv"),
    ),
    "stock": (
        Source(name="MSFT", file="pmdarima/datasets/data/msft.tar.gz"),
        *(
            Source(name=name, file=_STOCKS, layout=Layout(only_rows=("ticker", name)))
            for name in ("AAPL", "GOOG", "IBM")
        ),
        Source(
            name="MSFT, closes",
            file="pmdarima/datasets/data/msft.tar.gz",
            layout=Layout(closes_only=True),
            is_check=True,
        ),
        *(
            Source(
                name=f"{name}, closes",
                file=_CLOSES,
                layout=Layout(closes_only=True, close_column=name.lower()),
                is_check=True,
            )
            for name in _TWENTY
        ),
    ),
    "commodity": (
        Source(
            name="WTI spot",
            file="arch/data/wti/wti.csv.gz",
            layout=Layout(date_format="%m/%d/%Y", closes_only=True, close_column="dcoilwtico"),
        ),
    ),
}

UNLIKE: Final[Mapping[str, str]] = {
    "GLD": "the only series of its class is oil, and nothing ships daily prices of gold"
}
"""Markets for which no series of their class may stand, and why."""

NO_SERIES: Final[Mapping[str, str]] = {
    "crypto_fund": "no package ships daily prices of bitcoin or ether (monthly ones say nothing of a night)",
    "treasury_fund": "no package ships daily prices of a fund of bills",
}
"""Classes for which nothing is advised, and why."""


def load_class(name: str) -> list[Series]:
    """Load all series of a class; raises OperatorError with one sentence."""
    return [_load(source) for source in SOURCES[name]]


def own_series(path: Path) -> list[Series]:
    """Load an operator's own file with date, open, high, low, close and perhaps adj close."""
    return [checked(path.stem, load_file(path, Layout()))]


def checked(name: str, days: list[Day]) -> Series:
    """Leave out the years whose opens are no opens."""
    stale = is_stale(days, most=MOST_STALE)
    return Series(
        name=name,
        days=tuple(days),
        left_out=frozenset(year for year, is_so in stale.items() if is_so),
    )


def _load(source: Source) -> Series:
    days = load_file(_find(source), source.layout)
    if source.layout.closes_only:
        return Series(
            name=source.name, days=tuple(days), closes_only=True, is_check=source.is_check
        )
    return checked(source.name, days)


def _find(source: Source) -> Path:
    for place in sys.path:
        path = Path(place) / source.file
        if path.is_file():
            return path
    package = source.file.split("/data/")[0].split("/_data/")[0]
    raise OperatorError(
        f"expected the file of {source.name} in the package {package.removeprefix('node_modules/')},"
        " found none: run `make advise`, which installs it, or name a file of your own with --series"
    )
