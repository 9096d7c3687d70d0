"""The settings under attack: what an operator gets who names three sources and leaves the rest out.

Markets, calendars and every rule are those that ship. Nothing is opened: the addresses are there
because a setting without one is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.markets import load_exchange
from config.schema.fields import address_bytes, checksum_address
from config.schema.prices import Participants
from config.settings import Prices
from drills.exchange_setup import SYMBOLS
from keepers.deployment import listing_of
from keepers.duties.price_terms import impact_notionals, market_terms
from monitors.participants.desk import Participant
from monitors.prices.book_board import BookRules
from monitors.prices.inputs import MarketTerms
from risk.market import Market, make_tiers
from risk.participant_quotes import QuoteRules
from risk.price_publication import PublicationRules
from risk.units import MarketId, Ppm, PriceE8, QuoteAtoms, Seconds

SYMBOL: Final = "NVDA"
"""The market under attack; the others of the crowd stand still."""
SOURCES: Final = ("feed-1", "feed-2", "feed-3")
FIRMS: Final = ("firm-1", "firm-2", "firm-3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Everything that a price is made by, and that a run does not change."""

    terms: MarketTerms
    impact_notional: QuoteAtoms
    book: BookRules
    members: Sequence[Participant]
    quotes: QuoteRules
    publication: PublicationRules
    markets: Mapping[MarketId, Market]
    """As they are listed, at their reference prices; without times."""

    @property
    def market(self) -> Market:
        """The market under attack, as it is listed."""
        return next(each for each in self.markets.values() if each.symbol == SYMBOL)


def default_setting() -> Setting:
    """Put together what ships."""
    prices, participants = _prices(), _participants()
    assert prices.book is not None
    return Setting(
        terms=market_terms(prices)[SYMBOL],
        impact_notional=impact_notionals(prices)[SYMBOL],
        book=BookRules(
            stale_after=Seconds(prices.book.stale_after_seconds),
            trade_stale_after=Seconds(prices.book.trade_stale_after_seconds),
        ),
        members=[
            Participant(
                name=member.name,
                address=address_bytes(member.address),
                weight=member.weight,
                markets=frozenset(member.markets),
                quotes_per_second=member.quotes_per_second,
            )
            for member in participants.members
        ],
        quotes=QuoteRules(
            max_deviation=Ppm(participants.max_deviation_ppm),
            max_spread=Ppm(participants.max_spread_ppm),
            longest_life=Seconds(participants.longest_life_seconds),
            minimum=participants.minimum,
        ),
        publication=PublicationRules(
            interval=Seconds(prices.interval_seconds), early_move=Ppm(prices.early_move_ppm)
        ),
        markets=_listed_markets(),
    )


def _prices() -> Prices:
    sources = [
        {
            "name": name,
            "symbol": SYMBOL,
            "url": f"https://{name}.invalid/",
            "price_path": "price",
            "time_path": "time",
            "time_unit": "s",
        }
        for name in SOURCES
    ]
    return Prices.model_validate({"json_sources": sources, "book": {"url": "wss://book.invalid/"}})


def _participants() -> Participants:
    members = [
        {
            "name": name,
            "address": checksum_address(bytes([place + 1]) * 20),
            "markets": [SYMBOL],
        }
        for place, name in enumerate(FIRMS)
    ]
    return Participants.model_validate(
        {"listen": "127.0.0.1:9000", "path": Path("quotes.sqlite"), "members": members}
    )


def _listed_markets() -> dict[MarketId, Market]:
    markets = {}
    for number, file in enumerate(load_exchange(symbols=SYMBOLS).markets):
        listing, price = listing_of(file), PriceE8(file.reference_price_e8)
        markets[MarketId(number)] = Market(
            id=MarketId(number),
            symbol=listing.symbol,
            mark=price,
            index=price,
            price_timestamp=Seconds(0),
            updated_at=Seconds(0),
            funding_time=Seconds(0),
            initial_margin=Ppm(listing.initial_margin),
            taker_fee=Ppm(listing.taker_fee),
            maker_fee=Ppm(listing.maker_fee),
            open_interest_cap=QuoteAtoms(listing.open_interest_cap),
            clamp=Ppm(listing.clamp),
            min_interval=Seconds(listing.min_interval),
            expiry=Seconds(listing.expiry),
            min_position_notional=QuoteAtoms(listing.min_position_notional),
            slice_threshold=QuoteAtoms(listing.slice_threshold),
            penalty=Ppm(listing.penalty),
            spread_max=Ppm(listing.spread_max),
            backstop_cap=QuoteAtoms(listing.backstop_cap),
            tiers=make_tiers(list(listing.tiers)),
        )
    return markets
