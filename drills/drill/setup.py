"""A scenario's markets and its crowd, as an exchange in memory holds them at the first second.

Everything that ships is taken from config/: the market's file, its owner's limits, the rules of liquidation. A crowd
larger than the caps are for has caps, pools and books that are larger in proportion.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from config.exchange_limits import approved_limits
from config.markets import liquidation_rules, load_exchange_file, load_market
from config.schema.markets import MarketFile
from drills.crowd.draw import Crowd, draw_crowd
from drills.crowd.market import market_of
from drills.drill.terms import DrillTerms, crowd_terms, scale_of
from drills.drill.variants import Arm
from drills.scenario.path import ScenarioPath
from drills.scenario.values import Scenario
from risk.columns import columns_of
from risk.margin import Account
from risk.market import Market
from risk.units import (
    PPM_SCALE,
    MarketId,
    Ppm,
    QuoteAtoms,
    Seconds,
    SizeE8,
    div_floor,
    notional,
)
from venues.memory.state import EXCHANGE_ADDRESS, ExchangeState, backstop_of, build_state
from venues.port import Funds

OWNER: Final = b"\x30" * 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """What stands on the exchange: markets in the order of the scenario, and who holds them."""

    files: tuple[MarketFile, ...]
    crowd: Crowd
    scale: int
    insurance: QuoteAtoms
    backstop: QuoteAtoms

    @property
    def symbols(self) -> tuple[str, ...]:
        """Give the symbols, by market number."""
        return tuple(file.symbol for file in self.files)


def draw_cast(
    scenario: Scenario,
    path: ScenarioPath,
    *,
    accounts: int,
    seed: int,
    terms: DrillTerms,
    begin: Seconds,
) -> Cast:
    """Draw the crowd at the prices of `begin`; raises ValueError as `draw_crowd` does."""
    files = tuple(load_market(market.symbol) for market in scenario.markets)
    scale = scale_of(accounts)
    markets = {
        MarketId(number): _larger(
            market_of(
                file,
                MarketId(number),
                now=begin,
                price=path.value(file.symbol, begin),
            ),
            scale,
        )
        for number, file in enumerate(files)
    }
    crowd = draw_crowd(
        accounts, markets, seed=seed, terms=terms.crowd or crowd_terms(scenario.name)
    )
    interest = _open_interest(crowd)
    return Cast(
        files=files,
        crowd=crowd,
        scale=scale,
        insurance=_part(interest, terms.insurance),
        backstop=_part(interest, terms.backstop),
    )


def build_exchange(cast: Cast, arm: Arm) -> ExchangeState:
    """Put a cast on an exchange in memory."""
    zero = QuoteAtoms(0)
    backstop = Account(id=backstop_of(EXCHANGE_ADDRESS), collateral=cast.backstop)
    state = build_state(
        cast.crowd.markets.values(),
        [columns_of([backstop]), cast.crowd.accounts],
        funds=Funds(
            insurance_fund=cast.insurance, fee_pool=zero, funding_pool=zero, rewards_owed=zero
        ),
        rules=arm.rules(liquidation_rules(load_exchange_file())),
        owner=OWNER,
    )
    approved = approved_limits(cast.symbols)
    for number, symbol in enumerate(cast.symbols):
        for parameter, limits in approved[symbol].items():
            state.limits[MarketId(number), parameter] = limits
    return state


def _larger(market: Market, scale: int) -> Market:
    return replace(
        market,
        open_interest_cap=QuoteAtoms(market.open_interest_cap * scale),
        backstop_cap=QuoteAtoms(market.backstop_cap * scale),
    )


def _open_interest(crowd: Crowd) -> QuoteAtoms:
    """Give what the longs of all markets hold at their marks."""
    held, markets = crowd.accounts.positions, crowd.markets
    longs: Mapping[MarketId, int] = {
        number: int(held.size[(held.market == number) & (held.size > 0)].sum())
        for number in markets
    }
    return QuoteAtoms(sum(notional(SizeE8(longs[each]), markets[each].mark) for each in markets))


def _part(interest: QuoteAtoms, part: Ppm) -> QuoteAtoms:
    return QuoteAtoms(div_floor(interest * part, PPM_SCALE))
