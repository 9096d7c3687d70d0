"""What the machine of a corporate action knows, sees and says: stages, state, facts and decision."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from risk.corporate_agreement import Agreement
from risk.corporate_totals import Totals
from risk.corporate_values import CorporateAction
from risk.corporate_writes import Write
from risk.units import AccountId, MarketStatus, PriceE8, QuoteAtoms, Seconds


class Stage(StrEnum):
    """Where an action stands; a closed set, it becomes a metric label."""

    ANNOUNCED = "announced"
    """Heard of, and not agreed on."""
    CONFIRMED = "confirmed"
    ARMED = "armed"
    """Its day has come; nothing restricts the market yet."""
    HALTED = "halted"
    """Nobody trades and nobody is liquidated; the writes are made here."""
    APPLIED = "applied"
    """The exchange stands on the new basis and waits for the first price that does."""
    FIRST_PRICE = "first_price"
    VERIFIED = "verified"
    """Sums and price are right; some more prices must follow."""
    RESUMED = "resumed"
    CLOSED = "closed"
    """The market has ended: what a settlement comes to instead of trading."""
    UNDOING = "undoing"
    """An operator had a split taken back: the inverse split is being made."""
    ABORTED = "aborted"

    @property
    def is_over(self) -> bool:
        """Say whether nothing more will happen."""
        return self in OVER

    @property
    def is_active(self) -> bool:
        """Say whether the market is taken: no other action may begin on it."""
        return self in ACTIVE

    @property
    def is_halted(self) -> bool:
        """Say whether nobody may trade or be liquidated."""
        return self in HALTED_STAGES


OVER: Final = frozenset({Stage.RESUMED, Stage.CLOSED, Stage.ABORTED})
HALTED_STAGES: Final = frozenset(
    {Stage.HALTED, Stage.APPLIED, Stage.FIRST_PRICE, Stage.VERIFIED, Stage.UNDOING, Stage.CLOSED}
)
ACTIVE: Final = frozenset({*HALTED_STAGES, Stage.ARMED}) - OVER


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What an operator orders of an action: to abort it, or to trade again."""

    by: str
    reason: str
    at: Seconds
    """When it was first heard, on the venue's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsidePrice:
    """What the sources agree on of the underlying, before any guard; and when it was told."""

    price: PriceE8
    at: Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueFacts:
    """What is true of the market at one block."""

    status: MarketStatus
    is_splitting: bool
    mark: PriceE8
    epoch: int
    """The corporate duty's: it grows by one with each write of that duty."""
    followed_symbol: str
    """The symbol that the sources follow for this market."""
    outside: OutsidePrice | None = None
    totals: Totals | None = None
    """Of all positions, at the price that a decision asked for; None: not reckoned yet."""
    open_accounts: tuple[AccountId, ...] = ()
    """Who holds a position here; needed once the market is settled."""
    indebted: tuple[AccountId, ...] = ()
    """Who holds nothing anywhere and owes; needed once the market is settled."""
    insurance_fund: QuoteAtoms = QuoteAtoms(0)
    refusal: str | None = None
    """Why the exchange would refuse the next write, as a simulation said; None: it would not."""
    is_write_in_flight: bool = False
    """Whether a write was sent of which it is not known what became."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionFacts:
    """What is known of one action on a market."""

    agreement: Agreement
    abort: Word | None = None
    resume: Word | None = None
    taken_by: str | None = None
    """Another action that the market is busy with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionState:
    """All that is remembered of an action. It must be durable before a write is sent."""

    key: str
    stage: Stage = Stage.ANNOUNCED
    since: Seconds
    """When the stage began."""
    seen_at: Seconds
    """The latest time ever seen: the machine's time never goes back."""
    action: CorporateAction | None = None
    """The terms agreed on; None while there are none."""
    held_since: Seconds | None = None
    """Since when the market is halted because nobody knew what its price means; it stays so."""
    is_hold_lifted: bool = False
    """Whether an operator had it trade in spite of that."""
    close: PriceE8 | None = None
    """The last outside price before the action's moment."""
    before: Totals | None = None
    """Just before the first write; with it `epoch`."""
    epoch: int | None = None
    """The corporate duty's epoch before the write that is being made."""
    begun_at: Seconds | None = None
    """When the first write was asked for."""
    applied_at: Seconds | None = None
    first_price: OutsidePrice | None = None
    counted: Seconds = Seconds(0)
    """Time of the last price that counted toward the warm-up."""
    good_prices: int = 0

    @property
    def is_held(self) -> bool:
        """Say whether the market is halted on a doubt."""
        return self.held_since is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionDecision:
    """What the market should have now on account of one action, and why in one sentence."""

    stage: Stage
    status: MarketStatus
    """OPEN where nothing is wanted; another breaker may want a stricter one, and the strictest wins."""
    may_liquidate: bool
    write: Write | None
    why: str
    inverse: str
    """What takes the stage back, in words."""
    is_alarm: bool
    value_at: PriceE8 | None = None
    """The price at which `VenueFacts.totals` are wanted; None: they are not. They are reckoned by
    `market_totals`, before a split with its ratio."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What a step of one stage comes to."""

    state: ActionState
    why: str
    write: Write | None = None
    is_alarm: bool = False
    value_at: PriceE8 | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everything that a stage's rule looks at besides its state."""

    facts: ActionFacts
    venue: VenueFacts
    now: Seconds


def begin(key: str, *, now: Seconds) -> ActionState:
    """Give the state of an action that was just heard of."""
    return ActionState(key=key, since=now, seen_at=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketActions:
    """The actions of one market, by key."""

    states: dict[str, ActionState] = field(default_factory=dict)

    @property
    def active(self) -> ActionState | None:
        """Give the one action that the market is busy with, or None."""
        return next((each for each in self.states.values() if each.stage.is_active), None)
