"""A small exchange with bankrupt accounts on both sides, and its answers to deleverage items.

Cross-margined traders trade with each other and keep little more than their initial margin; when
prices jump, some are bankrupt and others in profit, in every market and on either side.
"""

from collections import Counter
from dataclasses import dataclass, field
from random import Random

from risk.account_book import AccountBook
from risk.columns import columns_of
from risk.deleverage_effect import DeleverageEffect, deleverage_effect
from risk.deleverage_need import NeededClose
from risk.deleverage_rules import DeleverageCode, DeleverageItem, Pools, pools_of
from risk.margin import Account, margin_state
from risk.units import AccountId, MarketId
from tests.anvil import JsonRpc
from tests.parity.reading import Book, read_book
from tests.parity.walk import by_market
from tests.venues.exchange.contracts.harness import (
    FUNDING_RATE,
    Chain,
    Exchange,
    make_config,
    make_rules,
    usd,
)

CODE = DeleverageCode
NUMBERS = {
    0: CODE.DELEVERAGED,
    1: CODE.NOT_BANKRUPT,
    2: CODE.NO_POSITION,
    3: CODE.STALE_PRICE,
    4: CODE.MARKET_CLOSED,
    6: CODE.UNKNOWN_MARKET,
    7: CODE.NOT_NEEDED,
    8: CODE.BAD_COUNTERPARTY,
}
TRADERS = 120
MARKS = (23_150_000_001, 9_999_999_999, 1_234_567)
MOVES = (-130_000, 150_000, -160_000)
TIERS = (
    ([0], [25_000]),
    ([0, usd(5_000), usd(60_000)], [30_000, 50_000, 80_000]),
    ([0, 7], [10_000, 50_001]),
)


@dataclass(slots=True, kw_only=True)
class Stage:
    """A small exchange on a real node, and what was seen there."""

    exchange: Exchange
    random: Random
    marks: list[int] = field(default_factory=lambda: list(MARKS))
    seen: Counter[DeleverageCode] = field(default_factory=Counter)

    def publish(self, moves: tuple[int, ...]) -> None:
        """Move the marks by so many ppm."""
        for market, move in enumerate(moves):
            self.marks[market] += self.marks[market] * move // 10**6
        now = self.exchange.chain.now()
        entries = [(market, mark, mark + 7, now) for market, mark in enumerate(self.marks)]
        self.exchange.send("pricer", "publish", entries)

    def book(self) -> Book:
        """Read everything."""
        return read_book(self.exchange)


def build_stage(rpc: JsonRpc, seed: int) -> Stage:
    """Give markets, and cross-margined traders on both sides who lent themselves all they can."""
    exchange = Exchange(Chain(rpc), **make_rules())
    made = Stage(exchange=exchange, random=Random(seed))
    for number, (bounds, rates) in enumerate(TIERS):
        config = make_config(
            symbol=f"STOCK{number}",
            initial_margin=100_000,
            min_position_notional=0,
            tier_bounds=bounds,
            tier_rates=rates,
            backstop_cap=usd(1_500 if number == 1 else 10**6),
        )
        exchange.send("owner", "create_market", config)
        exchange.limit(FUNDING_RATE, number)
    made.publish((0, 0, 0))
    for number in range(len(TIERS)):
        rate = made.random.randint(-3_000_000, 3_000_000)
        epoch = exchange.view("epoch", number, 3)
        exchange.send("tuner", "set_parameter", number, FUNDING_RATE, rate, epoch)
    trade_all(made)
    exchange.fund(exchange.backstop, 1_200)
    exchange.send("owner", "fund_insurance", usd(300))
    return made


