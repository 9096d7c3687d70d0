"""The what-if on the page: figures of each scenario, what is old or missing said in words."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from keepers.page.document import SECTIONS
from keepers.page.facts import PageFacts
from tests.keepers.page.strict import Page
from tests.keepers.page.values import NOW, USD, facts

FOUND: Mapping[str, Any] = {
    "accounts": 1_204,
    "liquidated_atoms": 91_000_000 * USD,
    "bankrupt_accounts": 17,
    "bad_debt_atoms": 2_500_000 * USD + 1,
    "insurance_left_atoms": 0,
    "backstop_left_atoms": 700_000 * USD,
    "uncovered_atoms": 0,
    "exhausts_fund": True,
}
CALM = {**FOUND, "accounts": 3, "insurance_left_atoms": 900_000 * USD, "exhausts_fund": False}
TOLD: Mapping[str, Any] = {
    "why": None,
    "at_seconds": NOW,
    "scenarios": {
        "equities_down_5_percent": {**CALM, "description": None},
        "sunday_gap": {**FOUND, "description": "Everything opens 15 % lower."},
    },
    "worst_by_market": {"NVDA": {**CALM, "move_ppm": -300_000}},
}


def section(told: Mapping[str, Any] | None) -> Page:
    return Page(SECTIONS["stress"](with_stress(told)))


def with_stress(told: Mapping[str, Any] | None) -> PageFacts:
    return replace(facts(), stress=told)


def test_each_scenario_has_its_figures_and_an_exhausted_fund_says_so() -> None:
    read = section(TOLD)
    for words in (
        *("sunday gap", "Everything opens 15 % lower.", "equities down 5 percent"),
        *("1,204", "91,000,000 USD", "2,500,000 USD", "0 USD – exhausted", "900,000 USD"),
        *("NVDA -30 %", "2026-11-23"),
    ):
        assert words in read.text, words
    assert read.text.count("exhausted") == 1


def test_what_is_old_says_why() -> None:
    assert (
        "Not up to date: the feed lost touch"
        in section({**TOLD, "why": "the feed lost touch"}).text
    )


def test_before_the_first_look_there_is_a_sentence() -> None:
    assert "nothing was looked at yet" in section({"why": "nothing was looked at yet"}).text


def test_where_the_duty_does_not_run_the_page_says_so() -> None:
    assert "does not run here" in section(None).text


def test_a_shape_that_is_not_expected_breaks_nothing() -> None:
    read = section({"at_seconds": NOW, "scenarios": {"x": 7, "y": {"accounts": "many"}}})
    assert "x" in read.text
    assert "–" in read.text
