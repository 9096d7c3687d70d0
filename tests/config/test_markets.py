"""Market files: exact conversion, and one sentence for each mistake."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.markets import (
    EXCHANGE_FILE,
    MARKETS_DIRECTORY,
    load_exchange,
    load_exchange_file,
    load_market,
)
from config.schema.fields import ATOMS_PER_USD, exact_decimal, exact_units
from runtime.errors import OperatorError

AAPL = (MARKETS_DIRECTORY / "aapl.toml").read_text()


@given(atoms=st.integers(min_value=-(10**40), max_value=10**40))
def test_an_amount_becomes_atoms_exactly(atoms: int) -> None:
    sign = "-" if atoms < 0 else ""
    text = f"{sign}{abs(atoms) // ATOMS_PER_USD}.{abs(atoms) % ATOMS_PER_USD:06d}"
    assert exact_units(exact_decimal(text), ATOMS_PER_USD) == atoms


@pytest.mark.parametrize("value", [0.1, True, None, "1e999999999", "nan", "inf", "", "1,5", []])
def test_what_is_no_exact_amount_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"an integer or a string|an amount"):
        exact_units(exact_decimal(value), ATOMS_PER_USD)


def test_one_decimal_too_many_is_refused_never_rounded() -> None:
    with pytest.raises(ValueError, match="at most 6 decimals"):
        exact_units(Decimal("0.0000001"), ATOMS_PER_USD)


def test_a_market_is_given_in_the_contracts_units() -> None:
    market = load_market("AAPL")
    assert market.reference_price_e8 == 22_750_000_000
    assert market.tier_pairs[1] == (250_000_000_000, 40_000)
    rail = market.limits.rails[5]
    assert (rail.minimum, rail.maximum) == (10**12, 10**14)


MISTAKES = [
    (
        "initial_margin_ppm = 50_000",
        "initial_margin_ppm = 24_999",
        "must be at least the first tier",
    ),
    ("initial_margin_ppm = 50_000", "initial_margin_ppm = 0", "initial_margin_ppm must be greater"),
    ("from_notional_usd = 0,", "from_notional_usd = 1,", "the first of `tiers` must start at 0"),
    ("from_notional_usd = 1_000_000,", "from_notional_usd = 250_000,", "`tiers` must rise"),
    ("maintenance_margin_ppm = 60_000", "maintenance_margin_ppm = 40_000", "`tiers` must rise"),
    ("penalty_ppm = 5_000", "penalty_ppm = 15_000", "would cost more than the margin it finds"),
    ("maker_ppm = -100", "maker_ppm = -501", "must carry the rebate"),
    (
        "slice_threshold_usd = 100_000",
        "slice_threshold_usd = 10",
        "must exceed `size.min_position_usd`",
    ),
    ("minimum_ppm = 25_000", "minimum_ppm = 24_999", "`limits.initial_margin.minimum_ppm` (24999)"),
    ("taker_ppm = 500", "taker_ppm = 5_000", "`fees.taker_ppm` must lie within [limits.taker_fee]"),
    ("maximum_usd = 100_000_000", "maximum_usd = 1_000", "must have a minimum up to its maximum"),
    ("clamp_ppm = 5_000", "clamp_ppm = 0", "price.clamp_ppm must be greater than 0"),
    ("clamp_ppm = 5_000", "clamp = 5_000", "did you mean `clamp_ppm`?"),
    ('reference_price_usd = "227.5"', "reference_price_usd = 227.5", "a string of decimals"),
    ('reference_price_usd = "227.5"', 'reference_price_usd = "0"', "a price greater than 0"),
    ('reference_price_usd = "227.5"', 'reference_price_usd = "1.000000001"', "at most 8 decimals"),
    ("min_position_usd = 10", "min_position_usd = 0", "an amount greater than 0"),
    ('symbol = "AAPL"', 'symbol = "MSFT"', 'symbol must be "AAPL" as the file is called'),
    ('asset_class = "stock"', 'asset_class = "nft"', "asset_class must be one of"),
    ("[limits.dividend]", "[limits.divident]", "did you mean `dividend`?"),
]


@pytest.mark.parametrize(("right", "wrong", "expected"), MISTAKES, ids=[row[1] for row in MISTAKES])
def test_a_mistake_in_a_market_gets_one_sentence(
    right: str, wrong: str, expected: str, tmp_path: Path
) -> None:
    assert right in AAPL
    path = tmp_path / "aapl.toml"
    path.write_text(AAPL.replace(right, wrong, 1))
    with pytest.raises(OperatorError) as caught:
        load_market("AAPL", tmp_path)
    told = str(caught.value)
    assert told.startswith(str(path))
    assert expected in told
    assert "\n" not in told


def test_an_unknown_market_gets_one_sentence() -> None:
    with pytest.raises(OperatorError, match=r"for the market MSFT, found none.*AAPL, COIN"):
        load_exchange(symbols=["AAPL", "MSFT"])


def test_chosen_markets_keep_the_order_of_the_choice() -> None:
    plan = load_exchange(symbols=["TSLA", "AAPL"])
    assert [market.symbol for market in plan.markets] == ["TSLA", "AAPL"]


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        ('"AAPL", "NVDA"', '"AAPL", "AAPL"', "found AAPL twice"),
        (
            "slice_memory_seconds = 600",
            "slice_memory_seconds = 30",
            "must exceed `cool_down_seconds`",
        ),
        (
            "buffer_ppm = 1_020_000",
            "buffer_ppm = 999_999",
            "liquidation.buffer_ppm must be at least",
        ),
        ("slice_ppm = 200_000", "slice_ppm = 0", "liquidation.slice_ppm must be greater than 0"),
    ],
)
def test_a_mistake_in_the_exchange_file_gets_one_sentence(
    right: str, wrong: str, expected: str, tmp_path: Path
) -> None:
    text = EXCHANGE_FILE.read_text()
    assert right in text
    path = tmp_path / "exchange.toml"
    path.write_text(text.replace(right, wrong, 1))
    with pytest.raises(OperatorError) as caught:
        load_exchange_file(path)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)
