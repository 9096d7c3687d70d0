"""Facts of scenarios in words: every row of every file that ships, with where it comes from."""

import pytest

from drills.report.facts import facts_of
from drills.report.record import Quality
from drills.scenario.loader import load_scenario, shipped_scenarios
from drills.scenario.values import Origin
from runtime.errors import OperatorError


@pytest.mark.parametrize("name", shipped_scenarios())
def test_every_row_that_says_where_it_comes_from_is_listed_within_the_run(name: str) -> None:
    scenario, facts = load_scenario(name), facts_of(name)
    for origin in Origin:
        found = sum(1 for each in facts if each.quality is Quality(origin.value))
        assert found == scenario.counted(origin)
    times = [each.at for each in facts if each.at is not None]
    assert times == sorted(times)
    assert all(scenario.start <= at <= scenario.end for at in times)
    for fact in facts:
        assert fact.source
        assert fact.about
        assert fact.text


def test_a_row_is_in_words_with_its_figures() -> None:
    facts = facts_of("liquidations_2025_10_10")
    told = {(each.about, each.text): each for each in facts}
    depth = told["depth of IBIT, ETHA, COIN", "2 % of the usual"]
    assert depth.quality is Quality.SECONDARY
    assert "its time" not in depth.source
    assert depth.source.endswith("(the source does not give the time: it is assumed)")
    assert ("NVDA", "moves 1.83 times as far as sp500, and 20 bp of its own noise") in told
    assert ("btc, USD", "117,483") in told
    assert ("btc, USD", "between 102,000 and 123,000 until Sat 08:00:00") in told


def test_events_are_in_words_too() -> None:
    told = {
        each.text
        for name in ("frozen_oracle", "outage_worst_minute", "unannounced_split")
        for each in facts_of(name)
    }
    assert any(text.startswith("the exchange takes nothing, until ") for text in told)
    assert any(": frozen, until " in text for text in told)
    assert any(" new shares for " in text for text in told)


def test_an_unknown_scenario_is_refused() -> None:
    with pytest.raises(OperatorError, match="expected a scenario among"):
        facts_of("nothing")
