"""Alerts on liquidations: is anybody waiting who should not, and do our attempts count."""

from typing import Final

from deploy.monitoring.alert import INSTANCE, JOB, Alert, Board, Severity, Story, one
from deploy.monitoring.objectives import NOT_MINED_RATIO
from deploy.monitoring.recording import NOW

_LOST: Final = "expired|not_mined|unknown_market"

LIQUIDATION_ALERTS: Final = (
    Alert(
        name="LiquidationBacklog",
        severity=Severity.PAGE,
        expr=f'{NOW}{{objective="liquidation"}} == 1',
        hold="2m",
        summary="Accounts under margin wait although their markets may liquidate",
        description=(
            "For two minutes somebody has waited longer than the objective allows, for no reason"
            " in the rules. Every further fall of the price may turn the wait into bad debt."
        ),
        board=Board.LIQUIDATIONS,
        fires=Story(
            series={
                **one("bellkeeper_liquidation_oldest_waiting_blocks", "0 900+0x9"),
                **one("bellkeeper_accounts_under_margin", "0 4+0x9"),
                **one("bellkeeper_liquidation_accounts_skipped", "0 3+0x9", reason="market_closed"),
            },
            at="4m",
            labels={"objective": "liquidation"},
        ),
        quiet=Story(
            series={
                **one("bellkeeper_liquidation_oldest_waiting_blocks", "0 900+0x9"),
                **one("bellkeeper_accounts_under_margin", "0 4+0x9"),
                **one("bellkeeper_liquidation_accounts_skipped", "0 3+0x9", reason="market_closed"),
                **one("bellkeeper_liquidation_accounts_skipped", "0 1+0x9", reason="cooling_down"),
            },
            at="4m",
        ),
    ),
    Alert(
        name="AccountsStuck",
        severity=Severity.PAGE,
        expr="bellkeeper_liquidation_accounts_stuck > 0",
        hold="5m",
        summary="{{ $value }} accounts are refused again and again",
        description=(
            "They are under margin, and the exchange refuses their liquidation each time: the"
            " backstop is full, or they must be deleveraged. {{ $labels.instance }} tries on, ever"
            " more rarely."
        ),
        board=Board.LIQUIDATIONS,
        fires=Story(
            series=one("bellkeeper_liquidation_accounts_stuck", "0 2+0x9"),
            at="7m",
            labels={"instance": INSTANCE, "job": JOB},
            value="2",
        ),
        quiet=Story(series=one("bellkeeper_liquidation_accounts_stuck", "2 2 2 0+0x9"), at="7m"),
    ),
    Alert(
        name="LiquidationsNotMined",
        severity=Severity.TICKET,
        expr=(
            f'sum by (instance) (rate(bellkeeper_liquidation_results_total{{result=~"{_LOST}"}}[15m]))\n'
            "/\nsum by (instance) (rate(bellkeeper_liquidation_results_total[15m]))\n"
            f"> {NOT_MINED_RATIO}"
        ),
        hold="5m",
        summary="Liquidations of {{ $labels.instance }} do not reach the chain",
        description=(
            "{{ $value | humanizePercentage }} of the items sent came to nothing: expired, not"
            " mined, or for a market that the exchange does not list. Lost races do not count."
        ),
        board=Board.LIQUIDATIONS,
        fires=Story(
            series={
                **one("bellkeeper_liquidation_results_total", "0+1x20", result="not_mined"),
                **one("bellkeeper_liquidation_results_total", "0+1x20", result="liquidated"),
            },
            at="12m",
            labels={"instance": INSTANCE},
            value="50%",
        ),
        quiet=Story(
            series={
                **one("bellkeeper_liquidation_results_total", "0+9x20", result="not_liquidatable"),
                **one("bellkeeper_liquidation_results_total", "0+1x20", result="expired"),
            },
            at="12m",
        ),
    ),
    Alert(
        name="LiquidationsDoubted",
        severity=Severity.PAGE,
        expr=(
            'max by (market, doubt) (bellkeeper_price_doubt{doubt!="closed"}) == 1\n'
            "unless on (market) (\n"
            '  max by (market) (bellkeeper_market_status{status=~"halted|settled"}) == 1\n)'
        ),
        hold="5m",
        summary="{{ $labels.market }}: nobody is liquidated, its price is {{ $labels.doubt }}",
        description=(
            "The market trades, and for five minutes the keepers have had a reason not to act on"
            " its mark. Losses grow unliquidated until the doubt ends or the market halts."
        ),
        board=Board.MARKET,
        fires=Story(
            series={
                **one("bellkeeper_price_doubt", "0 1+0x9", market="NVDA", doubt="diverged"),
                **one("bellkeeper_market_status", "0+0x9", market="NVDA", status="halted"),
            },
            at="7m",
            labels={"market": "NVDA", "doubt": "diverged"},
        ),
        quiet=Story(
            series={
                **one("bellkeeper_price_doubt", "0 1+0x9", market="NVDA", doubt="diverged"),
                **one("bellkeeper_market_status", "0 1+0x9", market="NVDA", status="halted"),
            },
            at="7m",
        ),
    ),
)
