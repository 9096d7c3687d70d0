"""Random but well-formed books for property tests: markets, and accounts near their margin."""

from dataclasses import replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from risk.liquidation import LiquidationTerms
from risk.margin import Account, margin_state
from risk.market import Market, Tier, make_tiers
from risk.units import QuoteAtoms, div_floor
from tests.builders import NOW, make_account, make_market, make_position, make_terms, usd

BOOKS = settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
"""For properties of whole books, which take long to draw."""


@st.composite
def tier_tables(draw: st.DrawFn) -> tuple[Tier, ...]:
    """One to four rising tiers."""
    count = draw(st.integers(1, 4))
    rates = sorted(draw(st.sets(st.integers(5_000, 300_000), min_size=count, max_size=count)))
    bounds = sorted(
        draw(st.sets(st.integers(1, usd(2_000_000)), min_size=count - 1, max_size=count - 1))
    )
    return make_tiers(list(zip([0, *bounds], rates, strict=True)))


@st.composite
def markets(draw: st.DrawFn, number: int = 0) -> Market:
    """An open market with a fresh price and funding that has run for a while."""
    tiers = draw(tier_tables())
    mark = draw(st.integers(10**7, 10**12))
    return make_market(
        number,
        mark=mark,
        index=draw(st.integers(10**7, 10**12)),
        funding_rate=draw(st.integers(-500_000, 500_000)),
        funding_numerator=draw(st.integers(-(10**20), 10**20)),
        funding_time=NOW - draw(st.integers(0, 100_000)),
        initial_margin=draw(st.integers(tiers[0].rate, 500_000)),
        min_position_notional=draw(st.integers(0, usd(100))),
        slice_threshold=draw(st.integers(0, usd(500_000))),
        penalty=draw(st.integers(0, 20_000)),
        spread_max=draw(st.integers(0, 50_000)),
        tiers=tiers,
    )


@st.composite
def terms(draw: st.DrawFn, most_markets: int = 3) -> LiquidationTerms:
    """Terms with some markets and a backstop and insurance fund that carry everything."""
    count = draw(st.integers(1, most_markets))
    return make_terms(
        *(draw(markets(number)) for number in range(count)),
        insurance_fund=draw(st.integers(0, usd(10**9))),
        base_fee_wei=draw(st.integers(0, 10**11)),
    )


@st.composite
def accounts(
    draw: st.DrawFn, given: LiquidationTerms, *, lowest: int = -2_000, highest: int = 1_200
) -> Account:
    """An account whose equity is `lowest` to `highest` thousandths of its maintenance margin."""
    numbers = draw(st.sets(st.sampled_from(sorted(given.markets)), min_size=1))
    positions = []
    for market in sorted(numbers):
        mark = given.markets[market].mark
        size = div_floor(draw(st.integers(usd(20), usd(3_000_000))) * 10**10, mark) + 1
        side = draw(st.sampled_from([1, -1]))
        positions.append(
            make_position(
                side * size,
                market=market,
                quote=draw(st.integers(-usd(10**6), usd(10**6))),
                funding=draw(st.integers(-(10**12), 10**12)),
                slice_time=draw(st.sampled_from([0, 0, NOW - 31, NOW - 600, NOW - 10_000])),
            )
        )
    number = draw(st.integers(1, 2**40))
    bare = make_account(0, positions, number=number)
    state = margin_state(bare, given.markets, given.now)
    health = draw(st.integers(lowest, highest))
    wanted = div_floor(state.maintenance_margin * health, 1_000)
    return replace(bare, collateral=QuoteAtoms(wanted - state.equity))
