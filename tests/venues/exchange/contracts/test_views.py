"""Pages: complete, in order, cut where they must be."""

import pytest

from tests.venues.exchange.contracts.harness import Exchange, Refused, usd
from tests.venues.exchange.contracts.reckoning import read_books


def test_a_page_says_when_it_was_taken(exchange: Exchange) -> None:
    page = exchange.view("accounts_page", 0, 10)
    assert page["block_number"] == int(exchange.chain.rpc.call("eth_blockNumber"), 16)
    assert page["timestamp"] == exchange.chain.now()


@pytest.mark.parametrize("page_size", [1, 2, 3, 7, 512, 10**9])
def test_pages_of_any_size_show_the_same(
    exchange: Exchange, trader_long: int, maker: int, page_size: int
) -> None:
    other = exchange.create_market()
    for number in range(10, 15):
        exchange.fund(exchange.account(number), number)
        exchange.trade(exchange.account(number), maker, "0.3", market=number % 2)
    exchange.trade(trader_long, maker, 1, market=other)
    books = read_books(exchange, page_size)
    assert len(books.collateral) == 8
    assert len(books.positions) == 8
    for account, collateral in books.collateral.items():
        held = {m: row for (a, m), row in books.positions.items() if a == account}
        assert exchange.rows(account) == (collateral, held)


@pytest.mark.parametrize(("start", "count"), [(3, 5), (1000, 5), (2**256 - 1, 2**256 - 1), (0, 0)])
def test_pages_at_the_end_are_empty_and_do_not_revert(
    exchange: Exchange, trader_long: int, maker: int, start: int, count: int
) -> None:
    page = exchange.view("accounts_page", start, count)
    assert (page["accounts"], page["positions"]) == ([], [])
    assert page["next"] == min(start, 3)
    assert exchange.view("account_count") == len({exchange.backstop, trader_long, maker})


def test_a_page_holds_512_accounts(exchange: Exchange) -> None:
    accounts = [exchange.account(number) for number in range(600)]
    for at in range(0, 600, 100):
        chunk = accounts[at : at + 100]
        exchange.send("owner", "deposit_many", chunk, [usd(1)] * len(chunk))
    first = exchange.view("accounts_page", 0, 600)
    assert (len(first["accounts"]), first["next"]) == (512, 512)
    rest = exchange.view("accounts_page", first["next"], 600)
    assert (len(rest["accounts"]), rest["next"]) == (89, 601)
    seen = [row["account"] for row in first["accounts"] + rest["accounts"]]
    assert seen == [exchange.backstop, *accounts]


def test_a_page_stops_before_too_many_positions(bare: Exchange) -> None:
    for _ in range(16):
        bare.create_market()
    bare.fund(bare.backstop, 10**9)
    accounts = [bare.account(number) for number in range(140)]
    for at in (0, 70):
        chunk = accounts[at : at + 70]
        bare.send("owner", "deposit_many", chunk, [usd(1000)] * 70)
    for market in range(16):
        for at in (0, 70):
            trades = [
                (account, bare.backstop, market, 10**8, 10**10)
                for account in accounts[at : at + 70]
            ]
            bare.send("matcher", "settle_trades", trades)
    page = bare.view("accounts_page", 0, 512)
    assert len(page["positions"]) == 2048  # the backstop and 127 accounts
    assert page["next"] == 128
    assert len(read_books(bare).positions) == 141 * 16


def test_positions_follow_in_the_order_of_the_markets(bare: Exchange) -> None:
    buyer = bare.account(1)
    bare.fund(buyer, 10**6)
    bare.fund(bare.backstop, 10**6)
    for _ in range(128):
        bare.create_market()
    wanted = [127, 0, 64, 63, 1, 2, 31, 32, 126, 5, 100, 96]
    for market in wanted:
        bare.trade(buyer, bare.backstop, 1, market=market)
    page = bare.view("account_rows", [buyer, bare.account(9), bare.backstop])
    assert [row["market"] for row in page["positions"]] == sorted(wanted) * 2
    assert [row["position_count"] for row in page["accounts"]] == [12, 0, 12]
    assert page["next"] == 0
    assert bare.state(buyer)["notional"] == usd(1200)


def test_markets_come_in_pages_of_sixteen(bare: Exchange) -> None:
    for number in range(18):
        bare.create_market(number + 1)
    assert len(bare.view("markets_page", 0, 100)) == 16
    last = bare.view("markets_page", 16, 100)
    assert [view["mark"] // 10**8 for view in last] == [17, 18]
    assert bare.view("markets_page", 18, 1) == bare.view("markets_page", 2**255, 2**255) == []
    assert last[1] == bare.market(17)
    with pytest.raises(Refused, match="unknown market"):
        bare.market(18)
