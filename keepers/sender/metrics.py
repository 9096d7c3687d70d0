"""What a lane shows of itself. Labels are lane names and closed sets; never an address or a hash."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum, auto

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from keepers.sender.port import Refusal
from runtime.metrics import counter, gauge, histogram

_WEI_PER_ETHER = 10**18


class Halt(StrEnum):
    """Why a lane signs nothing new."""

    FUNDS = auto()
    FOREIGN_NONCE = auto()
    """A nonce we signed for is used, and no transaction of ours has a receipt."""
    UNKNOWN_NONCES = auto()
    """Nonces that we never signed for are used."""
    REFUSED = auto()
    PAUSED = auto()
    """An operator wants it so; what is on its way is looked after all the same."""


class Event(StrEnum):
    """What happens to a transaction."""

    SIGNED = auto()
    SENT = auto()
    REBROADCAST = auto()
    REPLACED = auto()
    CANCEL_SIGNED = auto()
    MINED = auto()
    REVERTED = auto()
    CANCELLED = auto()
    TAKEN_BACK = auto()
    FINAL = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderMetrics:
    """The collectors of all lanes."""

    transactions: Counter
    refusals: Counter
    foreign_nonces: Counter
    in_flight: Gauge
    oldest_in_flight: Gauge
    next_nonce: Gauge
    halted: Gauge
    balance: Gauge
    balance_floor: Gauge
    decided_to_written: Histogram
    written_to_receipt: Histogram

    @classmethod
    def create(cls, registry: CollectorRegistry, *, lanes: Sequence[str]) -> "SenderMetrics":
        """Make every collector with every series."""
        lane = {"lane": list(lanes)}
        return cls(
            transactions=counter(
                registry,
                "bellkeeper_sender_transactions_total",
                "What happened to transactions.",
                {**lane, "event": list(Event)},
            ),
            refusals=counter(
                registry,
                "bellkeeper_sender_refusals_total",
                "Submissions that were not signed, by reason.",
                {**lane, "refusal": list(Refusal)},
            ),
            foreign_nonces=counter(
                registry,
                "bellkeeper_sender_foreign_nonces_total",
                "Times a nonce was found used by a transaction that is not ours.",
                lane,
            ),
            in_flight=gauge(
                registry,
                "bellkeeper_sender_in_flight",
                "Transactions signed and not mined.",
                lane,
            ),
            oldest_in_flight=gauge(
                registry,
                "bellkeeper_sender_oldest_in_flight_seconds",
                "Age of the oldest transaction that is signed and not mined; 0 if there is none.",
                lane,
            ),
            next_nonce=gauge(
                registry, "bellkeeper_sender_next_nonce", "The nonce to be signed next.", lane
            ),
            halted=gauge(
                registry,
                "bellkeeper_sender_halted",
                "1 while the lane signs nothing new, by reason.",
                {**lane, "reason": list(Halt)},
            ),
            balance=gauge(registry, "bellkeeper_sender_balance_ether", "The key's balance.", lane),
            balance_floor=gauge(
                registry,
                "bellkeeper_sender_balance_floor_ether",
                "The balance below which the key needs topping up.",
                lane,
            ),
            decided_to_written=histogram(
                registry,
                "bellkeeper_sender_decided_to_written_seconds",
                "From a decision to its bytes being handed to the socket.",
                lane,
            ),
            written_to_receipt=histogram(
                registry,
                "bellkeeper_sender_written_to_receipt_seconds",
                "From the first write of a transaction to its receipt.",
                lane,
            ),
        )

    def of(self, lane: str) -> "LaneMetrics":
        """Give one lane's view."""
        return LaneMetrics(self, lane)


class LaneMetrics:
    """One lane's series."""

    def __init__(self, metrics: SenderMetrics, lane: str) -> None:
        self._metrics = metrics
        self._lane = lane
        self._transactions = {
            event: metrics.transactions.labels(lane=lane, event=event) for event in Event
        }
        self._decided_to_written = metrics.decided_to_written.labels(lane=lane)
        self._written_to_receipt = metrics.written_to_receipt.labels(lane=lane)

    def count(self, event: Event) -> None:
        """Count something that happened to a transaction."""
        self._transactions[event].inc()

    def refused(self, refusal: Refusal) -> None:
        """Count a refusal."""
        self._metrics.refusals.labels(lane=self._lane, refusal=refusal).inc()

    def foreign_nonce(self) -> None:
        """Count a foreign nonce."""
        self._metrics.foreign_nonces.labels(lane=self._lane).inc()

    def written(self, seconds_since_decided: float) -> None:
        """Observe how long a decision took to leave."""
        self._decided_to_written.observe(seconds_since_decided)

    def receipt(self, seconds_since_written: float) -> None:
        """Observe how long the chain took."""
        self._written_to_receipt.observe(seconds_since_written)

    def show_queue(self, *, in_flight: int, oldest_seconds: float, next_nonce: int) -> None:
        """Show how long the queue is."""
        self._metrics.in_flight.labels(lane=self._lane).set(in_flight)
        self._metrics.oldest_in_flight.labels(lane=self._lane).set(oldest_seconds)
        self._metrics.next_nonce.labels(lane=self._lane).set(next_nonce)

    def show_halt(self, halt: Halt, *, is_set: bool) -> None:
        """Show whether the lane is halted for a reason."""
        self._metrics.halted.labels(lane=self._lane, reason=halt).set(1 if is_set else 0)

    def show_balance(self, *, wei: int, floor_wei: int) -> None:
        """Show the balance beside its floor."""
        self._metrics.balance.labels(lane=self._lane).set(wei / _WEI_PER_ETHER)
        self._metrics.balance_floor.labels(lane=self._lane).set(floor_wei / _WEI_PER_ETHER)
