"""From a planned item to an intent in the journal: what is wished, why, and on what evidence."""

from collections.abc import Iterable, Mapping
from typing import Final

from risk.evidence import evidence
from risk.explain import reason
from risk.liquidation_values import PlannedItem
from risk.market import Market
from risk.units import AccountId, MarketId, Seconds, account_label, parse_account
from runtime.journal import Intent
from runtime.journal.records import SEPARATOR
from venues.port import LiquidationItem, LiquidationSettled

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


def pairs_of(
    keys: Iterable[str], markets: Mapping[MarketId, Market]
) -> dict[tuple[AccountId, MarketId], str]:
    """Give back which account and market each of our intents' keys is about.

    A market that the exchange no longer knows by that symbol is left out.
    """
    numbers = {market.symbol: number for number, market in markets.items()}
    found: dict[tuple[AccountId, MarketId], str] = {}
    for key in keys:
        kind, symbol, account, _ = key.split(SEPARATOR)
        if kind == KIND and symbol in numbers:
            found[parse_account(account), numbers[symbol]] = key
    return found


def figures_of(result: LiquidationSettled) -> dict[str, object]:
    """Give the figures of a result, as the journal keeps them: size in 1e-8 share, money in atoms."""
    return {
        "size_e8": result.size,
        "value_atoms": result.value,
        "discount_atoms": result.discount,
        "penalty_atoms": result.penalty,
        "shortfall_atoms": result.shortfall,
        "reward_atoms": result.reward,
    }
