"""Stock splits: sizes rescaled, equity kept, dust accounted for, the market closed meanwhile."""

import pytest

from tests.venues.exchange.contracts.harness import (
    BAND,
    FUNDING_RATE,
    HALTED,
    SPLIT,
    Exchange,
    Refused,
    price,
    shares,
    usd,
)
from tests.venues.exchange.contracts.reckoning import check_books, read_books

RATIOS = [
    pytest.param(4, 1, id="4:1"),
    pytest.param(1, 10, id="1:10"),
    pytest.param(3, 2, id="3:2"),
    pytest.param(7, 3, id="7:3"),
]


def begin(exchange: Exchange, numerator: int, denominator: int) -> None:
    """Halt and begin."""
    exchange.limit(SPLIT)
    exchange.halt()
    exchange.send("corporate", "begin_split", 0, numerator, denominator, 0)


@pytest.fixture
def crowd(exchange: Exchange, trader_long: int, maker: int) -> list[int]:
    """Give accounts with odd sizes, and open funding."""
    exchange.limit(FUNDING_RATE)
    exchange.send("tuner", "set_parameter", 0, FUNDING_RATE, 123_457, 0)
    accounts = [trader_long]
    for number in range(3, 12):
        account = exchange.account(number)
        exchange.fund(account, 10_000)
        accounts.append(account)
        sign = 1 if number % 3 else -1
        exchange.trade(account, maker, sign * (11 + number / 7), at=99 + number / 9)
        exchange.chain.advance(17)
    exchange.trade(exchange.backstop, maker, "3.33333333")
    exchange.trade(trader_long, maker, 1)
    exchange.trade(trader_long, maker, "-0.99999995")  # five units are left
    exchange.publish("101.23456789")
    exchange.chain.advance(50)
    return [*accounts, maker, exchange.backstop]


