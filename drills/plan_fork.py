"""The exchange on a fork of its chain, where the node lends us the keys of those who hold roles.

What is sent here is sent nowhere else. The clock stands still unless we move it, so that cool-downs
are met to the second.
"""

import contextlib
import re
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson

from config.redaction import redact_url
from drills.anvil import GAS_LIMIT, START_SECONDS, STOP_SECONDS, find_anvil, free_port
from risk.guard_rails import Limits, Parameter
from risk.market import Market
from risk.units import MarketId, Seconds
from runtime.errors import OperatorError
from runtime.rpc.endpoint import Endpoint
from runtime.rpc.errors import ExecutionReverted, RpcError
from runtime.rpc.http import HttpLimits, RpcHttp
from venues.exchange.abi import load_abi
from venues.exchange.adapter import ExchangeVenue
from venues.exchange.calls import CallEncoder
from venues.exchange.chain import quantity

ANSWER_SECONDS: Final = 60.0
"""The fork asks the real chain for every slot that it sees first."""
CALL_GAS: Final = 10_000_000
LENT_WEI: Final = 10**24
_URL: Final = re.compile(r"(?:https?|wss?)://[^\s\"'()<>]+")


@contextlib.contextmanager
def forked_node(origin: str) -> Iterator[str]:
    """Run a node that forks the chain behind a URL, for as long as the block lasts; give its URL."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    # The origin's URL may hold a key, and arguments of a process can be read by everybody: the node
    # looks it up in a file of ours.
    with tempfile.TemporaryDirectory(prefix="bellkeeper-rehearsal-") as folder:
        known = b"[rpc_endpoints]\norigin = " + orjson.dumps(origin) + b"\n"
        (Path(folder) / "foundry.toml").write_bytes(known)
        log = Path(folder) / "anvil.log"
        arguments = [str(find_anvil()), "--fork-url", "origin", "--no-storage-caching", "--quiet"]
        arguments += ["--gas-limit", str(GAS_LIMIT), "--disable-code-size-limit"]
        arguments += ["--host", "127.0.0.1", "--port", str(port), "--accounts", "1"]
        with (
            log.open("wb") as output,
            subprocess.Popen(  # noqa: S603 - anvil
                arguments,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            ) as process,
        ):
            try:
                _wait_until_ready(url, process, log)
                yield url
            finally:
                process.terminate()
                try:
                    process.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()


def without_secrets(text: str) -> str:
    """Hide what is secret in the URLs of a text that a node wrote."""
    return _URL.sub(lambda found: redact_url(found[0]), text)


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _answers(url):
        if process.poll() is not None or time.monotonic() > deadline:
            lines = log.read_text(errors="replace").strip().splitlines()
            last = without_secrets(lines[-1]) if lines else "no answer"
            raise OperatorError(
                f"expected anvil to fork the first of [network] endpoints, found: {last:.300}"
                " (run `bellkeeper check`)"
            )
        time.sleep(0.02)


def _answers(url: str) -> bool:
    body = b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}'
    request = urllib.request.Request(  # noqa: S310 - our own node, over HTTP
        url, body, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=5):  # noqa: S310 - same
            return True
    except (urllib.error.URLError, OSError):
        return False


class ForkedExchange:
    """The exchange on the fork: calls of role holders, reads, and the clock."""

    def __init__(self, url: str, address: bytes) -> None:
        limits = HttpLimits(timeout_seconds=ANSWER_SECONDS)
        self._rpc = RpcHttp(Endpoint(name="fork", http_url=url), limits=limits)
        abi = load_abi()
        self._calls = CallEncoder(abi)
        self._address = f"0x{address.hex()}"
        self._lent: set[str] = set()
        self.venue = ExchangeVenue(self._rpc, address=address, abi=abi)

    async def begin(self, chain_id: int) -> int:
        """Check that all is there and stop the clock; give the number of the fork's block."""
        found = quantity(await self._rpc.call("eth_chainId"))
        if found != chain_id:
            raise OperatorError(
                f"expected chain {chain_id} behind the first of [network] endpoints, found {found}:"
                " correct one of them"
            )
        if not await self.venue.has_code():
            raise OperatorError(
                f"expected the exchange at {self._address}, found no code there: correct [exchange]"
                " address"
            )
        await self._rpc.call("anvil_setBlockTimestampInterval", [0])
        return quantity(await self._rpc.call("eth_blockNumber"))

    async def close(self) -> None:
        """Close the connections."""
        await self._rpc.close()

    async def now(self) -> Seconds:
        """Give the fork's clock."""
        block = await self._rpc.call("eth_getBlockByNumber", ["latest", False])
        return Seconds(quantity(block["timestamp"]))

    async def let_pass(self, seconds: int) -> None:
        """Move the clock by whole seconds."""
        if seconds > 0:
            later = await self.now() + seconds
            await self._rpc.call("evm_setNextBlockTimestamp", [later])
            await self._rpc.call("evm_mine")

    async def limits(self, market: MarketId, parameter: Parameter) -> Limits:
        """Read the owner's limits."""
        return await self.venue.limits(market, parameter)

    async def market(self, market: MarketId) -> Market:
        """Read a market as it is now."""
        return await self.venue.market(market)

    async def send(self, sender: str, name: str, *arguments: Any) -> str | None:  # noqa: ANN401
        """Call as somebody; None when it was mined, or else the exchange's words of refusal."""
        await self._lend(sender)
        data = f"0x{self._calls.call(name, *arguments).hex()}"
        request = {"from": sender, "to": self._address, "data": data, "gas": hex(CALL_GAS)}
        receipt = await self._rpc.call("eth_sendTransactionSync", [request])
        if quantity(receipt["status"]) == 1:
            return None
        # The same call at the same time, as a question: the answer has the reason.
        before = hex(quantity(receipt["blockNumber"]) - 1)
        moment = {"time": receipt["blockTimestamp"]}
        try:
            await self._rpc.call("eth_call", [request, before, {}, moment])
        except ExecutionReverted as error:
            return error.reason or "no reason"
        except RpcError as error:
            return error.message
        return "no reason"

    async def _lend(self, sender: str) -> None:
        if sender not in self._lent:
            await self._rpc.call("anvil_impersonateAccount", [sender])
            await self._rpc.call("anvil_setBalance", [sender, hex(LENT_WEI)])
            self._lent.add(sender)
