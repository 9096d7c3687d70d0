"""What a maker expects to earn in an hour with one side of a quote, and the quote that earns most.

For half spread δ and size n (USD) on a side; φ taker fee, r rebate; Q the inventory that a fill would
add to (negative: that it would reduce); D what rivals offer, each weighted by e^((δ − δ_j)/b), so that
who is cheaper counts for more (b: `rival_bp`; the weight kept within e^±3):

    U = F · (δ + r − c − g·(Q + e/2) − f)  −  A  −  κ·n
    F = Λ/2 · s · e^(−(δ+φ)/k) · (1 − e^(−(n+D₁)/s)) · n / (n + D)
    A = ν/2 · n · e^(−(δ+φ)/j) · (j + φ − r + max(0, g·(Q + n/2)))

- F, fills in an hour: Λ orders of mean size s come, and their owners pay up to a limit that is
  exponential with mean k, so fewer come the dearer it gets (the intensity of Avellaneda and Stoikov,
  "High-frequency trading in a limit order book", 2008). All rivals D₁ and n share what is filled.
- g·(Q + e/2), inventory risk: g = γ·Σ², risk aversion times the price's variance *until the inventory
  can be hedged* (same paper: the distance between reservation price and price is q·γ·σ²·(T − t)); e is
  one fill. While outside markets are closed T is the reopening, and Σ² holds the gap.
- A, adverse selection (Glosten and Milgrom, "Bid, ask and transaction prices in a specialist market",
  1985): news of size J, exponential with mean j, comes ν times an hour to others first. They take all
  of n when J > δ + φ, and E[J | J > δ + φ] = δ + φ + j. What is then held is risk too. (δ + φ counts as 0
  where it is below.)
- f: funding that one more USD pays until it is freed; c: the hedge, and half of the maker's own error
  about the price, because who errs is filled on the side where he errs; κ: the cost of margin.

∂²U/∂n∂r > 0 for every δ: more rebate never makes a smaller size better. With Λ = 0 what is left is
−A − κ·n, which no rebate up to φ makes positive: a rebate is paid for fills, and fees forbid r > φ.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BP: Final = 1e-4
HALF_SPREADS_BP: Final = (
    -4,
    -2,
    -1,
    0,
    0.5,
    1,
    1.5,
    2,
    3,
    4,
    5,
    6.5,
    8,
    10,
    12.5,
    15,
    18,
    22,
    28,
    40,
    60,
)
"""What a maker chooses from; below 0 is for who would rather be rid of inventory."""
SIZES_USD: Final = (2e3, 4e3, 7e3, 12e3, 20e3, 30e3, 45e3, 65e3, 90e3, 120e3, 160e3, 200e3, 250e3)
_FARTHEST: Final = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What makers see: a number for all, or arrays of a row for each maker and a column for each side."""

    orders_per_hour: float
    """Both sides together, if trading were free."""
    order_usd: float
    urgency: float
    rival_scale: float
    news_per_hour: float
    news: float
    """Mean move; a part of the price, as all that follow."""
    taker_fee: float
    rebate: float
    """Negative: a fee."""
    fill_cost: Floats
    """Hedge and own error."""
    risk: Floats
    """g, for each USD of inventory."""
    inventory_usd: Floats
    """What a fill of this side would add to."""
    funding: Floats
    """Paid for one more USD on this side until it is freed; negative is received."""
    capital_per_hour: float
    """κ."""
    room_usd: Floats
    """The most that may be filled on this side; 0 or less: none."""
    rivals_usd: Floats
    """What each maker's rivals offer: makers × sides × rivals."""
    rivals_half_spread: Floats
    """Same shape."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The best quote for each maker and side; a size of 0 where none earns anything."""

    half_spread: Floats
    """As a part of the price."""
    size_usd: Floats
    profit: Floats
    """USD in an hour; 0 where nothing is quoted."""


def expected_profit(half_spread: Floats, size: Floats, outlook: Outlook) -> Floats:
    """Give U of the module for makers × sides × half spreads × sizes, in USD an hour."""
    deltas, sizes = half_spread[None, None, :, None], size[None, None, None, :]
    weighted, plain = _rivals(half_spread, outlook)
    deep = 1 - np.exp(-(sizes + plain) / outlook.order_usd)
    beyond = np.maximum(0, deltas + outlook.taker_fee)
    reach = np.exp(-beyond / outlook.urgency)
    flow = outlook.orders_per_hour / 2 * outlook.order_usd * reach
    fills = flow * deep * sizes / (sizes + weighted)
    risk, held = outlook.risk[..., None, None], outlook.inventory_usd[..., None, None]
    one = outlook.order_usd * (1 - np.exp(-sizes / outlook.order_usd))
    margin = (
        deltas
        + outlook.rebate
        - outlook.fill_cost[..., None, None]
        - risk * (held + one / 2)
        - outlook.funding[..., None, None]
    )
    hit = np.exp(-beyond / outlook.news) * outlook.news_per_hour / 2
    lost = outlook.news + outlook.taker_fee - outlook.rebate
    adverse = hit * sizes * (lost + np.maximum(0, risk * (held + sizes / 2)))
    profit: Floats = fills * margin - adverse - outlook.capital_per_hour * sizes
    return profit


def best_quotes(outlook: Outlook) -> Choice:
    """Give what each maker would quote on each side."""
    deltas = np.array(HALF_SPREADS_BP) * BP
    sizes = np.array(SIZES_USD)
    profit = expected_profit(deltas, sizes, outlook)
    profit = np.where(sizes <= outlook.room_usd[..., None, None], profit, -np.inf)
    flat = profit.reshape(*profit.shape[:2], -1)
    place = flat.argmax(axis=-1)
    best = np.take_along_axis(flat, place[..., None], axis=-1)[..., 0]
    pays = best > 0
    return Choice(
        half_spread=deltas[place // len(sizes)],
        size_usd=np.where(pays, sizes[place % len(sizes)], 0.0),
        profit=np.where(pays, best, 0.0),
    )


def _rivals(half_spread: Floats, outlook: Outlook) -> tuple[Floats, Floats]:
    """Give what rivals offer, weighted by how their price compares, and plainly."""
    ahead = (
        half_spread[None, None, :, None] - outlook.rivals_half_spread[:, :, None, :]
    ) / outlook.rival_scale
    weights = np.exp(np.clip(ahead, -_FARTHEST, _FARTHEST))
    weighted = (outlook.rivals_usd[:, :, None, :] * weights).sum(axis=-1)
    plain = outlook.rivals_usd.sum(axis=-1)
    return weighted[..., None], plain[..., None, None]