@pytest.mark.parametrize(("numerator", "denominator"), RATIOS)
def test_a_split_keeps_equity_to_rounding(
    exchange: Exchange, crowd: list[int], numerator: int, denominator: int
) -> None:
    before = read_books(exchange)
    begin(exchange, numerator, denominator)
    exchange.send("corporate", "continue_split", 0, 100)
    after = check_books(exchange)
    mark = price("101.23456789") * denominator // numerator
    assert after.markets[0]["mark"] == mark
    assert after.markets[0]["funding_numerator"] == 0
    for account in crowd:
        was = before.positions[account, 0]
        now = after.positions.get((account, 0), {"size": 0, "quote": 0, "funding": 0})
        sign = 1 if was["size"] > 0 else -1
        scaled = sign * (abs(was["size"]) * numerator // denominator)
        if account != exchange.backstop:
            assert now["size"] == scaled
            assert now["quote"] == (was["quote"] if scaled else 0)
        assert now["funding"] == 0
        # the price loses less than a unit per new share, the size less than a share unit
        allowed = abs(scaled) // 10**10 + mark // 10**10 * len(crowd) + 3
        assert abs(after.equity(account) - before.equity(account)) <= allowed
    assert 0 <= after.dust() <= 3 * len(crowd)


@pytest.mark.parametrize(("numerator", "denominator"), RATIOS)
@pytest.mark.parametrize("step", [1, 5])
def test_equity_is_right_at_every_step(
    exchange: Exchange, crowd: list[int], numerator: int, denominator: int, step: int
) -> None:
    before = read_books(exchange)
    begin(exchange, numerator, denominator)
    while exchange.market()["is_splitting"]:
        check_books(exchange)
        for account in crowd:
            state = exchange.state(account)
            assert state["is_priced"] == (not exchange.position(account)["size"])
            size = abs(before.positions[account, 0]["size"]) * numerator // denominator
            allowed = size // 10**10 + 300
            assert abs(state["equity"] - before.equity(account)) <= allowed
        exchange.send("corporate", "continue_split", 0, step)
    check_books(exchange)


def test_it_does_not_matter_in_how_many_steps(exchange: Exchange, crowd: list[int]) -> None:
    begin(exchange, 3, 2)
    results = []
    for step in (1, 4, 1000):
        snapshot = exchange.chain.snapshot()
        while exchange.market()["is_splitting"]:
            exchange.send("corporate", "continue_split", 0, step)
        books = read_books(exchange)
        results.append((books.collateral, books.positions, books.funds))
        exchange.chain.restore(snapshot)
    assert results[0] == results[1] == results[2]
    assert len(crowd) == len(results[0][0])


def test_the_dust_goes_to_the_backstop_without_cash(
    exchange: Exchange, trader_long: int, maker: int
) -> None:
    other = exchange.account(3)
    exchange.fund(other, 1000)
    exchange.trade(trader_long, maker, "1.00000001")
    exchange.trade(other, maker, "1.00000001")
    begin(exchange, 3, 2)
    exchange.send("corporate", "continue_split", 0, 100)
    assert exchange.position(trader_long)["size"] == shares("1.50000001")
    assert exchange.position(maker)["size"] == -shares("3.00000003")
    dust = exchange.position(exchange.backstop)
    assert (dust["size"], dust["quote"]) == (1, 0)
    assert exchange.market()["open_interest"] == 2 * shares("1.50000001") + 1


def test_a_position_too_small_to_survive_is_flat_and_its_quote_is_cash(
    exchange: Exchange, trader_long: int, maker: int
) -> None:
    exchange.trade(trader_long, maker, 1)
    exchange.trade(trader_long, maker, "-0.99999995")
    quote = exchange.position(trader_long)["quote"]
    collateral = exchange.rows(trader_long)[0]
    begin(exchange, 1, 10)
    exchange.send("corporate", "continue_split", 0, 100)
    assert exchange.rows(trader_long) == (collateral + quote, {})


def test_the_band_is_rescaled_and_the_market_stays_halted(
    exchange: Exchange, trader_long: int, maker: int
) -> None:
    exchange.limit(BAND)
    exchange.send("breaker", "set_band", 0, price(95), price(106), 0)
    exchange.trade(trader_long, maker, 1)
    begin(exchange, 4, 1)
    receipt = exchange.send("corporate", "continue_split", 0, 100)
    view = exchange.market()
    assert (view["band_low"], view["band_high"]) == (price("23.75"), price("26.5"))
    assert (view["status"], view["is_splitting"]) == (HALTED, False)
    event = receipt.only("SplitFinished")
    for name in ("mark", "index", "band_low", "band_high", "funding_numerator", "funding_time"):
        assert event[name] == view[name]


def test_the_market_is_closed_and_stale_meanwhile(
    exchange: Exchange, trader_long: int, maker: int
) -> None:
    other = exchange.create_market()
    exchange.trade(trader_long, maker, 10)
    begin(exchange, 2, 1)
    with pytest.raises(Refused, match="market closed"):
        exchange.trade(trader_long, maker, -1)
    with pytest.raises(Refused, match="stale price"):
        exchange.send("trader", "withdraw", 1, 1)
    with pytest.raises(Refused, match="stale price"):
        exchange.trade(trader_long, maker, 1, market=other)
    assert not exchange.state(trader_long)["is_priced"]
    exchange.send("corporate", "continue_split", 0, 100)
    assert exchange.state(trader_long)["is_priced"]


def test_funding_stands_still_during_a_split_and_starts_again(
    exchange: Exchange, trader_long: int, maker: int
) -> None:
    exchange.trade(trader_long, maker, 10)
    exchange.limit(FUNDING_RATE)
    exchange.send("tuner", "set_parameter", 0, FUNDING_RATE, 1_000_000, 0)
    exchange.chain.advance(3600)
    begin(exchange, 2, 1)
    exchange.send("corporate", "continue_split", 0, 2)  # backstop and trader_long
    exchange.chain.advance(36_000)
    exchange.send("corporate", "continue_split", 0, 100)
    assert exchange.rows(trader_long)[0] == usd(999)
    assert exchange.rows(maker)[0] == usd(10_000_001)
    exchange.chain.advance(3600)
    assert exchange.state(trader_long)["equity"] == usd(998)


def test_accounts_opened_during_a_split_do_not_disturb_it(
    exchange: Exchange, trader_long: int, maker: int
) -> None:
    exchange.trade(trader_long, maker, 10)
    begin(exchange, 2, 1)
    exchange.send("corporate", "continue_split", 0, 2)
    exchange.fund(exchange.account(50), 5)
    exchange.send("corporate", "continue_split", 0, 1)
    assert exchange.market()["is_splitting"]
    exchange.send("corporate", "continue_split", 0, 1)
    assert not exchange.market()["is_splitting"]
    assert exchange.position(maker)["size"] == -shares(20)


def test_the_guard_rails_of_a_split(exchange: Exchange) -> None:
    with pytest.raises(Refused, match="not halted"):
        exchange.send("corporate", "begin_split", 0, 2, 1, 0)
    exchange.halt()
    with pytest.raises(Refused, match="no limits"):
        exchange.send("corporate", "begin_split", 0, 2, 1, 0)
    with pytest.raises(Refused, match="no split"):
        exchange.send("corporate", "continue_split", 0, 1)
    exchange.limit(SPLIT, minimum=100_000, maximum=10_000_000)
    for numerator, denominator, reason in (
        (0, 1, "bad ratio"),
        (1, 0, "bad ratio"),
        (10**6 + 1, 1, "bad ratio"),
        (11, 1, "outside limits"),
        (1, 11, "outside limits"),
    ):
        with pytest.raises(Refused, match=reason):
            exchange.send("corporate", "begin_split", 0, numerator, denominator, 0)
    with pytest.raises(Refused, match="stale epoch"):
        exchange.send("corporate", "begin_split", 0, 2, 1, 1)
    exchange.send("corporate", "begin_split", 0, 2, 1, 0)
    assert exchange.market()["is_splitting"]


@pytest.mark.parametrize(("first", "ratio"), [("0.00000001", (2, 1)), (9_000_000, (1, 2))])
def test_a_split_must_leave_a_price(
    bare: Exchange, first: float | str, ratio: tuple[int, int]
) -> None:
    bare.create_market(first)
    bare.limit(SPLIT)
    bare.halt()
    with pytest.raises(Refused, match="bad price"):
        bare.send("corporate", "begin_split", 0, *ratio, 0)
