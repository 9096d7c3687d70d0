"""What the live what-if exports: of every scenario in full, of each market's moves what would be lost."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

from risk.stress import StressOutcome
from risk.units import ATOMS_PER_USD, div_floor
from runtime.metrics import counter, gauge

EQUITIES: Final = "equities"
_PERCENT: Final = 10_000
"""Parts per million in a percent."""


def move_name(move: int) -> str:
    """Name a move of whole percents: `down_10_percent`."""
    return f"{'up' if move > 0 else 'down'}_{div_floor(abs(move), _PERCENT)}_percent"


@dataclass(frozen=True, slots=True, kw_only=True)
class StressMetrics:
    """Collectors of the live what-if; a market's series begin with `follow`."""

    accounts: Gauge
    liquidated: Gauge
    bankrupt: Gauge
    bad_debt: Gauge
    insurance_left: Gauge
    backstop_left: Gauge
    uncovered: Gauge
    exhausted: Gauge
    market_liquidated: Gauge
    market_bad_debt: Gauge
    looked: Gauge
    failures: Counter

    @classmethod
    def create(cls, registry: CollectorRegistry, names: Sequence[str]) -> "StressMetrics":
        """Create the collectors; `names` are all scenarios, the moves of all equities among them."""

        def of_scenario(name: str, text: str) -> Gauge:
            return gauge(registry, f"bellkeeper_stress_{name}", text, {"scenario": names})

        def of_market(name: str, text: str) -> Gauge:
            return Gauge(
                f"bellkeeper_stress_market_{name}", text, ("market", "move"), registry=registry
            )

        return cls(
            accounts=of_scenario("accounts", "Accounts that a scenario would put under margin."),
            liquidated=of_scenario(
                "liquidated_usd", "Notional of these accounts, at the scenario's marks."
            ),
            bankrupt=of_scenario(
                "bankrupt_accounts", "Accounts that would owe more than they have."
            ),
            bad_debt=of_scenario("bad_debt_usd", "What bankrupt accounts would owe."),
            insurance_left=of_scenario(
                "insurance_left_usd", "What the insurance fund would have left."
            ),
            backstop_left=of_scenario(
                "backstop_left_usd", "What the backstop could still lose afterwards."
            ),
            uncovered=of_scenario(
                "uncovered_usd", "Bad debt that neither could pay: winners would be deleveraged."
            ),
            exhausted=of_scenario(
                "fund_exhausted",
                "1 where the bad debt would take the whole insurance fund, else 0.",
            ),
            market_liquidated=of_market(
                "liquidated_usd", "Notional under margin if this market alone moved."
            ),
            market_bad_debt=of_market("bad_debt_usd", "Bad debt if this market alone moved."),
            looked=gauge(
                registry,
                "bellkeeper_stress_timestamp_seconds",
                "When the book was shocked last, on the venue's clock; 0 before the first time.",
            ),
            failures=counter(
                registry,
                "bellkeeper_stress_looks_skipped_total",
                "Looks that were not made: the book was distrusted or a market was splitting.",
            ),
        )

    def follow(self, symbol: str, moves: Iterable[int]) -> None:
        """Create a market's series, at zero."""
        for move in moves:
            for each in (self.market_liquidated, self.market_bad_debt):
                each.labels(symbol, move_name(move))

    def show(self, found: StressOutcome) -> None:
        """Set the gauges of a scenario."""
        name, toll = found.name, found.toll
        self.accounts.labels(name).set(toll.liquidatable_accounts)
        self.liquidated.labels(name).set(toll.liquidatable_notional / ATOMS_PER_USD)
        self.bankrupt.labels(name).set(toll.bankrupt_accounts)
        self.bad_debt.labels(name).set(toll.bad_debt / ATOMS_PER_USD)
        self.insurance_left.labels(name).set(found.insurance_left / ATOMS_PER_USD)
        self.backstop_left.labels(name).set(found.backstop_left / ATOMS_PER_USD)
        self.uncovered.labels(name).set(found.uncovered / ATOMS_PER_USD)
        self.exhausted.labels(name).set(found.exhausts_fund)

    def show_market(self, symbol: str, move: int, found: StressOutcome) -> None:
        """Set the gauges of a market's move."""
        at, toll = (symbol, move_name(move)), found.toll
        self.market_liquidated.labels(*at).set(toll.liquidatable_notional / ATOMS_PER_USD)
        self.market_bad_debt.labels(*at).set(toll.bad_debt / ATOMS_PER_USD)
