"""Small books for tests of deleveraging: a bankrupt long or short, and those opposite."""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from risk.account_book import AccountBook
from risk.columns import columns_of
from risk.deleverage_need import NeededClose, judge_need
from risk.deleverage_plan import plan_deleverage
from risk.deleverage_rank import RankPolicy
from risk.deleverage_rules import Pools
from risk.deleverage_values import DeleverageLimits, DeleveragePlan, DeleverageWork
from risk.margin import Account, Position, margin_state
from risk.market import Market
from risk.units import QuoteAtoms
from tests.builders import (
    NOW,
    make_account,
    make_backstop,
    make_market,
    make_markets,
    make_position,
    price,
    shares,
    usd,
)


def make_pools(
    insurance: int = 0, headroom: int = 0, *, initial_margin: int = 0, **facts: Any
) -> Pools:
    """Build the pools: empty unless a test says otherwise."""
    backstop = make_backstop(initial_margin + headroom, initial_margin=initial_margin, **facts)
    return Pools(insurance_fund=QuoteAtoms(insurance), backstop=backstop)


def make_book(accounts: Sequence[Account], *markets: Market) -> AccountBook:
    """Build a book; the default market's mark is 200 USD."""
    book = AccountBook(make_markets(*markets))
    book.load([columns_of(list(accounts))])
    return book


def bankrupt(owes: int = usd(100), size: int = shares(100), *, number: int = 1) -> Account:
    """Build an account with one position at the mark, whose equity is `-owes`."""
    return make_account(-owes, [make_position(size)], number=number)


def winner(
    size: int,
    *,
    number: int,
    entry: int = price(250),
    equity: int = usd(50_000),
    other: Sequence[Position] = (),
) -> Account:
    """Build an account with a position entered elsewhere, and this equity at a mark of 200 USD."""
    bare = make_account(0, [make_position(size, entry=entry), *other], number=number)
    markets = make_markets(make_market(), make_market(1))
    spare = equity - margin_state(bare, markets, NOW).equity
    return make_account(spare, bare.positions, number=number)


def three_winners(side: int = -1, entry: int = price(250)) -> list[Account]:
    """60, 50 and 40 shares; the smallest has least equity, so the highest score."""
    sizes = ((2, 60, 90_000), (3, 50, 60_000), (4, 40, 20_000))
    return [
        winner(side * shares(size), number=number, entry=entry, equity=usd(equity))
        for number, size, equity in sizes
    ]


def planned(
    book: AccountBook,
    pools: Pools | None = None,
    *,
    policy: RankPolicy = RankPolicy.PROFIT_LEVERAGE,
    work: DeleverageWork | None = None,
    **limits: Any,
) -> DeleveragePlan:
    """Plan a step; shares pro rata may be as small as a unit."""
    limits.setdefault("smallest_share", 0)
    return plan_deleverage(
        book,
        pools or make_pools(),
        NOW,
        policy=policy,
        limits=DeleverageLimits(**limits),
        work=work or DeleverageWork(),
    )


def taken(plan: DeleveragePlan) -> list[tuple[int, int]]:
    """Give (number of the counterparty, size) of each item."""
    return [(each.counterparty.id >> 96, abs(each.verdict.size)) for each in plan.items]


def still_needed(account: Account, book: AccountBook, pools: Pools, market: int = 0) -> int:
    """Give what must still be closed of an account that is not in the book like this."""
    state = margin_state(account, book.markets, NOW)
    for held in state.positions:
        if held.position.market == market and state.is_bankrupt:
            found = judge_need(state, held, book.markets, pools)
            return found.size if isinstance(found, NeededClose) else 0
    return 0


@st.composite
def crowds(draw: st.DrawFn, most_markets: int = 2) -> tuple[AccountBook, Pools]:
    """A book of bankrupt and winning accounts on both sides, cross margined, and some pools."""
    count = draw(st.integers(1, most_markets))
    markets = [
        make_market(
            number,
            mark=draw(st.integers(10**8, 10**11)),
            funding_rate=draw(st.integers(-500_000, 500_000)),
            funding_time=NOW - draw(st.integers(0, 100_000)),
            backstop_cap=draw(st.sampled_from([0, usd(5_000), usd(10**7)])),
        )
        for number in range(count)
    ]
    accounts = [draw(members(markets, number)) for number in range(1, draw(st.integers(2, 9)))]
    pools = make_pools(
        draw(st.sampled_from([0, 1, usd(50), usd(3_000)])),
        draw(st.sampled_from([0, 1, usd(70), usd(9_000)])),
        initial_margin=draw(st.sampled_from([0, usd(500)])),
        inventories={markets[0].id: draw(st.sampled_from([0, shares(3), -shares(40)]))},
    )
    return make_book(accounts, *markets), pools


@st.composite
def members(draw: st.DrawFn, markets: Sequence[Market], number: int) -> Account:
    """One account: ruined, poor or rich, with a position in one market or more."""
    held = draw(st.sets(st.sampled_from(range(len(markets))), min_size=1))
    positions = []
    for market in sorted(held):
        mark = markets[market].mark
        size = draw(st.integers(1, 10**11)) * draw(st.sampled_from([-1, 1]))
        entry = max(1, mark * draw(st.integers(500, 1_500)) // 1_000)
        positions.append(make_position(size, entry=entry, market=market))
    bare = make_account(0, positions, number=number)
    state = margin_state(bare, make_markets(*markets), NOW)
    margin = max(state.maintenance_margin, usd(1))
    health = draw(st.sampled_from([-3, -1, 1, 2, 50]))
    return make_account(health * margin - state.equity, positions, number=number)
