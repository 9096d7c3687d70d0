"""From a price on chain to a liquidated account, by the real program on a real node."""

import json
import time

from tests.scenarios.conftest import Scene
from tests.scenarios.keeper import KeeperProcess, command, position_size, wait_until


def report_of(keeper: KeeperProcess, *arguments: str) -> dict[str, object]:
    answer = command(*arguments, "--config", str(keeper.profile), "--json", "-")
    assert answer.returncode == 0, answer.stderr
    report: dict[str, object] = json.loads(answer.stdout)
    return report


def test_an_account_under_margin_is_liquidated_once_and_the_journal_can_judge_it_again(
    scene: Scene,
) -> None:
    trader_under_margin, healthy = scene.open_position(1), scene.open_position(2, collateral=900)
    keeper = scene.keeper()
    keeper.start()
    keeper.wait_ready()
    scene.fall(to=93)
    wait_until(
        lambda: position_size(scene.exchange, trader_under_margin) < 10 * 10**8,
        "the account was liquidated",
    )
    state = scene.exchange.state(trader_under_margin)
    assert state["equity"] >= state["maintenance_margin"]
    assert position_size(scene.exchange, healthy) == 10 * 10**8
    wait_until(
        lambda: 'results_total{result="liquidated"} 1.0' in keeper.page("/metrics"),
        "the keeper counted the result",
    )
    assert keeper.terminate() == 0
    shown = report_of(keeper, "journal", "show")["intents"]
    assert isinstance(shown, list)
    outcomes = [intent["outcome"] for intent in shown]
    assert outcomes.count("liquidated") == 1
    replay = report_of(keeper, "journal", "replay")
    assert replay["judged"] == len(shown)
    assert replay["differences"] == {}


def test_explain_agrees_with_the_exchange(scene: Scene) -> None:
    account = scene.open_position(1)
    keeper = scene.keeper()
    label = f"0x{account >> 96:040x}/{account & (2**96 - 1)}"
    report = report_of(keeper, "explain", label)
    assert report["agrees_with_exchange"] is True
    assert "is healthy" in str(report["summary"])


def test_a_killed_keeper_goes_on_where_it_was_and_nothing_happens_twice(scene: Scene) -> None:
    traders = [scene.open_position(number) for number in range(1, 9)]
    keeper = scene.keeper()
    keeper.start()
    keeper.wait_ready()
    mark, life_seconds = 94.0, 0.0
    while any(position_size(scene.exchange, trader) == 10 * 10**8 for trader in traders):
        scene.fall(to=mark)
        # Each life lasts a little longer after the fall: the first are too short to act in, and on
        # a busy machine too some are long enough.
        time.sleep(life_seconds)
        life_seconds += 0.1
        keeper.kill()
        keeper.start()
        keeper.wait_ready()
        scene.exchange.publish(mark)
        mark -= 1.0
        assert mark > 80, "expected all traders to be liquidated by then"
    assert keeper.terminate() == 0
    events = scene.exchange.logs(0, int(scene.exchange.chain.rpc.call("eth_blockNumber"), 16))
    liquidator = scene.exchange.chain.actors["liquidator"].lower()
    sent = int(scene.exchange.chain.rpc.call("eth_getTransactionCount", liquidator, "latest"), 16)
    done = [
        event["account"]
        for event in events
        if event.name == "LiquidationResult" and event["code"] == 0
    ]
    assert set(done) >= set(traders)
    shown = report_of(keeper, "journal", "show", "--limit", "1000")["intents"]
    assert isinstance(shown, list)
    nonces = {intent["nonce"] for intent in shown}
    # The harness used the same key for its own set-up, so count from the first journaled nonce.
    assert nonces == set(range(min(nonces), sent))


def test_a_dry_run_journals_and_sends_nothing(scene: Scene) -> None:
    trader_under_margin = scene.open_position(1)
    keeper = scene.keeper("--dry-run")
    keeper.start()
    keeper.wait_ready()
    scene.fall(to=93)
    wait_until(lambda: "would_have_sent" in keeper.log.read_text(), "a plan was made")
    assert keeper.terminate() == 0
    assert position_size(scene.exchange, trader_under_margin) == 10 * 10**8
    shown = report_of(keeper, "journal", "show")["intents"]
    assert isinstance(shown, list)
    assert {intent["transaction_hash"] for intent in shown} == {None}


def test_a_stale_price_stops_everything_until_fresh_ones_come(scene: Scene) -> None:
    trader_under_margin = scene.open_position(1)
    keeper = scene.keeper()
    scene.fall(to=93)
    scene.exchange.chain.advance(10_000)
    keeper.start()
    keeper.wait_ready()
    wait_until(
        lambda: (
            'accounts_skipped{reason="' in keeper.page("/metrics")
            and "bellkeeper_accounts_under_margin 1.0" in keeper.page("/metrics")
        ),
        "the keeper sees the account",
    )
    assert position_size(scene.exchange, trader_under_margin) == 10 * 10**8
    for _ in range(3):
        scene.exchange.chain.advance(1)
        scene.exchange.publish(93)
    wait_until(
        lambda: position_size(scene.exchange, trader_under_margin) < 10 * 10**8,
        "the account was liquidated on fresh prices",
    )
    assert keeper.terminate() == 0
