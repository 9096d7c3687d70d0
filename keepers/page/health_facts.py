"""How the parts of the process are: workers, lanes, endpoints."""

import asyncio
from collections.abc import Mapping

from keepers.page.facts import EndpointLine, Health, LaneLine
from keepers.page.latencies import loop_lag
from keepers.page.sources import PageSources
from keepers.page.status_words import integer_at, mapping_at, text_at

SHARED_WORKERS = ("rpc", "probes", "feed", "lanes", "http", "gauges", "loop_lag", "retention")
"""Beside those of the duties."""


def health_facts(sources: PageSources) -> Health:
    """Give the health of every part."""
    rpc = sources.rpc_status()
    feed = text_at(rpc, "feed")
    connected = "connected" if rpc.get("feed_connected") else "not connected, polling"
    return Health(
        workers=_workers(sources),
        lanes=[
            LaneLine(name=name, next_nonce=None, in_flight=None, halted="")
            if lane is None
            else LaneLine(
                name=name,
                next_nonce=lane.next_nonce,
                in_flight=lane.in_flight,
                halted=lane.why_halted,
            )
            for name, lane in sorted(sources.lanes.items())
        ],
        endpoints=[
            _endpoint(name, mapping_at(rpc, "endpoints", name))
            for name in mapping_at(rpc, "endpoints")
        ],
        feed=f"{feed}, {connected}" if feed else "no WebSocket endpoint: the feed polls",
        loop_lag=loop_lag(sources.registry),
    )


def _workers(sources: PageSources) -> dict[str, bool]:
    running = {task.get_name() for task in asyncio.all_tasks() if not task.done()}
    named = [name for duty in sources.duties for name in duty.workers()]
    return {name: name in running for name in (*SHARED_WORKERS, *named)}


def _endpoint(name: str, told: Mapping[str, object]) -> EndpointLine:
    return EndpointLine(
        name=name,
        failures=integer_at(told, "failures") or 0,
        rest_seconds=_number(told, "rest_seconds"),
        head_block=integer_at(told, "head_block"),
        latency_seconds=_number(told, "latency_seconds"),
        last_error=text_at(told, "last_error"),
    )


def _number(told: Mapping[str, object], key: str) -> float:
    found = told.get(key)
    return float(found) if isinstance(found, int | float) else 0.0
