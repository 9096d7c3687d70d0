"""What keepers, the guardian and the owner do in a random history; some of it is nonsense on purpose."""

from risk.guard_rails import Limits
from risk.units import MarketId, PriceE8, QuoteAtoms, Seconds
from tests.parity.memory_ground import MemoryWalk
from tests.parity.memory_twin import holders, under_margin
from tests.venues.exchange.contracts.harness import usd
from venues.memory.requests import (
    Deleverage,
    Liquidate,
    Restrict,
    SetBand,
    SetLimits,
    SetMarketRules,
    SetParameter,
    SetStatus,
)
from venues.port import DeleverageItem, LiquidationItem


def liquidations(walk: MemoryWalk) -> None:
    random, twin = walk.random, walk.twin
    found, _ = under_margin(twin)
    everyone = [twin.memory.state.book.account(each) for each in walk.traders]
    items = []
    for _ in range(random.choice([1, 3, 12])):
        account = random.choice(found if found and random.random() < 0.9 else everyone)
        held = [each.market for each in account.positions]
        market = random.choice(held) if held and random.random() < 0.95 else MarketId(7)
        most = random.choice([0, 0, 0, random.randrange(1, 10**10)])
        items.append(LiquidationItem(account=account.id, market=market, max_size=most))
    deadline = Seconds(twin.now() + random.choice([30] * 24 + [-1]))
    request = Liquidate(items=tuple(items), deadline=deadline)
    rows = [(each.account, each.market, each.max_size) for each in items]
    fee = random.choice([7, 10**7, 10**9, 25 * 10**9])
    twin.play("liquidator", request, "liquidate", rows, deadline, fee=fee)


def deleverages(walk: MemoryWalk) -> None:
    random, twin = walk.random, walk.twin
    _, broke = under_margin(twin)
    everyone = [twin.memory.state.book.account(each) for each in walk.traders]
    items = []
    for _ in range(random.choice([1, 6])):
        account = random.choice(broke if broke and random.random() < 0.9 else everyone)
        held = [each.market for each in account.positions]
        market = random.choice(held) if held and random.random() < 0.95 else MarketId(8)
        others = [*holders(twin, market), account.id]
        items.append(
            DeleverageItem(
                account=account.id,
                market=market,
                counterparty=random.choice(others),
                size=random.choice([0, 1, 10**7, 10**12, 10**12]),
            )
        )
    rows = [(each.account, each.market, each.counterparty, each.size) for each in items]
    actor = "deleverager" if random.random() < 0.97 else "stranger"
    twin.play(actor, Deleverage(items=tuple(items)), "deleverage", rows)


def parameter(walk: MemoryWalk) -> None:
    random, market = walk.random, walk.market()
    number = random.choice([1, 2, 2, 2, 3, 4, 5, 6])
    draws = {
        1: (60_000, 90_000, 5_000, 2_000_000),
        2: (-3_000_000, 2_500_000, 2 * 10**9),
        3: (300, 500, -200, 2_000_000),
        4: (-300, -120, 100, -900),
        5: (usd(500_000), usd(2_000_000), usd(3_000_000), -1),
        6: (1,),
    }
    value = random.choice(draws[number])
    epoch = walk.epoch(market, 3)
    request = SetParameter(market=market, parameter=number, value=value, expected_epoch=epoch)
    walk.twin.play("tuner", request, "set_parameter", market, number, value, epoch)


def band(walk: MemoryWalk) -> None:
    random, market = walk.random, walk.market()
    mark, epoch = walk.mark(market), walk.epoch(market, 2)
    low = mark - mark * random.choice([-1_000, 0, 20_000, 90_000]) // 10**6
    high = mark + mark * random.choice([0, 20_000, 90_000]) // 10**6
    if random.random() < 0.4:
        low = high = 0
    request = SetBand(market=market, low=PriceE8(low), high=PriceE8(high), expected_epoch=epoch)
    walk.twin.play("breaker", request, "set_band", market, low, high, epoch)


def status(walk: MemoryWalk) -> None:
    random, market = walk.random, walk.market()
    wanted = random.choice([0, 0, 0, 0, 1, 2, 3, 4])
    if random.random() < 0.1:
        held = Restrict(market=market, status=wanted)
        walk.twin.play("guardian", held, "restrict", market, wanted)
        return
    epoch = walk.epoch(market, 2)
    request = SetStatus(market=market, status=wanted, expected_epoch=epoch)
    walk.twin.play("breaker", request, "set_status", market, wanted, epoch)


def reopen(walk: MemoryWalk) -> None:
    """Open what was halted, or nothing would ever happen again."""
    for market, held in walk.twin.memory.state.markets.items():
        if held.status in {2, 3}:
            epoch = int(walk.twin.real.view("epoch", market, 2))
            request = SetStatus(market=market, status=0, expected_epoch=epoch)
            walk.twin.play("breaker", request, "set_status", market, 0, epoch)


def limits(walk: MemoryWalk) -> None:
    random, market = walk.random, walk.market()
    number = random.randrange(1, 11)
    wide = (-(10**9), 10**15, 2 * 10**15, 1)
    drawn = random.choice([(0, 0, 0, 0), (5, 4, 1, 0), wide, wide, wide, wide])
    smallest, most, step, cool_down = (0, 10**6, 900, 3) if random.random() < 0.1 else drawn
    request = SetLimits(
        market=market,
        parameter=number,
        limits=Limits(
            minimum=smallest, maximum=most, largest_step=step, cool_down=Seconds(cool_down)
        ),
    )
    row = (smallest, most, step, cool_down)
    walk.twin.play("owner", request, "set_limits", market, number, row)


def market_rules(walk: MemoryWalk) -> None:
    market = MarketId(1)
    cap = walk.random.choice([usd(500), usd(2_500), usd(30_000)])
    spread = walk.random.choice([9_000, 2_000_000])
    request = SetMarketRules(
        market=market,
        min_position_notional=QuoteAtoms(usd(10)),
        slice_threshold=QuoteAtoms(usd(3_000)),
        penalty=5_000,
        spread_max=spread,
        backstop_cap=QuoteAtoms(cap),
    )
    rules = (usd(10), usd(3_000), 5_000, spread, cap)
    walk.twin.play("owner", request, "set_market_rules", market, *rules)
