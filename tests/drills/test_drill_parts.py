"""The parts of a drill: the loop through our book, who is due, paces, legs, courses, and runs that go on."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import structlog

from drills.chain_events import ChainEvent
from drills.crowd.terms import CrowdTerms
from drills.drill.book import DrillBook
from drills.drill.campaign import Campaign, every_record, plans_of
from drills.drill.chain_courses import told
from drills.drill.chain_story import QUIET_PACE, ScenarioScript, legs_of
from drills.drill.pace import Pace, lively
from drills.drill.plan import RunPlan
from drills.drill.play import _Run
from drills.drill.setup import draw_cast
from drills.drill.table import BEGIN, END, groups, overview_table, write_page
from drills.drill.terms import DrillTerms, scale_of
from drills.drill.variants import arm_of
from drills.journal_evidence import Reason
from drills.report.record import DrillRecord, Ground, Variant
from drills.report.record_file import read_record
from drills.scenario.loader import load_scenario
from drills.scenario.moment import EventKind
from keepers.cli import main
from risk.margin import Position
from risk.units import (
    AccountId,
    FundingE12,
    MarketId,
    MarketStatus,
    PriceE8,
    QuoteAtoms,
    Seconds,
    SizeE8,
)
from runtime.logging import configure_logging
from tests.drills.report.values import quiet
from venues.port import TradeSettled

TERMS = DrillTerms(crowd=CrowdTerms(median_leverage=12.0))
OUTAGE = load_scenario("outage_worst_minute")


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> Iterator[None]:
    configure_logging(level="CRITICAL")
    yield
    structlog.reset_defaults()


# --- the loop through our book ------------------------------------------------------------------------


class World:
    """A book on the first second of a scenario, and the markets as they are drawn."""

    def __init__(self) -> None:
        self.path = OUTAGE.path(1)
        self.cast = draw_cast(
            OUTAGE, self.path, accounts=200, seed=1, terms=TERMS, begin=OUTAGE.start
        )
        self.markets = dict(self.cast.crowd.markets)
        self.moment = self.path.at(OUTAGE.start)
        self.backstop = AccountId(7)
        self.book = DrillBook(self.cast, TERMS, backstop=self.backstop)
        self.look()

    def look(self) -> None:
        boost = dict.fromkeys(self.moment.markets, 1.0)
        self.book.look(self.moment, self.markets, elapsed=1, boost=boost)

    def price(self) -> int:
        priced = self.book.sides["SPY"].priced
        assert priced is not None
        return priced.price

    def sold(self, usd: int, taker: AccountId) -> TradeSettled:
        spy = next(each for each in self.markets.values() if each.symbol == "SPY")
        return TradeSettled(
            market=spy.id,
            taker=taker,
            maker=AccountId(8),
            size=SizeE8(-usd * 10**16 // spy.mark),
            price=spy.mark,
            taker_fee=QuoteAtoms(0),
            maker_fee=QuoteAtoms(0),
        )


def test_what_the_backstop_sold_moves_the_next_price_and_what_others_trade_does_not() -> None:
    world = World()
    before = world.price()
    world.book.settled([world.sold(1_000_000, AccountId(9))], world.markets)
    world.look()
    assert world.price() == before
    world.book.settled([world.sold(1_000_000, world.backstop)], world.markets)
    world.look()
    assert world.price() < before
    fallen = world.price()
    for _ in range(120):
        world.look()
    # Arbitrage takes it back while outside markets trade.
    assert fallen < world.price() <= before


def test_a_seller_waits_where_nobody_may_trade() -> None:
    world, other = World(), World()
    number = next(each.id for each in world.markets.values() if each.symbol == "SPY")
    selling = replace(world.moment.markets["SPY"], flow=QuoteAtoms(-200_000 * 10**6))
    moment = replace(world.moment, markets={**world.moment.markets, "SPY": selling})
    world.moment = other.moment = moment
    open_market = world.markets[number]
    world.markets[number] = replace(open_market, status=MarketStatus.HALTED)
    before = world.price()
    world.look()
    other.look()
    assert world.price() >= before > other.price()
    assert world.book.sides["SPY"].pending_usd == -200_000
    world.markets[number] = open_market
    world.look()
    assert world.price() < before
    assert world.book.sides["SPY"].pending_usd == 0


def test_the_backstop_sells_to_who_has_most_to_reduce_inside_the_band_only() -> None:
    run = _Run(_plan(0, 30), TERMS, lambda _: None)
    stage, book = run._company.stage, run._company.book
    number = MarketId(0)
    held = stage.exchange.state.book
    pool = stage.exchange.state.backstop
    held.set_position(
        pool,
        number,
        SizeE8(10**10),
        QuoteAtoms(0),
        FundingE12(0),
        Seconds(0),
        held.account(pool).collateral,
    )
    moment = OUTAGE.path(1).at(run.begin)
    book.look(moment, held.markets, elapsed=1, boost=dict.fromkeys(moment.markets, 1.0))
    (trade,) = book.unwinding(held, held.markets, moment, 1)
    assert trade.taker == pool
    assert -(10**10) <= trade.size < 0
    most = min(
        run._cast.crowd.house,
        key=lambda each: (
            (
                held.account(each).position(number)
                or Position(market=number, size=SizeE8(0), quote=QuoteAtoms(0))
            ).size
        ),
    )
    assert trade.maker == most
    narrow = replace(
        held.markets[number],
        band_low=PriceE8(held.markets[number].mark * 2),
        band_high=PriceE8(held.markets[number].mark * 3),
    )
    assert book.unwinding(held, {**held.markets, number: narrow}, moment, 1) == []


# --- who is due ---------------------------------------------------------------------------------------


def _plan(begin: int, length: int, accounts: int = 300) -> RunPlan:
    return RunPlan(
        scenario="outage_worst_minute",
        accounts=accounts,
        begin=Seconds(OUTAGE.start + begin),
        until=Seconds(OUTAGE.start + begin + length),
    )


def test_many_accounts_are_found_due_as_one_by_one() -> None:
    """A fall that no keeper works off: the columns and the exact judge must name the same accounts."""
    run = _Run(_plan(0, 60), TERMS, lambda _: None)
    stage = run._company.stage
    for number, market in list(stage.exchange.state.markets.items()):
        mark = PriceE8(market.mark * 92 // 100)
        fallen = replace(market, mark=mark, index=mark)
        stage.exchange.state.book.set_market(fallen)
        stage.monitor.watch.set_market(fallen, stage.monitor.now)
        if number == MarketId(1):
            halted = replace(fallen, status=MarketStatus.HALTED)
            stage.monitor.watch.set_market(halted, stage.monitor.now)
    rows = np.sort(stage.monitor.watch.under_margin_rows()).astype(np.int64)
    due, now = run._due, stage.monitor.now
    assert len(rows) > 40
    exact = [row for row in rows.tolist() if due._is_due(row, now)]
    assert 0 < len(exact) < len(rows)
    assert due._due_of_many(rows, now).tolist() == exact


# --- paces and legs -----------------------------------------------------------------------------------


def test_every_second_is_looked_at_where_something_happens_and_every_tenth_elsewhere() -> None:
    path = OUTAGE.path(1)
    pace = Pace(OUTAGE, path, DrillTerms(), begin=OUTAGE.start)
    began = next(each.start for each in OUTAGE.events if each.kind is EventKind.EXCHANGE_OUTAGE)
    assert pace.step(OUTAGE.start) == 1
    assert pace.step(Seconds(began - 30)) == 1
    quiet = Seconds(began - 4 * 3_600)
    assert pace.step(quiet) == 10
    pace.disturb(quiet)
    assert pace.step(quiet) == 1
    assert pace.step(Seconds(OUTAGE.end - 3)) == 3
    assert pace.lively_seconds == int(lively(OUTAGE, path, DrillTerms()).sum())


def test_the_legs_of_a_chain_cover_a_scenario_and_leap_over_an_outage() -> None:
    legs = legs_of(OUTAGE, OUTAGE.path(1), DrillTerms())
    assert [leg.until for leg in legs] == sorted({leg.until for leg in legs})
    assert legs[0].until == OUTAGE.start
    assert legs[-1].until == OUTAGE.end
    out = next(each for each in OUTAGE.events if each.kind is EventKind.EXCHANGE_OUTAGE)
    leap = next(leg for leg in legs if leg.until == out.stop)
    # In the ten milliseconds of one block the clock must get past all of it.
    assert leap.pace * 0.01 >= out.stop - out.start
    assert max(leg.pace for leg in legs if leg is not leap) == QUIET_PACE


def test_providers_of_a_chain_say_what_the_sources_of_the_scenario_say() -> None:
    frozen = load_scenario("frozen_oracle")
    script = ScenarioScript(frozen, frozen.path(1))
    fault = next(each for each in frozen.events if each.kind is EventKind.FAULT)
    at, symbol = Seconds(fault.start + 60), fault.symbols[0] if fault.symbols else "SPY"
    providers = dict(zip(("hermes", "pyth-pro", "json"), frozen.sources, strict=True))
    moment = frozen.path(1).at(at).markets[symbol]
    for provider, source in providers.items():
        quote = script.quote(provider, symbol, at)
        assert quote is not None
        report = moment.reports[source]
        assert (quote.price, quote.observed_at) == (report.price, report.observed_at)
    assert script.quote("hermes", "XYZ", at) is None
    early = script.quote("hermes", symbol, Seconds(frozen.start - 100))
    assert early is not None
    assert early.observed_at <= frozen.start - 100
    assert script.believed(symbol, at) == moment.value


# --- courses from a chain -----------------------------------------------------------------------------


def _event(name: str, at: int, **values: int) -> ChainEvent:
    return ChainEvent(
        name=name, values=values, block=1, timestamp=Seconds(OUTAGE.start + at), transaction="0x"
    )


def test_who_trades_on_a_chain_believes_old_shares_after_a_split_of_which_nobody_told() -> None:
    scenario = load_scenario("unannounced_split")
    path = scenario.path(1)
    script = ScenarioScript(scenario, path)
    (split,) = [each for each in scenario.events if each.kind is EventKind.SPLIT]
    before, after = Seconds(split.start - 1), Seconds(split.start + 1)
    assert path.value("NVDA", after) * 3 < path.value("NVDA", before)
    assert script.believed("NVDA", after) * 100 > script.believed("NVDA", before) * 99
    assert script.believed("SPY", after) == path.value("SPY", after)


def test_a_chain_tells_courses_and_how_long_markets_were_halted() -> None:
    path = OUTAGE.path(1)
    markets = list(
        draw_cast(
            OUTAGE, path, accounts=100, seed=1, terms=TERMS, begin=OUTAGE.start
        ).crowd.markets.values()
    )
    span = OUTAGE.end - OUTAGE.start
    events = [
        _event("PricePublished", -5, market=0, mark=100, index=101),
        _event("StatusChanged", 1_000, market=0, status=3),
        _event("BandChanged", 1_200, market=0, low=90, high=110),
        _event("StatusChanged", 4_000, market=0, status=0),
        _event("StatusChanged", span - 500, market=1, status=2),
    ]
    halted = Reason(by="integrity", why="the price is old")
    found = told(events, markets, OUTAGE, path, {("0x", markets[0].symbol): halted})
    assert (found.halts, found.halted_seconds, found.restricted_seconds) == (1, 3_000, 500)
    first = found.markets[0]
    assert set(first.mark_e8) == {100}
    assert [act.what for act in found.acts] == ["halted", "reopened, band tight", "reduce-only"]
    assert {act.why for act in found.acts[:2]} == {"the price is old"}
    assert (found.acts[2].who, found.acts[2].symbol) == ("another key", markets[1].symbol)
    place = next(n for n, at in enumerate(found.times) if at - OUTAGE.start > 2_000)
    assert first.status[place] is MarketStatus.HALTED
    assert (first.band_low_e8[place], first.band_low_e8[0]) == (90, None)


# --- variants, sizes, runs that go on -----------------------------------------------------------------


def test_each_variant_changes_one_thing() -> None:
    base = arm_of(Variant.BASE)
    changed = {
        variant: {
            name
            for name in ("has_breakers", "has_incentives", "is_close_frozen", "is_whole", "policy")
            if getattr(arm_of(variant), name) != getattr(base, name)
        }
        for variant in Variant
    }
    assert changed[Variant.BASE] == changed[Variant.PROFIT_LEVERAGE] == set()
    assert changed[Variant.NO_BREAKERS] == {"has_breakers"}
    assert changed[Variant.FROZEN_CLOSE] == {"is_close_frozen"}
    assert changed[Variant.FULL_LIQUIDATION] == {"is_whole"}
    assert changed[Variant.PRO_RATA] == {"policy"}
    assert (scale_of(100), scale_of(20_000), scale_of(20_001), scale_of(1_620_000)) == (1, 1, 2, 81)


def test_two_runs_that_differ_have_two_names() -> None:
    plans = plans_of(
        ["a", "b"], accounts=200, ground=Ground.MEMORY, variants=tuple(Variant), seeds=range(2)
    )
    others = [each.between(Seconds(5), None) for each in plans]
    others += [replace(each, accounts=300) for each in plans]
    names = [each.name for each in (*plans, *others)]
    assert len(plans) == 2 * 2 * len(Variant)
    assert len(set(names)) == len(names)


def test_the_command_goes_on_with_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["drill", "outage_worst_minute", "--accounts", "100", "--report", str(tmp_path)]
    words += ["--from", str(OUTAGE.start), "--until", str(OUTAGE.start + 20)]
    assert main(words) == 0
    (file,) = (tmp_path / "records").iterdir()
    first = file.read_bytes()
    assert (tmp_path / "outage_worst_minute.html").is_file()
    assert (tmp_path / "index.html").is_file()
    assert main(words) == 0
    assert file.read_bytes() == first
    assert "| `outage_worst_minute` | 0.0 | 100 |" in capsys.readouterr().out
    assert [each.played.seed for each in every_record(tmp_path)] == [1]
    record = read_record(file)
    plan = RunPlan(
        scenario="outage_worst_minute",
        accounts=100,
        begin=OUTAGE.start,
        until=Seconds(OUTAGE.start + 20),
    )
    assert record.played.command == plan.command
    campaign = Campaign(plans=(plan, replace(plan, seed=2)), folder=tmp_path)
    assert campaign.missing() == (replace(plan, seed=2),)
    _check_page(record, tmp_path)


def _check_page(record: DrillRecord, folder: Path) -> None:
    page = folder / "drills.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_page([record], page)
    text = page.read_text()
    assert "old" not in text
    assert overview_table([record])[2] in text
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")


def test_only_runs_of_one_stretch_and_size_stand_side_by_side() -> None:
    base = quiet()
    variant = replace(base, played=replace(base.played, variant=Variant.NO_BREAKERS))
    longer = replace(base, times=(*base.times[:-1], Seconds(base.times[-1] + 3_600)))
    larger = replace(base, played=replace(base.played, accounts=base.played.accounts + 1))
    assert groups([variant, longer, base, larger]) == [[base, variant], [longer], [larger]]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "expected one scenario or --all"),
        (["frozen_oracle", "--all"], "expected one scenario or --all"),
        (["no_such"], "expected a scenario among"),
        (["frozen_oracle", "--accounts", "7"], "expected --accounts from 100"),
        (
            ["frozen_oracle", "--on", "chain", "--accounts", "6000"],
            "expected --accounts from 100 to 5000",
        ),
        (["frozen_oracle", "--on", "chain", "--variant", "no_breakers"], "expected no --variant"),
        (["frozen_oracle", "--until", "2026-01-01T10:00"], "expected a time in seconds"),
        (["frozen_oracle", "--seeds", "0"], "expected --seeds"),
        (["--write-docs"], "expected records in"),
        (["frozen_oracle", "--from", "5"], "expected a stretch from"),
        (["--all", "--from", "5"], "expected --from and --until with one scenario"),
    ],
)
def test_an_impossible_wish_is_one_sentence_and_exit_code_78(
    words: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["drill", *words, "--report", str(tmp_path)]) == 78
    assert sentence in capsys.readouterr().err


def test_a_run_tells_how_far_it_is() -> None:
    seen: list[int] = []
    run = _Run(_plan(0, 40), TERMS, lambda place: seen.append(place.now))

    async def go() -> None:
        while run.now < run.end:
            await run.look()
        run._tell()

    asyncio.run(go())
    assert seen[-1] == run.end
