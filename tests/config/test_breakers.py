"""The shipped rules are the US rule where there is one, and every wrong file is one sentence."""

from pathlib import Path

import pytest

from config.breakers import BREAKERS_FILE, load_breakers
from config.markets import MARKETS_DIRECTORY, load_market
from risk.fact_windows import WindowRules
from risk.integrity_rules import ACTION_CAUSES, OPERATOR_CAUSES, Action, Cause
from risk.market_wide_rules import LevelRule
from risk.units import Ppm, Seconds
from runtime.errors import OperatorError

SHIPPED = load_breakers()


def test_equities_follow_the_us_rule() -> None:
    rules = SHIPPED.groups["us-equities"]
    assert rules.index == "SPY"
    assert rules.levels == (
        LevelRule(fall=Ppm(70_000), halt=Seconds(15 * 60)),
        LevelRule(fall=Ppm(130_000), halt=Seconds(15 * 60)),
        LevelRule(fall=Ppm(200_000), halt=None),
    )
    assert rules.cut_off == 35 * 60


def test_each_market_that_is_shipped_follows_groups_that_exist() -> None:
    markets = [load_market(path.stem.upper()) for path in sorted(MARKETS_DIRECTORY.glob("*.toml"))]
    followed = {
        market.symbol: SHIPPED.groups_of(market.symbol, market.asset_class) for market in markets
    }
    assert followed["NVDA"] == followed["SPY"] == ("us-equities",)
    assert followed["GLD"] == ("gold", "us-equities")
    assert followed["IBIT"] == followed["ETHA"] == ("crypto", "us-equities")
    assert followed["WTI"] == followed["TBILL"] == ()
    assert {rules.index for rules in SHIPPED.groups.values()} <= set(followed)


def test_every_cause_is_watched_and_begins_with_its_softest_lever() -> None:
    causes = SHIPPED.integrity.causes
    assert set(causes) == set(Cause)
    needing = {cause for cause, rule in causes.items() if rule.needs_operator}
    assert needing == {*OPERATOR_CAUSES, Cause.LIMIT_CHANGED}
    first = {cause: rule.ladder[0].action for cause, rule in causes.items()}
    assert {cause for cause, action in first.items() if action >= Action.HALT} == {
        Cause.SOLVENCY_BREACH,
        Cause.ROLE_CHANGED,
        Cause.CHAIN_STALLED,
        # Here the proof says how much; the ladder is the most that it gets.
        *ACTION_CAUSES,
    }


def test_limits_and_windows_are_in_the_units_of_the_rules() -> None:
    causes = SHIPPED.integrity.causes
    limits = {cause: rule.limit for cause, rule in causes.items()}
    assert limits[Cause.PRICE_STALE] == 10
    assert limits[Cause.BELOW_QUORUM] == 2
    assert limits[Cause.CONCENTRATION] == 400_000
    assert limits[Cause.LIQUIDATION_BACKLOG] == 300
    assert limits[Cause.SOLVENCY_BREACH] == 1_000_000
    assert limits[Cause.ROLE_CHANGED] == limits[Cause.UNDERLYING_HALTED] == 0
    assert set(SHIPPED.windows) == {
        Cause.BOOK_EMPTIED,
        Cause.OPEN_INTEREST_JUMP,
        Cause.INSURANCE_FALLING,
    }
    window = SHIPPED.windows[Cause.OPEN_INTEREST_JUMP]
    assert window.rules == WindowRules(span=Seconds(900), slices=60)
    assert window.least_base == 10**12


def written(tmp_path: Path, old: str, new: str) -> Path:
    text = BREAKERS_FILE.read_text()
    assert old in text
    path = tmp_path / "wrong.toml"
    path.write_text(text.replace(old, new, 1))
    return path


def test_a_cause_that_is_left_out_is_not_watched(tmp_path: Path) -> None:
    text = BREAKERS_FILE.read_text()
    path = tmp_path / "fewer.toml"
    path.write_text(text[: text.index("[integrity.chain_stalled]")])
    assert set(Cause) - set(load_breakers(path).integrity.causes) == {Cause.CHAIN_STALLED}


def test_a_window_of_seconds_is_cut_into_seconds(tmp_path: Path) -> None:
    path = written(tmp_path, "window_seconds = 60", "window_seconds = 7")
    window = load_breakers(path).windows[Cause.BOOK_EMPTIED].rules
    assert window == WindowRules(span=Seconds(7), slices=7)


