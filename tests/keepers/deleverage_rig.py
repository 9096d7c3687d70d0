"""A deleverage keeper between fakes of chain and lane, on a small book that a test changes at will."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from prometheus_client import CollectorRegistry

from keepers.deleverage.hand import DeleverageHand
from keepers.deleverage.intents import KIND
from keepers.deleverage.keeper import DeleverageKeeper
from keepers.deleverage.metrics import DeleverageMetrics
from keepers.deleverage.outcome import DeleverageCycle
from keepers.deleverage.parts import DeleverageParts, DeleverageRules
from keepers.deleverage.view import DeleverageOutcome
from keepers.sender import Result
from risk.account_book import AccountBook
from risk.deleverage_effect import deleverage_effect
from risk.deleverage_need import bankrupt_rows
from risk.deleverage_rank import RankPolicy
from risk.deleverage_rules import DeleverageCode, DeleverageItem
from risk.deleverage_values import DeleverageLimits
from risk.margin import Account, MarginState
from risk.market import Market
from risk.price_guard import Doubt
from risk.units import AccountId, MarketId, QuoteAtoms, Seconds, SizeE8
from runtime.clock import SystemClock
from runtime.journal import IntentRecord
from tests.builders import BACKSTOP_ID, NOW, make_market, make_position
from tests.fakes import FakeSender
from tests.risk.deleveraging import make_book, make_pools
from venues.port import Call, DeleverageSettled

BLOCK_OF_RECEIPTS = 0x65
"""Where `FakeSender` mines."""


class View:
    """A book that says what a test wants."""

    def __init__(self, accounts: Sequence[Account], *markets: Market) -> None:
        backstop = Account(id=BACKSTOP_ID, collateral=QuoteAtoms(0))
        self.book: AccountBook = make_book([*accounts, backstop], *(markets or [make_market()]))
        self.distrust: str | None = None
        self.now: Seconds = NOW
        self.applied_block = self.sealed_block = 100
        self.insurance_fund = QuoteAtoms(0)
        self.backstop_account = BACKSTOP_ID
        self.doubts: dict[MarketId, Doubt] = {}

    @property
    def markets(self) -> Mapping[MarketId, Market]:
        return self.book.markets

    def bankrupt(self) -> Sequence[tuple[int, AccountId]]:
        rows = np.arange(len(self.book), dtype=np.int64)
        found = bankrupt_rows(self.book, self.book.markets, rows, self.now)
        return [(equity, self.book.id_at(row)) for equity, row in found]

    def state(self, account: AccountId) -> MarginState:
        return self.book.state(account, self.now)

    def doubt(self, market: MarketId) -> Doubt | None:
        return self.doubts.get(market)


class Venue:
    """Keeps what was asked; reads what a test put into the receipt."""

    def __init__(self) -> None:
        self.asked: list[tuple[list[DeleverageItem], int]] = []

    def deleverage_call(self, items: Sequence[DeleverageItem], *, gas: int) -> Call:
        self.asked.append((list(items), gas))
        return Call(to=b"", data=b"", gas=gas)

    def deleverage_outcomes(self, receipt: Mapping[str, object]) -> list[DeleverageSettled]:
        results = receipt["results"]
        assert isinstance(results, list)
        return results


@dataclass
class Notes:
    """Where outcomes are written."""

    open: list[IntentRecord] = field(default_factory=list)
    settled: dict[str, tuple[str, Mapping[str, object] | None]] = field(default_factory=dict)

    def in_flight(self, kind: str | None = None) -> list[IntentRecord]:
        assert kind == KIND
        return self.open

    def settle_all(self, outcomes: Iterable[DeleverageOutcome]) -> None:
        self.settled |= {key: (result, figures) for key, result, figures in outcomes}


@dataclass
class Liquidations:
    """What a liquidation on its way is about to change."""

    accounts_in_flight: set[AccountId] = field(default_factory=set)


class Rig:
    """The keeper and all around it."""

    def __init__(
        self,
        view: View,
        *,
        open_intents: Sequence[IntentRecord] = (),
        standby: int = 0,
        max_gas: int = 15_000_000,
        most_judged: int = 256,
        policy: RankPolicy = RankPolicy.PROFIT_LEVERAGE,
        limits: DeleverageLimits | None = None,
        sender: FakeSender | None = None,
    ) -> None:
        self.view, self.venue, self.sender = view, Venue(), sender or FakeSender()
        self.notes, self.liquidations = Notes(list(open_intents)), Liquidations()
        self.registry = CollectorRegistry()
        self.hand = DeleverageHand(retry_seconds=5)
        self.keeper = DeleverageKeeper(
            DeleverageParts(
                view=view,
                venue=self.venue,
                sender=self.sender,
                journal=self.notes,
                liquidating=self.liquidations,
                hand=self.hand,
                rules=DeleverageRules(
                    policy=policy,
                    limits=limits or DeleverageLimits(max_items=1),
                    max_gas=max_gas,
                    most_judged=most_judged,
                    expiry_seconds=30,
                    standby_seconds=standby,
                ),
                metrics=DeleverageMetrics.create(self.registry),
                clock=SystemClock(),
            )
        )

    async def cycle(self, seconds: int = 0) -> DeleverageCycle:
        self.view.now = Seconds(self.view.now + seconds)
        return await self.keeper.run_once()

    @property
    def why(self) -> str:
        assert self.keeper.last is not None
        return self.keeper.last[1]

    @property
    def items(self) -> list[tuple[int, int, int]]:
        """Give (account, counterparty, size) of every item sent, by number."""
        return [
            (item.account >> 96, item.counterparty >> 96, item.size)
            for items, _ in self.venue.asked
            for item in items
        ]

    def result(self, code: DeleverageCode = DeleverageCode.DELEVERAGED) -> list[DeleverageSettled]:
        """Give the results of the last transaction, as planned, or all with another code."""
        items, _ = self.venue.asked[-1]
        done = code is DeleverageCode.DELEVERAGED
        return [
            DeleverageSettled(
                account=item.account,
                market=item.market,
                counterparty=item.counterparty,
                code=code,
                size=SizeE8(-item.size if done else 0),
                cash=QuoteAtoms(0),
            )
            for item in items
        ]

    def mined(self, code: DeleverageCode = DeleverageCode.DELEVERAGED) -> None:
        """Tell that the last transaction was mined, and how its items ended."""
        self.sender.tell(len(self.sender.taken) - 1, Result.MINED, *self.result(code))

    def apply(self) -> None:
        """Put the fills of the last transaction into the book, as the chain's events would."""
        items, _ = self.venue.asked[-1]
        book = self.view.book
        held = {each for item in items for each in (item.account, item.counterparty)}
        accounts = {each: book.account(each) for each in held}
        effect = deleverage_effect(items, accounts, book.markets, make_pools(), self.view.now)
        for account in effect.accounts.values():
            position = account.position(MarketId(0)) or make_position(0, quote=0)
            book.set_position(
                account.id,
                MarketId(0),
                position.size,
                position.quote,
                position.funding,
                position.slice_time,
                account.collateral,
            )

    def seal(self) -> None:
        """Let the feed apply the block of the receipt whole."""
        self.view.applied_block = self.view.sealed_block = BLOCK_OF_RECEIPTS

    def metric(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"bellkeeper_deleverage_{name}", labels)
