"""A corporate action's write as an intent: what is written, for which action, why, and how it is undone."""

from dataclasses import dataclass
from typing import Final

from keepers.corporate.outcome import What, what_of
from risk.corporate_state import ActionDecision, ActionState
from risk.corporate_writes import CloseSettled, CoverLosses, Write
from risk.market import Market
from risk.units import MarketId, Seconds
from runtime.journal import SEPARATOR, Intent

KIND: Final = "corporate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One write."""

    market: MarketId
    symbol: str
    action: str
    """The action's key."""
    write: Write
    why: str
    inverse: str

    @property
    def what(self) -> What:
        """The function that is written to."""
        return what_of(self.write)

    @property
    def sentence(self) -> str:
        """Say what is written; accounts are addresses of people, and only counted."""
        if isinstance(self.write, CloseSettled | CoverLosses):
            return f"{self.what} of {len(self.write.accounts)} accounts"
        return str(self.write)


def deed_of(
    market: Market, decision: ActionDecision, write: Write, active: ActionState | None
) -> Deed:
    """Make a deed of what a decision asks for."""
    return Deed(
        market=market.id,
        symbol=market.symbol,
        action="" if active is None else active.key,
        write=write,
        why=decision.why,
        inverse=decision.inverse,
    )


def intent_of(deed: Deed, *, now: Seconds, block: int, expires_at: Seconds) -> Intent:
    """Make the intent; its key is what it was judged on."""
    return Intent(
        kind=KIND,
        market=deed.symbol,
        account="",
        judged_on=f"{deed.what.value}-{now}-{block}",
        expires_at=expires_at,
        payload={
            "what": deed.what.value,
            "action": deed.action,
            "write": deed.sentence,
            "why": deed.why,
            "inverse": deed.inverse,
            "block": block,
        },
    )


def what_in(key: str) -> What:
    """Read what a key is about: `corporate|NVDA||begin_split-…`."""
    return What(key.split(SEPARATOR)[3].partition("-")[0])
