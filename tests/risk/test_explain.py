"""What `bellkeeper explain` shows."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.amounts import decimal_text, money_text, percent_text, price_text, size_text
from risk.explain import Explanation, explain, reason, summary
from risk.liquidation import LiquidationCode, LiquidationTerms, judge_liquidation
from risk.margin import Account, margin_state
from risk.units import MarketId, MarketStatus
from tests.builders import (
    NOW,
    make_account,
    make_backstop,
    make_market,
    make_position,
    make_terms,
    shares,
    usd,
)


def explained(account: Account, around: LiquidationTerms | None = None) -> Explanation:
    around = around or make_terms()
    state = margin_state(account, around.markets, NOW)
    verdicts = {
        held.market: judge_liquidation(state, held.market, around) for held in account.positions
    }
    return explain(state, around, verdicts)


def trader_under_margin(equity: int = usd(40), size: int = shares(10)) -> Account:
    return make_account(equity, [make_position(size)])


def shown(explanation: Explanation) -> dict[str, str]:
    return {
        f"{section.title}: {line.label}": f"{line.value} {line.unit}".strip()
        for section in explanation.sections
        for line in section.lines
    }


def test_every_number_of_the_way_is_shown() -> None:
    lines = shown(explained(trader_under_margin()))
    assert lines["Account: equity"] == "40.00 USD"
    assert lines["Account: maintenance margin"] == "50.00 USD"
    assert lines["Account: slack"] == "-10.00 USD"
    assert lines["Account: liquidatable"] == "yes"
    assert lines["Position in AAPL: size"] == "10 shares"
    assert lines["Position in AAPL: value"] == "2000.00 USD"
    assert lines["Liquidation in AAPL: answer"] == "liquidated"
    assert lines["Liquidation in AAPL: spread"] == "0.2 %"
    assert lines["Liquidation in AAPL: shortage to the buffer"] == "11.00 USD"
    assert lines["Liquidation in AAPL: gain of closing all"] == "37.00 USD"
    assert lines["Liquidation in AAPL: needed"] == "2.97297298 shares"
    assert lines["Liquidation in AAPL: shortfall"] == "0.00 USD"
    assert lines["Liquidation in AAPL: equity afterwards"] == "35.837837 USD"


def test_the_prices_to_fear_are_shown_with_their_direction() -> None:
    long, short = (
        shown(explained(trader_under_margin(usd(100), size))) for size in (shares(10), shares(-10))
    )
    assert long["Position in AAPL: bankruptcy price"] == "189.99999999 USD or below"
    assert long["Position in AAPL: distance to liquidation price"] == "-2.5642 % of the mark"
    assert short["Position in AAPL: bankruptcy price"] == "210.00000001 USD or above"


def test_a_position_without_such_a_price_says_so() -> None:
    lines = shown(explained(trader_under_margin(usd(3_000))))
    assert lines["Position in AAPL: liquidation price"] == "none at any price"
    account = make_account(-usd(10**8), [make_position(1), make_position(1, market=1)])
    ruined = shown(explained(account, make_terms(make_market(), make_market(1))))
    assert ruined["Position in AAPL: bankruptcy price"] == "passed at every price"


def test_a_settled_position_has_no_price_to_fear() -> None:
    around = make_terms(make_market(status=MarketStatus.SETTLED))
    lines = shown(explained(trader_under_margin(), around))
    assert "Position in AAPL: liquidation price" not in lines
    assert lines["Liquidation in AAPL: answer"] == "market_closed"


def test_a_position_may_be_shown_without_a_verdict() -> None:
    around = make_terms()
    state = margin_state(trader_under_margin(), around.markets, NOW)
    titles = [section.title for section in explain(state, around, {}).sections]
    assert titles == ["Account", "Position in AAPL"]


@pytest.mark.parametrize(
    ("equity", "age", "words"),
    [
        (usd(50), 0, "is healthy: equity 50.00 USD covers maintenance margin 50.00 USD."),
        (usd(49), 0, "is liquidatable: equity 49.00 USD is below"),
        (-usd(2), 0, "is bankrupt: it owes 2.00 USD more than it has."),
        (usd(50), 61, "cannot be judged"),
    ],
)
def test_the_summary_is_one_sentence(equity: int, age: int, words: str) -> None:
    markets = make_terms(make_market(price_timestamp=NOW - age)).markets
    assert words in summary(margin_state(trader_under_margin(equity), markets, NOW))


@pytest.mark.parametrize(
    ("facts", "position", "code", "words"),
    [
        ({}, {}, LiquidationCode.LIQUIDATED, "2.97297298 shares would be closed."),
        ({"status": MarketStatus.HALTED}, {}, LiquidationCode.MARKET_CLOSED, "halted"),
        ({"price_timestamp": 0}, {}, LiquidationCode.STALE_PRICE, "no fresh price"),
        ({"backstop_cap": 0}, {}, LiquidationCode.BACKSTOP_FULL, "cannot take the piece"),
        ({}, {"slice_time": NOW - 1}, LiquidationCode.COOLING_DOWN, f"at {NOW + 29}."),
    ],
)
def test_every_answer_has_its_reason(
    facts: dict[str, Any], position: dict[str, int], code: LiquidationCode, words: str
) -> None:
    around = make_terms(make_market(**facts))
    account = make_account(usd(40), [make_position(shares(10), **position)])
    verdict = judge_liquidation(margin_state(account, around.markets, NOW), MarketId(0), around)
    assert verdict.code is code
    assert words in reason(verdict)


def test_the_reason_for_deleverage_names_the_shortfall() -> None:
    around = make_terms(insurance_fund=0, backstop=make_backstop(0))
    lines = shown(explained(trader_under_margin(-usd(7)), around))
    assert "7.00 USD" in lines["Liquidation in AAPL: reason"]


def test_a_cool_down_shows_its_end() -> None:
    account = make_account(usd(40), [make_position(shares(10), slice_time=NOW - 1)])
    lines = shown(explained(account))
    assert lines["Liquidation in AAPL: cooling down until"] == f"{NOW + 29} Unix s"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (money_text(0), "0.00"),
        (money_text(-1), "-0.000001"),
        (money_text(1_500_000), "1.50"),
        (price_text(20_000_000_001), "200.00000001"),
        (size_text(-250_000_000), "-2.5"),
        (size_text(300_000_000), "3"),
        (percent_text(25_000), "2.5"),
        (decimal_text(12, 1), "12"),
    ],
)
def test_amounts_are_exact_decimals(text: str, expected: str) -> None:
    assert text == expected


@given(st.integers())
def test_a_written_amount_reads_back_exactly(atoms: int) -> None:
    whole, _, part = money_text(atoms).lstrip("-").partition(".")
    assert int(whole) * 10**6 + int(part.ljust(6, "0")) == abs(atoms)
    assert money_text(atoms).startswith("-") == (atoms < 0)
