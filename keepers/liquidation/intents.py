"""From a planned item to an intent in the journal: what is wished, why, and on what evidence."""

from collections.abc import Mapping
from typing import Final

from risk.evidence import evidence
from risk.explain import reason
from risk.liquidation_values import PlannedItem
from risk.market import Market
from risk.units import MarketId, Seconds, account_label
from runtime.journal import Intent
from venues.port import LiquidationItem

KIND: Final = "liquidate"


def item_of(planned: PlannedItem) -> LiquidationItem:
    """Give what the venue is asked."""
    return LiquidationItem(
        account=planned.account, market=planned.market, max_size=planned.max_size
    )


def intent_of(
    planned: PlannedItem, markets: Mapping[MarketId, Market], *, block: int, expires_at: Seconds
) -> Intent:
    """Write an item down with its reason in words and everything that it was judged on."""
    symbol = markets[planned.market].symbol
    return Intent(
        kind=KIND,
        market=symbol,
        account=account_label(planned.account),
        judged_on=planned.judged_on,
        expires_at=expires_at,
        payload={
            "reason": reason(planned.verdict),
            "block": block,
            "max_size_e8": planned.max_size,
            "expected_loss_atoms": planned.expected_loss,
            "evidence": evidence(planned.judged, planned.verdict, planned.terms),
        },
    )
