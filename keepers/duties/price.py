"""The price duty put together: sources, book, participants, halts and words, the desk, the keeper."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry

from config.schema.fields import address_bytes
from config.schema.prices import Participant as Member
from config.schema.prices import Participants
from config.settings import Prices, Settings
from keepers.duties.price_sources import SourceParts, open_sources, reconnect_rules
from keepers.duties.price_terms import impact_notionals, market_terms
from keepers.price.keeper import KIND, PriceKeeper, PriceLimits
from keepers.price.metrics import PriceMetrics
from keepers.sender import Sender
from keepers.sender.recover import recover_address
from keepers.signing import exchange_address
from monitors.participants.desk import DeskTools, Participant, QuoteDesk
from monitors.participants.http import QuoteEndpoint
from monitors.participants.metrics import ParticipantMetrics
from monitors.participants.reopenings import Quoting
from monitors.participants.store import ParticipantStore
from monitors.participants.typed_data import domain_separator
from monitors.prices.board import PriceBoard
from monitors.prices.book_board import BookBoard, BookRules
from monitors.prices.book_feed import BookFeed, BookFeedSettings
from monitors.prices.book_metrics import BookMetrics
from monitors.prices.desk import PriceDesk
from monitors.prices.desk_metrics import DeskMetrics
from monitors.prices.halt_watch import HaltSettings, HaltWatch
from monitors.prices.inputs import PriceInputs, VenueState
from monitors.prices.metrics import SourceMetrics
from monitors.prices.operator_words import OperatorWords
from monitors.prices.port import PriceSource
from monitors.prices.resumption import Earlier, earlier_of
from risk.corporate_prices import Rebase
from risk.market import Market
from risk.participant_quotes import QuoteRules
from risk.participant_scores import ScoreRules
from risk.price_publication import PublicationRules
from risk.units import Ppm, PriceE8, Seconds
from runtime.errors import OperatorError
from runtime.http import parse_listen
from runtime.journal import Journal
from runtime.supervise import Worker
from venues.port import PriceVenue

BOOK: Final = "order-book"
HALTS: Final = "trading-halts"
SECONDS_PER_DAY: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class SensingParts:
    """What price sensing shares with the rest of the process."""

    settings: Settings
    venue_state: VenueState
    journal: Journal
    registry: CollectorRegistry
    source_parts: SourceParts
    stack: AsyncExitStack
    """Closes what is opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSensing:
    """All that sees prices and makes them, and publishes nothing: what price and breaker duty share."""

    desk: PriceDesk
    board: PriceBoard
    sources: tuple[PriceSource, ...]
    books: BookBoard | None
    feed: BookFeed | None
    halts: HaltWatch | None
    words: OperatorWords | None
    quoting: Quoting | None
    endpoint: QuoteEndpoint | None
    journal: Journal

    def rebase(self, market: Market, by: Rebase) -> None:
        """Go on at what prices are worth now; what was said of the old ones is forgotten."""
        symbol, now = market.symbol, self.desk.now
        self.desk.rebase(market, by)
        if symbol in self.desk.symbols:
            self.journal.note(_rebased_key(symbol), str(now))
        if self.words is not None:
            self.words.forget(symbol)
        if self.quoting is not None:
            self.quoting.forget(symbol, now)
        if self.books is not None:
            self.books.forget(symbol)

    def workers(self) -> dict[str, Worker]:
        """Name the workers that see."""
        workers: dict[str, Worker] = {}
        for source in self.sources:
            workers[f"source_{source.name}"] = _listening(source, self.board)
        if self.feed is not None:
            workers["order_book"] = _listening(self.feed, self.board)
        if self.halts is not None:
            workers["trading_halts"] = _listening(self.halts, self.board)
        if self.words is not None:
            workers["operator_words"] = self.words.run
        if self.endpoint is not None:
            workers["quotes"] = self.endpoint.run
        return workers

    def show(self) -> None:
        """Set the gauges, and score participants when it is time."""
        self.desk.show()
        if self.quoting is not None:
            self.quoting.flush(self.desk.now)

    def status(self) -> Mapping[str, object]:
        """Say how prices are, for `/status`."""
        return {
            "prices": {symbol: self.desk.summary(symbol) for symbol in self.desk.symbols},
            "faulty_sources": {
                source: kind.value for source, kind in self.board.faulty_sources().items()
            },
        }

    def why_not_ready(self) -> str | None:
        """Say which markets cannot be priced as the profile wants."""
        missing = self.desk.missing_markets()
        if missing:
            return f"the exchange lists no market {', '.join(missing)}: correct the feeds"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceDuty:
    """The running price duty."""

    keeper: PriceKeeper

    def workers(self) -> dict[str, Worker]:
        """Name the workers of the duty."""
        return {"price": self.keeper.run}

    def show(self) -> None:
        """Nothing: its gauges are kept as it goes."""

    def status(self) -> Mapping[str, object]:
        """Nothing: what there is to say of prices, `PriceSensing` says."""
        return {}