def trade_all(stage: Stage) -> None:
    """Let everybody trade with everybody, then take away what they need not leave."""
    exchange, random = stage.exchange, stage.random
    accounts = [exchange.account(number) for number in range(1, TRADERS + 1)]
    exchange.send("owner", "deposit_many", accounts, [usd(10**6)] * TRADERS)
    trades = []
    for taker in accounts:
        for market in random.sample(range(len(TIERS)), random.choice([1, 2, 3])):
            maker = random.choice([each for each in accounts if each != taker])
            atoms = usd(random.choice([900, 7_000, 20_000])) + random.randrange(10**7)
            size = random.choice([1, -1]) * (atoms * 10**10 // stage.marks[market])
            trades.append((taker, maker, market, size, stage.marks[market]))
    for start in range(0, len(trades), 100):
        exchange.send("matcher", "settle_trades", trades[start : start + 100])
    for number, account in enumerate(accounts, start=1):
        state = exchange.state(account)
        spare = state["equity"] - state["initial_margin"] * random.randint(101, 180) // 100
        if spare > 0:
            exchange.send("trader", "transfer", number, 999, spare)


def predicted(book: Book, items: list[DeleverageItem]) -> DeleverageEffect:
    return deleverage_effect(items, book.accounts, book.markets, pools(book), book.now)


def pools(book: Book) -> Pools:
    return pools_of(book.terms(make_rules()))


def send_and_compare(stage: Stage, items: list[DeleverageItem]) -> None:
    """Send a batch; compare every event, then all accounts, funds and open interests."""
    before = stage.book()
    effect = predicted(before, items)
    calls = [(item.account, item.market, item.counterparty, item.size) for item in items]
    receipt = stage.exchange.send("deleverager", "deleverage", calls)
    for verdict, event in zip(effect.verdicts, receipt.all("DeleverageResult"), strict=True):
        assert NUMBERS[event["code"]] is verdict.code
        assert (event["size"], event["cash"]) == (verdict.size, verdict.cash)
        stage.seen[verdict.code] += 1
    after = stage.book()
    assert after.now == before.now
    expected = before.accounts | dict(effect.accounts)
    assert contents(after.accounts) == contents(expected)
    gain = {"funding_pool": before.funds["funding_pool"] + effect.funding_gain}
    assert after.funds == before.funds | gain
    for number, market in after.markets.items():
        closed = effect.closed.get(number, 0)
        assert market.open_interest == before.markets[number].open_interest - closed


def contents(accounts: dict[AccountId, Account]) -> dict[AccountId, tuple[object, ...]]:
    return {number: by_market(account) for number, account in accounts.items()}


def random_items(stage: Stage, count: int) -> list[DeleverageItem]:
    """Draw items, mostly of bankrupt accounts against holders of the market; some are nonsense."""
    random, book = stage.random, stage.book()
    bankrupt = [
        account.id
        for account in book.accounts.values()
        if margin_state(account, book.markets, book.now).is_bankrupt
    ]
    everyone = list(book.accounts)
    items = []
    for _ in range(count):
        account = random.choice(bankrupt if bankrupt and random.random() < 0.8 else everyone)
        held = [position.market for position in book.accounts[account].positions]
        market = random.choice(held) if held and random.random() < 0.9 else MarketId(7)
        items.append(
            DeleverageItem(
                account=account,
                market=market,
                counterparty=random.choice([*everyone, *everyone, account]),
                size=random.choice([0, 1, 10**6, 12_345_678_901, 10**12, 2**200]),
            )
        )
    return items


def account_book(book: Book) -> AccountBook:
    made = AccountBook(book.markets)
    made.load([columns_of(list(book.accounts.values()))])
    return made


def willing(stage: Stage, close: NeededClose) -> set[AccountId]:
    """Name who is above margin and would be taken by the contract for a single unit."""
    book = stage.book()
    able = [
        account.id
        for account in book.accounts.values()
        if not margin_state(account, book.markets, book.now).is_liquidatable
    ]
    items = [(close.account, close.market, each, 1) for each in able]
    codes: list[int] = []
    for start in range(0, len(items), 64):
        calls = items[start : start + 64]
        codes += stage.exchange.view("deleverage", calls, actor="deleverager")
    return {each for each, code in zip(able, codes, strict=True) if code == 0}


def answer(stage: Stage, account: AccountId, market: MarketId) -> DeleverageCode:
    """Ask the contract, without doing it, about an account against itself."""
    item = (account, market, account, 1)
    (code,) = stage.exchange.view("deleverage", [item], actor="deleverager")
    return NUMBERS[code]
