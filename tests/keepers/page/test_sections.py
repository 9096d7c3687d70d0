"""The page's sections: values in, HTML out, whole and harmless whatever the values."""

from dataclasses import replace

import pytest

from keepers.page.document import SECTIONS, TITLES, document
from keepers.page.facts import PageFacts
from keepers.page.heat import shade
from risk.units import MarketStatus, PriceE8
from tests.keepers.page.strict import Page
from tests.keepers.page.values import (
    ADDRESS,
    HALTED,
    LIQUIDATED,
    NVDA,
    SPY,
    USD,
    WEEK,
    backlog,
    facts,
    health,
    heat,
)

EVIL = "<script>alert(1)</script>\"'&"


def page(found: PageFacts) -> Page:
    made = {name: maker(found) for name, maker in SECTIONS.items()}
    return Page(document(made, version=found.version))


def section(name: str, found: PageFacts) -> Page:
    return Page(SECTIONS[name](found))


def test_the_page_is_whole_and_says_what_it_is_asked() -> None:
    read = page(facts())
    for element in ("main", "header", "nav", "footer", "h1"):
        assert read.count(element) == 1, element
    assert read.count("section") == len(TITLES)
    assert set(read.values("aria-labelledby")) <= set(read.values("id"))
    assert {link[1:] for link in read.values("href") if link.startswith("#")} <= set(
        read.values("id")
    )
    assert read.values("aria-live") == ["polite"]
    assert "SAFE Yes: 2 markets open" in read.text
    assert ("html", {"lang": "en"}) in read.elements


def test_every_table_has_a_caption_and_headers_with_scope() -> None:
    read = page(facts())
    assert read.count("table") == read.count("caption") > 5
    assert all(found.get("scope") for name, found in read.elements if name == "th")


def test_a_market_named_as_a_script_is_text() -> None:
    evil = facts(
        network=EVIL,
        markets=[replace(NVDA, symbol=EVIL, breaker=EVIL, doubt=EVIL, wanted_status=EVIL), SPY],
        actions=[replace(LIQUIDATED, market=EVIL, why=EVIL, what=EVIL, outcome=EVIL)],
        trips=[replace(HALTED, why=EVIL)],
        week=replace(WEEK, lines=[replace(WEEK.lines[0], calendar=EVIL, symbols=[EVIL])]),
        solvency={
            "invariants": {EVIL: {"verdict": EVIL, "sentence": EVIL}},
            "sheet": {"why": EVIL},
        },
        incentives={"budget": {"mismatch": EVIL}, "markets": {EVIL: {"why": EVIL}}},
        health=health(workers={EVIL: False}, feed=EVIL),
        not_ready={EVIL: EVIL},
        backlog=backlog(skipped={EVIL: 1}),
    )
    read = page(evil)
    assert read.count("script") == 1
    assert read.text.count("<script>alert(1)</script>") >= 20


def test_no_address_and_no_long_secret_is_ever_shown_whole() -> None:
    secret = "0x" + "ab" * 32
    leaky = health(lanes=[replace(health().lanes[0], halted=f"key {secret} of {ADDRESS}")])
    made = {name: maker(facts(health=leaky)) for name, maker in SECTIONS.items()}
    text = document(made, version="0.1.0")
    assert ADDRESS not in text
    assert "abababab" not in text
    assert "0x4b7e…4e4b/0" in text


@pytest.mark.parametrize("name", sorted(TITLES))
def test_a_section_of_what_does_not_run_here_says_so(name: str) -> None:
    bare = facts(
        markets=[],
        week=replace(WEEK, lines=[], shows_ramps=False),
        heat=None,
        backlog=backlog(waiting_blocks=None, latencies={}),
        actions=[],
        trips=[],
        breakers_run=False,
        solvency=None,
        incentives=None,
        health=health(lanes=[]),
    )
    words = {
        "markets": "No market is known yet.",
        "week": "No market is known yet, or none follows a calendar.",
        "heat": "No survey of the accounts has ended yet.",
        "backlog": "the duty liquidation does not run here",
        "trips": "the duty breaker does not run",
        "actions": "The journal holds no decision",
        "solvency": "The duty solvency does not run here.",
        "stress": "The duty solvency, which shocks the book, does not run here.",
        "incentives": "The duty incentives does not run here.",
        "health": "this process signs and sends nothing",
    }
    assert words[name] in section(name, bare).text


