"""Alerts on incentives: money spent, money miscounted, levers that do not move, liquidity that lacks."""

from typing import Final

from deploy.monitoring.alert import INSTANCE, JOB, Alert, Board, Severity, Story, one
from deploy.monitoring.objectives import SHORTAGE_RATIO

_KEEPER: Final = {"instance": INSTANCE, "job": JOB}
_NVDA: Final = {"market": "NVDA"}

INCENTIVE_ALERTS: Final = (
    Alert(
        name="BudgetOverspent",
        severity=Severity.PAGE,
        expr=(
            "min by (market) (bellkeeper_incentive_left_usd) < 0\n"
            "or\nlabel_replace(\n"
            '  min(bellkeeper_incentive_total_left_usd) < 0, "market", "all markets", "", ""\n)'
        ),
        hold="1m",
        summary="The week's budget of incentives is overspent: {{ $value }} USD left",
        description=(
            "Of {{ $labels.market }}. The"
            " controller keeps a reserve so that this cannot happen: rebates were set by other"
            " hands, or more was traded in a reaction's time than the profile's largest flow."
        ),
        board=Board.WEEKEND,
        fires=Story(
            series=one("bellkeeper_incentive_left_usd", "10 -5+0x9", market="NVDA"),
            at="3m",
            labels=_NVDA,
            value="-5",
        ),
        quiet=Story(
            series={
                **one("bellkeeper_incentive_left_usd", "10 0+0x9", market="NVDA"),
                **one("bellkeeper_incentive_total_left_usd", "NaN+0x9"),
            },
            at="3m",
        ),
    ),
    Alert(
        name="SpendingMiscounted",
        severity=Severity.TICKET,
        expr="bellkeeper_incentive_is_mismatched == 1",
        hold="5m",
        summary="Two counts of the week's incentives differ on {{ $labels.instance }}",
        description=(
            "What was counted as trades came is not what the chain's logs add up to. Rebates do"
            " not rise until a count agrees."
        ),
        board=Board.WEEKEND,
        fires=Story(
            series=one("bellkeeper_incentive_is_mismatched", "0 1+0x9"), at="7m", labels=_KEEPER
        ),
        quiet=Story(series=one("bellkeeper_incentive_is_mismatched", "0 1 1 0+0x9"), at="7m"),
    ),
    Alert(
        name="IncentiveWritesWaiting",
        severity=Severity.TICKET,
        expr="bellkeeper_incentive_waiting_markets > 0",
        hold="30m",
        summary="Levers of {{ $value }} markets are not where the schedule wants them",
        description=(
            "For half an hour {{ $labels.instance }} has had something to write. Cool-downs are"
            " shorter than that: writes are refused, or the lane is halted."
        ),
        board=Board.WEEKEND,
        fires=Story(
            series=one("bellkeeper_incentive_waiting_markets", "0 2+0x40"),
            at="32m",
            labels=_KEEPER,
            value="2",
        ),
        quiet=Story(
            series=one("bellkeeper_incentive_waiting_markets", "2+0x19 0 2+0x40"), at="32m"
        ),
    ),
    Alert(
        name="LiquidityShort",
        severity=Severity.TICKET,
        expr=f"max by (market) (bellkeeper_incentive_shortage_ratio) > {SHORTAGE_RATIO}",
        hold="30m",
        summary="{{ $labels.market }} lacks {{ $value | humanizePercentage }} of its liquidity",
        description=(
            "Of what the schedule aims at in depth or spread, and the controller has had half an"
            " hour to pay for it. A liquidation now moves the book."
        ),
        board=Board.WEEKEND,
        fires=Story(
            series=one("bellkeeper_incentive_shortage_ratio", "0.8+0x40", market="NVDA"),
            at="31m",
            labels=_NVDA,
            value="80%",
        ),
        quiet=Story(
            series=one("bellkeeper_incentive_shortage_ratio", "NaN+0x40", market="NVDA"),
            at="31m",
        ),
    ),
    Alert(
        name="LiquidityUnknown",
        severity=Severity.TICKET,
        expr="min by (market) (bellkeeper_incentive_is_unknown) == 1",
        hold="15m",
        summary="Nobody can measure the liquidity of {{ $labels.market }}",
        description=(
            "Its book is not followed, or the market cannot be priced. The controller holds its"
            " effort where it was, and a lack of makers goes unseen."
        ),
        board=Board.WEEKEND,
        fires=Story(
            series=one("bellkeeper_incentive_is_unknown", "0 1+0x20", market="NVDA"),
            at="17m",
            labels=_NVDA,
        ),
        quiet=Story(
            series=one("bellkeeper_incentive_is_unknown", "1+0x9 0 1+0x20", market="NVDA"),
            at="17m",
        ),
    ),
)
