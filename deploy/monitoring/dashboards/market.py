"""Market: what it allows and why, its prices with their bands, its session, its sources."""

from typing import Final

from deploy.monitoring.alert import Board
from deploy.monitoring.dashboards.market_sources import SOURCES
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
from deploy.monitoring.dashboards.queries import MARKET, half_and_most, pace, state, worst
from deploy.monitoring.dashboards.states import (
    DOUBTS,
    SESSIONS,
    STAGES,
    STATUSES,
    words,
)
from deploy.monitoring.objectives import BREAKER_SECONDS, MARK_AGE_SECONDS

_MARK: Final = worst("bellkeeper_mark_price_usd", MARKET, by="market")
_DISTANCE: Final = "bellkeeper_breaker_band_distance_ratio"


def _edge(name: str, sign: str) -> str:
    distance = worst(_DISTANCE, f'edge="{name}", {MARKET}', by="market")
    return f"{_MARK} * (1 {sign} {distance})"


_STATE: Final = Row(
    title="What it allows, and why",
    height=6,
    panels=(
        Panel(
            key="status",
            title="Status on chain",
            text="What the market allows, as the exchange has it.",
            kind=Kind.STATES,
            unit=Unit.STATE,
            targets=one(
                state("bellkeeper_market_status", "status", STATUSES, MARKET, by="market"),
                "{{market}}",
            ),
            words=words(STATUSES),
            runbooks=("MarketHalted",),
        ),
        Panel(
            key="wanted",
            title="Status wanted",
            text="What the breakers, orders and plans want it to allow.",
            kind=Kind.STATES,
            unit=Unit.STATE,
            targets=one(
                worst("bellkeeper_breaker_wanted_status", MARKET, by="market"), "{{market}}"
            ),
            words=words(STATUSES),
            runbooks=("BreakerNotApplied", "BreakerNotLifted"),
        ),
        Panel(
            key="session",
            title="Session",
            text="What the underlying's market does, as the keeper holds it.",
            kind=Kind.STATES,
            unit=Unit.STATE,
            targets=one(
                state("bellkeeper_price_session", "session", SESSIONS, MARKET, by="market"),
                "{{market}}",
            ),
            words=words(SESSIONS),
            runbooks=("SessionDisputed",),
            boards=(Board.WEEKEND,),
        ),
    ),
)

_PRICES: Final = Row(
    title="Prices",
    height=9,
    panels=(
        Panel(
            key="prices",
            title="Mark, index and band",
            text="Mark and index on chain, what the mark ought to be, and the edges of the band that is wanted around it.",
            unit=Unit.USD,
            targets=(
                Target(expr=_MARK, legend="{{market}} mark"),
                Target(
                    expr=worst("bellkeeper_index_price_usd", MARKET, by="market"),
                    legend="{{market}} index",
                ),
                Target(
                    expr=worst("bellkeeper_price_fair_mark_usd", MARKET, by="market"),
                    legend="{{market}} fair mark",
                ),
                Target(expr=_edge("low", "-"), legend="{{market}} band, low"),
                Target(expr=_edge("high", "+"), legend="{{market}} band, high"),
            ),
            width=16,
        ),
        Panel(
            key="mark_age",
            title="Age of the mark",
            text=f"Age of the mark on the venue's clock; the promise is {MARK_AGE_SECONDS} s while the session is known and the market trades.",
            unit=Unit.SECONDS,
            targets=one(
                "max by (market) (\n  bellkeeper_venue_time_timestamp_seconds\n"
                f"  - on (instance) group_right () bellkeeper_price_timestamp_seconds{{{MARKET}}}\n)",
                "{{market}}",
            ),
            limits=above(MARK_AGE_SECONDS),
            runbooks=("MarkFreshnessBudgetBurning",),
        ),
        Panel(
            key="confidence",
            title="Confidence",
            text="Half-width of the interval in which the price lies.",
            unit=Unit.USD,
            targets=one(
                worst("bellkeeper_price_confidence_usd", MARKET, by="market"), "{{market}}"
            ),
        ),
        Panel(
            key="doubt",
            title="Doubt about the mark",
            text="The reason for which the keeper does not act on the market's price.",
            kind=Kind.STATES,
            unit=Unit.STATE,
            targets=one(
                state("bellkeeper_price_doubt", "doubt", ("", *DOUBTS), MARKET, by="market"),
                "{{market}}",
            ),
            words=words(("none", *DOUBTS)),
            runbooks=("LiquidationsDoubted",),
        ),
        Panel(
            key="updates",
            title="Updates seen",
            text="Prices and other changes of the market seen in a second.",
            unit=Unit.PER_SECOND,
            targets=pace("bellkeeper_price_updates_total", "market", MARKET),
        ),
    ),
)

_BREAKER: Final = Row(
    title="Breaker",
    height=7,
    panels=(
        Panel(
            key="stage",
            title="Stage of the band",
            text="Where the market's band stands between normal and paused.",
            kind=Kind.STATES,
            unit=Unit.STATE,
            targets=one(
                state("bellkeeper_breaker_band_stage", "stage", STAGES, MARKET, by="market"),
                "{{market}}",
            ),
            words=words(STAGES),
        ),
        Panel(
            key="distance",
            title="Room in the band",
            text="Distance of the mark from each edge of the wanted band, as a share of the mark.",
            unit=Unit.SHARE,
            targets=one(worst(_DISTANCE, MARKET, by="market, edge"), "{{market}} {{edge}}"),
        ),
        Panel(
            key="reaction",
            title="Reaction",
            text=f"Time from the fact seen to the write mined; the promise is {BREAKER_SECONDS:g} s.",
            unit=Unit.SECONDS,
            targets=half_and_most("bellkeeper_breaker_reaction_seconds"),
            limits=above(BREAKER_SECONDS),
            runbooks=("BreakerReactionBudgetBurning",),
        ),
        Panel(
            key="trips",
            title="Trips, last hour",
            text="Times in the last hour that some market had to be restricted more, by machine.",
            kind=Kind.STAT,
            unit=Unit.COUNT,
            targets=one(
                "sum by (machine) (increase(bellkeeper_breaker_trips_total[1h]))", "{{machine}}"
            ),
            decimals=0,
            runbooks=("IntegrityBreakerTripped",),
        ),
        Panel(
            key="writes",
            title="Writes that failed, last 15 min",
            text="Bands, statuses and closures that the exchange did not take; more than 3 make a ticket.",
            kind=Kind.STAT,
            unit=Unit.COUNT,
            targets=one(
                "sum by (what) (increase(bellkeeper_breaker_not_mined_total[15m]))", "{{what}}"
            ),
            limits=((Color.GOOD, None), (Color.DOUBT, 3)),
            decimals=0,
            runbooks=("BreakerWritesFailing",),
        ),
        Panel(
            key="plans",
            title="Emergency plans",
            text="Whether a step of the plan is in force.",
            kind=Kind.STATES,
            unit=Unit.STATE,
            targets=one(worst("bellkeeper_breaker_plan_running", by="plan"), "{{plan}}"),
            words={0: ("at rest", Color.GOOD), 1: ("IN FORCE", Color.BAD)},
            runbooks=("EmergencyPlanRunning",),
        ),
    ),
)

MARKETS: Final = Dashboard(
    board=Board.MARKET,
    title="Market",
    text="What a market allows and why, its prices and bands, its session, its sources, its corporate actions.",
    rows=(_STATE, _PRICES, _BREAKER, *SOURCES),
    variables=(Variable.MARKET,),
)
