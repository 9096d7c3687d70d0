"""The proxy does what its script says, to a real client of a real node."""

from collections.abc import Iterator

import pytest

from runtime.rpc.endpoint import Endpoint
from runtime.rpc.errors import RateLimited, RpcError, RpcTransient
from runtime.rpc.http import RpcHttp
from tests.anvil import Anvil, JsonRpc, running_anvil
from tests.faults.proxy import Proxy
from tests.faults.script import Fault, Rule, Script


@pytest.fixture(scope="module")
def node() -> Iterator[Anvil]:
    with running_anvil(accounts=2) as anvil:
        with JsonRpc(anvil.http_url) as rpc:
            for _ in range(10):
                rpc.call("evm_mine")
        yield anvil


def always(fault: Fault) -> Script:
    return Script(seed=1, rules=[Rule(fault=fault, per_mille=1_000)])


async def ask(proxy: Proxy, method: str = "eth_blockNumber", *params: object) -> object:
    client = RpcHttp(Endpoint(name=proxy.name, http_url=proxy.urls.http))
    try:
        return await client.call(method, params, timeout_seconds=1.0)
    finally:
        await client.close()


@pytest.mark.parametrize(
    "fault",
    [Fault.DROP, Fault.TRUNCATE, Fault.HTML, Fault.BAD_GATEWAY, Fault.STALL, Fault.TOO_MANY],
)
async def test_a_struck_answer_is_a_passing_error(node: Anvil, fault: Fault) -> None:
    with Proxy(node, "struck", always(fault)).running() as proxy:
        with pytest.raises(RpcTransient) as failure:
            await ask(proxy)
        assert isinstance(failure.value, RateLimited) == (fault is Fault.TOO_MANY)
        assert proxy.done[fault] == 1


async def test_without_a_rule_it_answers_as_the_node(node: Anvil) -> None:
    with Proxy(node, "honest").running() as proxy:
        assert await ask(proxy) == "0xa"


async def test_a_lagging_endpoint_lies_about_head_blocks_and_nonces(node: Anvil) -> None:
    with JsonRpc(node.http_url) as rpc, Proxy(node, "lags").running() as proxy:
        who, other = rpc.call("eth_accounts")
        sent = {"from": who, "to": other, "value": "0x1"}
        name = rpc.call("eth_sendTransaction", sent)
        # The node tells a hash before it has made the block.
        while (receipt := rpc.call("eth_getTransactionReceipt", name)) is None:
            pass
        head = int(receipt["blockNumber"], 16)
        assert await ask(proxy, "eth_getTransactionCount", who, "latest") == "0x1"
        proxy.lag_blocks = 3
        assert await ask(proxy) == hex(head - 3)
        assert await ask(proxy, "eth_getTransactionCount", who, "latest") == "0x0"
        assert await ask(proxy, "eth_getTransactionReceipt", name) is None
        block = await ask(proxy, "eth_getBlockByNumber", "latest", False)
        assert isinstance(block, dict)
        assert block["number"] == hex(head - 3)


@pytest.mark.parametrize(
    ("fault", "words"),
    [(Fault.ALREADY_KNOWN, "already known"), (Fault.NONCE_TOO_LOW, "nonce too low")],
)
async def test_a_lie_about_a_transaction_is_told_in_the_nodes_words(
    node: Anvil, fault: Fault, words: str
) -> None:
    with (
        Proxy(node, "lies", always(fault)).running() as proxy,
        pytest.raises(RpcError, match=words),
    ):
        await ask(proxy, "eth_sendRawTransaction", "0x00")


async def test_an_endpoint_that_is_gone_takes_no_call(node: Anvil) -> None:
    with Proxy(node, "gone").running() as proxy:
        proxy.fail()
        with pytest.raises(RpcTransient):
            await ask(proxy)
        proxy.refuses = False
        assert await ask(proxy) is not None
