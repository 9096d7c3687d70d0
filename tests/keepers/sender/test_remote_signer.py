"""A remote signer over real HTTP, well behaved and not."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web
from eth_account import Account

from keepers.sender import PolicyViolation, RemoteSigner
from keepers.sender.transaction import Transaction, sender_of
from runtime.errors import OperatorError, TransientError
from tests.keepers.sender.rig import ADDRESS, CHAIN_ID, GWEI, KEY, LOGGER, SELECTOR, signing_policy

OTHER_KEY = bytes.fromhex("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d")
"""Anvil's well-known second key."""
CALL = Transaction(
    chain_id=CHAIN_ID,
    nonce=3,
    tip=0,
    max_fee=GWEI,
    gas=50_000,
    to=LOGGER,
    value=0,
    data=SELECTOR + b"\x01",
)


@dataclass
class Web3Signer:
    """A small web3signer, with levers to misbehave."""

    key: bytes = KEY
    change: dict[str, object] = field(default_factory=dict)
    answer: Callable[[], web.StreamResponse] | None = None
    asked: list[str] = field(default_factory=list)
    delay_seconds: float = 0.0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.asked.append(body["method"])
        await asyncio.sleep(self.delay_seconds)
        if self.answer is not None:
            return self.answer()
        if body["method"] == "eth_accounts":
            result: object = [Account.from_key(self.key).address]
        else:
            result = self.sign(body["params"][0])
        return web.json_response({"jsonrpc": "2.0", "id": body["id"], "result": result})

    def sign(self, wanted: dict[str, str]) -> str:
        fields = {
            name: int(wanted[name], 16)
            for name in ("nonce", "gas", "value", "maxFeePerGas", "maxPriorityFeePerGas", "chainId")
        }
        to = bytes.fromhex(wanted["to"][2:])
        whole = fields | {"type": 2, "to": to, "data": wanted["data"]} | self.change
        return "0x" + bytes(Account.sign_transaction(whole, self.key).raw_transaction).hex()


@pytest.fixture
async def remote() -> AsyncIterator[tuple[RemoteSigner, Web3Signer]]:
    server = Web3Signer()
    app = web.Application()
    app.router.add_post("/", server.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with aiohttp.ClientSession() as session:
        yield (
            RemoteSigner(
                ADDRESS,
                signing_policy(),
                url=f"http://user:secret@127.0.0.1:{port}/",
                session=session,
                timeout_seconds=0.5,
            ),
            server,
        )
    await runner.cleanup()


Remote = tuple[RemoteSigner, Web3Signer]


async def test_it_signs_what_was_asked(remote: Remote) -> None:
    signer, server = remote
    await signer.check()
    signed = await signer.sign(CALL)
    assert (signed.transaction, sender_of(signed.raw)) == (CALL, ADDRESS)
    assert server.asked == ["eth_accounts", "eth_signTransaction"]


async def test_the_policy_comes_before_the_network(remote: Remote) -> None:
    signer, server = remote
    outside = Transaction(
        chain_id=CHAIN_ID, nonce=3, tip=0, max_fee=1, gas=1, to=LOGGER, value=5, data=SELECTOR
    )
    with pytest.raises(PolicyViolation):
        await signer.sign(outside)
    assert server.asked == []


@pytest.mark.parametrize(
    "change",
    [
        {"nonce": 4},
        {"maxFeePerGas": 2 * GWEI},
        {"to": b"\x77" * 20},
        {"data": "0x"},
        {"value": 1},
    ],
)
async def test_another_transaction_than_asked_is_refused(
    remote: Remote, change: dict[str, object]
) -> None:
    signer, server = remote
    server.change = change
    with pytest.raises(OperatorError, match="another transaction than it was asked for"):
        await signer.sign(CALL)


async def test_another_key_is_refused(remote: Remote) -> None:
    signer, server = remote
    server.key = OTHER_KEY
    with pytest.raises(OperatorError, match="another transaction than it was asked for"):
        await signer.sign(CALL)
    with pytest.raises(OperatorError, match="holds no key of 0xf39f"):
        await signer.check()


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (lambda: web.Response(status=503), TransientError, "HTTP 503"),
        (lambda: web.Response(status=429), TransientError, "HTTP 429"),
        (lambda: web.Response(text="<html>"), OperatorError, "without JSON-RPC"),
        (lambda: web.json_response({"error": {"message": "locked"}}), OperatorError, "locked"),
        (lambda: web.json_response({"error": "closed"}), OperatorError, "refused: closed"),
        (lambda: web.json_response({"result": "0x1234"}), OperatorError, "something else"),
        (lambda: web.json_response({"result": None}), OperatorError, "something else"),
    ],
)
async def test_other_answers_are_told_in_one_sentence(
    remote: Remote,
    answer: Callable[[], web.StreamResponse],
    error: type[Exception],
    words: str,
) -> None:
    signer, server = remote
    server.answer = answer
    with pytest.raises(error, match=words) as failure:
        await signer.sign(CALL)
    assert "secret" not in str(failure.value)


async def test_silence_is_transient_and_names_no_url(remote: Remote) -> None:
    signer, server = remote
    server.delay_seconds = 1.0
    with pytest.raises(TransientError, match="did not answer") as failure:
        await signer.sign(CALL)
    assert "secret" not in str(failure.value)
