"""A write as an intent: what is changed, what caused it, how far it may go, and how it is undone."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

from monitors.incentives.market_state import Judgement
from risk.guard_rails import Parameter
from risk.incentive_rules import UnknownLiquidity
from risk.incentive_write import ParameterChange, change_words
from risk.units import MarketId, Seconds
from runtime.journal import Intent

KIND: Final = "incentive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One write."""

    market: MarketId
    symbol: str
    change: ParameterChange
    judged: Judgement

    @property
    def parameter(self) -> Parameter:
        """What is written."""
        return self.change.parameter

    @property
    def sentence(self) -> str:
        """Say in one sentence what changes, why, within which bound, and how to undo it."""
        rail = self.judged.limits[self.parameter]
        return (
            f"{change_words(self.change)}, because {self.judged.why(self.parameter)}; the owner"
            f" allows {rail.minimum} to {rail.maximum}, at most {rail.largest_step} every"
            f" {rail.cool_down} s; writing {self.change.before} again undoes it"
        )


def intent_of(deed: Deed, *, epoch: int, block: int, now: Seconds, expires_at: Seconds) -> Intent:
    """Make the intent; its key is what it was judged on."""
    change, judged = deed.change, deed.judged
    name = change.parameter.name.lower()
    return Intent(
        kind=KIND,
        market=deed.symbol,
        account="",
        judged_on=f"{name}-{change.value}-{now}-{block}",
        expires_at=expires_at,
        payload={
            "parameter": name,
            "value": change.value,
            "wanted": change.wanted,
            "inverse": change.before,
            "why": deed.sentence,
            "epoch": epoch,
            "block": block,
            "mark_e8": judged.market.mark,
            "session": judged.session.value,
            "measured": _measured(judged),
            "shortage_ppm": judged.decision.shortage,
            "budget": judged.allotment.why,
            "simulated": None if judged.simulated is None else _simulated(judged),
        },
    )


def parameter_of(name: str) -> Parameter:
    """Read a parameter's name as an intent has it; raises KeyError for another."""
    return Parameter[name.upper()]


def _measured(judged: Judgement) -> Mapping[str, object]:
    liquidity = judged.liquidity
    if isinstance(liquidity, UnknownLiquidity):
        return {"unknown": liquidity.reason, "premium_ppb": judged.premium}
    return {
        "bid_depth_atoms": liquidity.bid_depth,
        "ask_depth_atoms": liquidity.ask_depth,
        "spread_ppm": liquidity.spread,
        "skew_ppm": judged.skew,
        "premium_ppb": judged.premium,
    }


def _simulated(judged: Judgement) -> Mapping[str, object]:
    assert judged.simulated is not None, "asked only where there is one"
    found = asdict(judged.simulated)
    # Accounts are addresses of people: counts say enough.
    del found["examples"]
    return found
