"""Trades: fills to the atom, fees, margin, status, staleness, caps."""

import pytest

from tests.venues.exchange.contracts.harness import (
    BAND,
    HALTED,
    LIMIT,
    OPEN_INTEREST_CAP,
    REDUCE_ONLY,
    STATUS,
    Exchange,
    Refused,
    price,
    shares,
    usd,
)
from tests.venues.exchange.contracts.reckoning import ceil, read_books


def held(exchange: Exchange, account: int) -> tuple[int, int, int]:
    """Give size, quote and collateral in the first market."""
    position = exchange.position(account)
    return position["size"], position["quote"], exchange.rows(account)[0]


def test_a_trade_opens_two_opposite_positions(
    exchange: Exchange, trader_long: int, maker: int
) -> None:
    receipt = exchange.trade(trader_long, maker, 10, at=101)
    assert held(exchange, trader_long) == (shares(10), -usd(1010), usd(1000))
    assert held(exchange, maker) == (-shares(10), usd(1010), usd(10_000_000))
    assert receipt.only("OpenInterestChanged")["open_interest"] == shares(10)
    assert receipt.only("TradeSettled").fields == {
        "market": 0,
        "taker": trader_long,
        "maker": maker,
        "size": shares(10),
        "price": price(101),
        "taker_fee": 0,
        "maker_fee": 0,
    }


@pytest.mark.parametrize(
    ("size", "at", "expected"),
    [
        pytest.param("5", 110, (15, -1550, 1000), id="increase"),
        pytest.param("-4", 110, (6, -600, 1040), id="reduce in profit"),
        pytest.param("-4", 90, (6, -600, 960), id="reduce at a loss"),
        pytest.param("-10", 110, (0, 0, 1100), id="close"),
        pytest.param("-15", 110, (-5, 550, 1100), id="flip"),
    ],
)
def test_a_fill_realises_what_it_closes(
    exchange: Exchange,
    trader_long: int,
    maker: int,
    size: str,
    at: int,
    expected: tuple[int, int, int],
) -> None:
    exchange.trade(trader_long, maker, 10)
    exchange.trade(trader_long, maker, size, at=at)
    wanted = (shares(expected[0]), usd(expected[1]), usd(expected[2]))
    assert held(exchange, trader_long) == wanted


