"""By which rules each market is watched, and what the breakers ask of those who see."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from monitors.prices.explanation import PlayedRound
from risk.band_rules import UNLEVERAGED, LuldTier, Rulebook
from risk.emergency_watch import PlanFacts
from risk.fact_windows import FactWindow
from risk.integrity_rules import Action, Cause, IntegrityRules
from risk.market import Market
from risk.market_wide_rules import MarketWideRules
from risk.order_book import OrderBook
from risk.precedence import Machine, Wish
from risk.sessions import SessionTimeline
from risk.units import MarketId, Ppm, Seconds
from risk.withdrawal_gate import GateDecision

EXCHANGE: Final = ""
"""Stands for the whole exchange where a market's symbol is asked for."""
NO_CAUSES: Final[frozenset[Cause]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchTerms:
    """How one market is watched."""

    rulebook: Rulebook
    timeline: SessionTimeline | None
    """None without a calendar."""
    tier: LuldTier = LuldTier.TWO
    leverage: Ppm = UNLEVERAGED
    groups: tuple[str, ...] = ()
    """Groups of the market-wide breaker that it follows."""
    band_tolerance: Ppm = Ppm(0)
    """How far a band on the venue may be off the wanted one, in ppm of the mark, and is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerRules:
    """The rules that hold for all markets."""

    groups: Mapping[str, MarketWideRules]
    integrity: IntegrityRules
    windows: Mapping[Cause, FactWindow] = field(default_factory=dict)


class VenueView(Protocol):
    """The venue as the feed tells it."""

    @property
    def distrust(self) -> str | None:
        """Why nothing of it may be acted on, or None."""

    @property
    def now(self) -> Seconds:
        """The venue's clock."""

    @property
    def applied_block(self) -> int:
        """The newest block of which anything was applied."""

    @property
    def markets(self) -> Mapping[MarketId, Market]:
        """The markets as the venue holds them now."""


class Rounds(Protocol):
    """Who plays the rounds of prices."""

    def play_rounds(self) -> None:
        """Play every market's round, unless it was played in this second."""

    def last_round(self, symbol: str) -> PlayedRound | None:
        """Give a market's last round, None for one that is not priced here or was never played."""


class Ladders(Protocol):
    """Who follows the venue's order books."""

    def book(self, symbol: str) -> OrderBook | None:
        """Give a market's book now; None for one that is unknown or stale. KeyError for a stranger."""


class SlowFacts(Protocol):
    """What is read from the chain from time to time; None where it was never read, or not lately."""

    @property
    def roles_changed(self) -> int | None:
        """How many role holders differ from those that were approved."""

    @property
    def solvency_gap(self) -> int | None:
        """What the vault lacks to pay everybody, in quote atoms."""

    @property
    def head_age(self) -> Seconds | None:
        """Time since a block was last seen, on our own clock."""

    def limits_changed(self, market: MarketId) -> int | None:
        """How many of the owner's limits differ from those that were approved."""

    def largest_share(self, market: MarketId) -> Ppm | None:
        """Part of the open interest that the largest account holds."""

    def backlog_blocks(self, market: MarketId) -> int | None:
        """For how many blocks a keeper has been waited for to liquidate somebody."""

    def insurance_fund(self) -> int | None:
        """The insurance fund in quote atoms."""


class Proof(Protocol):
    """The proof of solvency, and the withdrawal gate that follows it."""

    @property
    def revision(self) -> int:
        """Another number whenever something else may be asked for."""

    @property
    def asked_everywhere(self) -> Action | None:
        """What money and authority ask of all markets; None: nobody can say."""

    def asked_of(self, symbol: str) -> Action | None:
        """What is asked of one market; None: nobody can say."""

    @property
    def gate(self) -> GateDecision | None:
        """What the withdrawal gate decided last; None before its first block."""


class Actions(Protocol):
    """Who follows corporate actions, and splits that nobody announced."""

    def wish(self, symbol: str) -> Wish | None:
        """Give what they want of a market; None: nobody here can say, and the last wish stands."""

    def resume(self, symbol: str) -> None:
        """Let a suspicion go: an operator resumed the market."""


Halted = Callable[[str, Seconds], bool | None]
"""Says whether a market's underlying is halted at a time; None where nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Senses:
    """Everything that facts are made of; None for what this process does not have."""

    venue: VenueView
    slow: SlowFacts
    rounds: Rounds | None = None
    books: Ladders | None = None
    book_symbols: Sequence[str] = ()
    proof: Proof | None = None
    actions: Actions | None = None
    halted: Halted = lambda _symbol, _now: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What operators and plans say of one market now."""

    wishes: Mapping[Machine, Wish] = field(default_factory=dict)
    """Of those who speak; a machine that is left out keeps its last wish."""
    released: frozenset[Cause] = NO_CAUSES
    """Causes that an operator lets go, once."""
    is_resumed: bool = False
    """Whether an operator resumed the market just now, and with it what was halted by hand."""
    sequence: int = 0
    """Of the last order heard: what to ask after from now on."""


class Orders(Protocol):
    """What operators ordered, and the emergency plans."""

    @property
    def revision(self) -> int:
        """Another number whenever something else may have been ordered."""

    def observe(self, facts: PlanFacts, now: Seconds) -> None:
        """Step the plans; before any market is heard in that second."""

    def heard(self, symbol: str, now: Seconds, *, after: int) -> Heard:
        """Give what is said of a market, or of the EXCHANGE; orders only with a later sequence."""


class NoOrders:
    """`Orders` of nobody."""

    revision = 0

    def observe(self, facts: PlanFacts, now: Seconds) -> None:
        """Look at nothing."""

    def heard(self, symbol: str, now: Seconds, *, after: int) -> Heard:  # noqa: ARG002
        """Say nothing."""
        return Heard(sequence=after)


def watchable(
    rules: IntegrityRules,
    *,
    has_rounds: bool,
    has_books: bool,
    has_halts: bool,
    has_proof: bool = False,
) -> tuple[IntegrityRules, frozenset[Cause]]:
    """Leave out the causes that this process cannot see at all; name them.

    What is never seen is not unknown for a while: it would hold every market back for good.
    """
    needs = {
        Cause.BELOW_QUORUM: has_rounds,
        Cause.SOURCES_DIVERGE: has_rounds,
        Cause.BOOK_EMPTIED: has_books,
        Cause.UNDERLYING_HALTED: has_halts,
        Cause.PROOF_BROKEN: has_proof,
        Cause.RISK_UNPROVEN: has_proof,
    }
    blind = frozenset(cause for cause, is_seen in needs.items() if not is_seen)
    kept = {cause: rule for cause, rule in rules.causes.items() if cause not in blind}
    return replace(rules, causes=kept), blind & rules.causes.keys()
