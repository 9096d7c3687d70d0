"""Registered participants who quote through the real desk, with signatures that are none.

Drills hold no participant's key. A signature here is the address and the digest that it signs, and the desk is
given a `recover` that reads them back: everything after the cryptography is real, the cryptography
is tested elsewhere.
"""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

from prometheus_client import CollectorRegistry

from drills.attacks.hands import Attack, moved
from drills.attacks.setting import FIRMS, SYMBOL, Setting
from monitors.participants.desk import DeskTools, QuoteDesk
from monitors.participants.metrics import ParticipantMetrics
from monitors.participants.reopenings import Quoting
from monitors.participants.store import SHORTEST_RETENTION, ParticipantStore
from monitors.participants.typed_data import domain_separator, quote_digest
from risk.participant_quotes import Quote, QuoteVerdict
from risk.participant_scores import ScoreRules
from risk.units import Ppm, PriceE8, Seconds

QUOTE_EVERY: Final = Seconds(120)
LIFE: Final = Seconds(300)
HALF_SPREAD: Final = Ppm(1_000)
NOISE_PPM: Final = 30
SIZE: Final = 100 * 10**8
CHAIN_ID: Final = 31_337
ADDRESS_BYTES: Final = 20
SIGNATURE_BYTES: Final = 65


class VenueClock:
    """A clock for rates, which stands at the venue's time."""

    def __init__(self, venue_now: Callable[[], Seconds]) -> None:
        self._venue_now = venue_now

    def now(self) -> float:
        """Give the venue's time."""
        return float(self._venue_now())

    def monotonic(self) -> float:
        """Give the venue's time, which never goes back here."""
        return float(self._venue_now())


class Firms:
    """The desk of quotes, and firms that quote on it every two minutes."""

    def __init__(
        self,
        setting: Setting,
        *,
        venue_now: Callable[[], Seconds],
        reference: Callable[[], PriceE8 | None],
        registry: CollectorRegistry,
        stack: ExitStack,
        seed: int,
    ) -> None:
        folder = stack.enter_context(TemporaryDirectory())
        store = ParticipantStore(Path(folder) / "quotes.sqlite", retention=SHORTEST_RETENTION)
        stack.callback(store.close)
        self._addresses = {member.name: member.address for member in setting.members}
        self._separator = domain_separator(chain_id=CHAIN_ID, exchange=bytes(ADDRESS_BYTES))
        self._venue_now = venue_now
        self._reference = reference
        self.desk = QuoteDesk(
            setting.members,
            separator=self._separator,
            rules=setting.quotes,
            score_rules=ScoreRules(),
            tools=DeskTools(
                store=store,
                metrics=ParticipantMetrics.create(
                    registry, participants=list(FIRMS), symbols=[SYMBOL]
                ),
                recover=_recover,
                reference=lambda _: reference(),
                venue_now=venue_now,
                clock=VenueClock(venue_now),
            ),
        )
        self.quoting = Quoting(self.desk)
        self._random = Random(f"{seed}firms")  # noqa: S311 - a drill must be repeatable
        self._quoted_at: Seconds | None = None
        self._sequence = 0
        self.refused: tuple[str, ...] = ()
        """What was refused when they last quoted, and why."""

    def step(self, fair: PriceE8, attack: Attack | None) -> None:
        """Let every firm quote when it is time."""
        now = self._venue_now()
        self.quoting.flush(now)
        is_due = self._quoted_at is None or now - self._quoted_at >= QUOTE_EVERY
        if not is_due or self._reference() is None:
            return
        self._quoted_at = now
        verdicts = {firm: self._quote(firm, fair, attack) for firm in FIRMS}
        self.refused = tuple(
            f"{firm} {verdict.value}"
            for firm, verdict in verdicts.items()
            if verdict is not QuoteVerdict.ACCEPTED
        )

    def _quote(self, firm: str, fair: PriceE8, attack: Attack | None) -> QuoteVerdict:
        now = self._venue_now()
        mid = moved(fair, round(self._random.gauss(0, NOISE_PPM)))
        if attack is not None:
            mid = attack.mid(firm, mid)
        self._sequence += 1
        quote = Quote(
            participant=firm,
            symbol=SYMBOL,
            bid=moved(mid, -HALF_SPREAD),
            ask=moved(mid, HALF_SPREAD),
            size=SIZE,
            sequence=self._sequence,
            issued_at=now,
            expires_at=Seconds(now + LIFE),
        )
        return self.desk.take(quote, self._signature(firm, quote))

    def _signature(self, firm: str, quote: Quote) -> bytes:
        signed = self._addresses[firm] + quote_digest(self._separator, quote)
        return signed.ljust(SIGNATURE_BYTES, b"\0")


def _recover(digest: bytes, signature: bytes) -> bytes:
    """Read who signed; ValueError when something else was signed."""
    address, rest = signature[:ADDRESS_BYTES], signature[ADDRESS_BYTES:]
    if not rest.startswith(digest):
        raise ValueError("expected a signature of this digest, found one of another")
    return address
