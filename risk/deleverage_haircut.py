"""What deleveraging took from the winners, over what had to be taken.

`given_up`: how much equity counterparties lost against the mark: at the bankruptcy price instead of
the mark. `covered`: how much negative equity that made good. Money is conserved, so here the two
differ by rounding only, an atom an item either way: 1.00 is the least possible, and whoever closes
at a worse price takes more. `needed`: the least that anybody had to give up at the start, after what
insurance fund and backstop could carry; `given_up / needed` above 1.00 was taken without need.

`closed_profit` is another thing: the profit of what was closed, most of which is paid out. It is
what the replay of 10 October 2025 on Hyperliquid counts: 834.3 million USD realised against 23.19
million of negative equity, 36.0 (ConejoCapital/HyperMultiAssetedADL). The first versions of
arXiv:2512.01112 took some 650 million for the excess, the "28 times" often quoted; its third calls
653.6 million positions closed, and the excess of profit lost 45.0 to 51.7 million. Never compare
the two kinds of figure with each other.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from risk.deleverage_effect import fill_both
from risk.deleverage_need import Need
from risk.deleverage_rules import DeleverageVerdict
from risk.margin import Account, margin_state
from risk.market import Market
from risk.units import (
    PPM_SCALE,
    AccountId,
    MarketId,
    Ppm,
    QuoteAtoms,
    Seconds,
    div_ceil,
    div_floor,
    notional,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Haircut:
    """What a round of deleveraging took, in quote atoms; ratios in ppm rounded up, None over 0."""

    given_up: QuoteAtoms
    covered: QuoteAtoms
    needed: QuoteAtoms
    closed_profit: QuoteAtoms
    closed_notional: QuoteAtoms
    counterparty_count: int

    @property
    def over_covered(self) -> Ppm | None:
        """Give profit given up over negative equity covered: 1_000_000 is the least possible."""
        return _ratio(self.given_up, self.covered)

    @property
    def over_need(self) -> Ppm | None:
        """Give profit given up over what the pools could not carry: above 1_000_000 is excess."""
        return _ratio(self.given_up, self.needed)

    @property
    def closed_profit_over_covered(self) -> Ppm | None:
        """Give profit closed, paid out or not, over negative equity covered."""
        return _ratio(self.closed_profit, self.covered)


def needed_relief(need: Need) -> QuoteAtoms:
    """Give the least that counterparties must give up, all needs of a moment together.

    An account in need in several markets counts with its largest: closing in one relieves all.
    """
    least: dict[AccountId, int] = {}
    for close in need.closes:
        least[close.account] = max(close.relief, least.get(close.account, 0))
    return QuoteAtoms(sum(least.values()))


def haircut(
    verdicts: Iterable[DeleverageVerdict],
    accounts: Mapping[AccountId, Account],
    markets: Mapping[MarketId, Market],
    now: Seconds,
    *,
    needed: QuoteAtoms,
) -> Haircut:
    """Measure what items took, from the accounts before the first of them; refused ones took nothing.

    All at one moment's marks: a round over several prices is measured moment by moment.
    """
    changed: dict[AccountId, Account] = {}
    bankrupt: set[AccountId] = set()
    others: set[AccountId] = set()
    profit = exposure = 0
    for verdict in verdicts:
        if not verdict.is_deleveraged:
            continue
        item = verdict.item
        account = changed.get(item.account) or accounts[item.account]
        other = changed.get(item.counterparty) or accounts[item.counterparty]
        market = markets[item.market]
        state = margin_state(other, markets, now)
        held = next(each for each in state.positions if each.position.market == item.market)
        size = abs(verdict.size)
        profit += div_floor(held.unrealised * size, abs(held.position.size))
        exposure += notional(verdict.size, market.mark)
        changed[item.account], changed[item.counterparty], _ = fill_both(
            verdict, account, other, market, now
        )
        bankrupt.add(item.account)
        others.add(item.counterparty)

    def gain(account: AccountId) -> int:
        before = margin_state(accounts[account], markets, now).equity
        return margin_state(changed[account], markets, now).equity - before

    return Haircut(
        given_up=QuoteAtoms(-sum(map(gain, others))),
        covered=QuoteAtoms(sum(map(gain, bankrupt))),
        needed=needed,
        closed_profit=QuoteAtoms(profit),
        closed_notional=QuoteAtoms(exposure),
        counterparty_count=len(others),
    )


def _ratio(part: int, whole: int) -> Ppm | None:
    return Ppm(div_ceil(part * PPM_SCALE, whole)) if whole > 0 else None
