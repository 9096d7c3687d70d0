"""Tens of thousands of accounts on a real chain, each with one position: for cascade and cold start.

Everybody is long about a thousand dollars with 6 % of it in cash, the initial margin being 5 % and the
maintenance margin 2.5 %: a fall of 5 % puts all of them under margin at once, and closes them out.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from risk.market import Market
from risk.units import MarketId
from tests.anvil import Anvil, JsonRpc
from tests.bench.chain_rig import Opening, ground_node, open_accounts, open_exchange, say
from tests.bench.population import make_population
from tests.venues.exchange.contracts.harness import Exchange

MARKETS: Final = 8
_DOLLARS: Final = 1_000
_CASH_ATOMS: Final = 60_000_000
_AT_ONCE: Final = 10_000


@dataclass(slots=True, kw_only=True)
class Crowd:
    """The chain and who is on it."""

    anvil: Anvil
    exchange: Exchange
    markets: dict[MarketId, Market]
    people: list[Opening] = field(default_factory=list)

    def grow(self, count: int) -> None:
        """Open accounts until there are so many."""
        while len(self.people) < count:
            first = len(self.people)
            more = [self._person(first + i) for i in range(min(_AT_ONCE, count - first))]
            open_accounts(self.exchange, more)
            self.people += more
            say(f"crowd: {len(self.people):,} of {count:,} accounts opened")

    def marks_after_fall(self) -> dict[MarketId, int]:
        """Give marks at which everybody is under margin."""
        return {number: market.mark * 95 // 100 for number, market in self.markets.items()}

    def _person(self, number: int) -> Opening:
        market = self.markets[MarketId(number % MARKETS)]
        return Opening(
            account=self.exchange.account(number + 1),
            collateral=_CASH_ATOMS,
            market=market.id,
            size=_DOLLARS * 10**16 // market.mark,
            price=market.mark,
        )


@contextlib.contextmanager
def crowded_chain() -> Iterator[Crowd]:
    """Run a node with an exchange and nobody on it yet."""
    markets = make_population(1_000, MARKETS).markets
    with ground_node() as anvil, JsonRpc(anvil.http_url) as rpc:
        yield Crowd(anvil=anvil, exchange=open_exchange(rpc, markets), markets=markets)
