"""What users and the pools do in a random history, and how prices and time move."""

from risk.price_publication import FairPrice
from risk.price_support import Rung
from risk.trade_rules import Trade
from risk.units import AccountId, MarketId, PriceE8, Seconds, SizeE8
from tests.parity.memory_ground import MemoryWalk
from tests.venues.exchange.contracts.harness import usd
from venues.memory.requests import (
    ClaimRewards,
    DepositMany,
    FundInsurance,
    Publish,
    SettleTrades,
    Transfer,
    Withdraw,
    WithdrawBackstop,
    WithdrawFees,
)


def deposit(walk: MemoryWalk, account: AccountId, amount: int) -> None:
    request = DepositMany(accounts=(account,), amounts=(amount,))
    walk.twin.play("owner", request, "deposit_many", [account], [amount])


def deposit_everybody(walk: MemoryWalk) -> None:
    amounts = [usd(walk.random.choice([100, 300, 900, 6_000])) for _ in walk.traders]
    request = DepositMany(accounts=tuple(walk.traders), amounts=tuple(amounts))
    walk.twin.play("trader", request, "deposit_many", walk.traders, amounts)


def trade(walk: MemoryWalk) -> None:
    random = walk.random
    trades = [_draw_trade(walk) for _ in range(random.choice([1, 1, 1, 2, 4]))]
    rows = [(each.taker, each.maker, each.market, each.size, each.price) for each in trades]
    walk.twin.play("matcher", SettleTrades(trades=tuple(trades)), "settle_trades", rows)


def _draw_trade(walk: MemoryWalk) -> Trade:
    random, market = walk.random, walk.market()
    everyone = [*walk.traders, walk.twin.memory.state.backstop]
    taker = random.choice(everyone)
    maker = random.choice(everyone) if random.random() < 0.97 else taker
    mark = walk.mark(market)
    price = max(1, mark + mark * random.randint(-4_000, 4_000) // 10**6)
    equity = abs(walk.twin.memory.state.book.account(taker).collateral) // 10**6
    dollars = max(12, equity * random.choice([1, 4, 9]) // random.choice([1, 2]))
    size = (usd(dollars) + random.randrange(10**7)) * 10**10 // max(1, price)
    held = walk.twin.memory.state.book.account(taker).position(market)
    if held is not None and random.random() < 0.4:
        size = abs(held.size) if random.random() < 0.5 else abs(held.size) * 3 // 7
        return Trade(
            taker=taker,
            maker=maker,
            market=market,
            size=SizeE8(-size if held.size > 0 else size),
            price=PriceE8(price),
        )
    side = random.choice([1, -1])
    return Trade(
        taker=taker, maker=maker, market=market, size=SizeE8(side * size), price=PriceE8(price)
    )


def pay_in(walk: MemoryWalk) -> None:
    new = AccountId(walk.twin.real.account(walk.random.randrange(1, 60)))
    deposit(walk, new, walk.random.choice([0, 1, usd(50), usd(700)]))
    if new not in walk.traders and walk.twin.memory.state.book.row(new) is not None:
        walk.traders.append(new)


def take_out(walk: MemoryWalk) -> None:
    account = walk.random.choice(walk.traders)
    number = account & (2**96 - 1)
    collateral = walk.twin.memory.state.book.account(account).collateral
    share = walk.random.choice([0, 1_000, 200_000, 1_000_000, 1_100_000])
    amount = max(0, collateral * share // 10**6)
    if walk.random.random() < 0.5:
        request = Withdraw(subaccount=number, amount=amount)
        walk.twin.play("trader", request, "withdraw", number, amount)
        return
    target = walk.random.choice([number, walk.random.randrange(1, 70)])
    moved = Transfer(source=number, target=target, amount=amount)
    walk.twin.play("trader", moved, "transfer", number, target, amount)


def fund_insurance(walk: MemoryWalk) -> None:
    amount = walk.random.choice([usd(40), usd(3)])
    walk.twin.play("owner", FundInsurance(amount=amount), "fund_insurance", amount)


def take_from_pools(walk: MemoryWalk) -> None:
    actor = walk.random.choice(["owner", "owner", "stranger"])
    to = walk.twin.real.chain.actors["stranger"]
    amount = walk.random.choice([1, usd(5), usd(10**6)])
    fees = WithdrawFees(to=walk.twin.address("stranger"), amount=amount)
    walk.twin.play(actor, fees, "withdraw_fees", to, amount)
    walk.twin.play(actor, WithdrawBackstop(amount=amount), "withdraw_backstop", to, amount)
    walk.twin.play("liquidator", ClaimRewards(), "claim_rewards")


def prices(walk: MemoryWalk, most: int = 30_000) -> None:
    walk.twin.real.chain.advance(walk.random.choice([0, 1, 2]))
    random, now = walk.random, walk.twin.now()
    found = []
    for market in walk.twin.memory.state.markets:
        if random.random() < 0.1:
            continue
        mark = max(0, walk.mark(market) * (10**6 + random.randint(-most, most)) // 10**6)
        index = mark + mark * random.randint(-5_000, 5_000) // 10**6
        time = now + random.choice([0] * 40 + [-1, -95, 1])
        found.append(price_of(market, mark, index, time))
    if random.random() < 0.1:
        found.append(price_of(MarketId(9), 1, 1, now))
        found.append(price_of(MarketId(0), 0, 1, now))
    rows = [(each.market, each.mark, each.index, each.timestamp) for each in found]
    walk.twin.play("pricer", Publish(prices=tuple(found)), "publish", rows)


def price_of(market: MarketId, mark: int, index: int, time: int) -> FairPrice:
    return FairPrice(
        market=market,
        mark=PriceE8(mark),
        index=PriceE8(index),
        timestamp=Seconds(time),
        rung=Rung.FULL,
    )


def crash(walk: MemoryWalk) -> None:
    prices(walk, 260_000)


def time_passes(walk: MemoryWalk) -> None:
    walk.twin.real.chain.advance(walk.random.choice([1, 2, 7, 31, 45, 100]))
    market, old = MarketId(0), walk.twin.now() - 95
    late = price_of(market, walk.mark(market), walk.mark(market), old)
    row = (late.market, late.mark, late.index, late.timestamp)
    walk.twin.play("pricer", Publish(prices=(late,)), "publish", [row])
    prices(walk, 9_000)
