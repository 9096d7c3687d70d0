"""Hundreds of markets in memory, and a sender that takes a few writes at a time, for the breaker's costs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from keepers.breaker.view import ControlOutcome
from keepers.sender import Listener, Outcome, Refusal, Result, Ticket
from keepers.sender.port import CallBuilder
from risk.guard_rails import Limits, Parameter
from risk.market import Market
from risk.sessions import Boundary, Session, SessionTimeline
from risk.units import MarketId, MarketStatus, Ppm, PriceE8, Seconds, div_floor
from runtime.journal import Intent, IntentRecord
from tests.builders import NOW, make_market, price
from venues.port import Call, ControlChanged

MARK = price(100)
BREACHED = price(96)
TIMELINE = SessionTimeline(
    boundaries=(Boundary(start=Seconds(NOW - 7_200), session=Session.REGULAR),),
    end=Seconds(NOW + 16_200),
)
LIMITS = Limits(minimum=0, maximum=250_000, largest_step=100_000, cool_down=Seconds(5))


class ManyMarkets:
    """A venue that tells a new price of every market with each tick."""

    def __init__(self, count: int) -> None:
        self.distrust: str | None = None
        self.now = NOW
        self.applied_block = 1
        self.markets: dict[MarketId, Market] = {
            MarketId(number): make_market(
                number, symbol=f"M{number:03}", mark=MARK, price_timestamp=NOW
            )
            for number in range(count)
        }

    @property
    def symbols(self) -> list[str]:
        """The markets' symbols, in order."""
        return [market.symbol for market in self.markets.values()]

    def tick(self, *, breath_ppm: int = 0, index: PriceE8 | None = None) -> None:
        """Let a second pass, with a price of every market."""
        self.now = Seconds(self.now + 1)
        mark = PriceE8(MARK + div_floor(MARK * breath_ppm, 10**6))
        for number in self.markets:
            self.tell(number, mark, mark if index is None else index)

    def tell(self, number: MarketId, mark: PriceE8, index: PriceE8) -> None:
        """Tell one market's price."""
        self.change(number, mark=mark, index=index, price_timestamp=self.now, updated_at=self.now)

    def change(self, number: MarketId, **facts: object) -> None:
        """Change some facts of a market."""
        self.markets[number] = replace(self.markets[number], **facts)  # type: ignore[arg-type]


@dataclass
class GoodFacts:
    """Slow facts without anything to object to, and the owner's limits."""

    roles_changed: int | None = 0
    solvency_gap: int | None = 0
    head_age: Seconds | None = Seconds(0)
    withdrawals_open: bool | None = True

    def limits_changed(self, market: MarketId) -> int | None:  # noqa: ARG002
        return 0

    def largest_share(self, market: MarketId) -> Ppm | None:  # noqa: ARG002
        return Ppm(10_000)

    def backlog_blocks(self, market: MarketId) -> int | None:  # noqa: ARG002
        return 0

    def insurance_fund(self) -> int | None:
        return 10**12

    def limits(self, market: MarketId, parameter: Parameter) -> Limits | None:  # noqa: ARG002
        return LIMITS


@dataclass
class Memory:
    """A journal that keeps nothing but what it must."""

    texts: dict[str, str] = field(default_factory=dict)
    writes: int = 0
    """Times that something had to be durable on its own."""
    settled: int = 0

    def noted(self, key: str) -> str | None:
        return self.texts.get(key)

    def note(self, key: str, value: str) -> None:
        self.note_all({key: value})

    def note_all(self, notes: Mapping[str, str]) -> None:
        self.texts |= notes
        self.writes += 1

    def in_flight(self, kind: str | None = None) -> list[IntentRecord]:  # noqa: ARG002
        return []

    def settle_all(self, outcomes: Iterable[ControlOutcome]) -> None:
        self.settled += sum(1 for _ in outcomes)


class NarrowSender:
    """Takes as many writes at once as a lane has room for; `mine` ends the oldest."""

    def __init__(self, venue: ManyMarkets, *, window: int) -> None:
        self._venue, self._window = venue, window
        self._listeners: list[Listener] = []
        self._waiting: list[tuple[Intent, MarketId, MarketStatus]] = []
        self.mined = 0

    async def submit(
        self,
        intents: Sequence[Intent],
        call: Call | CallBuilder,
        *,
        expires_at: int,  # noqa: ARG002
        decided_at: float | None = None,  # noqa: ARG002
    ) -> Ticket:
        """Take one restriction, or say that the lane is full."""
        if len(self._waiting) >= self._window:
            return Ticket(refusal=Refusal.LANE_FULL)
        assert isinstance(call, Call)
        market, status = call.data.decode().split()
        self._waiting.append((intents[0], MarketId(int(market)), MarketStatus[status]))
        return Ticket(intents=tuple(intents), transaction_hash="0x", nonce=self.mined)

    def subscribe(self, listener: Listener) -> None:
        """Tell this listener of every outcome."""
        self._listeners.append(listener)

    def mine(self) -> None:
        """Mine the oldest write: the venue tells the status, the listeners hear the receipt."""
        intent, market, status = self._waiting.pop(0)
        self._venue.applied_block += 1
        self._venue.change(market, status=status)
        block = self._venue.applied_block
        change = ControlChanged(market=market, epoch=0, block=block, status=status)
        outcome = Outcome(
            lane="guardian",
            nonce=self.mined,
            transaction_hash="0x",
            intent_keys=(intent.key,),
            result=Result.MINED,
            receipt={"changes": [change]},
            reason="",
        )
        self.mined += 1
        for listener in self._listeners:
            listener(outcome)


class WordVenue:
    """Encodes restrictions in words; the changes are in the receipt."""

    def restrict_call(self, market: MarketId, status: MarketStatus, *, gas: int) -> Call:
        """Encode a stricter status."""
        return Call(to=b"", data=f"{market} {status.name}".encode(), gas=gas)

    def control_changes(self, receipt: Mapping[str, object]) -> list[ControlChanged]:
        """Give what `NarrowSender.mine` put there."""
        changes = receipt["changes"]
        assert isinstance(changes, list)
        return changes
