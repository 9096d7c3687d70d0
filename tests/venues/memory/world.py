"""A small exchange in memory: two traders, a backstop, one market of 200 USD a share."""

from collections.abc import Mapping, Sequence

from risk.columns import columns_of
from risk.guard_rails import Limits, Parameter
from risk.margin import Account
from risk.market import Market
from risk.trade_rules import Trade
from risk.units import AccountId, MarketId, PriceE8, QuoteAtoms, Seconds, SizeE8, account_id
from tests.builders import make_account, make_market, make_position, make_rules, shares, usd
from venues.exchange.readings import Role
from venues.memory.exchange import MemoryExchange
from venues.memory.state import EXCHANGE_ADDRESS, backstop_of, build_state
from venues.port import Funds

OWNER = b"\x07" * 20
USER = b"\x01" * 20
LONG, SHORT = account_id(USER, 1), account_id(USER, 2)
ROLES = {bytes([0x10 + int(role)]) * 20: role for role in Role if role is not Role.NONE}
ADDRESS: Mapping[Role, bytes] = {role: address for address, role in ROLES.items()}
MARKET = MarketId(0)


def make_exchange(
    *accounts: Account, market: Market | None = None, insurance: int = usd(1_000)
) -> MemoryExchange:
    """Build an exchange with a rich backstop, whoever is given, and everybody in their role."""
    backstop = Account(id=backstop_of(EXCHANGE_ADDRESS), collateral=usd(100_000))
    people = accounts or pair()
    zero = usd(0)
    state = build_state(
        [market or make_market()],
        [columns_of([backstop, *people])],
        funds=Funds(
            insurance_fund=QuoteAtoms(insurance),
            fee_pool=zero,
            funding_pool=zero,
            rewards_owed=zero,
        ),
        rules=make_rules(),
        owner=OWNER,
    )
    state.roles.update(ROLES)
    wide = Limits(minimum=-(10**9), maximum=10**15, largest_step=10**16, cool_down=Seconds(5))
    state.limits.update({(MARKET, each): wide for each in Parameter})
    return MemoryExchange(state)


def pair(long_cash: int = usd(400), short_cash: int = usd(400)) -> tuple[Account, Account]:
    """Give a long and a short of ten shares each."""
    return (
        account(LONG, long_cash, 10),
        account(SHORT, short_cash, -10),
    )


def account(number: AccountId, cash: int, size: int) -> Account:
    made = make_account(usd(0), [make_position(shares(size))] if size else [])
    return Account(
        id=number,
        collateral=QuoteAtoms(cash),
        positions=made.positions,
    )


def trade(size: int, price: int, *, taker: AccountId = LONG, maker: AccountId = SHORT) -> Trade:
    return Trade(taker=taker, maker=maker, market=MARKET, size=SizeE8(size), price=PriceE8(price))


def contents(exchange: MemoryExchange) -> Sequence[object]:
    """Give everything that the exchange holds, to be compared."""
    state = exchange.state
    book = state.book
    return (
        [book.account(book.id_at(row)) for row in range(len(book))],
        dict(state.markets),
        state.funds,
        dict(state.epochs),
        dict(state.last_writes),
        dict(state.keeper_rewards),
        state.withdrawals_open,
    )
