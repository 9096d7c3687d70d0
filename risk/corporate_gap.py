"""A split or a dividend that no event told of: what two sights of a market say happened between them.

Only a corporate action moves mark and index while the time of the last price stands still. Of a split only
known ratios are recognised; where a price was published since, nothing can be told.
"""

from risk.corporate_prices import Rebase
from risk.market import Market
from risk.split_suspicion import KNOWN_RATIOS


def rebase_between(before: Market, after: Market) -> Rebase | None:
    """Say what happened to a market's prices while nobody looked; None: nothing, or nobody can tell."""
    is_same_price = (before.price_timestamp, before.updated_at) == (
        after.price_timestamp,
        after.updated_at,
    )
    if not is_same_price or before.mark == after.mark or min(before.mark, before.index) <= 0:
        return None
    for ratio in KNOWN_RATIOS:
        if (ratio.price(before.mark), ratio.price(before.index)) == (after.mark, after.index):
            return Rebase(ratio=ratio)
    amount = before.mark - after.mark
    is_dividend = amount > 0 and before.index - after.index == amount
    return Rebase(amount=amount) if is_dividend else None
