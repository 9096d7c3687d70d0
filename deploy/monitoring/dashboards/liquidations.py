"""Liquidations: how much stands how near, who waits, how fast it goes, what came of it."""

from typing import Final

from deploy.monitoring.alert import Board
from deploy.monitoring.dashboards.panels import (
    Color,
    Dashboard,
    Kind,
    Panel,
    Row,
    Target,
    Unit,
    Variable,
    above,
    below,
    one,
)
from deploy.monitoring.dashboards.queries import (
    MARKET,
    SPAN,
    buckets,
    half_and_most,
    pace,
    quantile,
    worst,
)
from deploy.monitoring.objectives import LIQUIDATION_BLOCKS, NOT_MINED_RATIO

DISTANCES: Final = (
    ("under_margin", "under margin"),
    ("under_1_percent", "< 1 %"),
    ("1_to_2_percent", "1–2 %"),
    ("2_to_5_percent", "2–5 %"),
    ("5_to_10_percent", "5–10 %"),
    ("10_to_20_percent", "10–20 %"),
    ("over_20_percent", "> 20 %"),
)
"""Stretches of the survey, the nearest first, in the label's words and a reader's."""
_NOTIONAL: Final = "bellkeeper_liquidation_distance_notional_usd"
_RESULTS: Final = "bellkeeper_liquidation_results_total"
_LOST: Final = "expired|not_mined|unknown_market"


def _map(side: str, moves: str) -> Panel:
    """Give one half of the map. A query for each stretch: the rows keep the order of the queries."""
    targets = tuple(
        Target(
            expr=f'sum(max by (market) ({_NOTIONAL}{{side="{side}", distance="{label}", {MARKET}}}))',
            legend=words,
        )
        for label, words in DISTANCES
    )
    return Panel(
        key=f"map_{side}",
        title=f"{side.capitalize()}s, by how far the price may {moves}",
        text=f"Notional of {side} positions by the least adverse move of their market's mark, the others unmoved, that gets them liquidated.",
        kind=Kind.HEATMAP,
        unit=Unit.USD,
        targets=targets,
        width=12,
    )


_NEAR: Final = Row(title="How near", height=9, panels=(_map("long", "fall"), _map("short", "rise")))

_WAITING: Final = Row(
    title="Who waits",
    height=7,
    panels=(
        Panel(
            key="backlog",
            title="Accounts under margin",
            text="Accounts below maintenance margin, and those that were refused again and again.",
            unit=Unit.COUNT,
            targets=(
                Target(expr=worst("bellkeeper_accounts_under_margin"), legend="under margin"),
                Target(expr=worst("bellkeeper_liquidation_accounts_stuck"), legend="stuck"),
            ),
            width=6,
            runbooks=("LiquidationBacklog", "AccountsStuck"),
        ),
        Panel(
            key="oldest_blocks",
            title="Longest wait",
            text=f"Blocks for which the oldest under margin waits; the promise is {LIQUIDATION_BLOCKS} unless a rule excuses it.",
            unit=Unit.BLOCKS,
            targets=one(worst("bellkeeper_liquidation_oldest_waiting_blocks"), "waiting"),
            limits=above(LIQUIDATION_BLOCKS),
            width=6,
            runbooks=("LiquidationBacklog",),
        ),
        Panel(
            key="skipped",
            title="Left alone by the last plan",
            text="Accounts under margin that the last plan did not liquidate, by the reason.",
            unit=Unit.COUNT,
            targets=one(
                worst("bellkeeper_liquidation_accounts_skipped", by="reason"), "{{reason}}"
            ),
            is_stacked=True,
            width=6,
        ),
        Panel(
            key="near_age",
            title="Age of the map",
            text="Time on the venue's clock since the last survey of all accounts on each keeper.",
            unit=Unit.SECONDS,
            targets=one(
                "bellkeeper_venue_time_timestamp_seconds - bellkeeper_liquidation_distance_timestamp_seconds",
                "{{instance}}",
            ),
            width=6,
        ),
    ),
)

