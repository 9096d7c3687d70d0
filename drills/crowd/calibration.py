"""How near the crowd comes to what was published. `figures()` measures it anew; docs/drill_models.md prints it.

The crowd is held against a fall of the size of bitcoin's on 10 October 2025, in one market with the initial margin of
our IBIT file. N accounts are not N liquidated: what is compared is the part and the mean.
"""

from typing import Final

import numpy as np

from config.markets import load_market
from drills.crowd.draw import draw_crowd
from drills.crowd.market import market_of
from drills.crowd.thresholds import Thresholds, thresholds
from drills.market_model.figure import Figure
from drills.scenario.loader import load_scenario
from risk.units import MarketId

ACCOUNTS: Final = 200_000
SEED: Final = 1
SYMBOL: Final = "IBIT"
FALL: Final = 0.157
"""121,000 to 102,000 USD: eye-on-london.com/bitcoin-crash-wipes-out-billions."""
CASCADE_SECONDS: Final = 2_400
PEAK_MINUTE: Final = 60
SCENARIO: Final = "liquidations_2025_10_10"


def figures(accounts: int = ACCOUNTS, seed: int = SEED) -> list[Figure]:
    """Measure a crowd."""
    market = market_of(load_market(SYMBOL), MarketId(0))
    crowd = draw_crowd(accounts, {market.id: market}, seed=seed)
    held = thresholds(crowd)
    hit = held.fallen(1 - FALL)
    return [
        Figure(
            what="mean notional of an account that is liquidated",
            unit="USD",
            target=19.1e9 / 1.62e6,
            model=float(hit.mean()),
            low=9_000,
            high=15_000,
            source="19.1 bn USD over 1.62 million accounts: followin.io/feed/22111099",
        ),
        Figure(
            what="part of the open interest that is liquidated",
            unit="%",
            target=100 * 19.1 / 220,
            model=100 * float(hit.sum()) / held.open_interest,
            low=6.0,
            high=12.0,
            source="19.1 of 220 bn USD: eye-on-london.com",
        ),
        Figure(
            what="part of the liquidations in the 40 minutes from 16:50 that the worst minute has",
            unit="%",
            target=100 * 3.21 / 6.93,
            model=100 * _worst_minute(held, seed),
            low=20.0,
            high=60.0,
            source="3.21 of 6.93 bn USD: blog.amberdata.io",
        ),
    ]


def _worst_minute(held: Thresholds, seed: int) -> float:
    """Follow the scenario's path: what falls for the first time below an account's price liquidates it."""
    loaded = load_scenario(SCENARIO)
    values = loaded.path(seed).values(SYMBOL)
    begun = next(event for event in loaded.events if "100 %" in event.text).start - loaded.start
    window = values[begun : begun + CASCADE_SECONDS + 1]
    lowest = np.minimum.accumulate(window) / window[0]
    gone = np.array([held.fallen(float(part)).sum() for part in lowest[::10]])
    done = np.diff(gone)
    steps = PEAK_MINUTE // 10
    minutes = np.convolve(done, np.ones(steps), mode="valid")
    return float(minutes.max() / done.sum())
