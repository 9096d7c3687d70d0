"""What the incentive planner calls lawful, the exchange takes; what a trade costs is what it logs."""

from random import Random

import pytest

from risk.guard_rails import Limits, Parameter
from risk.incentive_budget import SettledTrade, trade_cost
from risk.incentive_simulation import changed_market
from risk.incentive_write import TunerState, lawful_changes, plan_write, value_on_chain
from risk.market import Market
from risk.units import MarketId, Ppm, PriceE8, QuoteAtoms, Seconds, SizeE8, div_ceil, div_floor
from tests.parity.reading import market_of
from tests.venues.exchange.contracts.harness import ROLES, Exchange, price, shares, usd

RANGES = {
    Parameter.INITIAL_MARGIN: (20_000, 300_000),
    Parameter.FUNDING_RATE: (-900_000, 900_000),
    Parameter.TAKER_FEE: (-300, 900),
    Parameter.MAKER_FEE: (-600, 600),
    Parameter.OPEN_INTEREST_CAP: (0, usd(10**6)),
}


def on_chain(exchange: Exchange) -> Market:
    """Read the market as the keeper would."""
    return market_of(0, exchange.market())


def draw_limits(exchange: Exchange, random: Random) -> dict[Parameter, Limits]:
    """Let the owner set any limits, and remember them."""
    every = {}
    for parameter, (low, high) in RANGES.items():
        least, most = sorted((random.randint(low, high), random.randint(low, high)))
        step, wait = random.randint(1, (high - low) // 2), random.randint(0, 90)
        exchange.limit(parameter, minimum=least, maximum=most, largest_step=step, cool_down=wait)
        every[parameter] = Limits(
            minimum=least, maximum=most, largest_step=step, cool_down=Seconds(wait)
        )
    return every


@pytest.mark.parametrize("seed", range(4))
def test_the_exchange_takes_every_planned_write(exchange: Exchange, seed: int) -> None:
    random = Random(seed)
    limits = draw_limits(exchange, random)
    written: dict[Parameter, Seconds] = {}
    wanted = {parameter: random.randint(*RANGES[parameter]) for parameter in RANGES}
    sent = 0
    for _ in range(40):
        exchange.chain.advance(random.randint(1, 60))
        tuner = TunerState(limits=limits, last_written=written, is_in_flight=False)
        now = Seconds(exchange.chain.now())
        change = plan_write(on_chain(exchange), wanted, tuner, now=now).change
        if change is None:
            wanted = {parameter: random.randint(*RANGES[parameter]) for parameter in RANGES}
            continue
        epoch = exchange.view("epoch", 0, ROLES["tuner"])
        exchange.send("tuner", "set_parameter", 0, change.parameter, change.value, epoch)
        written[change.parameter] = Seconds(exchange.chain.now())
        sent += 1
        assert value_on_chain(on_chain(exchange), change.parameter) == change.value
    assert sent > 5


@pytest.mark.parametrize("place", range(3))
def test_every_alternative_is_lawful_too(exchange: Exchange, place: int) -> None:
    random = Random(7)
    limits = draw_limits(exchange, random)
    tuner = TunerState(limits=limits, last_written={}, is_in_flight=False)
    wanted = {parameter: high for parameter, (_, high) in RANGES.items()}
    now = Seconds(exchange.chain.now())
    changes, _ = lawful_changes(on_chain(exchange), wanted, tuner, now=now)
    assert len(changes) >= 3
    change = changes[-1 - place]
    exchange.send("tuner", "set_parameter", 0, change.parameter, change.value, 0)
    assert value_on_chain(on_chain(exchange), change.parameter) == change.value


def test_a_changed_rate_accrues_as_the_exchange_accrues(exchange: Exchange) -> None:
    exchange.limit(Parameter.FUNDING_RATE)
    exchange.send("tuner", "set_parameter", 0, Parameter.FUNDING_RATE, 700_000, 0)
    exchange.chain.advance(5_000)
    before = on_chain(exchange)
    exchange.send("tuner", "set_parameter", 0, Parameter.FUNDING_RATE, -300_000, 1)
    after = on_chain(exchange)
    told = changed_market(before, Parameter.FUNDING_RATE, -300_000, after.funding_time)
    assert told == after
    assert told.funding_numerator != before.funding_numerator


@pytest.mark.parametrize(("taker_fee", "maker_fee"), [(500, -150), (150, -150), (500, -20), (3, 7)])
def test_a_rebate_costs_what_the_exchange_paid_and_never_more_than_the_taker_gave(
    exchange: Exchange, trader_long: int, maker: int, taker_fee: int, maker_fee: int
) -> None:
    for parameter, fee in ((Parameter.TAKER_FEE, taker_fee), (Parameter.MAKER_FEE, maker_fee)):
        exchange.limit(parameter)
        epoch = exchange.view("epoch", 0, ROLES["tuner"])
        exchange.send("tuner", "set_parameter", 0, parameter, fee, epoch)
    for size in ("3.00000001", "-1.2345", "0.7"):
        pool, cash = exchange.funds()["fee_pool"], exchange.rows(maker)[0]
        event = exchange.trade(trader_long, maker, size, at="101.37").only("TradeSettled")
        exposure = div_ceil(abs(shares(size)) * price("101.37"), 10**10)
        settled = SettledTrade(
            block=0,
            log_index=0,
            time=Seconds(0),
            market=MarketId(0),
            size=SizeE8(event["size"]),
            price=PriceE8(event["price"]),
            maker_fee=QuoteAtoms(event["maker_fee"]),
        )
        paid = max(0, -event["maker_fee"])
        usual = div_floor(exposure * 50, 10**6)
        assert trade_cost(settled, Ppm(0)) == paid
        assert trade_cost(settled, Ppm(-50)) == max(0, paid - usual)
        assert exchange.funds()["fee_pool"] >= pool
        assert exchange.rows(maker)[0] != cash or maker_fee == 0
