"""The page of a scenario and the index: whole, escaped, self-contained, and true to the figures."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drills.report.index import index_page, outcome
from drills.report.page import SECTIONS, scenario_page, sorted_out
from drills.report.record import (
    Act,
    Cost,
    Expectation,
    Invariant,
    Quality,
    SourcedFact,
    Variant,
)
from drills.report.sections import repeated
from drills.report.summary import Verdict, judged, summary
from drills.report.variants import MEASURES, comparison, difference
from drills.report.words import lasted, money, percent, ratio
from risk.units import MarketStatus, QuoteAtoms, Seconds
from tests.drills.report.values import START, USD, crash, played, quiet, variants
from tests.keepers.page.strict import Page

BASE = crash(step=300)
ALL = [BASE, *variants(BASE)]
STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)


def read(text: str) -> Page:
    """Read a page strictly; its style, which is ours and inline, is looked at by itself."""
    (style,) = STYLE.findall(text)
    assert "url(" not in style.replace("url(#", "")
    assert "@import" not in style
    assert style.count("{") == style.count("}")
    return Page(text.replace(style, ""))


def test_the_page_is_whole_has_every_section_and_needs_nothing_from_elsewhere() -> None:
    page = read(scenario_page(ALL))
    assert {f"h-{name}" for name in SECTIONS} <= set(page.values("id"))
    assert set(page.values("href")) == {"#main", *(f"#h-{name}" for name in SECTIONS)}
    assert page.count("script") == page.count("link") == page.count("img") == 0
    assert page.values("src") == []
    assert "Held at a cost" not in page.text
    assert "HELD AT A COST. 12.9M USD of bad debt" in page.text
    assert "bellkeeper drill friday_night --on memory --accounts 1620000 --seed 1" in page.text
    assert "example.org/feed/22111099: depth collapsed" in page.text
    assert "15 s in the limit state: a pause of five minutes" in page.text


def test_every_drawing_has_a_title_and_a_description_that_it_names() -> None:
    page = read(scenario_page(ALL))
    ids = set(page.values("id"))
    charts = [
        found for name, found in page.elements if name == "svg" and found.get("role") == "img"
    ]
    assert len(charts) == 2 * 2 * (3 + 4)
    for chart in charts:
        assert set((chart["aria-labelledby"] or "").split()) <= ids
    assert page.count("desc") == len(charts)


def test_a_run_in_which_nothing_happened_makes_a_page_that_says_so() -> None:
    page = read(scenario_page([quiet()]))
    for said in (
        "NOT CHECKED. No invariant was checked; no bad debt",
        "Nothing was liquidated",
        "No breaker did anything in this run.",
        "nobody was asked to give up",
        "No variant was played",
        "The mark of SPY stayed at 100.00 USD; the market stayed open. No band was drawn.",
        "No account waited to be liquidated.",
    ):
        assert said in page.text
    assert "NaN" not in page.text
    assert "nan" not in " ".join(page.values("d"))


def test_a_run_of_one_second_can_be_drawn() -> None:
    whole = quiet()
    market = whole.markets[0]
    one = replace(
        whole,
        times=whole.times[:1],
        markets=(
            replace(
                market,
                **{
                    name: getattr(market, name)[:1]
                    for name in (
                        *("value_e8", "index_e8", "mark_e8", "band_low_e8", "band_high_e8"),
                        *("status", "session", "depth_usd", "open_interest_usd"),
                    )
                },
            ),
        ),
    )
    assert "stayed at 100.00 USD" in read(scenario_page([one])).text


HOSTILE = st.text(alphabet=st.sampled_from("<>&\"'/=ab c!-;\x00\n}"), min_size=1, max_size=30)


@settings(max_examples=25, deadline=None)
@given(HOSTILE)
def test_no_text_of_a_record_becomes_more_than_text(text: str) -> None:
    base = quiet()
    hostile = replace(
        base,
        played=replace(
            base.played, title=text, story=text, command=text, scenario=text, program_version=text
        ),
        acts=(Act(at=Seconds(START), symbol="", who=text, what=text, why=text),),
        expectations=(
            Expectation(what=text, at=None, happened=True, happened_at=None, found=text),
        ),
        invariants=(Invariant(name=text, holds=False, found=text),),
        facts=(SourcedFact(at=None, about=text, text=text, quality=Quality.RECALLED, source=text),),
    )
    usual = replace(
        base,
        acts=(Act(at=Seconds(START), symbol="", who="a", what="a", why="a"),),
        expectations=(Expectation(what="a", at=None, happened=True, happened_at=None, found="a"),),
        invariants=(Invariant(name="a", holds=False, found="a"),),
        facts=(SourcedFact(at=None, about="a", text="a", quality=Quality.RECALLED, source="a"),),
    )
    names = [
        [name for name, _ in read(scenario_page([each])).elements] for each in (hostile, usual)
    ]
    assert names[0] == names[1]
    rows = [
        [name for name, _ in read(index_page([outcome([each])])).elements]
        for each in (hostile, usual)
    ]
    assert rows[0] == rows[1]


def test_a_command_is_shown_whole_however_long_its_numbers() -> None:
    command = f"bellkeeper drill x --seed {'1234567890' * 4} --report http://x/y"
    page = read(scenario_page([quiet(played=played(command=command))]))
    assert command in page.text


def test_the_summary_says_what_happened_what_it_cost_who_waited_what_breakers_did_and_what_failed() -> (
    None
):
    happened, cost, waited, breakers, failed = summary(BASE)
    assert (
        "1,620,000 accounts in 3 markets, played in memory from Fri 10 Oct 2025 11:00" in happened
    )
    assert "the deepest fall of a mark was that of COIN, by 1" in happened
    assert "were liquidated, with bad debt 12.9M USD; the insurance fund lost 32.4M USD" in cost
    assert "makers cost 184k USD beyond weekday terms" in cost
    assert "42 s (420 blocks)" in waited
    assert "3 halts (IBIT, NVDA, COIN) lasted 15 min" in breakers
    assert failed == (
        "Nothing failed: every invariant held (2 checked), and the one thing that the scenario states"
        " happened here too."
    )


@pytest.mark.parametrize(
    ("change", "verdict", "said"),
    [
        pytest.param(
            {"invariants": (Invariant(name="money", holds=False, found="1 USD is missing."),)},
            Verdict.FAILED, "Money did not hold.", id="invariant",
        ),
        pytest.param(
            {"expectations": (Expectation(what="the halt", at=None, happened=False, happened_at=None, found="It never came."),)},
            Verdict.FAILED, "The halt did not happen.", id="expectation",
        ),
        pytest.param({"invariants": ()}, Verdict.UNCHECKED, "No invariant was checked; ", id="unchecked"),
        pytest.param({}, Verdict.COST, "12.9M USD of bad debt and 793M USD closed by deleverage", id="cost"),
        pytest.param(
            {"totals": replace(quiet().totals, still_under_margin=3)}, Verdict.COST,
            "3 accounts left under margin at the end", id="left",
        ),
        pytest.param(
            {"totals": replace(quiet().totals, backstop_after_atoms=-5 * 10**6)}, Verdict.COST,
            "A backstop that owes 5 USD", id="backstop",
        ),
        pytest.param({"totals": quiet().totals}, Verdict.HELD, "No bad debt, no deleverage", id="held"),
    ],
)  # fmt: skip
def test_the_verdict_follows_from_the_record(
    change: dict[str, object], verdict: Verdict, said: str
) -> None:
    record = replace(BASE, **change)  # type: ignore[arg-type]
    found = judged(record)
    assert found.verdict is verdict
    assert said in found.sentence
    assert found.sentence in read(scenario_page([record])).text


def test_a_difference_to_the_base_case_is_in_words() -> None:
    measures = {measure.label: measure for measure in MEASURES}
    base = BASE.totals
    other = replace(
        base, bad_debt_atoms=QuoteAtoms(base.bad_debt_atoms + 2_000_000 * USD), halts=0,
        insurance_after_atoms=QuoteAtoms(base.insurance_after_atoms + 100_000 * USD),
        maker_cost_atoms=None,
    )  # fmt: skip
    told = {label: difference(measure, base, other) for label, measure in measures.items()}
    assert told["bad debt"] == "2M USD more, worse"
    assert told["insurance fund at the end"] == "100k USD more, better"
    assert told["halts"] == "3 fewer"
    assert told["longest wait"] == "the same"
    assert told["spent on makers"] == ""
    table = comparison(BASE, [replace(BASE, totals=other)])
    assert "2M USD more, worse" in table


def test_variants_stand_in_order_and_other_seeds_beside_them() -> None:
    second = replace(BASE, played=replace(BASE.played, seed=2))
    base, found = sorted_out([*reversed(variants(BASE)), BASE, second])
    assert base is BASE
    order = [each.played.variant for each in found]
    assert order == [each for each in Variant if each in order]
    assert len(order) == 5
    other = replace(variants(BASE)[0], played=played(variant=Variant.NO_BREAKERS, accounts=7))
    assert sorted_out([BASE, other])[1] == []
    text = read(scenario_page([BASE, second])).text
    assert "2 seeds of the base case" in text
    with pytest.raises(ValueError, match="records of one scenario, found none"):
        sorted_out([])
    with pytest.raises(ValueError, match=r"\['friday_night', 'quiet'\]"):
        sorted_out([BASE, quiet()])


def test_the_same_act_again_and_again_is_one_row_and_every_change_of_status_has_its_own() -> None:
    rows = repeated(BASE.acts)
    assert sum(row.count for row in rows) == len(BASE.acts)
    changed = [row for row in rows if row.first.status is not None]
    assert len(changed) == 15
    assert all(row.count == 1 for row in changed)
    assert [row.first.at for row in rows] == sorted(row.first.at for row in rows)
    assert "band moved, 74 times" in read(scenario_page([BASE])).text


def test_a_flood_of_acts_keeps_those_that_changed_a_status() -> None:
    acts = tuple(
        Act(
            at=Seconds(START + place), symbol="", who="band", what=f"moved {place}", why="x",
            status=MarketStatus.HALTED if place == 4_999 else None,
        )
        for place in range(5_000)
    )  # fmt: skip
    page = read(scenario_page([replace(quiet(), acts=acts)]))
    assert "moved 4999" in page.text
    assert "4,700 rows that changed no status are in the record alone" in page.text


def test_the_index_puts_failures_first_and_links_to_each_report() -> None:
    broken = replace(
        BASE,
        played=replace(BASE.played, scenario="zulu"),
        invariants=(Invariant(name="money", holds=False, found="1 USD is missing."),),
    )
    outcomes = [outcome(each) for each in (ALL, [quiet()], [broken])]
    page = read(index_page(outcomes))
    links = [link for link in page.values("href") if link.endswith(".html")]
    assert links == ["zulu.html", "quiet.html", "friday_night.html"]
    assert "3 scenarios: 1 failed, 1 not checked and 1 held at a cost." in page.text
    assert "The most bad debt, 12.9M USD, was in zulu" in page.text
    assert "COIN fell by 1" in page.text
    assert "at most 3.2B USD a minute" in page.text
    assert page.count("title") == 1 + 2 * 2 + 1
    with pytest.raises(ValueError, match="play one"):
        index_page([])


def test_small_amounts_are_said_and_not_rounded_away() -> None:
    assert money(QuoteAtoms(0)) == "0 USD"
    assert money(QuoteAtoms(1)) == "less than 1 USD"
    assert money(QuoteAtoms(-1)) == "−less than 1 USD"
    assert money(QuoteAtoms(-12_345_678 * USD)) == "−12.3M USD"
    assert percent(1, 10**6) == "less than 0.1 %"
    assert percent(0, 5) == "0.0 %"
    assert percent(-155, 1_000) == "−15.5 %"
    assert percent(1, 0) == "–"
    assert ratio(1_000_001) == "1.000001"
    assert ratio(1_000_000) == "1.00"
    assert (lasted(60), lasted(3_600), lasted(61), lasted(0)) == (
        "1 min",
        "1 h",
        "1 min 1 s",
        "0 s",
    )


def test_what_the_run_took_of_the_machine_is_told_where_it_was_measured() -> None:
    known = quiet(cost=Cost(wall_seconds=61, peak_mib=5_300))
    assert "1 min 1 s, 5,300 MiB at most" in read(scenario_page([known])).text
    assert "MiB" not in read(scenario_page([quiet()])).text


def test_a_variant_alone_is_named_as_what_it_is() -> None:
    alone = variants(BASE)[0]
    assert "on memory · no breakers" in read(scenario_page([alone])).text
