"""The real program exports its liquidations to a real collector, and goes on with a trace when it is killed."""

import json
from pathlib import Path

from risk.units import MarketId
from tests.anvil import free_port
from tests.bench.chain_rig import publish_data
from tests.otlp_receiver import PATH, Receiver, SeenSpan, running_receiver
from tests.scenarios.conftest import Scene
from tests.scenarios.keeper import KeeperProcess, command, position_size, wait_until


def traced(keeper: KeeperProcess, folder: Path, endpoint: str) -> KeeperProcess:
    """Let a keeper export to an endpoint, with a secret."""
    headers = folder / "headers"
    headers.write_text("Authorization: Bearer planted\n")
    headers.chmod(0o600)
    with keeper.profile.open("a") as profile:
        profile.write(f'\n[tracing]\nendpoint = "{endpoint}"\nheaders_file = "{headers}"\n')
    return keeper


def journaled(keeper: KeeperProcess, *arguments: str) -> list[dict[str, object]]:
    answer = command("journal", "show", *arguments, "--config", str(keeper.profile), "--json", "-")
    assert answer.returncode == 0, answer.stderr
    shown: list[dict[str, object]] = json.loads(answer.stdout)["intents"]
    return shown


def whole(receiver: Receiver, trace_id: object) -> dict[str, SeenSpan]:
    """Wait for a trace to end; give its spans by name."""
    assert isinstance(trace_id, str)

    def ended() -> bool:
        spans = receiver.of(trace_id).values()
        return any(not span.parent_id for span in spans)

    wait_until(ended, "the trace is whole")
    return receiver.of(trace_id)


def test_a_liquidation_is_a_trace_whose_name_the_journal_tells(
    scene: Scene, tmp_path: Path
) -> None:
    trader = scene.open_position(1)
    with running_receiver() as receiver:
        keeper = traced(scene.keeper(), tmp_path, receiver.url)
        keeper.start()
        keeper.wait_ready()
        scene.fall(to=93)
        wait_until(lambda: position_size(scene.exchange, trader) < 10 * 10**8, "it was liquidated")
        (intent,) = journaled(keeper)
        trace = whole(receiver, intent["trace_id"])
        assert trace.keys() >= {"judge", "sign", "send", "mine", "finalise"}
        root = next(span for span in trace.values() if not span.parent_id)
        assert root.attributes["bellkeeper.intent.key"] == intent["key"]
        assert root.attributes["bellkeeper.intent.outcome"] == "liquidated"
        assert root.attributes["bellkeeper.transaction.hash"] == intent["transaction_hash"]
        assert root.start <= trace["judge"].start < trace["judge"].end <= trace["sign"].end
        assert trace["sign"].end <= trace["send"].end <= trace["mine"].end <= root.end
        assert journaled(keeper, "--trace", str(intent["trace_id"])) == journaled(keeper)
        assert receiver.headers[0]["Authorization"] == "Bearer planted"
        assert keeper.terminate() == 0
    told = keeper.log.read_text()
    assert str(intent["trace_id"]) in told
    assert "planted" not in told
    unknown = command("journal", "show", "--trace", "00" * 16, "--config", str(keeper.profile))
    assert unknown.returncode == 78
    assert "expected the trace of a journaled intent" in unknown.stderr


def test_a_killed_keeper_goes_on_with_the_trace(scene: Scene, tmp_path: Path) -> None:
    trader = scene.open_position(1)
    with running_receiver() as receiver:
        keeper = traced(scene.keeper(), tmp_path, receiver.url)
        keeper.start()
        keeper.wait_ready()
        rpc = scene.exchange.chain.rpc
        rpc.call("evm_setIntervalMining", 0)
        publish = publish_data(scene.exchange, {MarketId(0): 93 * 10**8})
        pricer = scene.exchange.chain.actors["pricer"]
        rpc.call(
            "eth_sendTransaction",
            {"from": pricer, "to": scene.exchange.address, "data": publish, "gas": hex(500_000)},
        )
        # The price is mined, and nothing after it: the keeper dies with its transaction on the way.
        rpc.call("evm_mine")
        wait_until(lambda: [each["state"] for each in journaled(keeper)] == ["sent"], "it was sent")
        keeper.kill()
        rpc.call("evm_setIntervalMining", 1)
        keeper.start()
        wait_until(lambda: position_size(scene.exchange, trader) < 10 * 10**8, "it was liquidated")
        (intent,) = journaled(keeper)
        trace = whole(receiver, intent["trace_id"])
        assert {span.trace_id for span in trace.values()} == {intent["trace_id"]}
        assert trace.keys() >= {"judge", "sign", "send", "mine", "finalise"}
        assert any("keeper_restarted" in span.events for span in trace.values())
        assert keeper.terminate() == 0


def test_a_dead_collector_harms_nothing(scene: Scene, tmp_path: Path) -> None:
    trader = scene.open_position(1)
    keeper = traced(scene.keeper(), tmp_path, f"http://127.0.0.1:{free_port()}{PATH}")
    keeper.start()
    keeper.wait_ready()
    scene.fall(to=93)
    wait_until(lambda: position_size(scene.exchange, trader) < 10 * 10**8, "it was liquidated")
    wait_until(lambda: keeper.page("/status")["tracing"]["problem"] is not None, "it says so")
    assert keeper.page("/readyz")["ready"] is True
    assert keeper.terminate() == 0
