"""How prices are made of what sources, book and participants say, and when they are published."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field, model_validator

from config.schema.fields import (
    ATOMS_PER_USD,
    Address,
    FilePath,
    HttpUrl,
    Listen,
    Name,
    NaturalInt,
    PositiveInt,
    PositiveUsd,
    Seconds,
    Section,
    WebSocketUrl,
    WholeSeconds,
    exact_units,
)
from config.schema.markets import PositivePpm, Symbol
from config.schema.price_sources import (
    ChainlinkAggregatorSource,
    ChainlinkStreamsSource,
    JsonSource,
    PythHermesSource,
    PythProSource,
    Source,
    Weight,
)


class Quorum(Section):
    """Who must agree."""

    wanted: PositiveInt = Field(default=3, le=64)
    """Independent providers at which nothing is amiss."""

    minimum: PositiveInt = Field(default=2, le=64)
    """Fewer make no price."""

    max_deviation_ppm: PositivePpm = 25_000
    """Farther from the median a source is an outlier and is left out."""

    reduce_only_after_seconds: WholeSeconds = 30
    """Time below the minimum after which nobody should take new risk."""

    silent_after_seconds: WholeSeconds = 120
    """Time below the minimum after which nothing is published, and the venue's expiry protects."""

    recovery_rounds: PositiveInt = Field(default=5, le=1_000)
    """Good rounds in a row that lead one step back up."""

    @model_validator(mode="after")
    def _check_together(self) -> "Quorum":
        if self.minimum > self.wanted:
            raise ValueError(
                f"`minimum` ({self.minimum}) must be at most `wanted` ({self.wanted}): lower it"
            )
        if self.reduce_only_after_seconds > self.silent_after_seconds:
            raise ValueError(
                f"`reduce_only_after_seconds` ({self.reduce_only_after_seconds}) must be at most"
                f" `silent_after_seconds` ({self.silent_after_seconds}): lower it"
            )
        return self


class Jumps(Section):
    """What it takes to believe a far price."""

    jump_ppm: PositivePpm = 30_000
    """A step farther than this needs `jump_providers`, or must hold for `persistence_seconds`."""

    jump_providers: PositiveInt = Field(default=2, le=64)
    """Independent providers that confirm a jump at once."""

    persistence_seconds: WholeSeconds = 45
    """How long a jump that one provider claims must hold."""

    large_jump_ppm: PositivePpm = 100_000
    """A step farther than this needs `large_jump_providers` or an operator's word; time does not help."""

    large_jump_providers: PositiveInt = Field(default=3, le=64)
    """Independent providers that confirm a large jump; the first price of all needs as many."""


class Mark(Section):
    """How the mark is made while outside markets trade and while they sleep."""

    tau_seconds: WholeSeconds = 1_800
    """Time constant with which the internal price follows its voices."""

    largest_step_ppm: PositivePpm = 5_000
    """Farthest step of the internal price in one round."""

    book_weight: NaturalInt = Field(default=6, le=1_000)
    """Pull of the venue's order book on the internal price."""

    participants_weight: NaturalInt = Field(default=3, le=1_000)
    """Pull of registered participants. Who is silent pulls nothing, and makes the others no louder."""

    last_close_weight: NaturalInt = Field(default=1, le=1_000)
    """Pull of the last outside price."""

    basis_tau_seconds: WholeSeconds = 150
    """Time constant of the book's average distance from the index while outside markets trade."""

    internal_basis_tau_seconds: WholeSeconds = 1_800
    """The same while they sleep."""

    external_gap_seconds: WholeSeconds = 30
    """Longest silence of the outside price before the internal one takes over."""

    transition_lock_seconds: WholeSeconds = 60
    """After a session's border: no change from internal to external, small steps only."""

    locked_step_ppm: PositivePpm = 2_500
    """Farthest step of an outside index while locked."""

    warm_up_updates: PositiveInt = Field(default=3, le=1_000)
    """Outside updates after a gap until the price counts as warm."""

    discovery_bound_ppm: PositivePpm | None = Field(default=None, lt=1_000_000)
    """How far the price may go while outside markets sleep. Left out: the market's initial margin, 1 / largest leverage."""

    bound_threshold_ppm: PositivePpm = 900_000
    """Part of the bound at which its reference moves there."""

    bound_resets: NaturalInt = Field(default=2, le=100)
    """How often that may happen in each direction."""

    @model_validator(mode="after")
    def _check_together(self) -> "Mark":
        if self.book_weight + self.participants_weight + self.last_close_weight == 0:
            raise ValueError("must have one weight above 0, or the internal price never moves")
        return self


class BookFeed(Section):
    """The venue's own order books."""

    url: WebSocketUrl
    """WebSocket of the matching engine (docs/book_feed.md)."""

    impact_notional_usd: PositiveUsd = Decimal(20_000)
    """What must be sold and bought at once for a side of the book to count. Larger is harder to push."""

    stale_after_seconds: WholeSeconds = 15
    """A book not heard of for so long on the venue's clock is no book."""

    trade_stale_after_seconds: WholeSeconds = 300
    """A last trade older than this says nothing."""

    timeout_seconds: Seconds = 10.0
    """Longest silence of the connection."""

    @property
    def impact_notional_atoms(self) -> int:
        """Give the impact notional in the quote token's atoms."""
        return exact_units(self.impact_notional_usd, ATOMS_PER_USD)


