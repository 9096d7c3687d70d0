"""Facts of a page for tests: a quiet Monday, so that a test states only what it is about."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from keepers.page.facts import (
    Action,
    Backlog,
    EndpointLine,
    Health,
    LaneLine,
    Latency,
    MarketLine,
    PageFacts,
    Span,
    Week,
    WeekLine,
)
from risk.liquidation_map import LiquidationMap
from risk.sessions import Session
from risk.units import MarketId, MarketStatus, Ppm, PriceE8, QuoteAtoms, Seconds

MONDAY: Final = Seconds(1_795_392_000)
"""2026-11-23 00:00 UTC."""
DAY: Final = 86_400
NOW: Final = Seconds(MONDAY + 15 * 3_600)
ADDRESS: Final = "0x4b7ede9344bdb678bd3bf19a45fc6c0c36784e4b"
USD: Final = 10**6

NVDA: Final = MarketLine(
    id=MarketId(0),
    symbol="NVDA",
    status=MarketStatus.OPEN,
    session=Session.REGULAR,
    mark=PriceE8(148_23_480_000),
    index=PriceE8(148_30_000_000),
    band_low=PriceE8(140_84_000_000),
    band_high=PriceE8(155_67_000_000),
    age_seconds=1,
    is_stale=False,
    breaker="the mark is inside its band",
    wanted_status="open",
)
SPY: Final = replace(
    NVDA,
    id=MarketId(1),
    symbol="SPY",
    mark=PriceE8(634_94_000_000),
    index=PriceE8(634_90_000_000),
    band_low=PriceE8(603_00_000_000),
    band_high=PriceE8(666_00_000_000),
)

WEEK: Final = Week(
    start=Seconds(MONDAY - DAY),
    stop=Seconds(MONDAY + 6 * DAY),
    lines=[
        WeekLine(
            calendar="us_equities",
            symbols=["NVDA", "SPY"],
            spans=[
                Span(
                    start=Seconds(MONDAY - DAY),
                    stop=Seconds(MONDAY + 3_600),
                    session=Session.WEEKEND,
                ),
                Span(
                    start=Seconds(MONDAY + 3_600),
                    stop=Seconds(MONDAY + 5 * DAY),
                    session=Session.REGULAR,
                ),
                Span(
                    start=Seconds(MONDAY + 5 * DAY),
                    stop=Seconds(MONDAY + 6 * DAY),
                    session=Session.WEEKEND,
                ),
            ],
            ramps=[(Seconds(MONDAY + 5 * DAY - 3_600), Seconds(MONDAY + 5 * DAY))],
        )
    ],
    shows_ramps=True,
)


def heat(**rows: tuple[int, ...]) -> LiquidationMap:
    """Make a map; `nvda_longs=(…)` in whole dollars, other rows empty."""

    def atoms(name: str) -> tuple[QuoteAtoms, ...]:
        return tuple(QuoteAtoms(dollars * USD) for dollars in rows.get(name, (0,) * 7))

    return LiquidationMap(
        edges=(Ppm(10_000), Ppm(20_000), Ppm(50_000), Ppm(100_000), Ppm(200_000)),
        longs={MarketId(0): atoms("nvda_longs"), MarketId(1): atoms("spy_longs")},
        shorts={MarketId(0): atoms("nvda_shorts"), MarketId(1): atoms("spy_shorts")},
        now=NOW,
        accounts=305,
    )


LIQUIDATED: Final = Action(
    wall_seconds=float(NOW),
    kind="liquidate",
    market="NVDA",
    account=f"{ADDRESS}/0",
    state="final",
    outcome="liquidated",
    what="",
    why="Equity 19.987528 USD is below maintenance margin 20.002937 USD.",
)
HALTED: Final = replace(
    LIQUIDATED,
    kind="control",
    account="",
    outcome="done",
    what="status halted",
    why="limit state for 19 s at mark 150.70611539: paused for 300 s",
)

SOLVENCY: Final[Mapping[str, object]] = {
    "invariants": {
        "sizes_balance": {"verdict": "holds", "sentence": "longs equal shorts in all 8 markets"},
        "vault_covers_claims": {"verdict": "holds", "sentence": "the vault holds what it owes"},
    },
    "sheet": {"block": 13_057, "vault_usd": "443729807.57143", "gap_usd": "0.0"},
    "withdrawal_gate": {"should_close": False, "sentence": "nothing speaks against withdrawals"},
}
INCENTIVES: Final[Mapping[str, object]] = {
    "budget": {
        "weekly_atoms": 50_000 * USD,
        "spent_atoms": 1_250 * USD,
        "left_atoms": 48_750 * USD,
        "may_be_spent_by_now_atoms": 2_000 * USD,
        "mismatch": None,
    },
    "markets": {
        "NVDA": {
            "levers": {
                "initial_margin": {"on_chain_ppm": 50_000},
                "maker_fee": {"on_chain_ppm": -100},
                "taker_fee": {"on_chain_ppm": 500},
            },
            "next_write": "nothing to write: all is as wanted",
            "budget": {"weekly_atoms": 10_000 * USD, "spent_atoms": 250 * USD},
            "next_ramp": {
                "starts_seconds": MONDAY + 5 * DAY - 3_600,
                "stops_seconds": MONDAY + 5 * DAY,
                "from": "regular",
                "to": "weekend",
            },
        }
    },
}


def facts(**changes: Any) -> PageFacts:
    """Make facts; give what a test is about."""
    quiet = PageFacts(
        version="0.1.0",
        network="devnet",
        is_dry_run=False,
        wall_seconds=float(NOW),
        now=NOW,
        distrust=None,
        not_ready={},
        markets=[NVDA, SPY],
        week=WEEK,
        heat=heat(nvda_longs=(0, 5_300, 0, 233_000, 36_200, 461_000, 2_308_000)),
        backlog=backlog(),
        actions=[LIQUIDATED, HALTED],
        trips=[HALTED],
        breakers_run=True,
        solvency=SOLVENCY,
        incentives=INCENTIVES,
        health=health(),
    )
    return replace(quiet, **changes)


def backlog(**changes: Any) -> Backlog:
    """Make a backlog in which nobody waits."""
    quick = Latency(count=60, half_within=0.02, most_within=0.1)
    quiet = Backlog(
        accounts=305,
        positions=585,
        under_margin=0,
        oldest_wait_seconds=None,
        waiting_blocks=0,
        skipped={},
        applied_block=13_079,
        sealed_block=13_079,
        latencies={"seen under margin to signed and sent": quick},
    )
    return replace(quiet, **changes)


def health(**changes: Any) -> Health:
    """Make a process of which all runs."""
    sound = Health(
        workers={"feed": True, "liquidation": True},
        lanes=[LaneLine(name="urgent", next_nonce=60, in_flight=0, halted="")],
        endpoints=[
            EndpointLine(
                name="primary",
                failures=0,
                rest_seconds=0.0,
                head_block=13_079,
                latency_seconds=0.0013,
                last_error="",
            )
        ],
        feed="primary, connected",
        loop_lag=Latency(count=100, half_within=0.001, most_within=0.005),
    )
    return replace(sound, **changes)
