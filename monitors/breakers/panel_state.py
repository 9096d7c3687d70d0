"""What the panel holds of each market and of each group, and how it is told to people."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitors.breakers.by_hand import Ownership
from monitors.breakers.terms import WatchTerms
from risk.band_state import BandDecision, BandState
from risk.integrity import UNDOUBTED, IntegrityDecision, IntegrityState
from risk.integrity_facts import MarketFacts
from risk.market import Market
from risk.market_wide import MarketWideDecision, MarketWideState
from risk.precedence import SILENCE, Standing, Wanted
from risk.units import Seconds


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
    stepped_on: tuple[tuple[Seconds, int, int], Market] | None = None
    """Time, revision of the orders, turns of the groups, and state of the market in the last step."""


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
