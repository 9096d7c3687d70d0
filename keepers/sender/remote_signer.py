"""A key that lives elsewhere: web3signer's `eth_signTransaction` over HTTP.

What comes back is never trusted: it must recover to our address and equal, field for field, what
was asked. Its URL may carry a credential and is therefore in no message.
"""

import reprlib
from typing import Final

import aiohttp
import orjson

from keepers.sender.signer import PolicedSigner
from keepers.sender.signing_policy import SigningPolicy
from keepers.sender.transaction import (
    MalformedTransactionError,
    SignedTransaction,
    Transaction,
    address_text,
    decode,
    sender_of,
    signed_from,
)
from runtime.errors import OperatorError, TransientError

_SERVER_FAULT: Final = 500
_TOO_MANY: Final = 429
_MOST_BYTES: Final = 1 << 20
_MOST_SHOWN: Final = 200
"""Characters of the signer's own words."""


class RemoteSigner(PolicedSigner):
    """Signs through a web3signer."""

    def __init__(
        self,
        address: bytes,
        policy: SigningPolicy,
        *,
        url: str,
        session: aiohttp.ClientSession,
        timeout_seconds: float = 2.0,
    ) -> None:
        super().__init__(address, policy)
        self._url = url
        self._session = session
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)

    async def check(self) -> None:
        """Make sure that the remote signer holds our key."""
        accounts = await self._call("eth_accounts", [])
        listed = accounts if isinstance(accounts, list) else []
        known = [each.lower() for each in listed if isinstance(each, str)]
        if address_text(self.address) not in known:
            raise OperatorError(
                f"the remote signer holds no key of {address_text(self.address)}: "
                "load the key there or correct the address"
            )

    async def _sign(self, transaction: Transaction) -> SignedTransaction:
        answer = await self._call("eth_signTransaction", [_request(self.address, transaction)])
        try:
            raw = bytes.fromhex(answer.removeprefix("0x")) if isinstance(answer, str) else b""
            signed, signer = decode(raw), sender_of(raw)
        except (ValueError, MalformedTransactionError) as error:
            raise OperatorError(
                "the remote signer returned something else than a signed EIP-1559 transaction: "
                "check its version and mode"
            ) from error
        if signed != transaction or signer != self.address:
            raise OperatorError(
                "the remote signer returned another transaction than it was asked for: "
                "nothing was sent; find out why before going on"
            )
        return signed_from(raw)

    async def _call(self, method: str, params: list[object]) -> object:
        body = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        try:
            async with self._session.post(
                self._url,
                data=body,
                headers={"Content-Type": "application/json"},
                timeout=self._timeout,
            ) as response:
                status, text = response.status, await _read(response)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            # The error's own words may hold the URL.
            kind = type(error).__name__
            raise TransientError(f"the remote signer did not answer ({kind})") from None
        if status >= _SERVER_FAULT or status == _TOO_MANY:
            raise TransientError(f"the remote signer answered HTTP {status}")
        return _result(status, text)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Read an answer, which is small; of an endless one only so much that it is no JSON."""
    body = bytearray()
    async for part in response.content.iter_any():
        body += part
        if len(body) > _MOST_BYTES:
            break
    return bytes(body[:_MOST_BYTES])


def _result(status: int, text: bytes) -> object:
    try:
        answer = orjson.loads(text)
    except orjson.JSONDecodeError:
        answer = None
    if not isinstance(answer, dict):
        raise OperatorError(
            f"the remote signer answered HTTP {status} without JSON-RPC: check its address and mode"
        )
    if "result" not in answer:
        error = answer.get("error")
        message = error.get("message") if isinstance(error, dict) else error
        said = message[:_MOST_SHOWN] if isinstance(message, str) else reprlib.repr(message)
        raise OperatorError(f"the remote signer refused: {' '.join(said.split()) or 'no reason'}")
    return answer["result"]


def _request(address: bytes, transaction: Transaction) -> dict[str, str]:
    return {
        "from": address_text(address),
        "to": address_text(transaction.to),
        "gas": hex(transaction.gas),
        "maxFeePerGas": hex(transaction.max_fee),
        "maxPriorityFeePerGas": hex(transaction.tip),
        "nonce": hex(transaction.nonce),
        "value": hex(transaction.value),
        "data": "0x" + transaction.data.hex(),
        "chainId": hex(transaction.chain_id),
    }
