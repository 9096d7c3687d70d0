"""What a liquidation was judged on, as a name: the same on the same state, in every process.

It ends the key of the intent, and the journal keeps keys unique, so that neither a restart nor a
second keeper plans a thing twice. A changed state, or a further attempt on an unchanged one, has
another name and can be planned.
"""

from hashlib import blake2b

from risk.liquidation import LiquidationTerms
from risk.margin import Account
from risk.units import MarketId


def judged_on(account: Account, market: MarketId, terms: LiquidationTerms, attempt: int = 0) -> str:
    """Identify the state that a liquidation was judged on, readable first, complete at the end.

    `price time-mark-size-slice time-digest-attempt`. The digest covers cash and every position and
    price of the account: in a cross-margined account another market may have made the difference.
    """
    facts = terms.markets[market]
    held = account.position(market)
    size, slice_time = (0, 0) if held is None else (held.size, held.slice_time)
    parts = sorted(
        (
            item.market,
            item.size,
            item.quote,
            item.slice_time,
            terms.markets[item.market].mark,
            terms.markets[item.market].price_timestamp,
        )
        for item in account.positions
    )
    digest = blake2b(repr((account.collateral, parts)).encode(), digest_size=6).hexdigest()
    return f"{facts.price_timestamp}-{facts.mark}-{size}-{slice_time}-{digest}-{attempt}"