class Halts(Section):
    """Trading halts of the underlyings."""

    url: HttpUrl = "https://www.nasdaqtrader.com/rss.aspx?feed=tradehalts"
    """Page of halts in Nasdaq's RSS shape; it covers all US listing markets."""

    underlyings: dict[Symbol, str] = Field(min_length=1)
    """The exchange's symbol of each market's underlying."""

    poll_seconds: Seconds = Field(default=60.0, ge=60)
    """Pause between polls. The exchange blocks who asks more than once a minute."""


class Participant(Section):
    """A firm that quotes."""

    name: Name
    """Short name in logs and metrics."""

    address: Address
    """Key with which it signs its quotes."""

    weight: Weight = 1
    """Weight among the participants, before its score."""

    markets: Annotated[tuple[Symbol, ...], Field(min_length=1, strict=False)]
    """Markets that it may quote."""

    quotes_per_second: float = Field(default=2.0, gt=0, le=1_000)
    """How often it may quote."""


class Participants(Section):
    """Quotes of registered firms (docs/participant_quotes.md)."""

    listen: Listen
    """Host and port where quotes are taken. Put a TLS proxy before it."""

    path: FilePath
    """SQLite file of all quotes, sequences and scores."""

    retention_days: PositiveInt = Field(default=90, le=36_500)
    """Age after which quotes are removed."""

    minimum: PositiveInt = Field(default=2, le=64)
    """Participants that must quote a market for their price to count."""

    max_deviation_ppm: PositivePpm = 100_000
    """Farthest that a quote may lie from the index."""

    max_spread_ppm: PositivePpm = 20_000
    """Widest spread of a quote."""

    longest_life_seconds: WholeSeconds = 300
    """Longest time for which a quote may stand."""

    members: Annotated[tuple[Participant, ...], Field(min_length=1, max_length=64, strict=False)]
    """Who may quote."""


class MarketPrices(Section):
    """What differs for one market."""

    symbol: Symbol
    """The market."""

    discovery_bound_ppm: PositivePpm | None = Field(default=None, lt=1_000_000)
    """Its own discovery bound."""

    impact_notional_usd: PositiveUsd | None = None
    """Its own impact notional."""


class Prices(Section):
    """The price keeper: it publishes the mark and index of every market that a source names."""

    interval_seconds: WholeSeconds = 3
    """Between two publications of a quiet market; never under the venue's own minimum."""

    early_move_ppm: PositivePpm = 1_000
    """Publish sooner when mark or index moved by more than this."""

    gas_base: PositiveInt = Field(default=200_000, ge=21_000)
    """Gas of a publication beside its prices."""

    gas_per_price: PositiveInt = Field(default=150_000, ge=21_000)
    """Gas of each price in it."""

    reconnect_most_seconds: Seconds = 30.0
    """Longest pause before a source that fails is tried again."""

    quorum: Quorum = Field(default_factory=Quorum)
    """Who must agree."""

    jumps: Jumps = Field(default_factory=Jumps)
    """What it takes to believe a far price."""

    mark: Mark = Field(default_factory=Mark)
    """How the mark is made."""

    pyth_hermes: Annotated[tuple[PythHermesSource, ...], Field(max_length=16, strict=False)] = ()
    """Sources of this kind."""

    pyth_pro: Annotated[tuple[PythProSource, ...], Field(max_length=16, strict=False)] = ()
    """Sources of this kind."""

    json_sources: Annotated[tuple[JsonSource, ...], Field(max_length=256, strict=False)] = ()
    """Sources of this kind."""

    chainlink_aggregators: Annotated[
        tuple[ChainlinkAggregatorSource, ...], Field(max_length=256, strict=False)
    ] = ()
    """Sources of this kind."""

    chainlink_streams: Annotated[
        tuple[ChainlinkStreamsSource, ...], Field(max_length=16, strict=False)
    ] = ()
    """Sources of this kind."""

    book: BookFeed | None = None
    """The venue's own order books."""

    halts: Halts | None = None
    """Trading halts of the underlyings."""

    participants: Participants | None = None
    """Quotes of registered firms."""

    words_file: FilePath | None = None
    """File in which operators vouch for prices (`bellkeeper vouch`)."""

    markets: Annotated[tuple[MarketPrices, ...], Field(max_length=128, strict=False)] = ()
    """What differs for single markets."""

    @property
    def sources(self) -> tuple[Source, ...]:
        """List the sources of all kinds."""
        return (
            *self.pyth_hermes,
            *self.pyth_pro,
            *self.json_sources,
            *self.chainlink_aggregators,
            *self.chainlink_streams,
        )

    @property
    def symbols(self) -> tuple[str, ...]:
        """Name the markets that some source prices, in the order of the alphabet."""
        return tuple(sorted({symbol for source in self.sources for symbol in source.symbols}))

    @model_validator(mode="after")
    def _check_together(self) -> "Prices":
        names = [source.name for source in self.sources]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f'must give each source its own name, found "{twice[0]}" twice')
        unknown = sorted({each.symbol for each in self.markets} - set(self.symbols))
        if unknown:
            raise ValueError(
                f"`markets` must name markets that a source prices, found {unknown[0]}: remove it"
            )
        return self
