"""The venue on a real node: what it encodes is taken, what it reads is so."""

import pytest

from risk.guard_rails import Parameter
from risk.liquidation import LiquidationCode
from risk.margin import margin_state
from risk.units import AccountId, MarketId, Seconds
from runtime.rpc.endpoint import Endpoint
from runtime.rpc.http import RpcHttp
from tests.venues.exchange.activity import Town
from tests.venues.exchange.contracts.harness import price, usd
from tests.venues.exchange.following import ABI
from venues.exchange.adapter import ExchangeVenue
from venues.exchange.readings import Role
from venues.exchange.slicers import UndecodableError
from venues.port import LiquidationItem

NEVER = Seconds(2**40)


async def test_liquidates_and_tells_what_became_of_each_item(
    town: Town, venue: ExchangeVenue
) -> None:
    exchange = town.exchange
    loser, winner = exchange.account(501), exchange.account(502)
    exchange.fund(loser, 1_000)
    exchange.fund(winner, 100_000)
    exchange.publish(100, 0)
    exchange.trade(loser, winner, 90, 100)
    exchange.publish(92, 0)
    items = [
        LiquidationItem(account=AccountId(loser), market=MarketId(0)),
        LiquidationItem(account=AccountId(winner), market=MarketId(0)),
        LiquidationItem(account=AccountId(7), market=MarketId(2)),
        LiquidationItem(account=AccountId(loser), market=MarketId(99), max_size=5),
    ]
    receipt = town.send("liquidator", venue.liquidation_call(items, deadline=NEVER, gas=10**7))
    settled = venue.settled_items(receipt)
    assert [item.code for item in settled] == [
        LiquidationCode.LIQUIDATED,
        LiquidationCode.NOT_LIQUIDATABLE,
        LiquidationCode.NO_POSITION,
        LiquidationCode.UNKNOWN_MARKET,
    ]
    assert settled[0].account == loser
    assert settled[0].keeper.hex() == exchange.chain.actors["liquidator"][2:].lower()
    assert 0 < settled[0].size <= 90 * 10**8
    assert settled[0].reward > 0
    keeper = settled[0].keeper
    assert await venue.keeper_rewards(keeper) == settled[0].reward


async def test_a_batch_after_its_deadline_is_refused_by_the_exchange(
    town: Town, venue: ExchangeVenue
) -> None:
    items = [LiquidationItem(account=AccountId(7), market=MarketId(0))]
    call = venue.liquidation_call(items, deadline=Seconds(town.exchange.chain.now() - 1), gas=10**7)
    settled = venue.settled_items(town.send("liquidator", call))
    assert [item.code for item in settled] == [LiquidationCode.EXPIRED]


async def test_encodes_the_calls_of_other_duties(town: Town, venue: ExchangeVenue) -> None:
    now = town.exchange.chain.now()
    town.send("pricer", venue.call("publish", [(0, price(101), price(101), now)], gas=10**6))
    assert (await venue.market(MarketId(0))).mark == price(101)


async def test_reads_roles_and_addresses(town: Town, venue: ExchangeVenue) -> None:
    actors = {
        name: bytes.fromhex(address[2:]) for name, address in town.exchange.chain.actors.items()
    }
    assert await venue.has_code()
    assert await venue.owner() == actors["owner"]
    assert await venue.role_of(actors["pricer"]) is Role.PRICER
    assert await venue.role_of(actors["stranger"]) is Role.NONE
    token = await venue.token()
    assert token.hex() == town.exchange.token[2:].lower()
    held = await venue.token_balance(actors["trader"], token=token)
    assert held == town.exchange.balance(town.exchange.chain.actors["trader"])


async def test_reads_markets_rules_pools_and_limits(town: Town, venue: ExchangeVenue) -> None:
    markets = await venue.markets()
    assert list(markets) == [0, 1, 2]
    assert markets[MarketId(1)] == await venue.market(MarketId(1))
    assert markets[MarketId(0)].symbol == "TEST"
    assert (await venue.rules()).reward_cap == usd(50)
    pools = await venue.pools()
    assert pools.vault_balance == town.exchange.balance(town.exchange.address)
    assert pools.withdrawals_open
    assert pools.funds.insurance_fund == pools.insurance_fund
    assert (await venue.limits(MarketId(0), Parameter.FUNDING_RATE)).cool_down == 0
    assert await venue.epoch(MarketId(0), Role.TUNER) == town.exchange.view("epoch", 0, 3)


async def test_the_judge_agrees_with_the_exchange_on_every_account(
    town: Town, venue: ExchangeVenue
) -> None:
    town.activity.run(40)
    block = int(town.exchange.chain.rpc.call("eth_blockNumber"), 16)
    accounts = [AccountId(account) for account in town.activity.accounts]
    page = await venue.page(accounts, block=block)
    markets = await venue.markets(block=block)
    assert page.block_number == block
    for account in page.accounts.accounts():
        judged = margin_state(account, markets, page.timestamp)
        found = await venue.account_state(account.id, block=block)
        assert (judged.equity, judged.maintenance_margin, judged.initial_margin) == (
            found.equity,
            found.maintenance_margin,
            found.initial_margin,
        )
        assert judged.is_priced is found.is_priced
        assert (judged.is_priced and judged.is_liquidatable) is found.is_liquidatable


async def test_an_address_without_code_is_said_to_be_so(town: Town) -> None:
    async with RpcHttp(Endpoint(name="node", http_url=town.anvil.http_url)) as http:
        venue = ExchangeVenue(http, address=b"\x07" * 20, abi=ABI)
        assert not await venue.has_code()
        with pytest.raises(UndecodableError, match="found no code that answers"):
            await venue.account_count()
