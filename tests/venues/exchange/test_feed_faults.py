"""The feed behind a faulty network: lost, doubled, late and rewritten messages change nothing."""

import asyncio
from dataclasses import replace
from random import Random

from tests.venues.exchange.activity import Town
from tests.venues.exchange.following import SETTINGS, following
from tests.venues.exchange.proxy import Message, Proxy, is_log

MISSING_NODE = {"code": -32000, "message": "missing trie node 0xab (path 0c)"}


async def test_heals_logs_that_the_subscription_lost(town: Town) -> None:
    random = Random(3)
    dropped: list[Message] = []

    def lose(message: Message) -> list[Message]:
        if is_log(message) and random.random() < 0.2:
            dropped.append(message)
            return []
        return [message]

    async with Proxy(town.anvil).running() as proxy:
        proxy.on_notification = lose
        async with following(
            town.exchange, http_url=proxy.http_url, ws_url=proxy.websocket_url
        ) as seen:
            await asyncio.to_thread(town.activity.run, 60)
            await seen.require_equal()
            assert dropped
            assert seen.count("logs_applied_total") > len(dropped)


async def test_ignores_logs_that_come_twice(town: Town) -> None:
    async with Proxy(town.anvil).running() as proxy:
        proxy.on_notification = lambda message: [message, message]
        async with following(
            town.exchange, http_url=proxy.http_url, ws_url=proxy.websocket_url
        ) as seen:
            await asyncio.to_thread(town.activity.run, 30)
            await seen.require_equal()
            assert seen.count("logs_duplicate_total") > 0
            places = [(item.block_number, item.log_index) for item in seen.sink.stamped]
            assert len(places) == len(set(places))
            assert seen.sink.interruptions == []


async def test_catches_up_after_a_dropped_socket_without_a_new_snapshot(town: Town) -> None:
    async with (
        Proxy(town.anvil).running() as proxy,
        following(town.exchange, http_url=proxy.http_url, ws_url=proxy.websocket_url) as seen,
    ):
        await asyncio.to_thread(town.activity.run, 10)
        proxy.refuses_sockets = True
        await proxy.cut()
        await asyncio.to_thread(town.activity.run, 15)
        proxy.refuses_sockets = False
        await seen.until(lambda: proxy.sockets >= 2, "a second connection")
        await asyncio.to_thread(town.activity.run, 10)
        await seen.require_equal()
        assert len(seen.sink.snapshots) == 1


async def test_polls_while_no_socket_can_be_had_and_streams_again_later(town: Town) -> None:
    settings = replace(SETTINGS, resubscribe_seconds=0.2)
    async with Proxy(town.anvil).running() as proxy:
        proxy.refuses_sockets = True
        async with following(
            town.exchange,
            http_url=proxy.http_url,
            ws_url=proxy.websocket_url,
            settings=settings,
        ) as seen:
            await asyncio.to_thread(town.activity.run, 15)
            await seen.require_equal()
            proxy.refuses_sockets = False
            await seen.until(lambda: proxy.sockets >= 1, "a connection")
            await asyncio.sleep(0.3)
            await asyncio.to_thread(town.activity.run, 15)
            await seen.require_equal()


async def test_takes_logs_whose_block_is_not_sealed_yet(town: Town) -> None:
    def unseal(message: Message) -> list[Message]:
        if is_log(message):
            message["params"]["result"]["blockHash"] = None
        return [message]

    async with Proxy(town.anvil).running() as proxy:
        proxy.on_notification = unseal
        async with following(
            town.exchange, http_url=proxy.http_url, ws_url=proxy.websocket_url
        ) as seen:
            await asyncio.to_thread(town.activity.run, 30)
            await seen.require_equal()
            assert seen.sink.interruptions == []


async def test_takes_a_new_snapshot_after_a_log_that_it_cannot_read(town: Town) -> None:
    spoiled: list[Message] = []

    def spoil(message: Message) -> list[Message]:
        if is_log(message) and not spoiled:
            spoiled.append(message)
            message["params"]["result"]["topics"][0] = "0x" + "ab" * 32
        return [message]

    async with (
        Proxy(town.anvil).running() as proxy,
        following(town.exchange, http_url=proxy.http_url, ws_url=proxy.websocket_url) as seen,
    ):
        proxy.on_notification = spoil
        await asyncio.to_thread(town.activity.run, 20)
        await seen.until(lambda: len(seen.sink.snapshots) == 2, "a second snapshot")
        await seen.require_equal()
        assert seen.count("logs_undecodable_total", defect="unknown_event") == 1
        assert seen.count("resyncs_total", reason="undecodable") == 1
        assert "expected an event of the exchange's ABI" in seen.sink.interruptions[0]


async def test_follows_a_node_without_websocket_by_polling(town: Town) -> None:
    async with following(town.exchange, http_url=town.anvil.http_url, ws_url=None) as seen:
        await asyncio.to_thread(town.activity.run, 40)
        await seen.require_equal()
        assert seen.sink.interruptions == []
        assert seen.sink.stamped


async def test_restarts_from_a_snapshot_when_history_is_rewritten(town: Town) -> None:
    chain = town.exchange.chain
    async with following(
        town.exchange, http_url=town.anvil.http_url, ws_url=town.anvil.websocket_url
    ) as seen:
        saved = await asyncio.to_thread(chain.snapshot)
        await asyncio.to_thread(town.activity.run, 10)
        await seen.until_sealed()
        await asyncio.to_thread(chain.restore, saved)
        await asyncio.to_thread(town.activity.run, 25)
        await seen.until(lambda: len(seen.sink.snapshots) >= 2, "a second snapshot")
        await seen.require_equal()
        assert seen.count("resyncs_total", reason="reorg") >= 1