def test_an_empty_list_follows_nothing_whatever_the_class(tmp_path: Path) -> None:
    path = written(tmp_path, 'groups = ["gold", "us-equities"]', "groups = []")
    breakers = load_breakers(path)
    assert breakers.groups_of("GLD", "stock") == ()
    assert breakers.groups_of("NVDA", "stock") == ("us-equities",)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("fall_ppm = 70_000", "fall_ppm = 140_000", "[market_wide.groups[0]] expected levels"),
        ("fall_ppm = 70_000", "fall_ppm = 0", "fall_ppm must be greater than 0, found 0"),
        ("130_000, halt_seconds = 900", "130_000", "only the last level to halt to the end"),
        ("halt_seconds = 900", "halt_minutes = 15", "halt_minutes is no key"),
        ("cut_off_seconds = 2_100", "cut_off_seconds = -1", "cut_off_seconds must be at least 0"),
        ('asset_classes = ["stock"', 'asset_classes = ["share"', "asset_classes[0] must be one of"),
        ('"gold", "us-equities"', '"golt"', "let GLD follow groups that exist (crypto, gold, us-"),
        ('name = "crypto"', 'name = "gold"', "must name each of `groups` once, found gold twice"),
        ('market = "IBIT"', 'market = "GLD"', "each of `follows` once, found GLD twice"),
        (
            "after_seconds = 20, action",
            "after_seconds = 5, action",
            "[integrity.price_stale] expected stages that rise in time and action, found TIGHTER_BAND",
        ),
        (
            "after_seconds = 20, action",
            "after_seconds = 5, action",
            "after 5 s, then REDUCE_ONLY after 5 s: correct it",
        ),
        ('action = "halt"', 'action = "stop"', "ladder[2].action must be one of 'tighter_band'"),
        ("at_most_seconds = 10", "at_most_minutes = 1", "did you mean `at_most_seconds`?"),
        ("at_least_inputs = 2", "at_least_inputs = 0", "at_least_inputs must be greater than 0"),
        ("at_most_usd = 1", "at_most_usd = 0.5", "must be an integer or a string of decimals"),
        ("warm_up = 5\nneeds", "warm_up = 0\nneeds", "warm_up must be greater than 0"),
        ("[integrity.price_stale]", "[integrity.price_stall]", "did you mean `price_stale`?"),
        ("longest_gap_seconds = 30", "", "integrity.longest_gap_seconds is missing"),
        ("tighter_band_ppm = 20_000", "tighter_band_ppm = 1_000_000", "less than 1000000"),
        (
            'after_seconds = 0, action = "halt" }]\nclear',
            'after_seconds = 9, action = "halt" }]\nclear',
            "expected one stage after 0 s for chain_stalled",
        ),
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    with pytest.raises(OperatorError) as error:
        load_breakers(written(tmp_path, old, new))
    assert sentence in str(error.value)
    assert "wrong.toml" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("solvency_breach", "expected needs_operator where withdrawals are closed"),
        ("role_changed", "expected needs_operator where withdrawals are closed"),
    ],
)
def test_what_only_a_person_may_undo_says_so(tmp_path: Path, table: str, sentence: str) -> None:
    head, _, tail = BREAKERS_FILE.read_text().partition(f"[integrity.{table}]")
    path = tmp_path / "wrong.toml"
    path.write_text(head + f"[integrity.{table}]" + tail.replace("needs_operator = true\n", "", 1))
    with pytest.raises(OperatorError, match=sentence):
        load_breakers(path)


def test_a_breach_never_clears_by_itself_even_if_it_only_halts(tmp_path: Path) -> None:
    text = BREAKERS_FILE.read_text().replace(
        '{ after_seconds = 0, action = "close_withdrawals" }',
        '{ after_seconds = 0, action = "halt" }',
    )
    head, _, tail = text.partition("[integrity.role_changed]")
    path = tmp_path / "wrong.toml"
    path.write_text(
        head + "[integrity.role_changed]" + tail.replace("needs_operator = true\n", "", 1)
    )
    with pytest.raises(OperatorError, match="expected needs_operator for role_changed"):
        load_breakers(path)
