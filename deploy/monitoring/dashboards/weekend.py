"""Weekend: what makers are offered, what they give for it, and what it costs."""

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
    one,
)
from deploy.monitoring.dashboards.queries import MARKET, pace, state, worst
from deploy.monitoring.dashboards.states import SESSIONS, words, yes_no
from deploy.monitoring.objectives import BOUND_USED_RATIO, SHORTAGE_RATIO

LEVERS: Final = (
    ("initial_margin", "Initial margin", Unit.SHARE),
    ("maker_fee", "Maker fee", Unit.SHARE),
    ("taker_fee", "Taker fee", Unit.SHARE),
    ("funding_rate", "Funding, an hour", Unit.SHARE),
    ("open_interest_cap", "Open-interest cap", Unit.USD),
)


def _by_market(metric: str) -> tuple[Target, ...]:
    return one(worst(metric, MARKET, by="market"), "{{market}}")


def _lever(parameter: str, title: str, unit: Unit) -> Panel:
    choice = f'parameter="{parameter}", {MARKET}'
    return Panel(
        key=f"lever_{parameter}",
        title=title,
        text="Where the tuner's parameter is on chain, and where it ought to be.",
        unit=unit,
        targets=tuple(
            Target(
                expr=worst(f"bellkeeper_incentive_lever_{which}", choice, by="market"),
                legend=f"{{{{market}}}} {which.replace('_', ' ')}",
            )
            for which in ("on_chain", "wanted")
        ),
        runbooks=("IncentiveWritesWaiting",),
    )


_HOURS: Final = Row(
    title="Hours",
    height=6,
    panels=(
        Panel(
            key="session",
            title="Session",
            text="What the underlying's market does.",
            kind=Kind.STATES,
            unit=Unit.STATE,
            targets=one(
                state("bellkeeper_price_session", "session", SESSIONS, MARKET, by="market"),
                "{{market}}",
            ),
            words=words(SESSIONS),
            runbooks=("SessionDisputed",),
        ),
        Panel(
            key="boundary",
            title="Until the session ends",
            text="Time on the venue's clock until the calendar's session ends.",
            kind=Kind.STAT,
            unit=Unit.SECONDS,
            targets=one(
                f"max by (market) (bellkeeper_price_next_boundary_timestamp_seconds{{{MARKET}}}"
                " - on (instance) group_left () bellkeeper_venue_time_timestamp_seconds)",
                "{{market}}",
            ),
        ),
        Panel(
            key="bound",
            title="Discovery bound used",
            text=f"Share of the discovery bound that is used; from {BOUND_USED_RATIO:.0%} on it re-anchors, or holds the price.",
            unit=Unit.SHARE,
            targets=_by_market("bellkeeper_price_bound_used_ratio"),
            limits=above(BOUND_USED_RATIO),
            runbooks=("DiscoveryBoundUsed",),
        ),
    ),
)