def open_price_sensing(parts: SensingParts, *, takes_quotes: bool) -> PriceSensing:
    """Put all together that sees prices; raises OperatorError with one sentence for what is wrong.

    Quotes of participants are taken by the price duty alone: their store has one owner.
    """
    prices, state = parts.settings.prices, parts.venue_state
    names, symbols = [source.name for source in prices.sources], prices.symbols
    board = PriceBoard(
        sources=[*names, BOOK, HALTS],
        symbols=symbols,
        metrics=SourceMetrics.create(
            parts.registry, sources=[*names, BOOK, HALTS], symbols=symbols
        ),
        venue_now=lambda: state.now,
    )
    books, feed = _open_books(parts)
    halts = _open_halts(parts)
    words = None if prices.words_file is None else OperatorWords(prices.words_file)
    quotes = None
    if prices.participants is not None and takes_quotes:
        # Quotes are compared with the index of a desk that in turn asks for them.
        quotes = _open_quotes(
            parts,
            prices.participants,
            lambda symbol: desk.index(symbol),  # noqa: PLW0108 - the desk is made below
        )
    quoting = None if quotes is None else Quoting(quotes[0])
    desk = PriceDesk(
        venue=state,
        terms=market_terms(prices),
        inputs=PriceInputs(
            reports=board, books=books, participants=quoting, halts=halts, words=words
        ),
        metrics=DeskMetrics.create(parts.registry, sources=names, symbols=symbols),
        earlier=earlier_prices(parts.journal, symbols),
        suspicion=parts.settings.corporate.suspicion_rules,
    )
    return PriceSensing(
        journal=parts.journal,
        desk=desk,
        board=board,
        sources=tuple(open_sources(prices, parts.source_parts)),
        books=books,
        feed=feed,
        halts=halts,
        words=words,
        quoting=quoting,
        endpoint=None if quotes is None else quotes[1],
    )


def open_price_duty(
    parts: SensingParts, sensing: PriceSensing, *, venue: PriceVenue, sender: Sender
) -> PriceDuty:
    """Put the keeper to what it publishes."""
    keeper = PriceKeeper(
        view=sensing.desk,
        venue=venue,
        sender=sender,
        journal=parts.journal,
        limits=_limits(parts.settings.prices),
        metrics=PriceMetrics.create(parts.registry),
        clock=parts.source_parts.clock,
    )
    return PriceDuty(keeper=keeper)


def _listening(source: PriceSource | BookFeed | HaltWatch, board: PriceBoard) -> Worker:
    """Make a worker of something that writes on the board."""

    async def run(stop: asyncio.Event) -> None:
        await source.run(board, stop)

    return run


def earlier_prices(journal: Journal, symbols: Iterable[str]) -> dict[str, Earlier]:
    """Read what an earlier life wrote down of each market's last published price.

    What it wrote before a split or a dividend is about prices of another kind, and left out.
    """
    found = {}
    for symbol in symbols:
        record = journal.newest_intent(kind=KIND, market=symbol)
        why = None if record is None else record.payload.get("why")
        earlier = earlier_of(why) if isinstance(why, Mapping) else None
        rebased_at = journal.noted(_rebased_key(symbol))
        if earlier is not None and (rebased_at is None or earlier.now > int(rebased_at)):
            found[symbol] = earlier
    return found


