"""What the panel holds of each market and of each group, and how it is told to people."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from monitors.breakers.by_hand import Ownership
from monitors.breakers.terms import Actions, Proof, WatchTerms
from risk.band_state import BandDecision, BandState
from risk.integrity import UNDOUBTED, IntegrityDecision, IntegrityState
from risk.integrity_facts import MarketFacts
from risk.market import Market
from risk.market_wide import MarketWideDecision, MarketWideState
from risk.precedence import SILENCE, Machine, Standing, Wanted, Wish, withdrawals_wish
from risk.units import MarketStatus, Seconds

Occasion: TypeAlias = tuple[Seconds, int, int, int]
"""Why a step is made: time, revision of the orders, turns of the groups, revision of the proof."""


@dataclass(slots=True)
class MarketPanel:
    """One market's machines."""

    terms: WatchTerms
    band: BandState | None = None
    integrity: IntegrityState = UNDOUBTED
    standing: Standing = SILENCE
    ownership: Ownership = Ownership()
    """Whose the status on chain is."""
    heard: int = 0
    """Sequence of the last order that was spoken into the wishes."""
    facts: MarketFacts | None = None
    """As measured in the last step."""
    wanted: Wanted | None = None
    decision: BandDecision | None = None
    doubt: IntegrityDecision | None = None
    stepped_on: tuple[Occasion, Market] | None = None
    """Why, and the state of the market, in the last step."""


@dataclass(slots=True)
class Group:
    """One group of the market-wide breaker."""

    state: MarketWideState = field(default_factory=MarketWideState)
    decision: MarketWideDecision | None = None
    stepped_on: tuple[Seconds, Market | None] | None = None
    """Time and state of its index market in the last step."""


@dataclass(slots=True)
class Exchange:
    """What is judged once for all markets."""

    groups: dict[str, Group]
    integrity: IntegrityState = UNDOUBTED
    doubt: IntegrityDecision | None = None
    heard: int = 0
    """Sequence of the last order for all markets that released causes."""


NOT_GATED: Final = Wish(status=MarketStatus.OPEN, why="withdrawals are not watched here")


NO_ACTION: Final = Wish(status=MarketStatus.OPEN, why="no corporate action restricts the market")


def gate_wishes(proof: Proof | None) -> Mapping[Machine, Wish]:
    """Give the withdrawal gate's wish; before its first block it is silent, and its last one stands."""
    if proof is None:
        # What an earlier life was told must not close again what the owner has opened since.
        return {Machine.WITHDRAWALS: NOT_GATED}
    return {} if proof.gate is None else {Machine.WITHDRAWALS: withdrawals_wish(proof.gate)}


def action_wishes(
    actions: Actions | None, symbol: str, *, is_resumed: bool
) -> Mapping[Machine, Wish]:
    """Give the wish of corporate actions; what an operator resumed is let go, unless it is still wanted."""
    wishes: dict[Machine, Wish] = {}
    if is_resumed:
        wishes[Machine.CORPORATE] = NO_ACTION
        if actions is not None:
            actions.resume(symbol)
    wish = None if actions is None else actions.wish(symbol)
    return wishes if wish is None else {Machine.CORPORATE: wish}


def explained(panel: MarketPanel, groups: Mapping[str, Group]) -> Mapping[str, object]:
    """Tell a market's machines."""
    if panel.wanted is None:
        return {"why": "no step was made yet"}
    wanted, decision = panel.wanted, panel.decision
    followed = {name: groups[name].decision for name in panel.terms.groups}
    causes = () if panel.doubt is None else panel.doubt.causes
    return {
        "wanted_status": wanted.status.name.lower(),
        "wanted_band_e8": None if wanted.band is None else [wanted.band.low, wanted.band.high],
        "closes_withdrawals": wanted.closes_withdrawals,
        "closes_withdrawals_why": wanted.closes_why or None,
        "by": None if wanted.by is None else wanted.by.value,
        "why": wanted.why,
        "band_stage": None if decision is None else decision.stage.value,
        "wishes": {
            machine.value: {"status": wish.status.name.lower(), "why": wish.why}
            for machine, wish in panel.standing.wishes.items()
        },
        "causes": [
            {"cause": each.cause.value, "action": each.action.name.lower(), "why": each.why}
            for each in causes
        ],
        "groups": {name: None if each is None else each.why for name, each in followed.items()},
    }