def test_a_market_shows_prices_band_status_and_the_breakers_sentence() -> None:
    halted = replace(NVDA, status=MarketStatus.HALTED, breaker="paused for 273 s more")
    read = section("markets", facts(markets=[halted]))
    assert "halted to be open" in read.text
    assert "148.2348" in read.text
    assert "140.84 – 155.67" in read.text
    assert "paused for 273 s more" in read.text
    assert "The mark stands at 49 % of the band" in read.values("aria-label")


@pytest.mark.parametrize(
    ("low", "high", "mark"), [(0, 0, 100), (100, 100, 100), (100, 200, 10**9), (100, 200, 1)]
)
def test_a_band_bar_stays_within_its_drawing(low: int, high: int, mark: int) -> None:
    market = replace(
        NVDA,
        band_low=PriceE8(low),
        band_high=PriceE8(high),
        mark=PriceE8(mark),
        index=PriceE8(mark),
    )
    read = section("markets", facts(markets=[market]))
    drawn = [found for name, found in read.elements if name == "rect"]
    edges = [(int(each["x"] or 0), int(each["x"] or 0) + int(each["width"] or 0)) for each in drawn]
    assert all(0 <= left < right <= 1_000 for left, right in edges)
    assert ("no band" in read.text) == (low >= high)


def test_a_stale_price_is_said_in_words() -> None:
    read = section("markets", facts(markets=[replace(NVDA, is_stale=True, age_seconds=75)]))
    assert "stale, 1 min 15 s old" in read.text


def test_the_heat_map_puts_each_sum_in_its_cell_nearest_market_first() -> None:
    found = heat(spy_shorts=(35_200, 0, 0, 0, 0, 0, 0), nvda_longs=(0, 0, 0, 0, 0, 0, 12_345_678))
    read = section("heat", facts(heat=found))
    assert "SPY ▼ · · · · · · · SPY ▲ 35.2k · · · · · · NVDA ▼ · · · · · · 12.3M" in read.text
    assert "All ▼ · · · · · · 12.3M All ▲ 35.2k" in read.text
    assert {"h0", "h3", "h6"} <= set(read.values("class"))


def test_shades_rise_with_the_dollars_in_a_cell() -> None:
    amounts = [0, 1, 10**3, 10**4, 10**5, 10**6, 10**7, 10**8, 10**12]
    assert [shade(dollars * USD) for dollars in amounts] == [0, 1, 2, 3, 4, 5, 6, 7, 7]


def test_the_week_shows_closures_and_ramps_and_tells_what_comes_next() -> None:
    read = section("week", facts())
    assert {"s-weekend", "s-regular", "ramp", "now"} <= set(read.values("class"))
    assert "Sat 00:00 weekend" in read.text
    assert "us equities" in read.text


def test_the_balance_sheet_shows_what_is_broken_first() -> None:
    told = {
        "sheet": {"block": 7, "vault_usd": "1234567.5"},
        "invariants": {
            "sizes_balance": {"verdict": "holds", "sentence": "fine"},
            "bad_debt_covered": {"verdict": "breach", "sentence": "7 USD lack"},
        },
    }
    text = section("solvency", facts(solvency=told)).text
    assert "Vault 1,234,567.5 USD" in text
    assert text.index("Bad debt covered") < text.index("Sizes balance")


def test_the_budget_and_the_levers_are_shown_with_their_next_write() -> None:
    text = section("incentives", facts()).text
    assert "Budget of the week 50,000 USD" in text
    assert "up to 20x, maker fee -100 ppm, taker fee 500 ppm" in text
    assert "nothing to write: all is as wanted" in text
    assert "Fri 23:00 to Sat 00:00: regular to weekend" in text


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"budget": 7, "markets": []},
        {"markets": {"NVDA": None}},
        {"budget": {"spent_atoms": "x"}},
    ],
)
def test_a_status_of_another_shape_shows_less_and_never_fails(told: dict[str, object]) -> None:
    section("incentives", facts(incentives=told))
    section("solvency", facts(solvency=told))
    section("verdict", facts(solvency=told, incentives=told))


def test_a_dry_run_says_that_it_sends_nothing() -> None:
    assert "dry run: signs and sends nothing" in page(facts(is_dry_run=True)).text
