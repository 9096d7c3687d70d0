"""What publishers say of corporate actions becomes our rows; what does not is named."""

import json
from decimal import Decimal
from typing import Any

import pytest

from config.corporate_sources import READERS, read_published
from config.schema.corporate_actions import ActionRow

MARKETS = frozenset({"AAPL", "NVDA", "SPY"})

ALPACA = {
    "corporate_actions": {
        "forward_splits": [
            {
                "id": "a1",
                "symbol": "NVDA",
                "cusip": "67066G104",
                "new_rate": 10,
                "old_rate": 1,
                "process_date": "2030-06-10",
                "ex_date": "2030-06-10",
                "record_date": "2030-06-06",
                "payable_date": "2030-06-07",
            },
            {"symbol": "OTHER", "new_rate": 2, "old_rate": 1, "ex_date": "2030-06-10"},
        ],
        "reverse_splits": [
            {"symbol": "AAPL", "new_rate": 1, "old_rate": 30, "ex_date": "2030-07-01"}
        ],
        "stock_dividends": [{"symbol": "AAPL", "rate": 0.05, "ex_date": "2030-08-01"}],
        "cash_dividends": [
            {"symbol": "AAPL", "rate": 0.26, "special": False, "ex_date": "2030-05-10"},
            {"symbol": "NVDA", "rate": 15, "special": True, "ex_date": "2030-12-27"},
        ],
        "cash_mergers": [{"acquiree_symbol": "AAPL", "rate": 54.2, "effective_date": "2030-10-03"}],
        "stock_mergers": [
            {
                "acquirer_symbol": "NVDA",
                "acquirer_rate": 0.4,
                "acquiree_symbol": "SPY",
                "acquiree_rate": 1,
                "effective_date": "2030-10-04",
            }
        ],
        "spin_offs": [
            {
                "source_symbol": "AAPL",
                "source_rate": 4,
                "new_symbol": "PIPS",
                "new_rate": 1,
                "ex_date": "2030-11-01",
            }
        ],
        "name_changes": [{"old_symbol": "SPY", "new_symbol": "EYE", "process_date": "2030-09-09"}],
        "worthless_removals": [{"symbol": "SPY", "process_date": "2030-09-10"}],
    },
    "next_page_token": None,
}
POLYGON_SPLITS = {
    "status": "OK",
    "results": [
        {"ticker": "NVDA", "execution_date": "2030-06-10", "split_from": 1, "split_to": 10},
        {
            "ticker": "AAPL",
            "execution_date": "2030-07-01",
            "split_from": 2,
            "split_to": 3,
            "adjustment_type": "forward_split",
        },
    ],
}
POLYGON_DIVIDENDS = {
    "results": [
        {
            "ticker": "AAPL",
            "ex_dividend_date": "2030-05-10",
            "cash_amount": 0.26,
            "currency": "USD",
            "dividend_type": "CD",
        },
        {
            "ticker": "NVDA",
            "ex_dividend_date": "2030-12-27",
            "cash_amount": 15.0,
            "distribution_type": "special",
        },
        {
            "ticker": "NVDA",
            "ex_dividend_date": "2030-01-02",
            "cash_amount": 1,
            "dividend_type": "SC",
        },
        {"ticker": "SPY", "ex_dividend_date": "2030-01-02", "cash_amount": 1, "currency": "CAD"},
    ]
}
PYTH = [
    {
        "symbol": "Equity.US.NVDA/USD",
        "pyth_lazer_id": 1,
        "nasdaq_symbol": "NVDA",
        "corporate_actions": [
            {
                "event_type": "SPLIT",
                "activation": {"us_equity_ex_date": {"ex_date": "2030-06-10"}},
                "adjustment_factor_numerator": "10",
                "adjustment_factor_denominator": "1",
            },
            {"event_type": "RIGHTS"},
        ],
    },
    {"symbol": "Equity.US.AAPL/USD", "pyth_lazer_id": 2, "corporate_actions": []},
    {
        "symbol": "Crypto.NVDA/USD",
        "pyth_lazer_id": 3,
        "corporate_actions": [{"event_type": "SPLIT"}],
    },
    {"symbol": "Equity.US.SPY/USD", "pyth_lazer_id": 4},
]


def told(form: str, document: object) -> list[str]:
    published = read_published(form, json.dumps(document), MARKETS)
    return [terms(row) for row in published.rows]


def terms(row: ActionRow) -> str:
    parts = (row.ex_date, row.symbol, row.kind, row.ratio, row.amount, row.new_symbol)
    words = [str(each) for each in parts if each is not None]
    return " ".join([*words, "special"] if row.is_special else words)


