"""How near the market model comes to what was published. `figures()` measures it anew; docs/drill_models.md prints it."""

import math
from collections.abc import Iterable
from typing import Final

from drills.maker_model.terms import VOLATILITY, ModelTerms
from drills.market_model.book import depth_usd
from drills.market_model.figure import Figure
from drills.market_model.pressure import Pressure, press
from drills.market_model.terms import MarketTerms
from drills.scenario.loader import load_scenario
from drills.scenario.moment import EventKind
from risk.sessions import Session
from risk.units import ATOMS_PER_USD, PriceE8, Seconds

SEED: Final = 1
REGULAR_HOURS: Final = 6.5
LIQUIDATED_USD: Final = 13_000_000.0
LIQUIDATED_SECONDS: Final = 300
"""Sources say that the push turned into liquidations within minutes."""
HALF_HOUR: Final = 1_800
PRICE: Final = PriceE8(100 * 10**8)


def figures() -> list[Figure]:
    """Measure the model; some seconds."""
    pushed, left = _thin_weekend(MarketTerms())
    return [
        Figure(
            what="depth left in the worst minutes of 10 October 2025, from volatility alone",
            unit="% of the usual",
            target=2.0,
            model=100 * _least_depth("liquidations_2025_10_10", "IBIT", "crypto_fund"),
            low=1.0,
            high=5.0,
            source="98 % less: followin.io/feed/22111099",
        ),
        Figure(
            what="depth left at the low of 6 May 2010, from volatility alone",
            unit="% of the usual",
            target=1.0,
            model=100 * _least_depth("flash_crash_2010", "SPY", "etf"),
            low=0.5,
            high=3.0,
            source="less than 1 %: CFTC and SEC staffs, 30 September 2010",
        ),
        Figure(
            what="fall under 10 million USD sold in six weekend hours and 13 million of liquidations",
            unit="bp",
            target=350.0,
            model=pushed,
            low=260.0,
            high=450.0,
            source="3.5 % to 4 %: utoday.net, phemex.com 45000",
        ),
        Figure(
            what="what is left of that fall half an hour later",
            unit="bp",
            target=0.0,
            model=left,
            low=0.0,
            high=40.0,
            source="back within 30 minutes: followin.io/feed/21944504",
        ),
        Figure(
            what="Y of the square root law, move = Y·σ·√(Q/V) with a day's σ and V",
            unit="",
            target=1.0,
            model=_root_law(MarketTerms()),
            low=0.5,
            high=1.5,
            source="of order one: Tóth and others, 2011",
        ),
    ]


def _least_depth(scenario: str, symbol: str, asset_class: str) -> float:
    """Give the smallest part of its session's usual depth that a path's volatility leaves."""
    loaded = load_scenario(scenario)
    path = loaded.path(SEED)
    terms = MarketTerms().scaled(VOLATILITY[asset_class])
    state, least = Pressure(), 1.0
    for now in range(loaded.start, loaded.end + 1):
        session = loaded.timeline.session_at(Seconds(now))
        state, priced = press(
            state,
            value=path.value(symbol, now),
            session=session,
            flow_usd=0.0,
            elapsed=1.0,
            terms=terms,
        )
        usual = depth_usd(terms, session, 0.0)
        least = min(least, priced.depth_usd / usual)
    return least


def _thin_weekend(terms: MarketTerms) -> tuple[float, float]:
    """Give the largest fall, and what is left half an hour later, in bp."""
    loaded = load_scenario("thin_weekend_2025_12")
    flow = next(event for event in loaded.events if event.kind is EventKind.FLOW)
    each = flow.notional / ATOMS_PER_USD / (flow.stop - flow.start)
    sold = [each] * (flow.stop - flow.start)
    sold[-LIQUIDATED_SECONDS:] = [
        each - LIQUIDATED_USD / LIQUIDATED_SECONDS for _ in range(LIQUIDATED_SECONDS)
    ]
    offsets = list(_offsets([*sold, *[0.0] * HALF_HOUR], terms))
    return -min(offsets), abs(offsets[-1])


def _offsets(flows: Iterable[float], terms: MarketTerms) -> Iterable[float]:
    state = Pressure()
    for flow in flows:
        # Makers of the weekend are patient: the push itself is what they see, not a restless market.
        state, priced = press(
            state,
            value=PRICE,
            session=Session.WEEKEND,
            flow_usd=flow,
            elapsed=1.0,
            terms=terms,
            stated_depth=terms.session_depth[Session.WEEKEND],
        )
        yield priced.offset_bp


def _root_law(terms: MarketTerms) -> float:
    """Give Y for the maker model's regular session: w·√(Q/D) = Y·σ·√(Q/V), so Y = w/σ·√(V/D)."""
    climate = ModelTerms().regular
    deviation = climate.volatility_bp * math.sqrt(REGULAR_HOURS)
    volume = climate.noise_usd_per_hour * REGULAR_HOURS
    return terms.width_bp / deviation * math.sqrt(volume / terms.depth_usd)
