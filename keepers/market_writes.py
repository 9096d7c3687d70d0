"""Which writes of markets are on their way, and which market must wait: for the duties that write there.

All writes of a duty in a market share one epoch, so one of a market is on its way at a time. After it was
mined the market waits until its feed shows that block: until then what is seen is old. After a refusal
it waits a while: a guard rail is not moved by repetition. Times are on the venue's clock unless
they say monotonic.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from keepers.sender import Outcome
from risk.units import MarketId, Seconds
from runtime.journal import SEPARATOR, IntentRecord

MOST_WAITS: Final = 32
"""After so many times the first wait, waits grow no longer."""

Deed = TypeVar("Deed")
Value = TypeVar("Value")


@dataclass(slots=True)
class SeenSince(Generic[Value]):
    """What each market was last seen with, and since when: the exchange's cool-downs count from there.

    By anybody's hand: the exchange counts all. What was there from the start has no time.
    """

    values: dict[MarketId, tuple[Value, Seconds | None]] = field(default_factory=dict)

    def since(self, market: MarketId, value: Value, now: Seconds) -> Seconds | None:
        """Note a market's value; give when it came."""
        held, since = self.values.get(market, (value, None))
        if held != value:
            since = now
        self.values[market] = (value, since)
        return since


@dataclass(slots=True)
class Standby(Generic[Value]):
    """Since when each write is wanted: an instance on standby leaves it to another for a while."""

    seconds: int
    since: dict[Value, Seconds] = field(default_factory=dict)

    def ripe(self, wanted: Iterable[Value], now: Seconds) -> frozenset[Value]:
        """Name what has been wanted for long enough; forget what is wanted no more."""
        self.since = {each: self.since.get(each, now) for each in wanted}
        return frozenset(each for each, begun in self.since.items() if now - begun >= self.seconds)


@dataclass(slots=True)
class Sent(Generic[Deed]):
    """A write on its way."""

    deed: Deed | None
    """None for a write of an earlier life."""
    decided_at: float
    """Monotonic."""


class MarketWrites(Generic[Deed]):
    """The writes of one kind of intents."""

    def __init__(self, kind: str, *, retry_seconds: int) -> None:
        self._prefix = f"{kind}{SEPARATOR}"
        self._retry_seconds = retry_seconds
        self._sent: dict[str, Sent[Deed]] = {}
        self._retry_at: dict[MarketId, Seconds] = {}
        self._refusals: dict[MarketId, int] = {}
        """In a row."""
        self._mined_in: dict[MarketId, int] = {}

    def recall(self, records: Iterable[IntentRecord], now: float) -> None:
        """Wait for writes of an earlier life: the lane that adopted them will tell of them."""
        for record in records:
            self._sent[record.key] = Sent(None, now)

    def busy(self) -> frozenset[str]:
        """Name the markets, by symbol, of which a write is on its way."""
        return frozenset(key.split(SEPARATOR)[1] for key in self._sent)

    def may_write(
        self, market: MarketId, *, now: Seconds, applied_block: int, is_urgent: bool = False
    ) -> bool:
        """Say whether our last write is seen, and a refusal long enough ago.

        What is urgent does not wait for the second.
        """
        if applied_block < self._mined_in.get(market, 0):
            return False
        return is_urgent or now >= self._retry_at.get(market, Seconds(0))

    def begin(self, key: str, deed: Deed, decided_at: float) -> Sent[Deed]:
        """Note a write before it is submitted: what becomes of it may be told before that returns."""
        self._sent[key] = sent = Sent(deed, decided_at)
        return sent

    def drop(self, key: str) -> None:
        """Forget a write that was not taken."""
        self._sent.pop(key, None)

    def settled(self, outcome: Outcome) -> list[tuple[str, Sent[Deed] | None]]:
        """Take off what an outcome is about; None for a write that nobody waited for."""
        return [
            (key, self._sent.pop(key, None))
            for key in outcome.intent_keys
            if key.startswith(self._prefix)
        ]

    def ended(self, outcome: Outcome) -> list[str]:
        """Take off an earlier life's writes that are final: this life was never told that they were mined."""
        keys = [key for key in outcome.intent_keys if key in self._sent]
        ended = [key for key in keys if self._sent[key].deed is None]
        for key in ended:
            del self._sent[key]
        return ended

    def mined(self, market: MarketId, block: int) -> None:
        """Let a market wait until this block is seen."""
        self._mined_in[market] = block
        self._refusals.pop(market, None)

    def refused(self, market: MarketId, now: Seconds) -> None:
        """Let a market wait a while: twice as long after each refusal in a row, up to a bound."""
        count = self._refusals.get(market, 0)
        self._refusals[market] = count + 1
        wait = self._retry_seconds * min(2**count, MOST_WAITS)
        self._retry_at[market] = Seconds(now + wait)
