"""Alerts on what touches traders who did nothing wrong: deleveraging, and corporate actions."""

from typing import Final

from deploy.monitoring.alert import INSTANCE, JOB, Alert, Board, Severity, Story, one

_NVDA: Final = {"market": "NVDA"}
_CALLS: Final = "max by (market) (bellkeeper_corporate_needs_operator) == 1"
_HALTED: Final = 'max by (market) (bellkeeper_market_status{status="halted"}) == 1'

DELEVERAGE_ALERTS: Final = (
    Alert(
        name="DeleverageNeeded",
        severity=Severity.PAGE,
        expr="max(bellkeeper_deleverage_positions_in_need) > 0",
        hold="30s",
        summary="{{ $value }} bankrupt positions can be carried by nobody but traders in profit",
        description=(
            "Insurance fund and backstop cannot take them. The duty deleverage closes them"
            " against others by rank; whoever is closed loses part of a winning position."
        ),
        board=Board.SAFE,
        fires=Story(
            series=one("bellkeeper_deleverage_positions_in_need", "0 3+0x5"), at="3m", value="3"
        ),
        quiet=Story(
            series={
                **one("bellkeeper_deleverage_positions_in_need", "0+0x6"),
                **one("bellkeeper_deleverage_bankrupt_accounts", "0 3+0x5"),
            },
            at="3m",
        ),
    ),
    Alert(
        name="DeleverageBlocked",
        severity=Severity.PAGE,
        expr=(
            "max by (reason) (bellkeeper_deleverage_waiting_positions"
            '{reason=~"backstop_splitting|no_counterparty|step_limit"}) > 0'
        ),
        hold="5m",
        summary="{{ $value }} bankrupt positions cannot be closed: {{ $labels.reason }}",
        description=(
            "For five minutes the plan has left them alone, or not closed them to the end."
            " Their loss grows with the price, and nobody carries it."
        ),
        board=Board.SAFE,
        fires=Story(
            series=one(
                "bellkeeper_deleverage_waiting_positions", "0 2+0x9", reason="no_counterparty"
            ),
            at="7m",
            labels={"reason": "no_counterparty"},
            value="2",
        ),
        quiet=Story(
            series={
                **one("bellkeeper_deleverage_waiting_positions", "0 2+0x9", reason="carried"),
                **one(
                    "bellkeeper_deleverage_waiting_positions", "0 2 2 0+0x9", reason="step_limit"
                ),
            },
            at="7m",
        ),
    ),
)

CORPORATE_ALERTS: Final = (
    Alert(
        name="CorporateActionBlocked",
        severity=Severity.PAGE,
        expr=f"({_CALLS})\nand on (market)\n({_HALTED})",
        hold="2m",
        summary="{{ $labels.market }} is halted and its corporate action waits for a person",
        description=(
            "A split, dividend or settlement stopped half-way or is not believed, and the market"
            " stays halted until somebody decides: nobody trades, nobody is liquidated."
        ),
        board=Board.MARKET,
        fires=Story(
            series={
                **one("bellkeeper_corporate_needs_operator", "0 1+0x5", market="NVDA"),
                **one("bellkeeper_market_status", "0 1+0x5", market="NVDA", status="halted"),
            },
            at="4m",
            labels=_NVDA,
        ),
        quiet=Story(
            series={
                **one("bellkeeper_corporate_needs_operator", "0 1+0x5", market="NVDA"),
                **one("bellkeeper_market_status", "0+0x6", market="NVDA", status="halted"),
                **one("bellkeeper_corporate_needs_operator", "0+0x6", market="SPY"),
                **one("bellkeeper_market_status", "1+0x6", market="SPY", status="halted"),
            },
            at="4m",
        ),
    ),
    Alert(
        name="CorporateActionDoubted",
        severity=Severity.TICKET,
        expr=_CALLS,
        hold="5m",
        summary="A corporate action of {{ $labels.market }} asks for an operator",
        description=(
            "Sources disagree about it, or one alone tells of it. Unless somebody decides, the"
            " market is held at the ex-date rather than adjusted by a guess."
        ),
        board=Board.MARKET,
        fires=Story(
            series=one("bellkeeper_corporate_needs_operator", "0 1+0x9", market="NVDA"),
            at="7m",
            labels=_NVDA,
        ),
        quiet=Story(
            series=one("bellkeeper_corporate_needs_operator", "0 1 1 0+0x9", market="NVDA"),
            at="7m",
        ),
    ),
    Alert(
        name="CorporateSumsDiffer",
        severity=Severity.PAGE,
        expr="sum by (market) (increase(bellkeeper_corporate_differences_total[1h])) > 0",
        hold="0s",
        summary="A corporate action of {{ $labels.market }} changed what it may not",
        description=(
            "Open interest, collateral or a sum of profits after it is not what the terms give"
            " from what was before. Accounts may hold too much or too little."
        ),
        board=Board.MARKET,
        fires=Story(
            series=one("bellkeeper_corporate_differences_total", "0 0 1 1 1", market="NVDA"),
            at="3m",
            labels=_NVDA,
        ),
        quiet=Story(
            series=one("bellkeeper_corporate_differences_total", "1+0x5", market="NVDA"), at="3m"
        ),
    ),
    Alert(
        name="CorporateFilesUnreadable",
        severity=Severity.TICKET,
        expr="bellkeeper_corporate_unreadable_files > 0",
        hold="5m",
        summary="{{ $labels.instance }} cannot read its corporate actions",
        description=(
            "The folder of actions or the file of orders is not readable as it stands now. The"
            " last state that was read holds; what was added since is not known."
        ),
        board=Board.KEEPER,
        fires=Story(
            series=one("bellkeeper_corporate_unreadable_files", "0 1+0x9"),
            at="7m",
            labels={"instance": INSTANCE, "job": JOB},
        ),
        quiet=Story(series=one("bellkeeper_corporate_unreadable_files", "0 1 1 0+0x9"), at="7m"),
    ),
)
