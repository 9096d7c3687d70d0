"""Alerts on breakers: what was decided and is not so, what was decided for good reason, plans in force."""

from typing import Final

from deploy.monitoring.alert import INSTANCE, Alert, Board, Severity, Story, one

_NVDA: Final = {"market": "NVDA"}
_WANTED: Final = "max by (market) (bellkeeper_breaker_wanted_status)"
_CHAIN: Final = "max by (market) (bellkeeper_breaker_chain_status)"

BREAKER_ALERTS: Final = (
    Alert(
        name="BreakerNotApplied",
        severity=Severity.PAGE,
        expr=f"{_WANTED} > {_CHAIN}",
        hold="30s",
        summary="{{ $labels.market }} trades more freely than it should",
        description=(
            "A breaker wants status {{ $value }} (1 limit, 2 reduce-only, 3 halted) and the chain"
            " has a softer one: the keeper cannot write."
        ),
        board=Board.MARKET,
        fires=Story(
            series={
                **one("bellkeeper_breaker_wanted_status", "0 3+0x5", market="NVDA"),
                **one("bellkeeper_breaker_chain_status", "0+0x6", market="NVDA"),
            },
            at="3m",
            labels=_NVDA,
            value="3",
        ),
        quiet=Story(
            series={
                **one("bellkeeper_breaker_wanted_status", "0 3+0x5", market="NVDA"),
                **one("bellkeeper_breaker_chain_status", "0 0 3+0x5", market="NVDA"),
            },
            at="3m",
        ),
    ),
    Alert(
        name="BreakerNotLifted",
        severity=Severity.TICKET,
        expr=f"{_WANTED} < ({_CHAIN} < 4)",
        hold="15m",
        summary="{{ $labels.market }} stays restricted although no rule asks for it",
        description=(
            "No machine, order or hand wants more than status {{ $value }} (0 open, 1 limit, 2"
            " reduce-only), and the chain is stricter: the write that softens it does not get through."
        ),
        board=Board.MARKET,
        fires=Story(
            series={
                **one("bellkeeper_breaker_wanted_status", "2 0+0x20", market="NVDA"),
                **one("bellkeeper_breaker_chain_status", "2+0x21", market="NVDA"),
            },
            at="17m",
            labels=_NVDA,
            value="0",
        ),
        quiet=Story(
            series={
                **one("bellkeeper_breaker_wanted_status", "2 0+0x20", market="SETTLED"),
                **one("bellkeeper_breaker_chain_status", "4+0x21", market="SETTLED"),
            },
            at="17m",
        ),
    ),
    Alert(
        name="IntegrityBreakerTripped",
        severity=Severity.PAGE,
        expr=(
            "sum by (cause)"
            ' (increase(bellkeeper_breaker_trips_total{machine="integrity"}[10m])) > 0'
        ),
        hold="0s",
        summary="A market was restricted in doubt: {{ $labels.cause }}",
        description=(
            "The keeper doubts what it sees and has made at least one market stricter. It comes"
            " back when the doubt ends, but for the causes that wait for a person's release."
        ),
        board=Board.SAFE,
        fires=Story(
            series=one(
                "bellkeeper_breaker_trips_total",
                "0 0 1 1 1",
                machine="integrity",
                cause="sources_diverge",
            ),
            at="3m",
            labels={"cause": "sources_diverge"},
        ),
        quiet=Story(
            series=one("bellkeeper_breaker_trips_total", "0 0 1 1 1", machine="band", cause="none"),
            at="3m",
        ),
    ),
    Alert(
        name="MarketHalted",
        severity=Severity.TICKET,
        expr='max by (market) (bellkeeper_market_status{status="halted"}) == 1',
        hold="15m",
        summary="{{ $labels.market }} has been halted for a quarter of an hour",
        description=(
            "A pause of the band ends by itself after five minutes, so this is something else: a"
            " market-wide level, a doubt, an order, or a hand."
        ),
        board=Board.MARKET,
        fires=Story(
            series=one("bellkeeper_market_status", "0 1+0x20", market="NVDA", status="halted"),
            at="17m",
            labels=_NVDA,
        ),
        quiet=Story(
            series=one(
                "bellkeeper_market_status", "0 1 1 1 1 1 0+0x20", market="NVDA", status="halted"
            ),
            at="17m",
        ),
    ),
    Alert(
        name="EmergencyPlanRunning",
        severity=Severity.PAGE,
        expr="max by (plan) (bellkeeper_breaker_plan_running) == 1",
        hold="0s",
        summary="Emergency plan {{ $labels.plan }} is in force",
        description=(
            "By its facts or by an operator's order. Its steps go on by themselves; what it hands"
            " to the owner (opening withdrawals) waits for people."
        ),
        board=Board.SAFE,
        fires=Story(
            series=one("bellkeeper_breaker_plan_running", "0 1+0x5", plan="oracle_outage"),
            at="2m",
            labels={"plan": "oracle_outage"},
        ),
        quiet=Story(
            series=one("bellkeeper_breaker_plan_running", "0+0x5", plan="oracle_outage"), at="2m"
        ),
    ),
    Alert(
        name="BreakerWritesFailing",
        severity=Severity.TICKET,
        expr="sum by (instance, what) (increase(bellkeeper_breaker_not_mined_total[15m])) > 3",
        hold="0s",
        summary="The exchange does not take the breaker's {{ $labels.what }} writes",
        description=(
            "More than three in 15 minutes on {{ $labels.instance }}. The limits on chain changed,"
            " or a second instance writes too."
        ),
        board=Board.MARKET,
        fires=Story(
            series=one("bellkeeper_breaker_not_mined_total", "0+1x9", what="band"),
            at="8m",
            labels={"instance": INSTANCE, "what": "band"},
        ),
        quiet=Story(
            series=one("bellkeeper_breaker_not_mined_total", "0 1 2 2+0x9", what="band"), at="8m"
        ),
    ),
)