def test_alpaca() -> None:
    assert told("alpaca", ALPACA) == [
        "2030-06-10 NVDA split 10:1",
        "2030-07-01 AAPL split 1:30",
        "2030-08-01 AAPL split 21:20",
        "2030-05-10 AAPL cash_dividend 0.26",
        "2030-12-27 NVDA cash_dividend 15 special",
        "2030-10-03 AAPL cash_merger 54.2",
        "2030-10-04 SPY stock_merger 2:5 NVDA",
        "2030-11-01 AAPL spin_off 1:4 PIPS",
        "2030-09-09 SPY symbol_change EYE",
        "2030-09-10 SPY delisting",
    ]


def test_polygon() -> None:
    assert told("polygon", POLYGON_SPLITS) == [
        "2030-06-10 NVDA split 10:1",
        "2030-07-01 AAPL split 3:2",
    ]
    published = read_published("polygon", json.dumps(POLYGON_DIVIDENDS), MARKETS)
    assert [terms(row) for row in published.rows] == [
        "2030-05-10 AAPL cash_dividend 0.26",
        "2030-12-27 NVDA cash_dividend 15.0 special",
        "2030-01-02 NVDA cash_dividend 1 special",
    ]
    assert published.left_out == ("SPY: a dividend in CAD: write its worth in USD by hand",)


def test_pyth() -> None:
    published = read_published("pyth", json.dumps(PYTH), MARKETS)
    assert [terms(row) for row in published.rows] == ["2030-06-10 NVDA split 10:1"]
    assert published.left_out == ("NVDA: RIGHTS, which there is no rule for",)


def test_amounts_are_exact_and_never_a_float() -> None:
    document = {"results": [dict(POLYGON_DIVIDENDS["results"][0], cash_amount=0.1)]}
    (row,) = read_published("polygon", json.dumps(document), MARKETS).rows
    assert row.amount == Decimal("0.1")


@pytest.mark.parametrize(
    ("group", "entry", "words"),
    [
        ("unit_splits", {"old_symbol": "SPY"}, "SPY: unit_splits, which there is no rule for"),
        (
            "forward_splits",
            {"symbol": "SPY", "ex_date": "2030-01-01"},
            "expected a number new_rate",
        ),
        (
            "forward_splits",
            {"symbol": "SPY", "new_rate": 2, "old_rate": 1},
            "expected a day such as 2026-04-06, found ''",
        ),
        (
            "forward_splits",
            {"symbol": "SPY", "new_rate": 0, "old_rate": 1, "ex_date": "2030-01-01"},
            "expected a ratio of numbers above 0, found 0:1",
        ),
        (
            "reverse_splits",
            {"symbol": "SPY", "new_rate": 0.0000001, "old_rate": 1, "ex_date": "2030-01-01"},
            "expected a ratio of numbers up to 1000000",
        ),
        (
            "cash_dividends",
            {"symbol": "SPY", "rate": -1, "ex_date": "2030-01-01"},
            "a price greater than 0",
        ),
        (
            "cash_dividends",
            {"symbol": "SPY", "rate": True, "ex_date": "2030-01-01"},
            "expected a number rate, found True",
        ),
    ],
)
def test_what_cannot_become_a_row_is_named(group: str, entry: dict[str, Any], words: str) -> None:
    document = {"corporate_actions": {group: [entry]}}
    published = read_published("alpaca", json.dumps(document), MARKETS)
    assert published.rows == ()
    (sentence,) = published.left_out
    assert words in sentence
    assert sentence.startswith("SPY: ")


@pytest.mark.parametrize(
    ("form", "text", "words"),
    [
        ("alpaca", "<html>", "expected JSON"),
        ("alpaca", "[]", 'expected "corporate_actions"'),
        ("alpaca", '{"corporate_actions": {"forward_splits": 3}}', "forward_splits to be a list"),
        (
            "alpaca",
            '{"corporate_actions": {}, "next_page_token": "abc"}',
            "expected the whole answer, found next_page_token",
        ),
        ("polygon", '{"status": "ERROR"}', 'expected an object with "results"'),
        ("polygon", '{"results": [], "next_url": "x"}', "found next_url"),
        ("polygon", '{"results": [3]}', "results to be a list of objects"),
        ("pyth", '{"symbols": []}', "symbols to be a list of objects"),
    ],
)
def test_a_file_of_another_shape_or_half_a_file_is_refused(
    form: str, text: str, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        read_published(form, text, MARKETS)


def test_every_format_has_a_reader() -> None:
    assert sorted(READERS) == ["alpaca", "polygon", "pyth"]
