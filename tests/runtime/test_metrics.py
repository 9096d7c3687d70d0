"""Collectors: full names, closed labels, all series from the start."""

import asyncio
import time

import pytest
from prometheus_client import CollectorRegistry

from runtime.clock import SystemClock
from runtime.metrics import LoopLag, counter, gauge, histogram, new_registry, set_one_hot
from runtime.rpc.errors import (
    BadAnswer,
    ExecutionReverted,
    MethodMissing,
    RateLimited,
    RpcError,
    RpcTransient,
)
from runtime.rpc.metrics import CallOutcome, RpcMetrics, outcome_of


def test_a_new_registry_says_what_runs() -> None:
    registry = new_registry(version="1.2.3", revision="abc")
    (info,) = [m for m in registry.collect() if m.name == "bellkeeper_build_info"]
    assert info.samples[0].labels["version"] == "1.2.3"
    assert info.samples[0].value == 1


def test_refuses_a_foreign_name() -> None:
    with pytest.raises(ValueError, match="bellkeeper_"):
        counter(CollectorRegistry(), "keeper_cycles_total", "Cycles.")


def test_refuses_label_sets_that_are_not_closed() -> None:
    accounts = [str(number) for number in range(5_000)]
    with pytest.raises(ValueError, match="at most"):
        gauge(CollectorRegistry(), "bellkeeper_equity", "Equity.", {"account": accounts})


def test_one_state_is_hot() -> None:
    registry = CollectorRegistry()
    states = ("open", "halted")
    state = gauge(registry, "bellkeeper_market_state", "S.", {"market": ("TSLA",), "state": states})
    set_one_hot(state, states, "open", market="TSLA")
    set_one_hot(state, states, "halted", market="TSLA")
    values = [
        registry.get_sample_value("bellkeeper_market_state", {"market": "TSLA", "state": item})
        for item in states
    ]
    assert values == [0, 1]


def test_histograms_have_an_edge_on_each_objective() -> None:
    registry = CollectorRegistry()
    histogram(registry, "bellkeeper_decision_seconds", "D.")
    for edge in ("0.001", "0.05", "0.15", "10.0"):
        name = "bellkeeper_decision_seconds_bucket"
        assert registry.get_sample_value(name, {"le": edge}) == 0


async def test_loop_lag_sees_a_blocked_loop() -> None:
    registry = CollectorRegistry()
    lag = LoopLag(registry, clock=SystemClock(), interval_seconds=0.01)
    stop = asyncio.Event()
    task = asyncio.create_task(lag.run(stop))
    await asyncio.sleep(0.005)
    time.sleep(0.1)  # noqa: ASYNC251 - blocking the loop is the point
    await asyncio.sleep(0.002)
    assert lag.last_seconds > 0.05
    stop.set()
    await task


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, CallOutcome.ANSWERED),
        (ExecutionReverted(3, "execution reverted"), CallOutcome.REVERTED),
        (RateLimited("slow down"), CallOutcome.RATE_LIMITED),
        (BadAnswer("html"), CallOutcome.BAD_ANSWER),
        (RpcTransient("timeout"), CallOutcome.TRANSIENT),
        (MethodMissing(-32601, "no"), CallOutcome.REFUSED),
        (RpcError(-32000, "no"), CallOutcome.REFUSED),
    ],
)
def test_calls_are_counted_by_how_they_ended(error: Exception | None, outcome: CallOutcome) -> None:
    assert outcome_of(error) is outcome


def test_an_unknown_method_is_counted_as_other() -> None:
    registry = CollectorRegistry()
    metrics = RpcMetrics.create(registry, ["alpha"]).by_endpoint["alpha"]
    metrics.count("eth_somethingNew", 0.1)
    labels = {"endpoint": "alpha", "method": "other", "outcome": "answered"}
    assert registry.get_sample_value("bellkeeper_rpc_requests_total", labels) == 1
