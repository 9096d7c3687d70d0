"""Alerts on prices: enough sources, agreeing sources, one opinion on the session, room in the bound."""

from typing import Final

from deploy.monitoring.alert import INSTANCE, JOB, Alert, Board, Severity, Story, one
from deploy.monitoring.objectives import (
    BOUND_USED_RATIO,
    HALTS_AGE_SECONDS,
    SOURCE_DEVIATION_RATIO,
)

_NVDA: Final = {"market": "NVDA"}
_HERMES: Final = {"market": "NVDA", "source": "hermes"}
_REGULAR: Final = 'max by (market) (bellkeeper_price_session{session="regular"}) == 1'
_IS_REGULAR: Final = one("bellkeeper_price_session", "1+0x30", market="NVDA", session="regular")
_IS_WEEKEND: Final = {
    **one("bellkeeper_price_session", "0+0x30", market="NVDA", session="regular"),
    **one("bellkeeper_price_session", "1+0x30", market="NVDA", session="weekend"),
}

PRICE_ALERTS: Final = (
    Alert(
        name="PriceQuorumLost",
        severity=Severity.PAGE,
        expr="max by (market) (bellkeeper_price_rung) >= 2",
        hold="30s",
        summary="{{ $labels.market }} has too few price sources that agree",
        description=(
            "Rung {{ $value }}: 2 wants the market reduce-only, at 3 no price is published at"
            " all. The breaker restricts it by rule; it comes back when enough sources are back."
        ),
        board=Board.MARKET,
        fires=Story(
            series=one("bellkeeper_price_rung", "0 2+0x5", market="NVDA"),
            at="3m",
            labels=_NVDA,
            value="2",
        ),
        quiet=Story(series=one("bellkeeper_price_rung", "0 1+0x5", market="NVDA"), at="3m"),
    ),
    Alert(
        name="PriceSourceLost",
        severity=Severity.TICKET,
        expr=f"max by (market, source) (bellkeeper_price_source_valid) == 0\nand on (market) ({_REGULAR})",
        hold="10m",
        summary="{{ $labels.source }} gives no usable price of {{ $labels.market }}",
        description=(
            "For ten minutes of the regular session every round has left it out."
            " `bellkeeper_price_source_rejections_total` and `_faults_total` have the reasons; the next"
            " source that goes may cost the quorum."
        ),
        board=Board.MARKET,
        fires=Story(
            series={
                **one("bellkeeper_price_source_valid", "1 0+0x20", **_HERMES),
                **_IS_REGULAR,
            },
            at="12m",
            labels=_HERMES,
        ),
        quiet=Story(
            series={
                **one("bellkeeper_price_source_valid", "1 0+0x20", **_HERMES),
                **_IS_WEEKEND,
                **one("bellkeeper_price_source_valid", "1+0x20", source="hermes", market="WTI"),
                **one("bellkeeper_price_session", "1+0x20", market="WTI", session="regular"),
                # Nobody asks this source for the price of this market.
                **one("bellkeeper_price_source_valid", "-1+0x20", source="feed-x", market="WTI"),
            },
            at="12m",
        ),
    ),
    Alert(
        name="PriceSourcesDiverge",
        severity=Severity.TICKET,
        expr=(
            "max by (market, source) (abs(bellkeeper_price_source_deviation_ratio))"
            f" > {SOURCE_DEVIATION_RATIO}\nand on (market) ({_REGULAR})"
        ),
        hold="2m",
        summary="{{ $labels.source }} is far from the others on {{ $labels.market }}",
        description=(
            "{{ $value | humanizePercentage }} from the combined price in the regular session. One"
            " of them is wrong, or a split or a halt is treated differently."
        ),
        board=Board.MARKET,
        fires=Story(
            series={
                **one("bellkeeper_price_source_deviation_ratio", "0 -0.03+0x9", **_HERMES),
                **_IS_REGULAR,
            },
            at="4m",
            labels=_HERMES,
            value="3%",
        ),
        quiet=Story(
            series={
                **one("bellkeeper_price_source_deviation_ratio", "0 -0.03+0x9", **_HERMES),
                **_IS_WEEKEND,
                **one(
                    "bellkeeper_price_source_deviation_ratio",
                    "0 -0.03 0.01+0x9",
                    source="hermes",
                    market="WTI",
                ),
                **one("bellkeeper_price_session", "1+0x20", market="WTI", session="regular"),
            },
            at="4m",
        ),
    ),
    Alert(
        name="SessionDisputed",
        severity=Severity.TICKET,
        expr="max by (market) (bellkeeper_price_session_disputed) == 1",
        hold="5m",
        summary="Calendar and sources disagree about the session of {{ $labels.market }}",
        description=(
            "The stricter of the two holds. If the calendar is wrong, an unknown holiday or early"
            " close is being traded by the wrong rules."
        ),
        board=Board.WEEKEND,
        fires=Story(
            series=one("bellkeeper_price_session_disputed", "0 1+0x9", market="NVDA"),
            at="7m",
            labels=_NVDA,
        ),
        quiet=Story(
            series=one("bellkeeper_price_session_disputed", "0 1 1 0+0x9", market="NVDA"), at="7m"
        ),
    ),
    Alert(
        name="DiscoveryBoundUsed",
        severity=Severity.TICKET,
        expr=f"max by (market) (bellkeeper_price_bound_used_ratio) > {BOUND_USED_RATIO}",
        hold="5m",
        summary="{{ $labels.market }} has used up its discovery bound",
        description=(
            "{{ $value | humanizePercentage }} of the way that the mark may go without an outside"
            " price. After its last reset it stops there, whatever the book says."
        ),
        board=Board.WEEKEND,
        fires=Story(
            series=one("bellkeeper_price_bound_used_ratio", "0.5 0.95+0x9", market="NVDA"),
            at="7m",
            labels=_NVDA,
            value="95%",
        ),
        quiet=Story(
            series=one("bellkeeper_price_bound_used_ratio", "0.5 0.9+0x9", market="NVDA"), at="7m"
        ),
    ),
    Alert(
        name="BookLost",
        severity=Severity.TICKET,
        expr="max by (market) (bellkeeper_book_followed) == 0",
        hold="5m",
        summary="Nobody follows the order book of {{ $labels.market }}",
        description=(
            "Off hours the book is what moves the mark, and what the controller of incentives"
            " measures. Without it the mark stays where it is and rebates do not rise."
        ),
        board=Board.WEEKEND,
        fires=Story(
            series=one("bellkeeper_book_followed", "1 0+0x9", market="NVDA"), at="7m", labels=_NVDA
        ),
        quiet=Story(series=one("bellkeeper_book_followed", "1 0 0 1+0x9", market="NVDA"), at="7m"),
    ),
    Alert(
        name="HaltsUnread",
        severity=Severity.TICKET,
        expr=(
            f"bellkeeper_price_halts_age_seconds > {HALTS_AGE_SECONDS}\n"
            "or\nbellkeeper_price_halts_age_seconds == -1"
        ),
        hold="5m",
        summary="{{ $labels.instance }} does not read halts of the underlyings",
        description=(
            "Its list is older than ten minutes, or was never read. A stock that is halted now"
            " would be priced and liquidated as if it traded."
        ),
        board=Board.MARKET,
        fires=Story(
            series=one("bellkeeper_price_halts_age_seconds", "900+0x5 -1+0x5"),
            at="7m",
            labels={"instance": INSTANCE, "job": JOB},
        ),
        # 0 for good where the profile reads no halts.
        quiet=Story(series=one("bellkeeper_price_halts_age_seconds", "0+0x9"), at="7m"),
    ),
)