def _rebased_key(symbol: str) -> str:
    return f"price/rebased/{symbol}"


def _limits(prices: Prices) -> PriceLimits:
    return PriceLimits(
        rules=PublicationRules(
            interval=Seconds(prices.interval_seconds), early_move=Ppm(prices.early_move_ppm)
        ),
        gas_base=prices.gas_base,
        gas_per_price=prices.gas_per_price,
    )


def _open_books(parts: SensingParts) -> tuple[BookBoard | None, BookFeed | None]:
    book = parts.settings.prices.book
    if book is None:
        return None, None
    notionals, state, given = (
        impact_notionals(parts.settings.prices),
        parts.venue_state,
        parts.source_parts,
    )
    metrics = BookMetrics.create(parts.registry, symbols=list(notionals))
    board = BookBoard(
        impact_notional=notionals,
        metrics=metrics,
        venue_now=lambda: state.now,
        rules=BookRules(
            stale_after=Seconds(book.stale_after_seconds),
            trade_stale_after=Seconds(book.trade_stale_after_seconds),
        ),
    )
    feed = BookFeed(
        BookFeedSettings(name=BOOK, url=book.url, silence_seconds=book.timeout_seconds),
        given.session,
        board=board,
        metrics=metrics,
        clock=given.clock,
        random=given.random,
        rules=reconnect_rules(parts.settings.prices),
    )
    return board, feed


def _open_quotes(
    parts: SensingParts, settings: Participants, index: Callable[[str], PriceE8 | None]
) -> tuple[QuoteDesk, QuoteEndpoint]:
    """Open the participants' desk and its endpoint; `index` is what quotes are compared with."""
    members = [_member(each) for each in settings.members]
    names, symbols = [each.name for each in members], parts.settings.prices.symbols
    unknown = sorted({symbol for each in members for symbol in each.markets} - set(symbols))
    if unknown:
        raise OperatorError(
            f"expected [prices.participants] members to quote markets that a source prices, found"
            f" {unknown[0]}: remove it, or add a source for it"
        )
    store = ParticipantStore(
        settings.path, retention=Seconds(settings.retention_days * SECONDS_PER_DAY)
    )
    parts.stack.callback(store.close)
    metrics = ParticipantMetrics.create(parts.registry, participants=names, symbols=symbols)
    state = parts.venue_state
    desk = QuoteDesk(
        members,
        separator=domain_separator(
            chain_id=parts.settings.network.chain_id, exchange=exchange_address(parts.settings)
        ),
        rules=QuoteRules(
            max_deviation=Ppm(settings.max_deviation_ppm),
            max_spread=Ppm(settings.max_spread_ppm),
            longest_life=Seconds(settings.longest_life_seconds),
            minimum=settings.minimum,
        ),
        score_rules=ScoreRules(),
        tools=DeskTools(
            store=store,
            metrics=metrics,
            recover=recover_address,
            reference=index,
            venue_now=lambda: state.now,
            clock=parts.source_parts.clock,
        ),
    )
    host, port = parse_listen(settings.listen)
    return desk, QuoteEndpoint(host, port, desk=desk, metrics=metrics)


def _member(member: Member) -> Participant:
    return Participant(
        name=member.name,
        address=address_bytes(member.address),
        weight=member.weight,
        markets=frozenset(member.markets),
        quotes_per_second=member.quotes_per_second,
    )


def _open_halts(parts: SensingParts) -> HaltWatch | None:
    halts, given = parts.settings.prices.halts, parts.source_parts
    if halts is None:
        return None
    return HaltWatch(
        HaltSettings(
            name=HALTS,
            url=halts.url,
            underlying_to_symbol={theirs: ours for ours, theirs in halts.underlyings.items()},
            poll_seconds=halts.poll_seconds,
        ),
        given.session,
        clock=given.clock,
        random=given.random,
        rules=reconnect_rules(parts.settings.prices),
    )