def test_a_fill_rounds_the_released_part_toward_zero(
    exchange: Exchange, trader_long: int, maker: int
) -> None:
    exchange.trade(trader_long, maker, "3.00000001", at="100.00000007")
    quote = -(300_000_001 * 10_000_000_007 // 10**10)
    assert held(exchange, trader_long)[1] == quote
    exchange.trade(trader_long, maker, "-1", at=100)
    part = -(-quote * 10**8 // 300_000_001)
    assert held(exchange, trader_long)[1:] == (quote - part, usd(1000) + part + usd(100))


def test_a_flip_divides_the_cash_toward_zero(
    exchange: Exchange, trader_long: int, maker: int
) -> None:
    exchange.trade(trader_long, maker, "1", at=100)
    exchange.trade(trader_long, maker, "-3.00000001", at="99.99999")
    cash = 300_000_001 * 9_999_999_000 // 10**10 + 1  # the buyer's value is rounded, negated
    size, quote, collateral = held(exchange, trader_long)
    closing = cash * 10**8 // 300_000_001
    assert size == -200_000_001
    assert quote == cash - closing
    assert collateral == usd(1000) - usd(100) + closing


def test_fees_go_from_both_sides_to_the_pool(bare: Exchange) -> None:
    bare.create_market(taker_fee=500, maker_fee=-100)
    buyer, seller = bare.account(1), bare.account(2)
    bare.fund(buyer, 1000)
    bare.fund(seller, 1000)
    receipt = bare.trade(buyer, seller, "1.00000001", at="100.01")
    notional = ceil(100_000_001 * 10_001_000_000, 10**10)
    taker_fee, maker_fee = ceil(notional * 500, 10**6), -(notional * 100 // 10**6)
    event = receipt.only("TradeSettled")
    assert (event["taker_fee"], event["maker_fee"]) == (taker_fee, maker_fee)
    assert bare.rows(buyer)[0] == usd(1000) - taker_fee
    assert bare.rows(seller)[0] == usd(1000) - maker_fee
    assert bare.funds()["fee_pool"] == taker_fee + maker_fee
    last = [event for event in receipt.all("PositionChanged") if event["account"] == buyer]
    assert last[-1]["collateral"] == usd(1000) - taker_fee


def test_the_owner_withdraws_fees_and_no_more(bare: Exchange) -> None:
    bare.create_market(taker_fee=10_000)
    bare.fund(bare.account(1), 1000)
    bare.fund(bare.account(2), 1000)
    bare.trade(bare.account(1), bare.account(2), 10)
    target = bare.chain.actors["stranger"]
    with pytest.raises(Refused, match="more than the pool"):
        bare.send("owner", "withdraw_fees", target, usd(10) + 1)
    before = bare.balance(target)
    bare.send("owner", "withdraw_fees", target, usd(10))
    assert bare.balance(target) - before == usd(10)
    assert bare.funds()["fee_pool"] == 0


@pytest.mark.parametrize("size", [100, -100])
def test_opening_needs_initial_margin_on_both_sides(
    exchange: Exchange, trader_long: int, maker: int, size: int
) -> None:
    exchange.trade(trader_long, maker, size)  # exactly ten times the equity
    just_more = size + (1 if size > 0 else -1) / 10**8
    exchange.trade(maker, trader_long, size)
    with pytest.raises(Refused, match="below initial margin"):
        exchange.trade(trader_long, maker, just_more)
    with pytest.raises(Refused, match="below initial margin"):
        exchange.trade(maker, trader_long, just_more)


def test_an_account_below_initial_margin_may_reduce_but_not_grow_or_flip(
    exchange: Exchange, trader_long: int, maker: int
) -> None:
    exchange.trade(trader_long, maker, 100)
    exchange.publish(95)
    for size in (1, -250):
        with pytest.raises(Refused, match="below initial margin"):
            exchange.trade(trader_long, maker, size, at=95)
    exchange.trade(trader_long, maker, -50, at=95)
    assert exchange.position(trader_long)["size"] == shares(50)


def test_a_bankrupt_account_may_reduce_only_if_its_ratio_gets_no_worse(
    exchange: Exchange, trader_long: int, maker: int
) -> None:
    exchange.trade(trader_long, maker, 100)
    exchange.publish(89)  # equity -100 dollars
    with pytest.raises(Refused, match="worse margin"):
        exchange.trade(trader_long, maker, -50, at=89)
    with pytest.raises(Refused, match="worse margin"):
        exchange.trade(trader_long, maker, -50, at="89.99")
    exchange.trade(trader_long, maker, -50, at=90)
    assert exchange.state(trader_long)["equity"] == -usd(50)
    with pytest.raises(Refused, match="worse margin"):
        exchange.trade(trader_long, maker, -50, at="89.9")
    exchange.trade(trader_long, maker, -50, at=90)
    assert exchange.rows(trader_long) == (0, {})


@pytest.mark.parametrize("status", [LIMIT, REDUCE_ONLY, HALTED])
def test_the_market_status_limits_trading(
    exchange: Exchange, trader_long: int, maker: int, status: int
) -> None:
    exchange.trade(trader_long, maker, 10)
    exchange.limit(STATUS)
    exchange.send("breaker", "set_status", 0, status, 0)
    results = {}
    for name, size in (("grow", 1), ("reduce", -1), ("flip", -15)):
        try:
            exchange.trade(trader_long, maker, size)
            results[name] = "settled"
        except Refused as refused:
            results[name] = str(refused)
    assert (
        results
        == {
            LIMIT: {"grow": "settled", "reduce": "settled", "flip": "settled"},
            REDUCE_ONLY: {"grow": "reduce only", "reduce": "settled", "flip": "reduce only"},
            HALTED: dict.fromkeys(("grow", "reduce", "flip"), "market closed"),
        }[status]
    )


def test_reduce_only_needs_both_sides_to_reduce(
    exchange: Exchange, trader_long: int, maker: int
) -> None:
    exchange.trade(trader_long, maker, 10)
    newcomer = exchange.account(3)
    exchange.fund(newcomer, 1000)
    exchange.limit(STATUS)
    exchange.send("breaker", "set_status", 0, REDUCE_ONLY, 0)
    with pytest.raises(Refused, match="reduce only"):
        exchange.trade(trader_long, newcomer, -1)


def test_a_settled_market_trades_no_more(exchange: Exchange, trader_long: int, maker: int) -> None:
    exchange.trade(trader_long, maker, 10)
    exchange.halt()
    exchange.send("corporate", "settle_market", 0, price(100), 0)
    with pytest.raises(Refused, match="market closed"):
        exchange.trade(trader_long, maker, -1)


def test_a_stale_price_anywhere_in_either_account_means_reduce_only(
    exchange: Exchange, trader_long: int, maker: int
) -> None:
    other = exchange.create_market(expiry=10)
    newcomer = exchange.account(3)
    exchange.fund(newcomer, 1000)
    exchange.trade(trader_long, maker, 10)
    exchange.trade(trader_long, maker, 10, market=other)
    exchange.chain.advance(11)
    for taker, counterparty, size in (
        (trader_long, maker, 1),
        (newcomer, maker, 1),
        (newcomer, trader_long, 1),
    ):
        with pytest.raises(Refused, match="stale price"):
            exchange.trade(taker, counterparty, size)
    exchange.trade(trader_long, maker, -1)
    assert exchange.position(trader_long)["size"] == shares(9)
    exchange.publish(100, other)
    exchange.trade(newcomer, maker, 1)
    assert exchange.position(newcomer)["size"] == shares(1)


@pytest.mark.parametrize(
    ("at", "is_inside"), [("94.99999999", False), (95, True), (105, True), ("105.00000001", False)]
)
def test_trades_stay_inside_the_band(
    exchange: Exchange, trader_long: int, maker: int, at: float, *, is_inside: bool
) -> None:
    exchange.limit(BAND)
    exchange.send("breaker", "set_band", 0, price(95), price(105), 0)
    if is_inside:
        exchange.trade(trader_long, maker, 1, at=at)
        assert exchange.position(trader_long)["size"] == shares(1)
    else:
        with pytest.raises(Refused, match="outside band"):
            exchange.trade(trader_long, maker, 1, at=at)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        pytest.param({"market": 1}, "unknown market", id="market"),
        pytest.param({"size": 0}, "bad size", id="zero size"),
        pytest.param({"size": 10**18 + 1}, "bad size", id="huge size"),
        pytest.param({"price": 0}, "bad price", id="zero price"),
        pytest.param({"price": 10**15 + 1}, "bad price", id="huge price"),
        pytest.param({"taker": 2}, "self trade", id="self trade"),
        pytest.param({"taker": 77}, "unknown account", id="unknown account"),
    ],
)
def test_malformed_trades_are_refused(
    exchange: Exchange, trader_long: int, maker: int, entry: dict[str, int], reason: str
) -> None:
    assert trader_long != maker
    fields = {"taker": 1, "maker": 2, "market": 0, "size": shares(1), "price": price(100)} | entry
    fields["taker"] = exchange.account(fields["taker"])
    fields["maker"] = exchange.account(fields["maker"])
    with pytest.raises(Refused, match=reason):
        exchange.send("matcher", "settle_trades", [fields])


def test_a_bad_trade_reverts_its_batch(exchange: Exchange, trader_long: int, maker: int) -> None:
    good = (trader_long, maker, 0, shares(1), price(100))
    bad = (trader_long, maker, 0, shares(1000), price(100))
    with pytest.raises(Refused, match="below initial margin"):
        exchange.send("matcher", "settle_trades", [good, bad])
    assert exchange.position(trader_long)["size"] == 0


def test_a_position_is_worth_at_least_the_minimum(
    exchange: Exchange, trader_long: int, maker: int
) -> None:
    with pytest.raises(Refused, match="below minimum notional"):
        exchange.trade(trader_long, maker, "0.0999")
    exchange.trade(trader_long, maker, "0.1")
    with pytest.raises(Refused, match="below minimum notional"):
        exchange.trade(trader_long, maker, "-0.15")  # flips into 5 dollars
    exchange.trade(trader_long, maker, "-0.05")  # a reduction may leave less
    assert exchange.position(trader_long)["size"] == shares("0.05")


def test_open_interest_does_not_grow_past_its_cap(
    exchange: Exchange, trader_long: int, maker: int
) -> None:
    exchange.limit(OPEN_INTEREST_CAP)
    exchange.send("tuner", "set_parameter", 0, OPEN_INTEREST_CAP, usd(1000), 0)
    exchange.trade(trader_long, maker, 10)
    newcomer = exchange.account(3)
    exchange.fund(newcomer, 1000)
    with pytest.raises(Refused, match="open interest cap"):
        exchange.trade(newcomer, maker, "0.1")
    exchange.trade(newcomer, trader_long, 5)  # passes from hand to hand
    exchange.publish(200)
    exchange.trade(newcomer, trader_long, 1, at=200)  # above the cap already, but no growth
    assert exchange.market()["open_interest"] == shares(10)


def test_an_account_holds_sixteen_markets_and_the_backstop_more(bare: Exchange) -> None:
    buyer = bare.account(1)
    bare.fund(buyer, 1_000_000)
    bare.fund(bare.backstop, 1_000_000)
    makers = [bare.account(2), bare.account(3)]
    for account in makers:
        bare.fund(account, 1_000_000)
    for market in range(17):
        bare.create_market()
        bare.trade(bare.backstop, makers[market // 16], 1, market=market)
    for market in range(16):
        bare.trade(buyer, bare.backstop, 1, market=market)
    with pytest.raises(Refused, match="too many markets"):
        bare.trade(buyer, bare.backstop, 1, market=16)
    bare.trade(buyer, bare.backstop, -1, market=3)
    bare.trade(buyer, bare.backstop, "0.5", market=16)
    assert len(bare.rows(buyer)[1]) == 16


def test_cross_margin_counts_every_market(exchange: Exchange, trader_long: int, maker: int) -> None:
    other = exchange.create_market(50, tier_rates=[20_000], initial_margin=200_000)
    exchange.trade(trader_long, maker, 30)
    exchange.trade(trader_long, maker, -40, at=50, market=other)
    exchange.publish(110)
    exchange.publish(45, other)
    books = read_books(exchange)
    state = exchange.state(trader_long)
    assert state["equity"] == usd(1000 + 300 + 200) == books.equity(trader_long)
    assert state["maintenance_margin"] == usd(165 + 36) == books.total_maintenance(trader_long)
    assert state["initial_margin"] == usd(330 + 360)
    assert state["notional"] == usd(3300 + 1800)
