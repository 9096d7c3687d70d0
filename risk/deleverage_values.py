"""The words of a deleverage plan: what is allowed, what is planned and why, why not the rest.

Values only. Money in atoms, sizes 1e-8 share, unsigned, times on the venue's clock.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from risk.amounts import decimal_text, money_text, size_text
from risk.deleverage_need import Need, NeededClose, Waiting
from risk.deleverage_rank import SCORE_SCALE, RankPolicy
from risk.deleverage_rules import Burden, DeleverageItem, DeleverageVerdict
from risk.margin import Account
from risk.units import AccountId, MarketId, QuoteAtoms, div_floor

CHAIN_BATCH: Final = 64
"""The exchange takes no more items in one call."""

_WHY: Final[Mapping[Burden, str]] = {
    Burden.CARRIED: "",
    Burden.SHORTFALL: "insurance fund and backstop cannot pay the shortfall",
    Burden.BACKSTOP_CAP: "the position passes the backstop's cap",
    Burden.BACKSTOP_MARGIN: "the backstop has no margin for the position",
}


def why_not_carried(burden: Burden) -> str:
    """Say in words why insurance fund and backstop cannot carry a position; nothing if they can."""
    return _WHY[burden]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleverageLimits:
    """What the operator allows in one step; after it, everything is read and judged anew.

    `max_notional`: what one step may close at the mark; only a step's first item is cut to fit it,
    others wait for the next step. `smallest_share`: pro rata, no share is
    worth less than this at the mark. `max_refusals`: so many counterparties that cannot bear their
    part are tried for one account before it waits for the next step.
    """

    max_items: int = CHAIN_BATCH
    max_batches: int = 1
    max_notional: QuoteAtoms = QuoteAtoms(1_000_000_000_000)
    smallest_share: QuoteAtoms = QuoteAtoms(10_000_000)
    max_refusals: int = 64

    def __post_init__(self) -> None:
        if not 1 <= self.max_items <= CHAIN_BATCH:
            raise ValueError(
                f"expected 1 to {CHAIN_BATCH} items a batch, as the exchange takes, "
                f"found {self.max_items}: set max_items within"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleverageWork:
    """What the keeper already does and knows.

    `in_flight`: accounts on either side of an item on its way, or in a liquidation on its way.
    `touched`: counterparties already taken in this round (until no need is left): they come behind
    all others, so that nobody is taken twice without need.
    """

    in_flight: Collection[AccountId] = ()
    batches_in_flight: int = 0
    warming_up: Collection[MarketId] = ()
    touched: Collection[AccountId] = ()
    attempts: Mapping[tuple[AccountId, MarketId], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedDeleverage:
    """One item to send: what it was judged on (`judged_on` names it), and what it would do.

    `account` and `counterparty` are as the items before it leave them. `place` is the
    counterparty's place in the order of its policy, from 0, and `score` its key there.
    """

    judged_on: str
    need: NeededClose
    policy: RankPolicy
    place: int
    score: int
    account: Account
    counterparty: Account
    verdict: DeleverageVerdict

    @property
    def item(self) -> DeleverageItem:
        """Give the item as the exchange takes it."""
        return self.verdict.item

    @property
    def reason(self) -> str:
        """Say in words why this is done, and to whom: no account is named."""
        need = self.need
        order = (
            f"score {decimal_text(div_floor(self.score * 100, SCORE_SCALE), 100, least=2)}"
            if self.policy is RankPolicy.PROFIT_LEVERAGE
            else "in proportion to its size"
        )
        return (
            f"The account owes {money_text(need.shortfall)} USD on {size_text(abs(need.held))} "
            f"shares and {_WHY[need.burden]}: {size_text(need.size)} must be closed, "
            f"{size_text(abs(self.verdict.size))} of it here, against place {self.place + 1} of the "
            f"opposite side ({order}), which gives up {money_text(self.verdict.relief)} USD"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleveragePlan:
    """Batches in the order in which they must land, and a reason for everything left.

    A position that is planned in part is also in `waiting`, with what stopped it.
    """

    need: Need
    batches: tuple[tuple[PlannedDeleverage, ...], ...]
    waiting: tuple[Waiting, ...]

    @property
    def items(self) -> tuple[PlannedDeleverage, ...]:
        """Give all items in order."""
        return tuple(item for batch in self.batches for item in batch)