async def test_notices_rewritten_history_without_websocket_too(town: Town) -> None:
    chain = town.exchange.chain
    async with following(town.exchange, http_url=town.anvil.http_url, ws_url=None) as seen:
        saved = await asyncio.to_thread(chain.snapshot)
        await asyncio.to_thread(town.activity.run, 10)
        await seen.until_sealed()
        await asyncio.to_thread(chain.restore, saved)
        await asyncio.to_thread(town.activity.run, 25)
        await seen.until(lambda: len(seen.sink.snapshots) >= 2, "a second snapshot")
        await seen.require_equal()


async def test_interrupts_when_no_block_comes_and_resumes_with_the_next_one(town: Town) -> None:
    settings = replace(SETTINGS, stall_seconds=0.4)
    async with following(
        town.exchange,
        http_url=town.anvil.http_url,
        ws_url=town.anvil.websocket_url,
        settings=settings,
    ) as seen:
        await seen.until(lambda: bool(seen.sink.interruptions), "an interruption")
        assert "no block after" in seen.sink.interruptions[0]
        await asyncio.sleep(0.3)
        assert len(seen.sink.snapshots) == 1
        await asyncio.to_thread(town.activity.run, 3)
        await seen.until(lambda: len(seen.sink.snapshots) >= 2, "a second snapshot")


async def test_heals_a_divergence_that_a_state_audit_finds(town: Town) -> None:
    settings = replace(SETTINGS, state_audit_period_seconds=0.1)
    async with following(
        town.exchange,
        http_url=town.anvil.http_url,
        ws_url=town.anvil.websocket_url,
        settings=settings,
    ) as seen:
        await asyncio.to_thread(town.activity.run, 20)
        await seen.until(lambda: seen.sink.audited > 0, "an audit of accounts")
        assert seen.count("divergences_total", what="account") == 0
        account = next(iter(seen.sink.collateral))
        seen.sink.collateral[account] += 1  # type: ignore[assignment]
        await seen.until(lambda: len(seen.sink.snapshots) == 2, "a second snapshot")
        await seen.require_equal()
        assert seen.count("divergences_total", what="account") == 1
        assert seen.count("divergences_total", what="market") == 0


async def test_never_cries_divergence_while_accounts_are_busy(town: Town) -> None:
    settings = replace(SETTINGS, state_audit_period_seconds=0.0)
    async with following(
        town.exchange,
        http_url=town.anvil.http_url,
        ws_url=town.anvil.websocket_url,
        settings=settings,
    ) as seen:
        await asyncio.to_thread(town.activity.run, 60)
        await seen.require_equal()
        assert seen.sink.interruptions == []
        assert seen.sink.audited > 0
        assert seen.count("reread_total", what="market") > 0


async def test_polls_when_the_stream_falls_silent_without_breaking(town: Town) -> None:
    settings = replace(SETTINGS, silence_seconds=0.2)
    async with (
        Proxy(town.anvil).running() as proxy,
        following(
            town.exchange,
            http_url=proxy.http_url,
            ws_url=proxy.websocket_url,
            settings=settings,
        ) as seen,
    ):
        proxy.on_notification = lambda _: []
        await asyncio.to_thread(town.activity.run, 20)
        await seen.require_equal()
        assert len(seen.sink.snapshots) == 1


async def test_starts_over_at_a_newer_block_when_the_node_prunes_the_first(town: Town) -> None:
    pruned: list[str] = []

    def prune(asked: Message, answer: Message) -> Message:
        if asked["method"] != "eth_call":
            return answer
        block = asked["params"][1]
        if not pruned:
            pruned.append(block)
            town.exchange.chain.rpc.call("evm_mine")
        if block != pruned[0]:
            return answer
        return {"jsonrpc": "2.0", "id": asked["id"], "error": MISSING_NODE}

    async with Proxy(town.anvil).running() as proxy:
        proxy.on_answer = prune
        async with following(
            town.exchange, http_url=proxy.http_url, ws_url=proxy.websocket_url
        ) as seen:
            assert seen.sink.snapshots[0].number > int(pruned[0], 16)
            await seen.require_equal()


async def test_waits_for_a_server_that_lags_behind_the_one_that_streams(town: Town) -> None:
    lags = [True]

    def lag(asked: Message, answer: Message) -> Message:
        asks_by_number = (
            asked["method"] == "eth_getBlockByNumber" and asked["params"][0] != "latest"
        )
        if lags[0] and asks_by_number:
            return answer | {"result": None}
        if lags[0] and asked["method"] == "eth_getLogs":
            return answer | {"result": []}
        return answer

    async with (
        Proxy(town.anvil).running() as proxy,
        following(town.exchange, http_url=proxy.http_url, ws_url=proxy.websocket_url) as seen,
    ):
        await seen.until_sealed()
        proxy.on_answer = lag
        await asyncio.to_thread(town.activity.run, 15)
        sealed = len(seen.sink.sealed)
        await asyncio.sleep(0.3)
        assert len(seen.sink.sealed) == sealed
        assert seen.count("audit_lag_blocks") > 0
        lags[0] = False
        await seen.require_equal()
        assert seen.sink.interruptions == []
