"""What a deleverage item was judged on, as a name: the same on the same state, in every process.

It ends the key of the intent, as `risk.intent` does for liquidations: the journal keeps keys
unique, so neither a restart nor a second keeper plans an item twice. Unlike a liquidation, an item
depends on two accounts and on what the pools can carry: all of it is in the digest.
"""

from collections.abc import Mapping
from hashlib import blake2b

from risk.deleverage_rules import DeleverageItem, Pools
from risk.margin import Account
from risk.market import Market
from risk.units import MarketId


def deleverage_judged_on(
    item: DeleverageItem,
    account: Account,
    counterparty: Account,
    markets: Mapping[MarketId, Market],
    pools: Pools,
    attempt: int = 0,
) -> str:
    """Identify the state that an item was judged on, readable first, complete at the end.

    `price time-mark-account's size-item's size-digest-attempt`.
    """
    facts = markets[item.market]
    held = account.position(item.market)
    backstop = pools.backstop
    parts = (
        item.counterparty,
        _content(account, markets),
        _content(counterparty, markets),
        pools.insurance_fund,
        backstop.equity,
        backstop.initial_margin,
        backstop.inventories.get(item.market, 0),
    )
    digest = blake2b(repr(parts).encode(), digest_size=6).hexdigest()
    size = 0 if held is None else held.size
    return f"{facts.price_timestamp}-{facts.mark}-{size}-{item.size}-{digest}-{attempt}"


def _content(account: Account, markets: Mapping[MarketId, Market]) -> tuple[int, object]:
    positions = sorted(
        (
            held.market,
            held.size,
            held.quote,
            held.funding,
            markets[held.market].mark,
            markets[held.market].price_timestamp,
        )
        for held in account.positions
    )
    return account.collateral, positions
