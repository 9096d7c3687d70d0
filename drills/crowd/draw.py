"""Draw a crowd, all accounts at once: sizes, sides, leverage, and a house that holds what is left over.

In every market sizes sum to zero to the unit. Every account has at least its initial margin at the marks. The same seed
and markets give the same crowd.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drills.crowd.house import Floats, Wishes, with_house, with_whales
from drills.crowd.terms import LARGEST_CROWD, SMALLEST_CROWD, CrowdTerms
from risk.columns import AccountColumns, Int64Column, PositionColumns
from risk.market import Market
from risk.units import (
    ATOMS_PER_USD,
    NOTIONAL_SCALE,
    PPM_SCALE,
    AccountId,
    MarketId,
    account_id,
)

Bools = NDArray[np.bool_]
_SEED_BYTES: Final = 12
_NUMBER_BYTES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """A crowd in columns. The house's accounts are the last ones."""

    accounts: AccountColumns
    house: frozenset[AccountId]
    markets: Mapping[MarketId, Market]

    @property
    def count(self) -> int:
        """Count the accounts, the house's among them."""
        return len(self.accounts.ids)


def draw_crowd(
    accounts: int,
    markets: Mapping[MarketId, Market],
    *,
    seed: int,
    terms: CrowdTerms | None = None,
) -> Crowd:
    """Draw `accounts` accounts, the house included, who hold positions at the marks of `markets`.

    Raises ValueError for a count outside 100 to 1,620,000, without a market, or for a whale in a market that is
    not there.
    """
    if not SMALLEST_CROWD <= accounts <= LARGEST_CROWD or not markets:
        raise ValueError(
            f"expected {SMALLEST_CROWD} to {LARGEST_CROWD} accounts and a market, found {accounts} and"
            f" {len(markets)} markets"
        )
    terms = CrowdTerms() if terms is None else terms
    rng = np.random.default_rng((seed, accounts))
    listed = [markets[number] for number in sorted(markets)]
    people = accounts - terms.house_accounts
    notional = _notional(rng, people, terms)
    is_long = rng.random(people) < terms.long_share
    wishes = with_whales(_wishes(rng, notional, is_long, listed, terms), listed, terms)
    wishes, sizes = with_house(wishes, people, listed, terms)
    leverage = np.concatenate(
        [
            _leverage(rng, notional, terms),
            np.full(terms.house_accounts, terms.house_leverage),
        ]
    )
    leverage[: len(terms.whales)] = [whale.leverage for whale in terms.whales]
    ids = _ids(seed, accounts)
    return Crowd(
        accounts=_columns(rng, ids, wishes, sizes, leverage, listed, terms),
        house=frozenset(ids[people:]),
        markets=dict(markets),
    )


def equity_of(crowd: Crowd) -> Int64Column:
    """Give each account's equity at the marks, in atoms, to within one for each position."""
    accounts, held = crowd.accounts, crowd.accounts.positions
    owner = np.repeat(np.arange(crowd.count), accounts.position_count)
    worth = np.zeros(len(held.size))
    for number, market in crowd.markets.items():
        mine = held.market == number
        worth[mine] = np.rint(held.size[mine] * (market.mark / NOTIONAL_SCALE))
    gained = np.bincount(owner, weights=worth + held.quote, minlength=crowd.count)
    return accounts.collateral + np.rint(gained).astype(np.int64)


def _notional(rng: np.random.Generator, people: int, terms: CrowdTerms) -> Floats:
    body = terms.median_usd * np.exp(rng.normal(0, terms.spread, people))
    tail = terms.tail_usd * (1 - rng.random(people)) ** (-1 / terms.tail_power)
    drawn = np.where(rng.random(people) < terms.tail_share, tail, body)
    capped: Floats = np.minimum(drawn, terms.largest_usd)
    return capped


def _leverage(rng: np.random.Generator, notional: Floats, terms: CrowdTerms) -> Floats:
    drawn = terms.median_leverage * np.exp(rng.normal(0, terms.leverage_spread, len(notional)))
    careful = (notional / terms.median_usd) ** terms.large_leverage_power
    found: Floats = drawn * careful
    return found


