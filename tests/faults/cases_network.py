"""Endpoints that misbehave, lag, flap and vanish."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final

from tests.faults.keeper import Keeper
from tests.faults.proxy import Proxy
from tests.faults.script import Fault, Rule, Script
from tests.faults.stage import Stage

STORM: Final = (
    Rule(fault=Fault.SILENT_SEND, per_mille=150),
    Rule(fault=Fault.ALREADY_KNOWN, per_mille=150),
    Rule(fault=Fault.NONCE_TOO_LOW, per_mille=150),
    Rule(fault=Fault.UNDERPRICED, per_mille=150),
    Rule(fault=Fault.FORGET, per_mille=300, methods=("eth_subscribe",)),
    Rule(fault=Fault.DELAY, per_mille=40, seconds=0.1),
    Rule(fault=Fault.DROP, per_mille=25),
    Rule(fault=Fault.REORDER, per_mille=40),
    Rule(fault=Fault.DUPLICATE, per_mille=40),
    Rule(fault=Fault.TRUNCATE, per_mille=4),
    Rule(fault=Fault.HTML, per_mille=20),
    Rule(fault=Fault.TOO_MANY, per_mille=20),
    Rule(fault=Fault.BAD_GATEWAY, per_mille=20),
    Rule(fault=Fault.STALL, per_mille=3),
)
"""Everything at once, each often enough to meet in half a minute."""
QUICK: Final = {
    "network": {"request_timeout_seconds": 1.5, "read_idle_seconds": 3.0, "keep_alive_seconds": 1.0}
}


@contextmanager
def proxies(stage: Stage, *scripts: Script) -> Iterator[list[Proxy]]:
    """Run a proxy per script."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(Proxy(stage.anvil, f"proxy-{place}", script).running())
            for place, script in enumerate(scripts)
        ]


def storm(stage: Stage, times: int) -> None:
    """Live through waves behind an endpoint that does everything wrong, then heal it."""
    script = Script(seed=stage.random.randrange(2**32), rules=STORM)
    with proxies(stage, script) as (proxy,):
        _play_out(stage, [proxy], times)


def lying_sends(stage: Stage, times: int) -> None:
    """Live through waves behind an endpoint that lies about every second transaction."""
    rules = [Rule(fault=rule.fault, per_mille=150) for rule in STORM[:4]]
    with proxies(stage, Script(seed=stage.random.randrange(2**32), rules=rules)) as (proxy,):
        _play_out(stage, [proxy], times)


def one_endpoint_lost(stage: Stage, times: int) -> None:
    """Lose the preferred endpoint at a wave, and have it back after."""
    with proxies(stage, Script(seed=1), Script(seed=2)) as pair:
        keeper = _ready(stage, pair)
        for _ in range(times):
            stage.open_positions(2)
            pair[0].fail()
            stage.move()
            stage.faults += 1
            stage.finish()
            pair[0].refuses = False
        stage.settle()
        assert keeper.stop() == 0


def all_endpoints_lost(stage: Stage, times: int) -> None:
    """Lose all endpoints while a wave's transactions may be under way; then they come back."""
    with proxies(stage, Script(seed=1), Script(seed=2)) as pair:
        keeper = _ready(stage, pair)
        for _ in range(times):
            stage.wave(2)
            stage.wait_blocks(stage.random.randrange(3))
            for proxy in pair:
                proxy.fail()
            stage.faults += 1
            stage.wait_blocks(stage.random.randrange(20, 100))
            for proxy in pair:
                proxy.refuses = False
            stage.healed()
            stage.finish()
        stage.settle()
        assert keeper.stop() == 0


def lagging_endpoint(stage: Stage, times: int) -> None:
    """Let the preferred endpoint answer as of some blocks ago, the other one be well."""
    with proxies(stage, Script(seed=1), Script(seed=2)) as pair:
        keeper = _ready(stage, pair)
        for _ in range(times):
            pair[0].lag_blocks = stage.random.randrange(3, 40)
            stage.wave(2)
            stage.faults += 1
            stage.wait_blocks(60)
            pair[0].lag_blocks = 0
            stage.healed()
            stage.finish()
            stage.settle()
        assert pair[0].done["lag"] > 0
        assert keeper.stop() == 0


def flapping_socket(stage: Stage, times: int) -> None:
    """Cut every WebSocket again and again, through several waves."""
    with proxies(stage, Script(seed=1)) as (proxy,):
        keeper = _ready(stage, [proxy])
        for number in range(times):
            if number % 5 == 0:
                if stage.waves:
                    stage.finish()
                stage.wave(2)
            stage.wait_blocks(stage.random.randrange(1, 12))
            proxy.cut()
            stage.faults += 1
        stage.healed()
        stage.finish()
        stage.settle()
        assert keeper.stop() == 0


def _ready(stage: Stage, endpoints: Sequence[Proxy]) -> Keeper:
    keeper = stage.keeper(*(proxy.urls for proxy in endpoints), sections=QUICK)
    keeper.start()
    keeper.wait_ready()
    return keeper


def _play_out(stage: Stage, endpoints: Sequence[Proxy], times: int) -> None:
    """Play waves under the script; then take it away, and all must be done."""
    scripts = [proxy.script for proxy in endpoints]
    for proxy in endpoints:
        proxy.script = Script(seed=0)
    keeper = _ready(stage, endpoints)
    for proxy, script in zip(endpoints, scripts, strict=True):
        proxy.script = script
    for _ in range(times):
        stage.wave(2)
        stage.finish()
    for proxy in endpoints:
        proxy.script = Script(seed=0)
    stage.healed()
    stage.settle()
    done = sum((proxy.done.total() for proxy in endpoints), 0)
    stage.faults += done
    kinds = sorted({kind for proxy in endpoints for kind in proxy.done})
    stage.notes.append(f"{done} faults of {len(kinds)} kinds (script seed {scripts[0].seed})")
    assert done, "expected faults, the script played none"
    assert keeper.stop() == 0