_FAST: Final = Row(
    title="How fast",
    height=8,
    panels=(
        Panel(
            key="seen_to_sent",
            title="Seen to sent",
            text="Time from the change that woke the keeper to signed bytes on the socket, as counts in each stretch.",
            kind=Kind.HEATMAP,
            unit=Unit.SECONDS,
            targets=buckets("bellkeeper_liquidation_seen_to_sent_seconds"),
        ),
        Panel(
            key="latency",
            title="Latencies, 99 in 100 within",
            text="Where the time of a liquidation goes; there is no line where nothing was liquidated.",
            unit=Unit.SECONDS,
            targets=tuple(
                Target(expr=quantile(0.99, metric, choice), legend=words)
                for metric, choice, words in (
                    ("bellkeeper_liquidation_cycle_duration_seconds", "", "judged and planned"),
                    ("bellkeeper_liquidation_seen_to_sent_seconds", "", "seen to sent"),
                    (
                        "bellkeeper_sender_written_to_receipt_seconds",
                        'lane="urgent"',
                        "sent to receipt",
                    ),
                )
            ),
        ),
        Panel(
            key="seen_to_sent_now",
            title="Seen to sent, last hour",
            text="The same over the last hour, as two numbers.",
            kind=Kind.STAT,
            unit=Unit.SECONDS,
            targets=tuple(
                Target(expr=each.expr.replace(SPAN, "1h"), legend=each.legend)
                for each in half_and_most("bellkeeper_liquidation_seen_to_sent_seconds")
            ),
            width=4,
        ),
        Panel(
            key="in_flight",
            title="Batches in flight",
            text="Liquidation transactions on their way, by keeper.",
            unit=Unit.COUNT,
            targets=one("bellkeeper_liquidation_batches_in_flight", "{{instance}}"),
            width=4,
            runbooks=("StuckNonce",),
        ),
    ),
)

_OUTCOMES: Final = Row(
    title="What came of it",
    height=7,
    panels=(
        Panel(
            key="results",
            title="Outcomes",
            text="What became of the items sent, as seen on chain, in a second.",
            unit=Unit.PER_SECOND,
            targets=pace(_RESULTS, "result"),
            is_stacked=True,
        ),
        Panel(
            key="lost",
            title="Sent for nothing",
            text="Share of items that expired, were not mined, or named a market that is not listed, by keeper; lost races are not among them.",
            unit=Unit.SHARE,
            targets=one(
                f'sum by (instance) (rate({_RESULTS}{{result=~"{_LOST}"}}[15m]))\n'
                f"/ sum by (instance) (rate({_RESULTS}[15m]))",
                "{{instance}}",
            ),
            limits=above(NOT_MINED_RATIO),
            runbooks=("LiquidationsNotMined",),
        ),
        Panel(
            key="rewards",
            title="Rewards, last hour",
            text="Keeper rewards earned in the last hour.",
            kind=Kind.STAT,
            unit=Unit.USD,
            targets=one("sum(increase(bellkeeper_liquidation_rewards_usd_total[1h]))", "earned"),
            width=4,
        ),
        Panel(
            key="planned",
            title="Items planned, last hour",
            text="Items handed to the sender in the last hour.",
            kind=Kind.STAT,
            unit=Unit.COUNT,
            targets=one("sum(increase(bellkeeper_liquidation_items_planned_total[1h]))", "planned"),
            width=4,
            decimals=0,
        ),
    ),
)

_LAST_RESORT: Final = Row(
    title="The last resort",
    height=7,
    panels=(
        Panel(
            key="backstop",
            title="Backstop's equity",
            text="What the backstop would have if it closed everything at the mark. Red below zero: it is locked, and only money frees it.",
            unit=Unit.USD,
            targets=one('min(bellkeeper_solvency_funds_usd{fund="backstop"})', "equity"),
            limits=below(0),
            width=6,
            runbooks=("BackstopBelowZero",),
        ),
        Panel(
            key="shortfall",
            title="Shortfall",
            text="What bankrupt accounts owe together, and what of it insurance fund and backstop lack.",
            unit=Unit.USD,
            targets=(
                Target(expr=worst("bellkeeper_deleverage_shortfall_usd"), legend="owed"),
                Target(expr=worst("bellkeeper_deleverage_uncovered_usd"), legend="not covered"),
            ),
            limits=((Color.GOOD, None),),
            width=6,
            runbooks=("BadDebt", "DeleverageNeeded"),
        ),
        Panel(
            key="deleverage_waiting",
            title="Bankrupt positions that wait",
            text="Bankrupt positions that the last plan left alone, by the reason.",
            unit=Unit.COUNT,
            targets=one(
                worst("bellkeeper_deleverage_waiting_positions", by="reason"), "{{reason}}"
            ),
            width=6,
            runbooks=("DeleverageBlocked",),
        ),
        Panel(
            key="deleverage_results",
            title="Deleveraging, outcomes",
            text="What became of the deleverage items sent, in a second.",
            unit=Unit.PER_SECOND,
            targets=pace("bellkeeper_deleverage_results_total", "result"),
            is_stacked=True,
            width=6,
        ),
    ),
)

LIQUIDATIONS: Final = Dashboard(
    board=Board.LIQUIDATIONS,
    title="Liquidations",
    text="How much notional stands how near to liquidation, who waits and why, how fast it goes and what came of it.",
    rows=(_NEAR, _WAITING, _FAST, _OUTCOMES, _LAST_RESORT),
    variables=(Variable.MARKET,),
)