_LIQUIDITY: Final = Row(
    title="What the book holds",
    height=7,
    panels=(
        Panel(
            key="depth",
            title="Depth",
            text="What rests on each side of the book within a distance of the mark.",
            unit=Unit.USD,
            targets=one(
                worst("bellkeeper_liquidity_depth_usd", MARKET, by="market, side, distance"),
                "{{market}} {{side}} {{distance}}",
            ),
        ),
        Panel(
            key="spread",
            title="Spread",
            text="Distance between best bid and best ask, as a share of their middle.",
            unit=Unit.SHARE,
            targets=_by_market("bellkeeper_liquidity_quoted_spread_ratio"),
        ),
        Panel(
            key="shortage",
            title="Shortage",
            text=f"The worst of what depth and spread lack of their target; from {SHORTAGE_RATIO:.0%} on a ticket.",
            unit=Unit.SHARE,
            targets=_by_market("bellkeeper_incentive_shortage_ratio"),
            limits=above(SHORTAGE_RATIO),
            runbooks=("LiquidityShort",),
        ),
        Panel(
            key="makers",
            title="Makers",
            text="Owners who made the market for another in the window.",
            unit=Unit.COUNT,
            targets=_by_market("bellkeeper_liquidity_makers"),
        ),
        Panel(
            key="largest_maker",
            title="Largest maker",
            text="The largest maker's part of the makers' volume in the window.",
            unit=Unit.SHARE,
            targets=_by_market("bellkeeper_liquidity_largest_maker_ratio"),
        ),
        Panel(
            key="skew",
            title="Skew",
            text="Part of the open interest by which others are net long (+) or short (−) against the makers.",
            unit=Unit.SHARE,
            targets=_by_market("bellkeeper_liquidity_open_interest_skew_ratio"),
        ),
        Panel(
            key="known",
            title="Is it measured?",
            text="Whether anybody can measure the market's liquidity.",
            kind=Kind.STATES,
            unit=Unit.STATE,
            targets=one(
                f"min by (market) (bellkeeper_incentive_is_unknown{{{MARKET}}})", "{{market}}"
            ),
            words=yes_no("not known", "measured", good=False),
            runbooks=("LiquidityUnknown",),
        ),
        Panel(
            key="book",
            title="Is the book followed?",
            text="Whether a book is held and no message about it is missing.",
            kind=Kind.STATES,
            unit=Unit.STATE,
            targets=_by_market("bellkeeper_book_followed"),
            words=yes_no("followed", "lost", good=True),
            runbooks=("BookLost",),
        ),
        Panel(
            key="quotes",
            title="Participants' quotes",
            text="Quotes that made the last standing price of the market.",
            unit=Unit.COUNT,
            targets=_by_market("bellkeeper_participant_standing_quotes"),
        ),
    ),
)

_LEVERS: Final = Row(
    title="Levers",
    height=7,
    panels=(
        *(_lever(*lever) for lever in LEVERS),
        Panel(
            key="effort",
            title="Effort",
            text="The controller's effort: at 1 the largest rebate is paid, at 2 every lever is at its end.",
            unit=Unit.TIMES,
            targets=_by_market("bellkeeper_incentive_effort_ratio"),
        ),
    ),
)

_MONEY: Final = Row(
    title="What it costs",
    height=7,
    panels=(
        Panel(
            key="left",
            title="Budget left of the week",
            text="What is left of the week's budget of all markets; under 0 it is overspent.",
            kind=Kind.STAT,
            unit=Unit.USD,
            targets=one("min(bellkeeper_incentive_total_left_usd)", "left"),
            limits=((Color.BAD, None), (Color.GOOD, 0)),
            width=5,
            runbooks=("BudgetOverspent",),
        ),
        Panel(
            key="spent",
            title="Spent this week",
            text="What the week's incentives have cost in each market.",
            unit=Unit.USD,
            targets=_by_market("bellkeeper_incentive_spent_usd"),
            width=7,
        ),
        Panel(
            key="writes",
            title="Writes",
            text="Parameters handed to the sender in a second, by what became of them.",
            unit=Unit.PER_SECOND,
            targets=pace("bellkeeper_incentive_writes_total", "result"),
            width=7,
            is_stacked=True,
        ),
        Panel(
            key="mismatched",
            title="Is the count right?",
            text="Whether spending as counted agrees with the chain; rebates do not rise while it does not.",
            kind=Kind.STAT,
            unit=Unit.STATE,
            targets=one(worst("bellkeeper_incentive_is_mismatched"), "count"),
            words=yes_no("differs", "agrees", good=False),
            limits=above(1),
            width=5,
            runbooks=("SpendingMiscounted",),
        ),
    ),
)

WEEKEND: Final = Dashboard(
    board=Board.WEEKEND,
    title="Weekend",
    text="What makers are offered while the underlying sleeps, what liquidity they give for it, and what it costs.",
    rows=(_HOURS, _LIQUIDITY, _LEVERS, _MONEY),
    variables=(Variable.MARKET,),
    since="now-2d",
)
