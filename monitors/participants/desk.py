"""The desk that takes participants' quotes, holds those that stand, and remembers who can be trusted.

The order of checks is the order of cost: the name, the market, sequence and times, then the rate,
then the signature, and only then the prices. What failed before the signature says nothing about the
participant whose name it bears: it is counted, not stored, and takes neither its sequence nor its
rate. A signed quote uses up its sequence whatever the verdict, on disk before the answer, so that
nobody can send it again once the reference has moved.
"""

import itertools
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from monitors.participants.metrics import UNKNOWN, ParticipantMetrics
from monitors.participants.store import JudgedQuote, ParticipantStore, Reopening
from monitors.participants.typed_data import quote_digest
from risk.participant_quotes import (
    Quote,
    QuoteRules,
    QuoteVerdict,
    StandingPrice,
    judge_claim,
    judge_prices,
    standing_price,
)
from risk.participant_scores import (
    ForeseenPrice,
    ParticipantScore,
    ScoreRules,
    after_reopening,
    after_verdict,
    fresh_score,
    scored_weight,
)
from risk.units import PPM_SCALE, PriceE8, Seconds
from runtime.clock import Clock
from runtime.errors import OperatorError
from runtime.rpc.rate_limit import TokenBucket

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}", re.ASCII)

log: structlog.stdlib.BoundLogger = structlog.get_logger("participants")


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """A registered firm. Raises ValueError for a name or numbers that cannot be used."""

    name: str
    """Becomes a metric label: lower-case letters, digits, `_` and `-`."""
    address: bytes
    """The 20-byte address of the key that it signs with."""
    weight: int
    """Against the others, before its score."""
    markets: frozenset[str]
    """Symbols that it may quote."""
    quotes_per_second: float = 2.0
    burst: int = 10

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name == UNKNOWN:
            raise ValueError(
                "expected a participant's name of at most 32 lower-case letters, digits, - and _,"
                f" other than {UNKNOWN!r}, found {self.name!r}"
            )
        if len(self.address) != 20 or not any(self.address):
            raise ValueError(
                f"expected participant {self.name} to have an address of 20 bytes that are not all 0"
            )
        if self.weight < 1 or self.quotes_per_second <= 0 or self.burst < 1:
            raise ValueError(
                f"expected participant {self.name} to have a positive weight, rate and burst, found"
                f" {self.weight}, {self.quotes_per_second}, {self.burst}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskTools:
    """What the desk works with."""

    store: ParticipantStore
    metrics: ParticipantMetrics
    recover: Callable[[bytes, bytes], bytes]
    """(digest, signature of 65 bytes) to the 20-byte address; raises ValueError."""
    reference: Callable[[str], PriceE8 | None]
    """The price of a symbol against which quotes are judged; None while there is none."""
    venue_now: Callable[[], Seconds]
    clock: Clock
    """For the rates alone."""


class QuoteDesk:
    """The standing quotes by market and participant."""

    def __init__(
        self,
        participants: Sequence[Participant],
        *,
        separator: bytes,
        rules: QuoteRules,
        score_rules: ScoreRules,
        tools: DeskTools,
    ) -> None:
        """Go on where the store left off; `separator` is the domain's (`typed_data`)."""
        _check_distinct(participants)
        self._participants = {each.name: each for each in participants}
        self._separator = separator
        self._rules = rules
        self._score_rules = score_rules
        self._tools = tools
        self._sequences = tools.store.last_sequences()
        known = tools.store.scores()
        self._scores = {name: known.get(name, fresh_score(score_rules)) for name in self.names}
        self._buckets = {
            each.name: TokenBucket(
                rate_per_second=each.quotes_per_second, burst=each.burst, clock=tools.clock
            )
            for each in participants
        }
        self._standing: dict[str, dict[str, Quote]] = {}
        for quote, address in tools.store.standing(tools.venue_now()):
            # Whoever was struck off the list since, lost a market or changed the key has no say.
            if self._may_quote(quote) and self._participants[quote.participant].address == address:
                self._hold(quote)
        self._show_scores()

    @property
    def names(self) -> tuple[str, ...]:
        """The registered participants, by name."""
        return tuple(sorted(self._participants))

    def take(self, quote: Quote, signature: bytes) -> QuoteVerdict:
        """Judge a quote that claims to be its participant's, and hold it if it is accepted.

        Raises OperatorError if the store cannot be written; then nothing was accepted.
        """
        verdict = self._judge(quote, signature)
        name = quote.participant if quote.participant in self._participants else UNKNOWN
        self._tools.metrics.quotes.labels(name, verdict.value).inc()
        return verdict

    def count_malformed(self) -> None:
        """Count a request that was no quote at all."""
        self._tools.metrics.quotes.labels(UNKNOWN, QuoteVerdict.MALFORMED.value).inc()

    def retry_after_seconds(self, participant: str) -> int:
        """Give the whole seconds, at least 1, after which a participant may quote again."""
        return max(1, math.ceil(self._buckets[participant].wait_seconds()))

    def standing_quotes(self, symbol: str) -> tuple[Quote, ...]:
        """Give the quotes about a market that have not expired, by participant."""
        now = self._tools.venue_now()
        held = self._standing.get(symbol, {})
        return tuple(held[name] for name in sorted(held) if held[name].stands(now))

    def price(self, symbol: str) -> StandingPrice:
        """Give what the participants say together about a market, now."""
        held = self._standing.get(symbol, {}).values()
        found = standing_price(held, self.weights(), self._tools.venue_now(), self._rules)
        self._tools.metrics.standing.labels(symbol).set(len(found.weights))
        return found

    def forget(self, symbol: str) -> None:
        """Hold no quote of a market that was made so far: its prices changed their meaning."""
        self._standing.pop(symbol, None)

    def weights(self) -> dict[str, int]:
        """Give each participant's weight after its score, in ppm of a weight of 1."""
        return {
            name: scored_weight(each.weight, self._scores[name], self._score_rules)
            for name, each in self._participants.items()
        }

    def scores(self) -> dict[str, ParticipantScore]:
        """Give what is remembered of each participant."""
        return dict(self._scores)

    def reopened(self, reopenings: Sequence[Reopening]) -> None:
        """Score the closed session that ended with these; each market's session counts once, ever.

        Give all markets of one reopening together: each call is one step of the scores.
        """
        store = self._tools.store
        fresh = [each for each in reopenings if not store.is_scored(each)]
        if not fresh:
            return
        foreseen: dict[str, list[ForeseenPrice]] = {}
        for name, each in itertools.product(self.names, fresh):
            word = store.last_word(name, each.symbol, since=each.closed_at, until=each.opened_at)
            if word is not None:
                foreseen.setdefault(name, []).append(
                    ForeseenPrice(mid=word.mid, close=each.close, reopening=each.price)
                )
        moved = {
            name: after_reopening(self._scores[name], results, self._score_rules)
            for name, results in foreseen.items()
        }
        store.record_reopenings(fresh, moved)
        self._scores.update(moved)
        self._show_scores()
        log.info("participants_scored", markets=len(fresh), participants=len(moved))

    def _judge(self, quote: Quote, signature: bytes) -> QuoteVerdict:
        participant = self._participants.get(quote.participant)
        if participant is None:
            return QuoteVerdict.UNKNOWN_PARTICIPANT
        if not self._may_quote(quote):
            return QuoteVerdict.NOT_ALLOWED_MARKET
        now = self._tools.venue_now()
        before = self._sequences.get(participant.address)
        claim = judge_claim(quote, before, now, self._rules)
        if claim is not QuoteVerdict.ACCEPTED:
            return claim
        bucket = self._buckets[participant.name]
        if bucket.wait_seconds() > 0:
            return QuoteVerdict.RATE_LIMITED
        if not self._is_signed(quote, signature, participant.address):
            return QuoteVerdict.BAD_SIGNATURE
        bucket.reserve()
        reference = self._tools.reference(quote.symbol)
        verdict = judge_prices(quote, reference, self._rules)
        self._remember(
            JudgedQuote(
                quote=quote,
                address=participant.address,
                signature=signature,
                reference=reference,
                verdict=verdict,
                at=now,
            )
        )
        return verdict

    def _remember(self, judged: JudgedQuote) -> None:
        """First the disk, then the memory: what is not on disk was not accepted."""
        quote = judged.quote
        score = after_verdict(self._scores[quote.participant], judged.verdict)
        self._tools.store.record(judged, score)
        self._scores[quote.participant] = score
        self._sequences[judged.address] = quote.sequence
        if judged.verdict is QuoteVerdict.ACCEPTED:
            self._hold(quote)
            self._tools.metrics.accepted_at.labels(quote.participant).set(judged.at)

    def _is_signed(self, quote: Quote, signature: bytes, address: bytes) -> bool:
        try:
            return self._tools.recover(quote_digest(self._separator, quote), signature) == address
        except ValueError:
            return False

    def _may_quote(self, quote: Quote) -> bool:
        participant = self._participants.get(quote.participant)
        return participant is not None and quote.symbol in participant.markets

    def _hold(self, quote: Quote) -> None:
        self._standing.setdefault(quote.symbol, {})[quote.participant] = quote

    def _show_scores(self) -> None:
        for name, score in self._scores.items():
            self._tools.metrics.score.labels(name).set(score.score / PPM_SCALE)


def _check_distinct(participants: Iterable[Participant]) -> None:
    names: set[str] = set()
    addresses: set[bytes] = set()
    for each in participants:
        if each.name in names or each.address in addresses:
            raise OperatorError(
                f"expected each participant to have its own name and address, found {each.name}"
                " to share one: give every firm an entry of its own"
            )
        names.add(each.name)
        addresses.add(each.address)
