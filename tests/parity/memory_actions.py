"""Corporate actions in a random history, with life going on around them."""

from risk.corporate_writes import (
    BeginSplit,
    CloseSettled,
    ContinueSplit,
    CoverLosses,
    PayDividend,
    SettleMarket,
)
from risk.units import PriceE8
from tests.parity.memory_ground import MemoryWalk
from tests.parity.memory_keepers import deleverages, liquidations, reopen
from tests.parity.memory_people import prices, time_passes, trade
from venues.memory.requests import (
    Corporate,
    Request,
    Restrict,
)


def dividend(walk: MemoryWalk) -> None:
    market = walk.market()
    epoch = walk.epoch(market, 4)
    amount = walk.mark(market) * walk.random.choice([0, 3_000, 40_000, 1_000_000]) // 10**6
    write = PayDividend(amount=PriceE8(amount), expected_epoch=epoch)
    request = Corporate(market=market, write=write)
    walk.twin.play("corporate", request, "dividend", market, amount, epoch)


def split(walk: MemoryWalk) -> None:
    """Split a market in chunks, with life going on around it."""
    random, market = walk.random, walk.market()
    ratio = random.choice([(2, 1), (3, 2), (1, 7), (1, 30_000), (21, 20), (0, 1), (10, 4)])
    if random.random() < 0.9:
        walk.twin.play("guardian", Restrict(market=market, status=3), "restrict", market, 3)
    epoch = walk.epoch(market, 4)
    write = BeginSplit(numerator=ratio[0], denominator=ratio[1], expected_epoch=epoch)
    request = Corporate(market=market, write=write)
    begun = walk.twin.play("corporate", request, "begin_split", market, *ratio, epoch)
    while True:
        going_on = Corporate(market=market, write=ContinueSplit(count=11))
        went = walk.twin.play("corporate", going_on, "continue_split", market, 11)
        if not went:
            break
        if random.random() < 0.2:
            walk.twin.compare_margins()
        random.choice([trade, liquidations, deleverages, prices, time_passes])(walk)
    if begun:
        reopen(walk)


def settle_last(walk: MemoryWalk) -> None:
    """End the last market that is left open, and turn what is in it into cash, piece by piece."""
    random = walk.random
    open_ones = [each.id for each in walk.twin.memory.state.markets.values() if not each.is_settled]
    if len(open_ones) <= 2:
        return
    market = open_ones[-1]
    walk.twin.play("guardian", Restrict(market=market, status=3), "restrict", market, 3)
    epoch = walk.epoch(market, 4)
    price = walk.mark(market) * random.choice([950_000, 1_090_000, 2_000_000]) // 10**6
    write = SettleMarket(price=PriceE8(price), expected_epoch=epoch)
    request = Corporate(market=market, write=write)
    walk.twin.play("corporate", request, "settle_market", market, price, epoch)


def tidy_up(walk: MemoryWalk) -> None:
    random, market = walk.random, walk.market()
    for held in walk.twin.memory.state.markets.values():
        market = held.id if held.is_settled else market
    some = tuple(random.sample(walk.traders, 9))
    request: Request = Corporate(market=market, write=CloseSettled(accounts=some))
    walk.twin.play("stranger", request, "close_settled", market, list(some))
    request = Corporate(market=market, write=CoverLosses(accounts=some))
    walk.twin.play("stranger", request, "cover_losses", list(some))
