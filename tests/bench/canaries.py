"""Canaries: accounts on chain that fall under margin one by one while a price falls.

The price falls by about a millionth in each step, and canary k is under margin from step k on, by one
atom. Once liquidated it has two per cent more than its margin again, which is many hundred steps.
"""

from dataclasses import dataclass
from typing import Final

from risk.market import Market
from risk.units import MarketId, PriceE8, SizeE8, notional, signed_value
from tests.bench.chain_rig import Opening, account_ids, open_accounts, publish
from tests.venues.exchange.contracts.harness import Exchange

_DOLLARS: Final = 2_000
_ABOVE: Final = 104
"""Per cent of the mark at which canaries open: there they have the initial margin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Canaries:
    """The accounts in the order of their deaths, and the prices that kill them."""

    market: MarketId
    accounts: list[int]
    mark: int
    step: int

    def mark_at(self, number: int) -> int:
        """Give the mark of a step; in step 0 all of them live."""
        return self.mark - number * self.step

    def step_of(self, mark: int) -> int:
        """Give the step that a mark belongs to."""
        return (self.mark - mark) // self.step


def open_canaries(exchange: Exchange, market: Market, count: int, *, spared: int) -> Canaries:
    """Open canaries that die in the steps from `spared + 1` on, and set the price of step 0."""
    canaries = Canaries(
        market=market.id,
        accounts=account_ids(exchange, 1, count),
        mark=market.mark,
        step=max(1, market.mark // 10**6),
    )
    opened_at = market.mark * _ABOVE // 100
    publish(exchange, {market.id: opened_at})
    open_accounts(
        exchange,
        [
            _opening(market, account, opened_at, canaries.mark_at(spared + place))
            for place, account in enumerate(canaries.accounts, start=1)
        ],
    )
    publish(exchange, {market.id: market.mark})
    return canaries


def _opening(market: Market, account: int, opened_at: int, dies_at: int) -> Opening:
    size = SizeE8(_DOLLARS * 10**16 // market.mark)
    lost = signed_value(size, PriceE8(opened_at)) - signed_value(size, PriceE8(dies_at))
    margin = market.maintenance_margin(notional(size, PriceE8(dies_at)))
    return Opening(
        account=account,
        collateral=margin + lost - 1,
        market=market.id,
        size=size,
        price=opened_at,
    )
