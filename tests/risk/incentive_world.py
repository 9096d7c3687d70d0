"""Rules, facts and a small exchange for tests of incentives: a test states only what it is about."""

from dataclasses import dataclass, field, replace
from typing import Any, Final

from risk.guard_rails import Limits, Parameter
from risk.incentive_budget import BudgetWeek, OffHours, SettledTrade
from risk.incentive_reserve import Allotment, MarketBudget
from risk.incentive_rules import ControllerRules, MeasuredLiquidity
from risk.incentive_terms import ControllerBounds, LiquidityTarget, ScheduledLevers
from risk.incentive_write import LARGEST_FUNDING_RATE, TunerState, value_on_chain
from risk.incentives import IncentiveFacts
from risk.market import Market
from risk.units import (
    PPM_SCALE,
    MarketId,
    PpbPerHour,
    Ppm,
    PriceE8,
    QuoteAtoms,
    Seconds,
    SizeE8,
    div_ceil,
)
from tests.builders import usd

WEEKDAY: Final = ScheduledLevers(
    initial_margin=Ppm(50_000),
    funding_multiplier=Ppm(1_000_000),
    skew_slope=PpbPerHour(0),
    maker_fee=Ppm(-50),
    taker_fee=Ppm(500),
    open_interest_cap=usd(50_000_000),
)
WEEKEND: Final = replace(
    WEEKDAY, initial_margin=Ppm(100_000), maker_fee=Ppm(-100), open_interest_cap=usd(20_000_000)
)
TARGET: Final = LiquidityTarget(depth=usd(100_000), spread=Ppm(200))
RULES: Final = ControllerRules(
    shortage_band=Ppm(100_000),
    surplus_band=Ppm(200_000),
    proportional_gain_ppm=200_000,
    integral_gain_ppm_per_second=500,
    decay_ppm_per_second=1_000,
    longest_gap=Seconds(300),
    maker_fee=ControllerBounds(
        minimum=-150, maximum=0, largest_step=50, cool_down=Seconds(300), hysteresis=10
    ),
    funding_multiplier=ControllerBounds(
        minimum=0,
        maximum=1_000_000,
        largest_step=250_000,
        cool_down=Seconds(600),
        hysteresis=50_000,
    ),
)
PLENTY: Final = Allotment(largest_rebate=Ppm(400), paced_rebate=Ppm(400), why="plenty is left")


def liquidity(depth: int = usd(100_000), spread: int = 200, **facts: Any) -> MeasuredLiquidity:
    """Measure a book that is as deep on both sides."""
    return MeasuredLiquidity(
        **({"bid_depth": depth, "ask_depth": depth, "spread": Ppm(spread)} | facts)
    )


def facts(measured: Any = None, **others: Any) -> IncentiveFacts:
    """Give facts of a weekend with plenty of money, exactly at the target."""
    usual: dict[str, Any] = {
        "scheduled": WEEKEND,
        "weekday": WEEKDAY,
        "liquidity": liquidity() if measured is None else measured,
        "target": TARGET,
        "allotment": PLENTY,
        "lowest_maker_fee": Ppm(-400),
        "maker_fee": WEEKEND.maker_fee,
        "may_boost": True,
    }
    return IncentiveFacts(**(usual | others))


def week(*stretches: tuple[int, int], length: int = 1_000) -> BudgetWeek:
    """Give a week from second 0; all of it off hours unless stretches are given."""
    off = stretches or ((0, length),)
    return BudgetWeek(
        start=Seconds(0),
        end=Seconds(length),
        off_hours=tuple(OffHours(start=Seconds(a), end=Seconds(b)) for a, b in off),
    )


def trade(
    number: int, exposure: int, fee: int, *, time: int = 0, market: int = 0, log_index: int = 0
) -> SettledTrade:
    """Settle a trade of a notional in atoms, charged a maker fee of so many ppm as on chain."""
    return SettledTrade(
        block=number,
        log_index=log_index,
        time=Seconds(time),
        market=MarketId(market),
        size=SizeE8(exposure * 10**2),
        price=PriceE8(10**8),
        maker_fee=QuoteAtoms(div_ceil(exposure * fee, PPM_SCALE)),
    )


def budget(weekly: int = usd(100), **others: Any) -> MarketBudget:
    """Give a market's budget."""
    usual: dict[str, Any] = {
        "weekday_rebate": Ppm(50),
        "largest_rebate": Ppm(400),
        "largest_notional_per_second": usd(10_000),
        "largest_trades_per_second": 5,
        "reaction": Seconds(30),
    }
    return MarketBudget(weekly=QuoteAtoms(weekly), **(usual | others))


class RefusedError(Exception):
    """What the exchange reverts with."""


@dataclass
class Tuner:
    """The exchange's `set_parameter`, check by check as in tuning.vy."""

    market: Market
    limits: dict[Parameter, Limits]
    last: dict[Parameter, Seconds] = field(default_factory=dict)

    def state(self, *, is_in_flight: bool = False) -> TunerState:
        """Give what the planner may know."""
        return TunerState(
            limits=self.limits, last_written=dict(self.last), is_in_flight=is_in_flight
        )

    def set_parameter(self, parameter: Parameter, value: int, now: Seconds) -> None:
        """Write a parameter, or raise with the contract's own reason."""
        limits = self.limits.get(parameter)
        if limits is None or limits.maximum < limits.minimum:
            raise RefusedError("no limits")
        if not limits.minimum <= value <= limits.maximum:
            raise RefusedError("outside limits")
        if abs(value - value_on_chain(self.market, parameter)) > limits.largest_step:
            raise RefusedError("step too large")
        if now < self.last.get(parameter, 0) + limits.cool_down:
            raise RefusedError("cooling down")
        self.market = self._written(parameter, value, now)
        self.last[parameter] = now

    def _written(self, parameter: Parameter, value: int, now: Seconds) -> Market:
        market = self.market
        if parameter is Parameter.INITIAL_MARGIN:
            if not market.tiers[0].rate <= value <= PPM_SCALE:
                raise RefusedError("below maintenance margin")
            return replace(market, initial_margin=Ppm(value))
        if parameter is Parameter.FUNDING_RATE:
            if abs(value) > LARGEST_FUNDING_RATE:
                raise RefusedError("outside limits")
            return replace(market, funding_rate=PpbPerHour(value), funding_time=now)
        if parameter is Parameter.OPEN_INTEREST_CAP:
            if value < 0:
                raise RefusedError("outside limits")
            return replace(market, open_interest_cap=QuoteAtoms(value))
        if parameter is Parameter.TAKER_FEE:
            changed = replace(market, taker_fee=Ppm(value))
        else:
            changed = replace(market, maker_fee=Ppm(value))
        if changed.taker_fee + changed.maker_fee < 0:
            raise RefusedError("fees below zero")
        if max(abs(changed.taker_fee), abs(changed.maker_fee)) > PPM_SCALE:
            raise RefusedError("outside limits")
        return changed
