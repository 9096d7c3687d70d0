"""A real exchange proves to the atom; a theft, a granted role, a rogue price show in one block."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
import structlog
from prometheus_client import CollectorRegistry

from monitors.solvency_facts import ProvenFacts
from monitors.solvency_metrics import SolvencyMetrics
from monitors.withdrawals import WithdrawalMetrics, WithdrawalWatch
from risk.integrity_rules import Action
from risk.solvency import ALL, CHEAP
from risk.solvency_finding import Invariant, Verdict
from risk.units import Ppm
from risk.withdrawal_gate import GateCause, GateRules
from tests.monitors.breakers.world import Slow
from tests.monitors.solvency_stage import (
    RULES,
    Town,
    Watched,
    running_town,
    watching,
)
from tests.venues.exchange.contracts.harness import ROLES, SPLIT
from tests.venues.exchange.proxy import Message, Proxy


@pytest.fixture
def town() -> Iterator[Town]:
    with running_town() as town:
        yield town


async def seen_at_once(watched: Watched) -> dict[Invariant, str]:
    """Look once, at the one block that the harm made; give what the alarms say."""
    block = watched.town.exchange.chain.rpc.call("eth_blockNumber")
    assert await watched.monitor.look()
    assert watched.monitor.sheet is not None
    assert watched.monitor.sheet.block == int(block, 16)
    return {name: each.sentence for name, each in watched.broken().items()}


def test_before_the_first_reading_every_invariant_is_unknown() -> None:
    """A gauge that began at 0 would page somebody for a breach that nobody saw."""
    registry = CollectorRegistry()
    SolvencyMetrics.create(registry, RULES)
    values = {
        registry.get_sample_value("bellkeeper_solvency_invariant", {"invariant": each.value})
        for each in Invariant
    }
    assert values == {-1.0}


async def test_a_clean_exchange_proves_with_no_gap(town: Town) -> None:
    async with watching(town) as watched:
        for _ in range(4):
            town.activity.run(15)
            assert await watched.monitor.look()
            assert watched.doubtful() == {}
            assert await watched.monitor.read_accounts()
            assert watched.doubtful() == {}
            sheet = watched.monitor.base
            assert sheet is not None
            assert sheet.gap == 0
        assert [watched.gauge("invariant", invariant=each) for each in Invariant] == [1.0] * 12
        assert watched.gauge("gap_usd") == 0
        slow = [Slow(solvency_gap=own, roles_changed=own) for own in (0, None, 5)]
        facts = [ProvenFacts(own, watched.monitor) for own in slow]
        assert [each.solvency_gap for each in facts] == [0, None, 5]
        assert [each.roles_changed for each in facts] == [0, None, 5]
        balance = town.exchange.balance(town.exchange.address)
        assert watched.gauge("funds_usd", fund="vault") == balance / 10**6


async def test_corporate_actions_conserve_equity(town: Town) -> None:
    async with watching(town) as watched:
        town.activity.corporate_actions()
        assert await watched.monitor.look()
        assert await watched.monitor.read_accounts()
        assert watched.doubtful() == {}
        base = watched.monitor.base
        assert base is not None
        assert base.flows is not None
        assert [each.name for each in base.flows.actions] == ["dividend", "split", "settlement"]
        assert watched.finding(Invariant.EQUITY_CONSERVED).numbers["corporate_actions"] == 3


async def test_in_the_middle_of_a_split_nobody_knows_and_nothing_is_broken(town: Town) -> None:
    exchange = town.exchange
    exchange.limit(SPLIT, 0)
    exchange.halt(0)
    async with watching(town) as watched:
        epoch = exchange.view("epoch", 0, ROLES["corporate"])
        exchange.send("corporate", "begin_split", 0, 3, 2, epoch)
        exchange.send("corporate", "continue_split", 0, 4)
        assert await watched.monitor.look()
        assert await watched.monitor.read_accounts()
        assert watched.broken() == {}
        assert {
            Invariant.SIZES_BALANCE,
            Invariant.BAD_DEBT_COVERED,
            Invariant.FUNDING_BALANCES,
            Invariant.EQUITY_CONSERVED,
        } == set(watched.doubtful())
        while exchange.market()["is_splitting"]:
            exchange.send("corporate", "continue_split", 0, 4)
        assert await watched.monitor.look()
        assert await watched.monitor.read_accounts()
        assert set(watched.doubtful()) == {Invariant.EQUITY_CONSERVED}
        exchange.fund(town.activity.accounts[0], 1)
        assert await watched.monitor.look()
        assert await watched.monitor.read_accounts()
        assert watched.doubtful() == {}


async def test_money_in_and_out_by_every_door_is_explained(town: Town) -> None:
    exchange = town.exchange
    async with watching(town) as watched:
        exchange.send("owner", "withdraw_fees", exchange.chain.actors["stranger"], 1_000_001)
        exchange.send("owner", "withdraw_backstop", exchange.chain.actors["owner"], 7)
        exchange.send("trader", "withdraw", 1, 11)
        exchange.send("trader", "transfer", 1, 77, 13)
        exchange.send("owner", "fund_insurance", 5)
        account = exchange.account(50)
        exchange.fund(account, 150)
        exchange.trade(account, exchange.backstop, 10, at=exchange.market()["mark"] / 10**8)
        exchange.publish(exchange.market()["mark"] / 10**8 * 0.7)
        exchange.liquidate_one(account)
        exchange.send("liquidator", "claim_rewards")
        assert await watched.monitor.look()
        assert await watched.monitor.read_accounts()
        assert watched.doubtful() == {}
        flows = watched.monitor.base.flows if watched.monitor.base else None
        assert flows is not None
        assert (flows.fees_withdrawn, flows.withdrawals, flows.transfers) == (1_000_001, 18, 0)
        assert flows.shortfalls > 0


async def test_a_theft_is_noticed_within_one_block(town: Town) -> None:
    async with watching(town) as watched:
        with structlog.testing.capture_logs() as lines:
            town.steal(1_234_567, to=town.exchange.chain.actors["stranger"])
            said = await seen_at_once(watched)
        assert said[Invariant.VAULT_COVERS_CLAIMS].startswith("the vault lacks 1.234567 USD")
        assert said[Invariant.POOLS_MATCH_EVENTS] == "1.234567 USD left the vault without an event"
        finding = watched.finding(Invariant.VAULT_COVERS_CLAIMS)
        assert finding.action is Action.CLOSE_WITHDRAWALS
        assert watched.gauge("invariant", invariant="vault_covers_claims") == 0
        assert watched.gauge("gap_usd") == pytest.approx(1.234567)
        (line,) = [
            each
            for each in lines
            if each["event"] == "solvency_breach" and each["invariant"] == "vault_covers_claims"
        ]
        assert line["gap_atoms"] == 1_234_567
        facts = ProvenFacts(Slow(), watched.monitor)
        assert facts.solvency_gap == 1_234_567
        # The next reading of all accounts says so too.
        assert await watched.monitor.read_accounts()
        assert Invariant.VAULT_COVERS_CLAIMS in watched.broken()


async def test_a_theft_hidden_by_a_gift_is_noticed(town: Town) -> None:
    exchange = town.exchange
    owner = exchange.chain.actors["owner"]
    gift = exchange.token_abi.call_data("transfer", exchange.address, 500)
    async with watching(town) as watched:
        exchange.chain.transact({"from": owner, "to": exchange.token, "data": gift})
        assert await watched.monitor.look()
        assert await watched.monitor.read_accounts()
        assert watched.doubtful() == {}
        town.steal(500, to=owner)
        said = await seen_at_once(watched)
        assert set(said) == {Invariant.POOLS_MATCH_EVENTS}
        assert ProvenFacts(Slow(), watched.monitor).solvency_gap == 500


async def test_a_role_granted_to_a_stranger_is_noticed_within_one_block(town: Town) -> None:
    actors = town.exchange.chain.actors
    async with watching(town) as watched:
        town.exchange.send("owner", "grant", actors["stranger"], ROLES["pricer"])
        said = await seen_at_once(watched)
        assert said == {
            Invariant.AUTHORITY_UNCHANGED: f"{actors['stranger'].lower()} holds the role pricer"
            f" that {actors['pricer'].lower()} was approved for"
        }
        assert watched.finding(Invariant.AUTHORITY_UNCHANGED).action is Action.HALT
        assert ProvenFacts(Slow(), watched.monitor).roles_changed == 1
        town.exchange.send("owner", "revoke", actors["stranger"])
        assert await seen_at_once(watched) == {}


async def test_a_role_granted_before_we_came_is_noticed(town: Town) -> None:
    stranger = town.exchange.chain.actors["stranger"]
    town.exchange.send("owner", "grant", stranger, ROLES["matcher"])
    async with watching(town) as watched:
        assert stranger.lower() in watched.finding(Invariant.AUTHORITY_UNCHANGED).sentence


async def test_a_proposed_and_a_new_owner_are_noticed(town: Town) -> None:
    stranger = town.exchange.chain.actors["stranger"]
    async with watching(town) as watched:
        town.exchange.send("owner", "propose_owner", stranger)
        said = await seen_at_once(watched)
        assert said[Invariant.AUTHORITY_UNCHANGED].endswith("is proposed as the next owner")
        town.exchange.send("stranger", "accept_owner")
        said = await seen_at_once(watched)
        assert said[Invariant.AUTHORITY_UNCHANGED].startswith(f"the owner is {stranger.lower()}")


async def test_a_rogue_price_is_noticed_within_one_block(town: Town) -> None:
    index = town.exchange.market()["index"] / 10**8
    async with watching(town) as watched:
        town.exchange.publish(round(index * 1.2, 8), index=index)
        said = await seen_at_once(watched)
        assert "ppm from the index" in said[Invariant.PRICES_BOUNDED]


async def test_a_jump_of_mark_and_index_beyond_the_approved_clamp_is_noticed(town: Town) -> None:
    approved = replace(town.approved(), clamps={"TEST": Ppm(5_000)})
    async with watching(town, approved=approved) as watched:
        # The chain's own clamp is wider than was approved: that is told from the beginning.
        sentence = watched.finding(Invariant.PRICES_BOUNDED).sentence
        assert "one update may move the mark by 1000000 ppm, where 5000 were approved" in sentence


async def test_replaced_code_is_noticed_within_one_block(town: Town) -> None:
    exchange, rpc = town.exchange, town.exchange.chain.rpc
    code = rpc.call("eth_getCode", exchange.address, "latest")
    async with watching(town) as watched:
        rpc.call("anvil_setCode", exchange.address, code + "00")
        exchange.fund(town.activity.accounts[0], 1)
        said = await seen_at_once(watched)
        assert "the shipped contract is approved" in said[Invariant.AUTHORITY_UNCHANGED]


async def test_code_that_answers_nothing_is_told_apart_from_a_server_that_does_not(
    town: Town,
) -> None:
    async with watching(town) as watched:
        town.exchange.chain.rpc.call("anvil_setCode", town.exchange.address, "0xfe")
        town.exchange.chain.rpc.call("evm_mine")
        for _ in range(2):
            assert not await watched.monitor.look()
        assert set(watched.broken()) == {Invariant.AUTHORITY_UNCHANGED}
        assert set(watched.doubtful()) == set(CHEAP)


async def test_an_account_rewritten_without_an_event_is_noticed_at_the_next_reading(
    town: Town,
) -> None:
    async with watching(town) as watched:
        exchange, rpc = town.exchange, town.exchange.chain.rpc
        account = town.activity.accounts[0]
        trace = rpc.call(
            "eth_createAccessList",
            {"to": exchange.address, "data": exchange.abi.call_data("account_rows", [account])},
            "latest",
        )
        slots = [
            slot
            for entry in trace["accessList"]
            if entry["address"].lower() == exchange.address.lower()
            for slot in entry["storageKeys"]
        ]
        cash = exchange.rows(account)[0]
        (slot,) = [
            slot
            for slot in slots
            if int(rpc.call("eth_getStorageAt", exchange.address, slot, "latest"), 16) >> 128
            == cash
        ]
        word = int(rpc.call("eth_getStorageAt", exchange.address, slot, "latest"), 16)
        forged = f"0x{word + (1_000 << 128):064x}"
        rpc.call("anvil_setStorageAt", exchange.address, slot, forged)
        rpc.call("evm_mine")
        assert await watched.monitor.look()
        assert await watched.monitor.read_accounts()
        said = {name: each.sentence for name, each in watched.broken().items()}
        assert "another sum than the events say" in said[Invariant.VAULT_COVERS_CLAIMS]
        assert "no event explains" in said[Invariant.EQUITY_CONSERVED]
        assert ProvenFacts(Slow(), watched.monitor).solvency_gap == 1_000


async def test_an_account_that_nobody_liquidates_is_told(town: Town) -> None:
    exchange = town.exchange
    rules = replace(RULES, wait_blocks=2)
    async with watching(town, rules=rules) as watched:
        account = exchange.account(60)
        exchange.fund(account, 150)
        mark = exchange.market()["mark"] / 10**8
        exchange.trade(account, exchange.backstop, 10, at=mark)
        exchange.publish(round(mark * 0.7, 4))
        assert await watched.monitor.look()
        assert await watched.monitor.read_accounts()
        assert Invariant.NOBODY_WAITS not in watched.broken()
        for _ in range(3):
            exchange.fund(account, 0.000001)
        assert await watched.monitor.look()
        assert await watched.monitor.read_accounts()
        sentence = watched.broken()[Invariant.NOBODY_WAITS].sentence
        assert "could be liquidated for more than 2 blocks" in sentence


async def test_a_reorganisation_is_read_anew(town: Town) -> None:
    async with watching(town) as watched:
        town.exchange.fund(town.activity.accounts[1], 5)
        assert await watched.monitor.look()
        town.exchange.chain.rpc.call("anvil_reorg", 1, [])
        assert not await watched.monitor.look()
        assert watched.finding(Invariant.VAULT_COVERS_CLAIMS).verdict is Verdict.UNKNOWN
        assert await watched.monitor.read_accounts()
        assert watched.finding(Invariant.VAULT_COVERS_CLAIMS).holds


async def test_a_reading_that_fails_is_unknown_and_never_good(town: Town) -> None:
    def without_code(request: Message, answer: Message) -> Message:
        if request["method"] != "eth_getCode":
            return answer
        return {"jsonrpc": "2.0", "id": answer["id"], "error": {"code": -32000, "message": "busy"}}

    proxy = Proxy(town.anvil)
    async with proxy.running(), watching(town, url=proxy.http_url) as watched:
        assert watched.doubtful() == {}
        proxy.on_answer = without_code
        town.exchange.fund(town.activity.accounts[0], 1)
        assert not await watched.monitor.look()
        assert set(watched.doubtful()) == set(CHEAP)
        assert all("busy" in each.sentence for each in watched.doubtful().values())
        assert watched.gauge("invariant", invariant="vault_covers_claims") == -1
        assert ProvenFacts(Slow(), watched.monitor).solvency_gap is None
        assert not await watched.monitor.read_accounts()
        assert set(watched.doubtful()) == set(ALL)
        proxy.on_answer = lambda _, answer: answer
        assert await watched.monitor.look()
        assert await watched.monitor.read_accounts()
        assert watched.doubtful() == {}


async def test_the_gate_closes_after_a_large_withdrawal(town: Town) -> None:
    async with watching(town) as watched:
        watch = WithdrawalWatch(
            GateRules(most_in_window=Ppm(100)), WithdrawalMetrics.create(CollectorRegistry())
        )
        watch.attach(watched.monitor)
        town.exchange.fund(town.activity.accounts[0], 1)
        assert await watched.monitor.look()
        assert watch.decision is not None
        assert not watch.decision.should_close
        town.exchange.send("owner", "withdraw_backstop", town.exchange.chain.actors["owner"], 10**9)
        assert await watched.monitor.look()
        assert watch.decision.should_close
        assert watch.decision.seen_now == (GateCause.RATE,)
        assert "1,000.000000 USD left in 3600 s" in watch.decision.sentence


async def test_workers_run_until_they_are_stopped(town: Town) -> None:
    async with watching(town) as watched:
        stop, looked = asyncio.Event(), asyncio.Event()
        watched.monitor.on_look(lambda _: looked.set())
        tasks = [asyncio.create_task(worker(stop)) for worker in watched.monitor.workers().values()]
        await asyncio.to_thread(town.exchange.fund, town.activity.accounts[0], 1)
        async with asyncio.timeout(20):
            await looked.wait()
            stop.set()
            await asyncio.gather(*tasks)
        assert watched.doubtful() == {}
