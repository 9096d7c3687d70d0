"""What the deleverage keeper has on its hands: items on their way, who was touched, what was learned.

An item is in flight until the feed has applied the block that it was mined in, or its transaction has
ended without one: so no step is planned on a state that the one before is about to change. All of it
may be lost: the journal knows what is on its way, and the chain what was done.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from risk.deleverage_values import DeleverageWork, PlannedDeleverage
from risk.gas_model import GasModel, GasParts, cold_model, learned, ran_out
from risk.units import AccountId, MarketId, Seconds, parse_account
from runtime.journal import IntentRecord

COLD_GAS: Final = GasParts(base=150_000, item=120_000, position=20_000)
"""What is assumed before the first receipt. On anvil a lone item whose accounts hold one position each
took 105,000 in all, one of 24 took 60,000; each further position of the two accounts took 11,000."""
MOST_WAITS: Final = 32
"""After so many times the first wait, waits grow no longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentItem:
    """An item on its way; `planned` is None for one of an earlier life."""

    key: str
    account: AccountId
    counterparty: AccountId
    planned: PlannedDeleverage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SentBatch:
    """A transaction on its way: its items in order, and what it may use."""

    items: tuple[SentItem, ...]
    gas: int = 0

    @property
    def accounts(self) -> set[AccountId]:
        """Give both sides of all items."""
        sides = ((item.account, item.counterparty) for item in self.items)
        return {account for pair in sides for account in pair}


class DeleverageHand:
    """The keeper's memory between cycles."""

    def __init__(self, *, retry_seconds: int) -> None:
        self.gas: GasModel = cold_model(COLD_GAS)
        self.touched: set[AccountId] = set()
        """Counterparties taken in this round, by us or by another keeper."""
        self._retry_seconds = retry_seconds
        self._batches: list[SentBatch] = []
        self._mined: list[tuple[int, SentBatch]] = []
        self._attempts: dict[tuple[AccountId, MarketId], int] = {}
        self._refused: dict[AccountId, int] = {}
        """In a row."""
        self._aside: dict[AccountId, Seconds] = {}

    # --- what is on its way ----------------------------------------------------------------------

    def sent(self, batch: SentBatch) -> None:
        """Remember a batch that left."""
        self._batches.append(batch)

    def recall(self, records: Iterable[IntentRecord]) -> int:
        """Remember what an earlier life has on its way; count the items.

        What was never signed (a dry run's) is on no way.
        """
        groups: dict[int, list[IntentRecord]] = {}
        for record in records:
            if record.transaction_id is not None:
                groups.setdefault(record.transaction_id, []).append(record)
        for group in groups.values():
            group.sort(key=lambda record: int(str(record.payload["place"])))
            self._batches.append(SentBatch(items=tuple(map(_recalled, group))))
        return sum(map(len, groups.values()))

    @property
    def batches_in_flight(self) -> int:
        """Count the transactions on their way."""
        return len(self._batches)

    @property
    def is_waiting(self) -> bool:
        """Say whether a step is on its way, or mined and not seen yet."""
        return bool(self._batches or self._mined)

    @property
    def accounts_in_flight(self) -> set[AccountId]:
        """Give the accounts that an item of ours is about to change, on either side."""
        batches = [*self._batches, *(batch for _, batch in self._mined)]
        return {account for batch in batches for account in batch.accounts}

    def is_ours(self, account: AccountId, counterparty: AccountId) -> bool:
        """Say whether such an item is on its way, or was mined and is just being seen."""
        batches = [*self._batches, *(batch for _, batch in self._mined)]
        return any(
            (item.account, item.counterparty) == (account, counterparty)
            for batch in batches
            for item in batch.items
        )

    def release_up_to(self, sealed_block: int) -> None:
        """Release what was mined in blocks that the feed has applied whole."""
        self._mined = [each for each in self._mined if each[0] > sealed_block]

    # --- what became of it -----------------------------------------------------------------------

    def take(self, keys: Collection[str]) -> SentBatch | None:
        """Take off the batch that carries these intents; None if nobody waits for them."""
        for batch in self._batches:
            if any(item.key in keys for item in batch.items):
                self._batches.remove(batch)
                return batch
        return None

    def mined(self, batch: SentBatch, *, block: int, gas_used: int, done: int) -> None:
        """Let a mined batch be in flight until its block was applied; learn what an item costs."""
        self._mined.append((block, batch))
        planned = [item.planned for item in batch.items if item.planned is not None]
        if done == len(planned) > 0:
            # Refused items cost next to nothing, and would teach that all do.
            self.gas = learned(
                self.gas, items=done, positions=position_count(planned), gas_used=gas_used
            )

    def lost(self, batch: SentBatch, *, gas_used: int | None, now: Seconds) -> None:
        """Let the accounts of a batch without results be tried again, as another attempt."""
        self.again(batch.items, now)
        planned = [item.planned for item in batch.items if item.planned is not None]
        if gas_used is not None and gas_used >= batch.gas > 0:
            self.gas = ran_out(
                self.gas,
                items=len(planned),
                positions=position_count(planned),
                gas_limit=batch.gas,
            )

    def done(self, item: SentItem) -> None:
        """Note that an item closed something."""
        self.touched.add(item.counterparty)
        self._refused.pop(item.account, None)

    def again(self, items: Collection[SentItem], now: Seconds) -> None:
        """Let accounts wait after a refusal: twice as long after each in a row, up to a bound."""
        for account in {item.account for item in items}:
            count = self._refused.get(account, 0)
            self._refused[account] = count + 1
            wait = self._retry_seconds * min(2**count, MOST_WAITS)
            self._aside[account] = Seconds(now + wait)
        self._next_attempt(items)

    def known_already(self, items: Iterable[SentItem]) -> None:
        """Note items that the journal has had before: the next try is another attempt."""
        self._next_attempt(items)

    def _next_attempt(self, items: Iterable[SentItem]) -> None:
        for item in items:
            if item.planned is not None:
                pair = (item.account, item.planned.item.market)
                self._attempts[pair] = self._attempts.get(pair, 0) + 1

    # --- what the planner must know --------------------------------------------------------------

    def work(self, busy: Collection[AccountId], warming_up: Collection[MarketId]) -> DeleverageWork:
        """Give what the planner must know; `busy`: accounts that a liquidation is about to change."""
        return DeleverageWork(
            in_flight={*busy, *self.accounts_in_flight},
            batches_in_flight=len(self._batches),
            warming_up=warming_up,
            touched=self.touched,
            attempts=self._attempts,
        )

    def aside(self, now: Seconds) -> Collection[AccountId]:
        """Give the accounts that must wait still."""
        if self._aside:
            self._aside = {each: until for each, until in self._aside.items() if now < until}
        return self._aside.keys()

    def set_aside(self, accounts: Iterable[AccountId], until: Seconds) -> None:
        """Leave accounts alone until a time."""
        for account in accounts:
            self._aside[account] = max(until, self._aside.get(account, until))

    def end_round(self) -> None:
        """Begin anew: no need is left, so nobody counts as touched, refused or tried."""
        self.touched.clear()
        self._refused.clear()


def position_count(items: Sequence[PlannedDeleverage]) -> int:
    """Count the positions that the exchange must value for these items, both accounts' each."""
    return sum(len(each.account.positions) + len(each.counterparty.positions) for each in items)


def _recalled(record: IntentRecord) -> SentItem:
    return SentItem(
        key=record.key,
        account=parse_account(record.account),
        counterparty=parse_account(str(record.payload["counterparty"])),
    )
