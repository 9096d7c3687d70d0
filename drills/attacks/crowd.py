"""The accounts that hang on the mark: who becomes liquidatable at a published price, and with how much.

A drawn crowd on eight markets, held in the account watch that the keepers hold it in. Nobody trades,
pays in or is liquidated: what is counted is who could be. Money is in quote atoms.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random

from drills.population import Population, make_population
from risk.account_watch import AccountWatch
from risk.columns import AccountColumns, columns_of
from risk.fill import Fill, fill
from risk.margin import Account
from risk.market import Market
from risk.units import (
    NOTIONAL_SCALE,
    PPM_SCALE,
    AccountId,
    MarketId,
    Ppm,
    QuoteAtoms,
    Seconds,
    SizeE8,
    div_ceil,
    div_floor,
    notional,
    signed_value,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """Accounts with their positions, before anything happens."""

    columns: AccountColumns
    markets: Mapping[MarketId, Market]
    open_interest: QuoteAtoms
    """Of all markets: what all longs are worth at the start."""

    @property
    def count(self) -> int:
        """How many accounts there are, the makers too."""
        return len(self.columns.ids)


def draw_crowd(traders: int, seed: int, markets: Mapping[MarketId, Market]) -> Crowd:
    """Draw the traders and settle their trades as the exchange does."""
    population = make_population(Random(f"{seed}crowd"), traders, markets)  # noqa: S311 - repeatable
    accounts = _settled(population, markets)
    held = [each for account in accounts for each in account.positions if each.size > 0]
    return Crowd(
        columns=columns_of(accounts),
        markets=markets,
        open_interest=QuoteAtoms(
            sum(signed_value(each.size, markets[each.market].mark) for each in held)
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fall:
    """An account was under margin for the first time."""

    at: Seconds
    notional: QuoteAtoms
    """Of all its positions, at that moment's marks."""


class Watched:
    """The crowd in one run."""

    def __init__(self, crowd: Crowd, now: Seconds) -> None:
        markets = {
            number: replace(market, price_timestamp=now, updated_at=now, funding_time=now)
            for number, market in crowd.markets.items()
        }
        self._watch = AccountWatch()
        self._watch.load(markets, [crowd.columns], now)
        self.fallen: dict[AccountId, Fall] = {}
        """Who was ever under margin."""
        self._note(now)

    def see(self, market: Market, now: Seconds) -> None:
        """Take a published price."""
        if self._watch.set_market(market, now):
            self._note(now)

    def _note(self, now: Seconds) -> None:
        book = self._watch.book
        for account in self._watch.under_margin:
            if account in self.fallen:
                continue
            worth = sum(
                notional(held.size, book.markets[held.market].mark)
                for held in book.account(account).positions
            )
            self.fallen[account] = Fall(at=now, notional=QuoteAtoms(worth))


def _settled(population: Population, markets: Mapping[MarketId, Market]) -> list[Account]:
    accounts = {
        number: Account(id=number, collateral=amount)
        for number, amount in population.deposits.items()
    }
    for item in population.trades:
        market = markets[item.market]
        sides = (
            (item.taker, item.size, market.taker_fee),
            (item.maker, -item.size, market.maker_fee),
        )
        for who, size, fee in sides:
            accounts[who] = _traded(accounts[who], market, SizeE8(size), fee)
    return [accounts[number] for number in sorted(accounts)]


def _traded(account: Account, market: Market, size: SizeE8, fee: Ppm) -> Account:
    worth = div_floor(abs(size) * market.mark, NOTIONAL_SCALE)
    cash = QuoteAtoms(-worth if size > 0 else worth)
    after = fill(
        account, Fill(market=market.id, size=size, cash=cash), market, now=market.funding_time
    ).account
    owed = div_ceil(notional(size, market.mark) * fee, PPM_SCALE)
    return replace(after, collateral=QuoteAtoms(after.collateral - owed))
