"""What the liquidation keeper has on its hands: items on their way, and what was learned from them.

An item is in flight from the plan until its effect is seen: its result in the feed, whose changes are
then applied, or the end of its transaction without one. So the same account is never planned twice
on a state that a transaction of ours is about to change. A failure never locks an account out: the
retry book spaces tries, and forgets when the account or its prices change.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from risk.gas_model import GasModel, learned, ran_out
from risk.liquidation import LiquidationCode
from risk.liquidation_values import PlannedBatch, PlannedItem, Skip, SkipReason, WorkInHand
from risk.market import Market
from risk.retry_book import Circumstances, RetryBook, circumstances
from risk.units import AccountId, MarketId, Seconds
from venues.port import LiquidationSettled

Pair = tuple[AccountId, MarketId]
ASIDE_SECONDS: Final = 1
CLOSED_SECONDS: Final = 30
"""Whom only a closed or stale market keeps waiting, nothing but a change of the markets' doubts can help, and that
ends all waiting at once. After a second already, a crowd in a halted market would hide those who can be liquidated."""
_CLOSED: Final = frozenset({SkipReason.MARKET_CLOSED, SkipReason.STALE_PRICE})


@dataclass(frozen=True, slots=True, kw_only=True)
class SentBatch:
    """A batch on its way: which item is which intent, and what it may use."""

    keys: Mapping[Pair, str]
    seen: Mapping[AccountId, Circumstances]
    position_counts: Mapping[AccountId, int]
    gas: int


class Hand:
    """Items in flight, retries, gas: the keeper's memory between cycles. All of it may be lost."""

    def __init__(self, retries: RetryBook, gas: GasModel) -> None:
        self.retries = retries
        self.gas = gas
        self._batches: dict[int, SentBatch] = {}
        self._in_flight: dict[Pair, int] = {}
        self._mined_at: dict[int, list[tuple[int, SentBatch]]] = {}
        self._aside: dict[AccountId, Seconds] = {}
        self._aside_under: object = None

    def work(self, warming_up: frozenset[MarketId]) -> WorkInHand:
        """Give what the planner must know."""
        return WorkInHand(
            in_flight=self._in_flight.keys(),
            batches_in_flight=len(self._batches),
            warming_up=warming_up,
            retries=self.retries,
            gas=self.gas,
        )

    @property
    def batches_in_flight(self) -> int:
        """Count the transactions on their way."""
        return len(self._batches)

    @property
    def accounts_in_flight(self) -> set[AccountId]:
        """Give the accounts that an item of ours is about to change."""
        return {account for account, _ in self._in_flight}

    def sent(
        self,
        nonce: int,
        batch: PlannedBatch,
        keys: Sequence[str],
        markets: Mapping[MarketId, Market],
    ) -> None:
        """Remember a batch that left, by its nonce: replacements share it."""
        pairs = [(item.account, item.market) for item in batch.items]
        self._batches[nonce] = SentBatch(
            keys=dict(zip(pairs, keys, strict=True)),
            seen={item.account: circumstances(item.judged, markets) for item in batch.items},
            position_counts={item.account: len(item.judged.positions) for item in batch.items},
            gas=batch.gas,
        )
        self._in_flight.update(dict.fromkeys(pairs, nonce))

    def adopt(self, nonce: int, keys: Mapping[Pair, str]) -> None:
        """Remember a batch of an earlier life of this keeper, found in the journal."""
        self._batches[nonce] = SentBatch(keys=keys, seen={}, position_counts={}, gas=0)
        self._in_flight.update(dict.fromkeys(keys, nonce))

    def batch(self, nonce: int) -> SentBatch | None:
        """Give a batch that is still on its way."""
        return self._batches.get(nonce)

    def seen_in_feed(self, settled: LiquidationSettled) -> None:
        """Release an item whose result the feed has applied."""
        self._in_flight.pop((settled.account, settled.market), None)

    def mined(
        self,
        nonce: int,
        results: Sequence[LiquidationSettled],
        *,
        gas_used: int,
        block: int,
        now: Seconds,
    ) -> SentBatch | None:
        """Learn from a mined batch; its items stay in flight until the feed has shown them."""
        batch = self._batches.pop(nonce, None)
        if batch is None:
            return None
        done = [each for each in results if each.code is LiquidationCode.LIQUIDATED]
        counts = batch.position_counts
        if counts:
            self.gas = learned(
                self.gas,
                items=len(done),
                positions=sum(counts[each.account] for each in done),
                gas_used=gas_used,
            )
        self.retries = self.retries.noted(
            (
                (each.account, each.code, batch.seen[each.account])
                for each in results
                if each.account in batch.seen
            ),
            now,
        )
        self._mined_at.setdefault(block, []).append((nonce, batch))
        return batch

    def ended(self, nonce: int, *, now: Seconds, gas_used: int | None = None) -> SentBatch | None:
        """Release a batch that will never have results; one that ran out of gas teaches.

        Its accounts are tried again after the shortest pause, as another attempt: the journal
        knows the intents of this one for ever.
        """
        batch = self._batches.pop(nonce, None)
        if batch is None:
            return None
        self._release(nonce, batch)
        self._again(batch.seen, now)
        if gas_used is not None and gas_used >= batch.gas > 0:
            self.gas = ran_out(
                self.gas,
                items=len(batch.keys),
                positions=sum(batch.position_counts.values()),
                gas_limit=batch.gas,
            )
        return batch

    def known_already(
        self, items: Iterable[PlannedItem], markets: Mapping[MarketId, Market], now: Seconds
    ) -> None:
        """Note items that the journal has had before: the next try is another attempt."""
        self._again({each.account: circumstances(each.judged, markets) for each in items}, now)

    def leave_until(self, items: Iterable[PlannedItem], until: Seconds) -> None:
        """Leave accounts alone until a time: a dry run's items, which nothing will ever change."""
        self._aside.update({item.account: until for item in items})

    def _again(self, seen: Mapping[AccountId, Circumstances], now: Seconds) -> None:
        expired = LiquidationCode.EXPIRED
        self.retries = self.retries.noted(
            ((account, expired, facts) for account, facts in seen.items()), now
        )

    def release_up_to(self, sealed_block: int) -> None:
        """Release what was mined in blocks that the feed has audited, shown or not."""
        for block in [block for block in self._mined_at if block <= sealed_block]:
            for nonce, batch in self._mined_at.pop(block):
                self._release(nonce, batch)

    def aside(self, now: Seconds, circumstances: object) -> Collection[AccountId]:
        """Give the accounts that had to wait and still must, so that others are looked at.

        Under other `circumstances` (which markets are in doubt) than they were set aside, nobody.
        """
        if circumstances != self._aside_under:
            self._aside.clear()
            self._aside_under = circumstances
        if self._aside:
            self._aside = {each: until for each, until in self._aside.items() if now < until}
        return self._aside.keys()

    def set_aside(self, skips: Iterable[Skip], now: Seconds) -> None:
        """Leave those who had to wait alone for a second, or until they said; where a market is closed, for longer."""
        for skip in skips:
            if skip.reason is not SkipReason.BATCH_LIMIT:
                least = CLOSED_SECONDS if skip.reason in _CLOSED else ASIDE_SECONDS
                self._aside[skip.account] = max(skip.until or now, Seconds(now + least))

    def note_plan(self, retries: RetryBook) -> None:
        """Take over the retries of a plan whose own judge refused accounts."""
        self.retries = retries

    def _release(self, nonce: int, batch: SentBatch) -> None:
        for pair in batch.keys:
            if self._in_flight.get(pair) == nonce:
                del self._in_flight[pair]
