"""From a running process to the page's facts: what is read, how seldom, and from where."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from prometheus_client import CollectorRegistry

from config.incentives import INCENTIVES_DIRECTORY
from keepers.liquidation.metrics import LiquidationMetrics
from keepers.page.gather import Gatherer
from keepers.page.opening import market_hours
from keepers.page.sources import PageSources
from monitors.account_metrics import AccountMetrics
from monitors.accounts import AccountsMonitor
from monitors.liquidation_map import SURVEY_SECONDS, LiquidationMapMonitor
from risk.account_watch import AccountWatch
from risk.columns import columns_of
from risk.price_guard import PriceRules
from risk.sessions import Session
from risk.units import MarketId, Ppm, QuoteAtoms, Seconds
from runtime.journal import Intent, Journal
from runtime.supervise import Worker
from tests.builders import (
    BACKSTOP_ID,
    make_account,
    make_market,
    make_position,
    make_rules,
    shares,
    usd,
)
from tests.keepers.page.values import MONDAY
from tests.runtime.nodes import FakeClock
from venues.port import BlockRef, Funds, Snapshot

NOW = Seconds(MONDAY + 15 * 3_600)
MARKET = replace(make_market(symbol="AAPL"), price_timestamp=NOW, updated_at=NOW, funding_time=NOW)


class Duty:
    """A duty that says what a test wants."""

    def __init__(self, **told: object) -> None:
        self.told = told

    def workers(self) -> Mapping[str, Worker]:
        return {"nobody": _never}

    def status(self) -> Mapping[str, object]:
        return self.told


async def _never(_stop: object) -> None:
    raise AssertionError("expected not to be run")


class Rig:
    """Sources of a page."""

    def __init__(self, folder: Path, *duties: Duty) -> None:
        self.registry, self.clock = CollectorRegistry(), FakeClock()
        self.journal = Journal.open(folder / "journal.sqlite", self.clock)
        self.monitor = AccountsMonitor(
            watch=AccountWatch(),
            price_rules=PriceRules(
                max_divergence=Ppm(100_000), warm_up_updates=0, future_tolerance=Seconds(5)
            ),
            metrics=AccountMetrics.create(self.registry),
            random=Random(1),
        )
        self.sources = PageSources(
            version="0.1.0",
            network="test",
            is_dry_run=False,
            monitor=self.monitor,
            liquidation_map=LiquidationMapMonitor(
                self.monitor, registry=self.registry, clock=self.clock
            ),
            duties=duties,
            lanes={"urgent": None},
            not_ready=dict,
            rpc_status=lambda: {
                "feed": "primary",
                "feed_connected": True,
                "endpoints": {"primary": {"failures": 2, "head_block": 7, "latency_seconds": 0.5}},
            },
            hours=market_hours(None),
            registry=self.registry,
            journal=folder / "journal.sqlite",
            clock=self.clock,
        )
        self.gatherer = Gatherer(self.sources)

    def show(self, *collaterals: int) -> None:
        """Let the feed tell a snapshot: each account holds a share of 200 USD."""
        accounts = [
            make_account(usd(collateral), [make_position(shares(1))], number=number)
            for number, collateral in enumerate(collaterals, start=1)
        ]
        backstop = replace(make_account(usd(900), [make_position(shares(5))]), id=BACKSTOP_ID)
        zero = QuoteAtoms(0)
        self.monitor.on_snapshot(
            Snapshot(
                block=BlockRef(number=100, timestamp=NOW, hash=b"\x01" * 32),
                markets={MARKET.id: MARKET},
                accounts=[columns_of([*accounts, backstop])],
                funds=Funds(
                    insurance_fund=zero, fee_pool=zero, funding_pool=zero, rewards_owed=zero
                ),
                rules=make_rules(),
                backstop_account=BACKSTOP_ID,
            )
        )


async def test_an_exchange_that_was_never_seen_is_told_as_not_known(tmp_path: Path) -> None:
    told = await Rig(tmp_path).gatherer.gather()
    assert told.markets == []
    assert told.heat is None
    assert told.distrust == "no snapshot yet"


async def test_a_market_is_told_with_session_band_and_the_breakers_sentence(tmp_path: Path) -> None:
    breaker = {"AAPL": {"why": "paused for 9 s more", "wanted_status": "halted"}, "orders": {}}
    rig = Rig(tmp_path, Duty(breakers=breaker))
    rig.show(900)
    told = await rig.gatherer.gather()
    (line,) = told.markets
    assert (line.symbol, line.mark, line.session) == ("AAPL", MARKET.mark, Session.REGULAR)
    assert (line.breaker, line.wanted_status) == ("paused for 9 s more", "halted")
    assert told.breakers_run
    assert told.solvency is None
    assert told.health.workers["nobody"] is False


async def test_accounts_are_surveyed_again_only_after_a_while_and_without_the_backstop(
    tmp_path: Path,
) -> None:
    rig = Rig(tmp_path)
    rig.show(9)
    first = (await rig.gatherer.gather()).heat
    assert first is not None
    assert sum(first.longs[MarketId(0)]) == usd(200)
    rig.show(9, 900)
    rig.clock.seconds += SURVEY_SECONDS - 0.1
    assert (await rig.gatherer.gather()).heat is first
    rig.clock.seconds += 0.1
    second = (await rig.gatherer.gather()).heat
    assert second is not None
    assert sum(second.longs[MarketId(0)]) == usd(400)


async def test_the_backlog_counts_who_waits_and_why(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    assert (await rig.gatherer.gather()).backlog.waiting_blocks is None
    metrics = LiquidationMetrics.create(rig.registry)
    metrics.oldest_waiting_blocks.set(12)
    metrics.skipped.labels("cooling_down").set(3)
    for seconds in (0.001, 0.002, 0.004):
        metrics.seen_to_sent.observe(seconds)
    rig.show(1, 900)
    backlog = (await rig.gatherer.gather()).backlog
    assert (backlog.under_margin, backlog.accounts) == (1, 3)
    assert (backlog.waiting_blocks, backlog.skipped) == (12, {"cooling_down": 3})
    (latency,) = backlog.latencies.values()
    assert (latency.count, latency.half_within, latency.most_within) == (3, 0.0025, 0.005)


def intent(kind: str, number: int, **payload: object) -> Intent:
    return Intent(
        kind=kind,
        market="NVDA",
        account="",
        judged_on=str(number),
        expires_at=NOW,
        payload=payload,
    )


async def test_the_journals_newest_decisions_are_told_without_the_published_prices(
    tmp_path: Path,
) -> None:
    rig = Rig(tmp_path)
    status = {"what": "status", "why": "limit state for 19 s"}
    rig.journal.plan([intent("control", 1, **status, value="halted")])
    rig.journal.plan([intent("control", 2, **status, value="open")])
    rig.journal.plan([intent("control", 3, what="band", value="140-155", why="as wanted")])
    rig.journal.plan([intent("liquidate", 4, reason="Equity 1 USD is below 2 USD.")])
    rig.journal.plan([intent("publish", number, why={"mode": "external"}) for number in range(50)])
    told = await rig.gatherer.gather()
    assert [each.what for each in told.actions] == [
        "",
        "band 140-155",
        "status open",
        "status halted",
    ]
    assert told.actions[0].why == "Equity 1 USD is below 2 USD."
    assert [(each.what, each.why) for each in told.trips] == [
        ("status halted", "limit state for 19 s")
    ]


async def test_a_journal_that_cannot_be_read_is_told_in_one_sentence(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.journal.close()
    (tmp_path / "journal.sqlite").write_bytes(b"not a database" * 100)
    told = await rig.gatherer.gather()
    assert told.journal_problem is not None
    assert "is not a journal" in told.journal_problem


async def test_lanes_and_endpoints_are_told_as_they_are(tmp_path: Path) -> None:
    health = (await Rig(tmp_path).gatherer.gather()).health
    assert [(each.name, each.next_nonce) for each in health.lanes] == [("urgent", None)]
    assert [(each.name, each.failures, each.head_block) for each in health.endpoints] == [
        ("primary", 2, 7)
    ]
    assert health.feed == "primary, connected"


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"solvency": {"withdrawal_gate": {"should_close": True, "sentence": "a gap"}}}, "a gap"),
        (
            {"breakers": {"AAPL": {"closes_withdrawals": True, "closes_withdrawals_why": "halt"}}},
            "halt",
        ),
        ({"solvency": {"withdrawal_gate": {"should_close": False, "sentence": "fine"}}}, None),
    ],
)
async def test_withdrawals_that_are_to_be_closed_are_told_with_the_reason(
    tmp_path: Path, told: dict[str, object], why: str | None
) -> None:
    found = await Rig(tmp_path, Duty(**told)).gatherer.gather()
    assert found.withdrawals_closed_why == why


async def test_the_week_is_seven_days_with_thanksgiving_closed_and_ramps_around_it(
    tmp_path: Path,
) -> None:
    hours = market_hours(INCENTIVES_DIRECTORY)
    rig = Rig(tmp_path)
    rig.gatherer = Gatherer(replace(rig.sources, hours=hours))
    rig.show(900)
    week = (await rig.gatherer.gather()).week
    assert (week.start, week.stop) == (MONDAY - 86_400, MONDAY + 6 * 86_400)
    (line,) = week.lines
    assert line.spans[0].start == week.start
    assert line.spans[-1].stop == week.stop
    assert all(one.stop == other.start for one, other in pairwise(line.spans))
    sessions = [each.session for each in line.spans]
    assert Session.HOLIDAY in sessions
    assert {sessions[0], sessions[-1]} == {Session.WEEKEND}
    # A ramp into the holiday ends where the holiday begins.
    begins = next(each.start for each in line.spans if each.session is Session.HOLIDAY)
    assert begins in {stop for _, stop in line.ramps}
