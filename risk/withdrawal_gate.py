"""When nothing should leave the exchange: a gate as on dYdX, decided purely, with a rule of return.

dYdX gates withdrawals for 50 blocks after an account with negative equity was seen, and after the
chain stood still for 5 minutes. To these we add how much leaves in a window, how much at once, and
how much after a role changed. The gate decides only: on our exchange the guardian closes
withdrawals, and by the contract nobody but the owner opens them again. What the gate gives back is
the moment from which the owner may, as far as it can tell.
Times on the venue's clock, money in quote atoms.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from risk.solvency_finding import dollars
from risk.units import PPM_SCALE, Ppm, QuoteAtoms, Seconds, div_ceil

WHO_OPENS: Final = (
    "the guardian closes withdrawals; only the owner opens them again (open_withdrawals)"
)


class GateCause(StrEnum):
    """Why nothing should leave; a closed set, because it becomes a label."""

    NEGATIVE_EQUITY = "negative_equity"
    CHAIN_OUTAGE = "chain_outage"
    VAULT_GAP = "vault_gap"
    RATE = "rate"
    SIZE = "size"
    AFTER_ROLE_CHANGE = "after_role_change"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRules:
    """When the gate closes and for how long. Shares are of what the vault held before the window."""

    hold_blocks: int = 50
    hold_seconds: Seconds = Seconds(60)
    """Both must have passed since the last cause was seen: on fast chains 50 blocks are a moment."""
    outage: Seconds = Seconds(300)
    window: Seconds = Seconds(3_600)
    most_in_window: Ppm = Ppm(200_000)
    most_at_once: Ppm = Ppm(100_000)
    role_watch: Seconds = Seconds(86_400)
    """How long after a change of roles withdrawals are watched more closely."""
    most_after_role_change: Ppm = Ppm(20_000)
    causes: frozenset[GateCause] = frozenset(GateCause)
    """Those that close the gate; the others are measured all the same."""

    def __post_init__(self) -> None:
        if self.hold_blocks < 1 or self.hold_seconds < 0 or self.outage < 1 or self.window < 1:
            raise ValueError("expected positive holds, outage and window for the withdrawal gate")


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFacts:
    """What is known at one sealed block; None where a reading failed."""

    block: int
    now: Seconds
    bankrupt_accounts: int | None
    gap: int | None
    """What the vault lacks, in atoms."""
    outage: Seconds
    """For how long no block came before this one."""
    vault: QuoteAtoms | None
    """What the vault holds, with what left it in the window."""
    withdrawn: QuoteAtoms
    """In the window."""
    largest: QuoteAtoms
    """The largest single one in the window."""
    since_role_change: Seconds | None
    """None when no role changed while we watched."""
    withdrawn_since_role_change: QuoteAtoms


@dataclass(frozen=True, slots=True, kw_only=True)
class GateState:
    """What the gate remembers; it is open in the beginning."""

    until_block: int = 0
    until: Seconds = Seconds(0)
    causes: tuple[GateCause, ...] = ()
    """Those of the present closure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateDecision:
    """Whether withdrawals ought to be closed, why, and what must happen before they may be opened."""

    state: GateState
    should_close: bool
    seen_now: tuple[GateCause, ...]
    sentence: str
    return_rule: str


def decide(state: GateState, facts: GateFacts, rules: GateRules) -> GateDecision:
    """Step the gate to one sealed block.

    A cause closes it and starts the hold again. Where something is unknown a closed gate stays
    closed, and an open one open: not knowing is for other alarms to tell.
    """
    reasons = {cause: why for cause, why in _reasons(facts, rules).items() if cause in rules.causes}
    is_closed = bool(state.causes)
    is_unknown = facts.bankrupt_accounts is None or facts.gap is None
    if reasons or (is_closed and is_unknown):
        causes = (*state.causes, *(each for each in reasons if each not in state.causes))
        state = GateState(
            until_block=facts.block + rules.hold_blocks,
            until=Seconds(facts.now + rules.hold_seconds),
            causes=causes,
        )
    elif is_closed and facts.block >= state.until_block and facts.now >= state.until:
        state = GateState()
    if not state.causes:
        return GateDecision(
            state=state,
            should_close=False,
            seen_now=(),
            sentence="nothing speaks against withdrawals",
            return_rule=f"nothing is held; {WHO_OPENS}",
        )
    why = "; ".join(reasons.values()) or f"held after {', '.join(state.causes)}"
    if not reasons and is_unknown:
        why += "; whether it is over could not be read"
    return GateDecision(
        state=state,
        should_close=True,
        seen_now=tuple(reasons),
        sentence=f"withdrawals ought to be closed: {why}",
        return_rule=(
            f"the reason ends at block {state.until_block} and not before {state.until} on the"
            f" venue's clock, if none is seen again; {WHO_OPENS}"
        ),
    )


def _reasons(facts: GateFacts, rules: GateRules) -> dict[GateCause, str]:
    found: dict[GateCause, str] = {}
    if facts.bankrupt_accounts:
        found[GateCause.NEGATIVE_EQUITY] = (
            f"{facts.bankrupt_accounts} accounts have negative equity"
        )
    if facts.gap is not None and facts.gap > 0:
        found[GateCause.VAULT_GAP] = f"the vault lacks {dollars(facts.gap)}"
    if facts.outage >= rules.outage:
        found[GateCause.CHAIN_OUTAGE] = f"no block came for {facts.outage} s"
    if facts.vault is None:
        return found
    for cause, amount, most, what in (
        (GateCause.RATE, facts.withdrawn, rules.most_in_window, f"left in {rules.window} s"),
        (GateCause.SIZE, facts.largest, rules.most_at_once, "left at once"),
        (
            GateCause.AFTER_ROLE_CHANGE,
            _after_change(facts, rules),
            rules.most_after_role_change,
            f"left within {rules.role_watch} s of a change of roles",
        ),
    ):
        share = _share(amount, facts.vault)
        if share > most:
            found[cause] = f"{dollars(amount)} {what}, {share} ppm of the vault"
    return found


def _after_change(facts: GateFacts, rules: GateRules) -> QuoteAtoms:
    since = facts.since_role_change
    is_watched = since is not None and since <= rules.role_watch
    return facts.withdrawn_since_role_change if is_watched else QuoteAtoms(0)


def _share(amount: int, whole: int) -> Ppm:
    """Give a share rounded up; of nothing, everything."""
    if amount <= 0:
        return Ppm(0)
    return Ppm(PPM_SCALE if whole <= 0 else div_ceil(amount * PPM_SCALE, whole))