def _wishes(
    rng: np.random.Generator,
    notional: Floats,
    is_long: Bools,
    markets: list[Market],
    terms: CrowdTerms,
) -> Wishes:
    """Share each account's notional among markets, which it chooses without repeating one."""
    people, kinds = len(notional), len(markets)
    most = min(len(terms.position_counts), kinds)
    chances = np.array(terms.position_counts[:most], dtype=np.float64)
    counts = rng.choice(np.arange(1, most + 1), size=people, p=chances / chances.sum())
    weights = np.array([terms.popularity.get(each.symbol, 1.0) for each in markets])
    # The largest of weighted Gumbel draws choose without repetition, all accounts at once.
    drawn = np.log(weights) + rng.gumbel(size=(people, kinds))
    order = np.argsort(-drawn, axis=1)[:, :most]
    is_held = np.arange(most)[None, :] < counts[:, None]
    parts = rng.dirichlet(np.ones(most), size=people) * is_held
    parts /= parts.sum(axis=1, keepdims=True)
    keeps = rng.random((people, most)) < terms.togetherness
    anew = rng.random((people, most)) < terms.long_share
    sides = np.where(np.where(keeps, is_long[:, None], anew), 1.0, -1.0)
    usd = parts * notional[:, None] * sides
    least = np.array([float(each.min_position_notional) for each in markets]) / ATOMS_PER_USD
    smallest = np.maximum(2 * least[order], terms.smallest_usd)
    usd = np.where(np.abs(usd) < smallest, smallest * sides, usd)
    return Wishes(
        owner=np.repeat(np.arange(people), counts), market=order[is_held], usd=usd[is_held]
    )


def _columns(
    rng: np.random.Generator,
    ids: tuple[AccountId, ...],
    wishes: Wishes,
    sizes: Int64Column,
    leverage: Floats,
    markets: list[Market],
    terms: CrowdTerms,
) -> AccountColumns:
    count = len(ids)
    entry = 1 + np.clip(rng.normal(0, terms.entry_spread, len(sizes)), -0.5, 0.5)
    value = np.rint(wishes.usd * ATOMS_PER_USD).astype(np.int64)
    quote = -np.rint(wishes.usd * entry * ATOMS_PER_USD).astype(np.int64)
    exposure = np.bincount(wishes.owner, weights=np.abs(wishes.usd), minlength=count)
    required = np.bincount(
        wishes.owner,
        weights=_required(wishes, markets) * (1 + terms.margin_cushion),
        minlength=count,
    )
    equity_usd = np.maximum(exposure / leverage, required) + 1.0
    equity = np.ceil(equity_usd * ATOMS_PER_USD).astype(np.int64)
    gained = np.bincount(wishes.owner, weights=value + quote, minlength=count).astype(np.int64)
    numbers = np.array([market.id for market in markets], dtype=np.int64)
    zeros = np.zeros(len(sizes), dtype=np.int64)
    funding = np.array([market.funding_index(market.funding_time) for market in markets])
    return AccountColumns(
        ids=ids,
        collateral=equity - gained,
        position_count=np.bincount(wishes.owner, minlength=count).astype(np.int64),
        positions=PositionColumns(
            market=numbers[wishes.market],
            size=sizes,
            quote=quote,
            funding=funding.astype(np.int64)[wishes.market],
            slice_time=zeros,
        ),
    )


def _required(wishes: Wishes, markets: list[Market]) -> Floats:
    """Give what opening each position takes, in USD: initial margin, or maintenance margin where that is more."""
    exposure = np.abs(wishes.usd)
    needed = np.zeros(len(exposure))
    for place, market in enumerate(markets):
        mine = wishes.market == place
        held = exposure[mine]
        most = held * (market.initial_margin / PPM_SCALE)
        for tier in market.tiers:
            kept = held * (tier.rate / PPM_SCALE) - tier.deduction / ATOMS_PER_USD
            most = np.maximum(most, kept)
        needed[mine] = most
    return needed


def _ids(seed: int, accounts: int) -> tuple[AccountId, ...]:
    head = b"\xc0" + (seed % 2 ** (8 * (_SEED_BYTES - 1))).to_bytes(_SEED_BYTES - 1, "big")
    first = account_id(head + bytes(_NUMBER_BYTES), 0)
    step = account_id(bytes(12) + (1).to_bytes(_NUMBER_BYTES, "big"), 0)
    return tuple(AccountId(first + number * step) for number in range(accounts))
