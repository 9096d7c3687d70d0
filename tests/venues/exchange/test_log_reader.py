"""Logs of a range: all of them, however the endpoint limits, truncates or lags."""

from typing import Any

import pytest

from runtime.errors import TransientError
from tests.venues.exchange.fake_chain import FakeChain
from tests.venues.exchange.logs import ADDRESS, make_log
from venues.exchange.chain import ContractReader, Head, head_of
from venues.exchange.ledger import FeedInterruptedError
from venues.exchange.log_reader import LogReader, LogSettings


def chain_with_logs(head: int, *, every: int = 1) -> FakeChain:
    chain = FakeChain(head)
    chain.logs = [
        make_log("CollateralChanged", 5, 1, 1, 1, block=block)
        for block in range(1, head + 1, every)
    ]
    return chain


def head(chain: FakeChain) -> Head:
    header = chain.header(chain.head)
    assert header is not None
    return head_of(header)


def reader(chain: FakeChain, **settings: int) -> LogReader:
    return LogReader(ContractReader(chain, ADDRESS), LogSettings(**settings))


def blocks(logs: list[Any]) -> list[int]:
    return [int(log["blockNumber"], 16) for log in logs]


async def test_reads_a_range_in_growing_windows() -> None:
    chain = chain_with_logs(100)
    logs = await reader(chain, first_window=10).read(1, head(chain))
    assert blocks(logs) == list(range(1, 101))
    assert chain.queries == [(1, 10), (11, 30), (31, 70), (71, 100)]


@pytest.mark.parametrize("limit", ["most_logs", "most_blocks"])
async def test_asks_for_less_when_the_endpoint_refuses(limit: str) -> None:
    chain = chain_with_logs(100)
    setattr(chain, limit, 7)
    logs = await reader(chain).read(1, head(chain))
    assert blocks(logs) == list(range(1, 101))


async def test_does_not_believe_an_answer_as_full_as_a_limit() -> None:
    chain = chain_with_logs(100)
    chain.most_logs, chain.truncates_in_silence = 20, True
    logs = await reader(chain, suspicious_logs=20).read(1, head(chain))
    assert blocks(logs) == list(range(1, 101))


async def test_waits_for_an_endpoint_that_lacks_the_last_block() -> None:
    chain = chain_with_logs(100)
    wanted = head(chain)
    chain.head = 98
    with pytest.raises(TransientError, match="expected block 100 at this endpoint"):
        await reader(chain).read(90, wanted)


async def test_tells_a_rewrite_from_the_last_block_s_hash() -> None:
    chain = FakeChain(100)
    wanted = head(chain)
    chain.fork = 1
    with pytest.raises(FeedInterruptedError, match="another hash"):
        await reader(chain).read(90, wanted)


async def test_tells_a_rewrite_from_a_log_that_names_another_block() -> None:
    chain = chain_with_logs(100)
    chain.fork = 1
    with pytest.raises(FeedInterruptedError, match="names another block"):
        await reader(chain).read(90, head(chain))


async def test_refuses_logs_from_outside_the_range() -> None:
    chain = FakeChain(100)
    stray = make_log("CollateralChanged", 5, 1, 1, 1, block=90)

    async def lie(method: str, params: Any = ()) -> Any:
        return [stray] if method == "eth_getLogs" else chain.header(int(params[0], 16))

    chain.call = lie  # type: ignore[method-assign]
    with pytest.raises(TransientError, match="found one of 90"):
        await reader(chain).read(95, head(chain))
