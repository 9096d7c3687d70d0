"""A keeper is waited for where it could do something, and for as long as it could."""

from dataclasses import dataclass, field, replace

import pytest

from monitors.breakers.backlog import MOST_JUDGED, Backlog, Moment
from risk.liquidation import LiquidationRules
from risk.margin import Account, MarginState, margin_state
from risk.market import Market
from risk.units import AccountId, MarketId, MarketStatus, QuoteAtoms, Seconds
from tests.builders import (
    NOW,
    make_account,
    make_account_id,
    make_market,
    make_position,
    make_rules,
    shares,
    usd,
)

TEST = MarketId(0)
BACKSTOP = make_account_id(1)


@dataclass
class Exchange:
    """One market, a backstop, and accounts in the order in which they fell under margin."""

    market: Market = field(default_factory=make_market)
    backstop_usd: int = 1_000_000
    waiting: dict[AccountId, tuple[Account, Moment]] = field(default_factory=dict)
    now: Seconds = NOW
    applied_block: int = 100
    rules: LiquidationRules = field(default_factory=make_rules)
    insurance_fund: QuoteAtoms = QuoteAtoms(0)
    backstop_account: AccountId = BACKSTOP

    @property
    def markets(self) -> dict[MarketId, Market]:
        return {TEST: replace(self.market, price_timestamp=self.now)}

    def falls(self, number: int, block: int) -> None:
        """Let an account fall under its margin, in a block."""
        account = make_poor(number)
        moment = (Seconds(NOW + block - 100), block)
        self.waiting[account.id] = (account, moment)

    def state(self, account: AccountId) -> MarginState:
        held = (
            Account(id=BACKSTOP, collateral=usd(self.backstop_usd))
            if account == BACKSTOP
            else self.waiting[account][0]
        )
        return margin_state(held, self.markets, self.now)

    def longest_under_margin(self, limit: int) -> list[tuple[AccountId, Moment]]:
        return [(name, moment) for name, (_, moment) in self.waiting.items()][:limit]

    def goes_on(self, blocks: int) -> None:
        self.now, self.applied_block = Seconds(self.now + blocks), self.applied_block + blocks


def make_poor(number: int) -> Account:
    """Make an account of ten shares whose position asks for more margin than it has."""
    bought = make_position(size=shares(10), quote=-usd(2_000))
    poor = make_account(usd(1), [bought], number=number)
    assert margin_state(poor, {TEST: make_market()}, NOW).is_liquidatable
    return poor


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


def test_the_oldest_whom_a_keeper_could_help_is_waited_for(exchange: Exchange) -> None:
    backlog = Backlog(exchange)
    assert backlog.since(TEST) is None
    exchange.falls(7, block=40)
    exchange.falls(8, block=50)
    exchange.goes_on(1)
    assert backlog.since(TEST) == (NOW - 60, 40)


def test_the_time_in_which_nobody_could_be_liquidated_is_not_counted(exchange: Exchange) -> None:
    backlog = Backlog(exchange)
    exchange.falls(7, block=40)
    exchange.market = replace(exchange.market, status=MarketStatus.HALTED)
    assert backlog.since(TEST) is None
    exchange.goes_on(500)
    assert backlog.since(TEST) is None
    exchange.market = replace(exchange.market, status=MarketStatus.OPEN)
    exchange.goes_on(20)
    assert backlog.since(TEST) == (NOW + 500, 600)
    # Who falls later is waited for from his own moment on.
    exchange.waiting.clear()
    exchange.falls(8, block=610)
    exchange.goes_on(1)
    assert backlog.since(TEST) == (NOW + 510, 610)


def test_nobody_waits_for_a_keeper_while_the_backstop_is_full(exchange: Exchange) -> None:
    backlog = Backlog(exchange)
    exchange.falls(7, block=40)
    exchange.backstop_usd = 0
    assert backlog.since(TEST) is None
    exchange.goes_on(1)
    exchange.backstop_usd = 1_000_000
    exchange.goes_on(1)
    assert backlog.since(TEST) == (NOW - 60, 40)


def test_the_backstop_itself_is_nobodys_to_liquidate(exchange: Exchange) -> None:
    exchange.waiting[BACKSTOP] = (Account(id=BACKSTOP, collateral=QuoteAtoms(0)), (NOW, 1))
    assert Backlog(exchange).since(TEST) is None


def test_so_many_are_judged_and_no_more(exchange: Exchange) -> None:
    # Without a position there is nothing that a keeper could close.
    for number in range(2, 2 + MOST_JUDGED):
        name = make_account_id(number)
        exchange.waiting[name] = (Account(id=name, collateral=QuoteAtoms(0)), (NOW, 1))
    exchange.falls(500, block=90)
    assert Backlog(exchange).since(TEST) is None
    exchange.waiting.pop(make_account_id(2))
    assert Backlog(exchange).since(TEST) == (NOW - 10, 90)
