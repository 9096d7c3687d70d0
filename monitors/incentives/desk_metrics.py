"""What the incentive desk exports: levers on chain and wanted, shortage, effort, money.

Ratios and whole USD. What is not known is NaN, never 0, and a comparison with NaN is false: an alert
on little liquidity must ask for `bellkeeper_incentive_is_unknown` too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Final

from prometheus_client import CollectorRegistry, Gauge

from monitors.incentives.market_state import MarketState
from monitors.incentives.terms import TUNED
from risk.base_funding import PPB_SCALE
from risk.guard_rails import Parameter
from risk.incentive_budget import Spending
from risk.incentive_reserve import Allotment
from risk.incentive_rules import UnknownLiquidity
from risk.incentive_write import value_on_chain
from risk.market import Market
from risk.units import ATOMS_PER_USD, PPM_SCALE, QuoteAtoms
from runtime.metrics import gauge

SCALES: Final[Mapping[Parameter, int]] = {
    Parameter.INITIAL_MARGIN: PPM_SCALE,
    Parameter.FUNDING_RATE: PPB_SCALE,
    Parameter.TAKER_FEE: PPM_SCALE,
    Parameter.MAKER_FEE: PPM_SCALE,
    Parameter.OPEN_INTEREST_CAP: ATOMS_PER_USD,
}
_UNIT: Final = "a ratio, for funding an hour, for the cap USD."


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskMetrics:
    """Collectors of the desk."""

    on_chain: Gauge
    wanted: Gauge
    shortage: Gauge
    effort: Gauge
    is_unknown: Gauge
    paced_rebate: Gauge
    spent: Gauge
    left: Gauge
    total_spent: Gauge
    total_left: Gauge

    @classmethod
    def create(cls, registry: CollectorRegistry, *, symbols: Sequence[str]) -> "DeskMetrics":
        """Create the collectors, with all of their series, on a registry."""
        by_market = {"market": symbols}
        by_lever = {"market": symbols, "parameter": [each.name.lower() for each in TUNED]}

        def of_market(name: str, text: str) -> Gauge:
            return gauge(registry, f"bellkeeper_incentive_{name}", text, by_market)

        return cls(
            on_chain=gauge(
                registry,
                "bellkeeper_incentive_lever_on_chain",
                f"The tuner's parameter on chain: {_UNIT}",
                by_lever,
            ),
            wanted=gauge(
                registry,
                "bellkeeper_incentive_lever_wanted",
                f"Where it ought to be: {_UNIT}",
                by_lever,
            ),
            shortage=of_market(
                "shortage_ratio", "The worst of what lacks of depth and spread, of its target."
            ),
            effort=of_market(
                "effort_ratio", "The controller's effort: 1 is the largest rebate, 2 is all."
            ),
            is_unknown=of_market(
                "is_unknown", "1 while nobody can measure the market's liquidity."
            ),
            paced_rebate=of_market(
                "paced_rebate_ratio", "The largest rebate that lasts until the week's end."
            ),
            spent=of_market("spent_usd", "What the week's incentives have cost in the market."),
            left=of_market("left_usd", "What is left of the market's budget of the week."),
            total_spent=gauge(
                registry,
                "bellkeeper_incentive_total_spent_usd",
                "What the week's incentives have cost in all markets.",
            ),
            total_left=gauge(
                registry,
                "bellkeeper_incentive_total_left_usd",
                "What is left of the week's budget of all markets.",
            ),
        )

    def show_budget(self, total: QuoteAtoms, counted: Spending | None) -> None:
        """Set what is spent of all markets' budget."""
        self.total_spent.set(nan if counted is None else counted.total / ATOMS_PER_USD)
        self.total_left.set(nan if counted is None else (total - counted.total) / ATOMS_PER_USD)

    def show(
        self,
        market: Market,
        state: MarketState,
        allotment: Allotment | None,
        counted: Spending | None,
    ) -> None:
        """Set a market's gauges."""
        symbol, judged = market.symbol, state.judged
        for parameter in TUNED:
            name, scale = parameter.name.lower(), SCALES[parameter]
            wanted = None if judged is None else judged.wanted.get(parameter)
            self.on_chain.labels(symbol, name).set(value_on_chain(market, parameter) / scale)
            self.wanted.labels(symbol, name).set(nan if wanted is None else wanted / scale)
        lacking = None if judged is None else judged.decision.shortage
        effort = 0 if state.controller is None else state.controller.effort
        paced = nan if allotment is None else allotment.paced_rebate / PPM_SCALE
        is_unknown = judged is None or isinstance(judged.liquidity, UnknownLiquidity)
        self.shortage.labels(symbol).set(nan if lacking is None else lacking / PPM_SCALE)
        self.effort.labels(symbol).set(effort / PPM_SCALE / PPM_SCALE)
        self.is_unknown.labels(symbol).set(is_unknown)
        self.paced_rebate.labels(symbol).set(paced)
        spent = None if counted is None else counted.of(market.id)
        left = None if spent is None else state.terms.budget.weekly - spent
        self.spent.labels(symbol).set(nan if spent is None else spent / ATOMS_PER_USD)
        self.left.labels(symbol).set(nan if left is None else left / ATOMS_PER_USD)
