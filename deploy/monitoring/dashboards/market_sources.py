"""Where a market's price comes from, and what is done to its shares: parts of the market's board."""

from typing import Final

from deploy.monitoring.dashboards.panels import Color, Kind, Panel, Row, Unit, above, one
from deploy.monitoring.dashboards.queries import MARKET, pace, worst
from deploy.monitoring.dashboards.states import RUNGS, words, yes_no
from deploy.monitoring.objectives import HALTS_AGE_SECONDS, SOURCE_DEVIATION_RATIO

_BY: Final = "market, source"
_LEGEND: Final = "{{market}} {{source}}"

_SOURCES: Final = Row(
    title="Sources",
    height=7,
    panels=(
        Panel(
            key="rung",
            title="Support",
            text="How far the market's price has come down for want of sources.",
            kind=Kind.STATES,
            unit=Unit.STATE,
            targets=one(worst("bellkeeper_price_rung", MARKET, by="market"), "{{market}}"),
            words=words(RUNGS),
            runbooks=("PriceQuorumLost",),
        ),
        Panel(
            key="valid",
            title="Sources used",
            text="Whether the last round used the source.",
            kind=Kind.STATES,
            unit=Unit.STATE,
            targets=one(worst("bellkeeper_price_source_valid", MARKET, by=_BY), _LEGEND),
            words=yes_no("used", "left out", good=True),
            runbooks=("PriceSourceLost",),
        ),
        Panel(
            key="source_prices",
            title="What sources say",
            text="Newest price of each source, not yet judged.",
            unit=Unit.USD,
            targets=one(worst("bellkeeper_price_source_price_usd", MARKET, by=_BY), _LEGEND),
        ),
        Panel(
            key="deviation",
            title="Deviation from the combined price",
            text="Distance of each source from the combined price, as a share of it.",
            unit=Unit.SHARE,
            targets=one(
                f"max by ({_BY}) (abs(bellkeeper_price_source_deviation_ratio{{{MARKET}}}))",
                _LEGEND,
            ),
            limits=above(SOURCE_DEVIATION_RATIO),
            runbooks=("PriceSourcesDiverge",),
        ),
        Panel(
            key="source_age",
            title="Age of a source's price",
            text="Age of each source's price on the venue's clock in the last round.",
            unit=Unit.SECONDS,
            targets=one(worst("bellkeeper_price_source_age_seconds", MARKET, by=_BY), _LEGEND),
        ),
        Panel(
            key="rejections",
            title="Rounds that left a source out",
            text="Rounds in a second that did not use a source, by the first reason.",
            unit=Unit.PER_SECOND,
            targets=pace("bellkeeper_price_source_rejections_total", "source, reason"),
        ),
        Panel(
            key="publishing",
            title="What the exchange says of prices",
            text="Prices published in a second, by the exchange's answer.",
            unit=Unit.PER_SECOND,
            targets=pace("bellkeeper_price_answers_total", "code"),
            is_stacked=True,
        ),
        Panel(
            key="underlying_halted",
            title="Underlying",
            text="Whether the underlying's trading is halted.",
            kind=Kind.STATES,
            unit=Unit.STATE,
            targets=one(
                worst("bellkeeper_price_underlying_halted", MARKET, by="market"), "{{market}}"
            ),
            words=yes_no("halted", "trades", good=False),
        ),
        Panel(
            key="halts_age",
            title="Trading halts read",
            text=f"How long ago the page of trading halts was read, −1 for never; from {HALTS_AGE_SECONDS} s on a ticket.",
            kind=Kind.STAT,
            unit=Unit.SECONDS,
            targets=one(worst("bellkeeper_price_halts_age_seconds"), "age"),
            limits=((Color.DOUBT, None), (Color.GOOD, 0), (Color.DOUBT, HALTS_AGE_SECONDS)),
            runbooks=("HaltsUnread",),
        ),
    ),
)

_CORPORATE: Final = Row(
    title="Corporate actions",
    height=6,
    panels=(
        Panel(
            key="corporate_stage",
            title="Action under way",
            text="Stages of the action that the market is busy with; every line is at 0 while it is not.",
            unit=Unit.COUNT,
            targets=one(
                worst("bellkeeper_corporate_stage", MARKET, by="market, stage"),
                "{{market}} {{stage}}",
            ),
            width=12,
        ),
        Panel(
            key="needs_operator",
            title="Waits for an operator",
            text="Whether an operator must look at an action of the market.",
            kind=Kind.STATES,
            unit=Unit.STATE,
            targets=one(
                worst("bellkeeper_corporate_needs_operator", MARKET, by="market"), "{{market}}"
            ),
            words=yes_no("look at it", "no", good=False),
            width=8,
            runbooks=("CorporateActionBlocked", "CorporateActionDoubted"),
        ),
        Panel(
            key="corporate_differences",
            title="Sums changed that may not, 1 h",
            text="Actions applied in an hour after which open interest, collateral or profits are not what the terms give.",
            kind=Kind.STAT,
            unit=Unit.COUNT,
            targets=one(
                "sum by (market)"
                f" (increase(bellkeeper_corporate_differences_total{{{MARKET}}}[1h]))",
                "{{market}}",
            ),
            limits=above(1),
            decimals=0,
            width=4,
            runbooks=("CorporateSumsDiffer",),
        ),
    ),
)

SOURCES: Final = (_SOURCES, _CORPORATE)
