"""Raw transactions out, with what became of them back.

Sending has WebSockets of its own, so that a flood of notifications is never ahead of a receipt.
Where the endpoint offers it the answer is the receipt itself (`realtime_sendRawTransaction`, then
`eth_sendRawTransactionSync`), else the hash. Measured on anvil 1.7.1: a Sync call that waits for
its block delays neither other calls nor notifications on the same WebSocket (answers come out of
order), so one connection carries many transactions; `connections` above 1 is for endpoints that
limit messages per connection (MegaETH: 5 a second).

`start` writes before it returns. The same bytes may safely go out twice, so an endpoint that
refuses for its own reasons, or vanishes, is followed by the next one; nothing is signed here.
"""

import asyncio
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import structlog

from runtime.rpc.endpoint import Endpoint
from runtime.rpc.errors import MethodMissing, RateLimited, RpcError, RpcTransient
from runtime.rpc.http import RpcHttp
from runtime.rpc.pool import RpcPool
from runtime.rpc.probe import PLAIN_SEND, REALTIME_SEND, SYNC_SEND
from runtime.rpc.rate_limit import DEFAULT_PAUSE_SECONDS
from runtime.rpc.submissions import SubmissionStatus, classify_submission
from runtime.rpc.ws import RpcWs

_HASH_LENGTH: Final = 66

log: structlog.stdlib.BoundLogger = structlog.get_logger("rpc.submit")


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionReply:
    """What became of a raw transaction.

    `tx_hash` is the caller's, or the endpoint's if the caller gave none. `reason` is the
    endpoint's sentence, for people. Times are the clock's monotonic seconds.
    """

    status: SubmissionStatus
    tx_hash: str | None
    receipt: dict[str, Any] | None
    endpoint: str
    reason: str
    written_at: float
    answered_at: float


class SubmissionFuture(asyncio.Future[SubmissionReply]):
    """The future of a reply; `written_at` and `endpoint` tell of the first write at once."""

    written_at: float
    endpoint: str


@dataclass(slots=True, kw_only=True)
class _Channel:
    """A way out: an endpoint, a transport, and the best method it offers there."""

    endpoint: Endpoint
    transport: RpcHttp | RpcWs
    method: str = PLAIN_SEND

    @property
    def is_open(self) -> bool:
        return isinstance(self.transport, RpcHttp) or self.transport.connected

    def may_write(self) -> bool:
        """Take a turn, or say that there is none now; an HTTP call takes its own."""
        bucket = self.transport.bucket
        if isinstance(self.transport, RpcHttp):
            return bucket.wait_seconds() == 0.0
        return bucket.try_take()

    @property
    def key(self) -> tuple[str, bool]:
        """Endpoint and kind: trying another connection of the same kind would change nothing."""
        return self.endpoint.name, isinstance(self.transport, RpcWs)


@dataclass(slots=True, kw_only=True)
class _Flight:
    """A submission under way."""

    raw: bytes
    params_json: bytes
    tx_hash: str | None
    future: SubmissionFuture
    tried: set[tuple[str, bool]]
    may_be_out: bool = False
    """An endpoint took the bytes and then fell silent: nothing may be ruled out any more."""
    answers: list[asyncio.Future[Any]] = field(default_factory=list)
    """Held here, because the loop itself holds a task only weakly."""
    expiry: asyncio.TimerHandle | None = None


class RawSubmitter:
    """Submit signed bytes through the pool's endpoints, WebSockets first; supervise `run`."""

    def __init__(
        self,
        pool: RpcPool,
        *,
        connections: int = 1,
        wait_for_receipt: bool = True,
        reply_seconds: float = 12.0,
    ) -> None:
        self._pool = pool
        self._clock = pool.clock
        self._wait_for_receipt = wait_for_receipt
        self._reply_seconds = reply_seconds
        self._sockets: list[RpcWs] = []
        self._channels: list[_Channel] = []
        for endpoint in pool.endpoints:
            if endpoint.ws_url is not None:
                for _ in range(connections):
                    socket = pool.new_socket(endpoint)
                    self._sockets.append(socket)
                    self._channels.append(_Channel(endpoint=endpoint, transport=socket))
        for endpoint in pool.endpoints:
            if (http := pool.http(endpoint.name)) is not None:
                self._channels.append(_Channel(endpoint=endpoint, transport=http))
        self.learn()

    def learn(self) -> None:
        """Choose each channel's method by what `pool.probe` found; call again after a probe."""
        for channel in self._channels:
            found = self._pool.capabilities.get(channel.endpoint.name)
            if found is None or not self._wait_for_receipt:
                channel.method = PLAIN_SEND
                continue
            offered = found.ws if isinstance(channel.transport, RpcWs) else found.http
            channel.method = next(
                (method for method in (REALTIME_SEND, SYNC_SEND) if method in offered), PLAIN_SEND
            )

    @property
    def connected(self) -> bool:
        """Whether a WebSocket is open, so that `start` writes without a hop."""
        return any(socket.connected for socket in self._sockets)

    async def run(self, stop: asyncio.Event) -> None:
        """Keep the sending connections open until `stop` (a supervised worker)."""
        async with asyncio.TaskGroup() as group:
            for socket in self._sockets:
                group.create_task(socket.run(stop))
            await stop.wait()

    async def wait_connected(self, timeout_seconds: float) -> None:
        """Wait until a WebSocket is open; at once if no endpoint has one."""
        if not self._sockets:
            return
        waits = [
            asyncio.create_task(socket.wait_connected(timeout_seconds)) for socket in self._sockets
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def submit(self, raw: bytes, *, tx_hash: str | None = None) -> SubmissionReply:
        """Send `raw` and wait for the reply; RpcTransient means that nothing was written."""
        while True:
            try:
                future = self.start(raw, tx_hash=tx_hash)
            except RateLimited as error:
                await asyncio.sleep(error.retry_after_seconds or DEFAULT_PAUSE_SECONDS)
            else:
                return await future

    def start(self, raw: bytes, *, tx_hash: str | None = None) -> SubmissionFuture:
        """Write `raw` out now and return the future of its reply, which never fails.

        Over a WebSocket the bytes are with the kernel on return (uvloop: at the end of the
        callback); over HTTP, when the loop runs next. RpcTransient means that nothing was
        written; its kind RateLimited, that every open channel has to wait.
        """
        loop = asyncio.get_running_loop()
        flight = _Flight(
            raw=raw,
            params_json=b'["0x%s"]' % raw.hex().encode(),
            tx_hash=tx_hash,
            future=SubmissionFuture(loop=loop),
            tried=set(),
        )
        written = self._write_somewhere(flight)
        if isinstance(written, RpcTransient):
            raise written
        flight.future.endpoint = written.endpoint.name
        flight.expiry = loop.call_later(self._reply_seconds, self._expire, flight)
        return flight.future

    def _write_somewhere(self, flight: _Flight) -> _Channel | RpcTransient:
        """Write to the first channel that is open, has not failed and need not wait."""
        failure: RpcTransient = RpcTransient("no channel is open", method="submit")
        for channel in self._channels:
            if channel.key in flight.tried or not channel.is_open:
                continue
            if not channel.may_write():
                failure = RateLimited(
                    "every channel has to wait",
                    endpoint=channel.endpoint.name,
                    method="submit",
                    retry_after_seconds=channel.transport.bucket.wait_seconds(),
                )
                continue
            try:
                self._write(flight, channel)
            except RpcTransient as error:
                failure = error
                continue
            return channel
        return failure

    def _write(self, flight: _Flight, channel: _Channel) -> None:
        if isinstance(channel.transport, RpcWs):
            answer = channel.transport.start(channel.method, flight.params_json)
        else:
            answer = asyncio.ensure_future(
                channel.transport.call(
                    channel.method,
                    ["0x" + flight.raw.hex()],
                    timeout_seconds=self._reply_seconds,
                )
            )
        if not flight.tried:
            flight.future.written_at = self._clock.monotonic()
        flight.tried.add(channel.key)
        flight.answers.append(answer)
        answer.add_done_callback(partial(self._answered, flight, channel, channel.method))

    # --- the reply --------------------------------------------------------------------------

    def _answered(
        self, flight: _Flight, channel: _Channel, method: str, answer: asyncio.Future[Any]
    ) -> None:
        error = asyncio.CancelledError() if answer.cancelled() else answer.exception()
        if flight.future.done():
            return
        if error is None:
            self._settle_result(flight, channel, answer.result())
            return
        if not isinstance(error, RpcError):
            self._settle(flight, channel, SubmissionStatus.UNKNOWN, reason=repr(error))
            return
        self._settle_error(flight, channel, method, error)

    def _settle_result(self, flight: _Flight, channel: _Channel, result: Any) -> None:  # noqa: ANN401
        if isinstance(result, dict) and _is_anothers(result, flight.tx_hash):
            # Ours is then looked for by its own hash, as after silence.
            self._settle(
                flight,
                channel,
                SubmissionStatus.UNKNOWN,
                reason="expected the receipt of what was sent, found another transaction's",
            )
        elif isinstance(result, dict):
            self._settle(
                flight,
                channel,
                SubmissionStatus.MINED,
                tx_hash=result.get("transactionHash"),
                receipt=result,
            )
        elif isinstance(result, str):
            self._settle(flight, channel, SubmissionStatus.ACCEPTED, tx_hash=result)
        else:
            self._settle(
                flight,
                channel,
                SubmissionStatus.UNKNOWN,
                reason=f"expected a receipt or a hash, found {type(result).__name__}",
            )

    def _settle_error(
        self, flight: _Flight, channel: _Channel, method: str, error: RpcError
    ) -> None:
        status = classify_submission(error)
        if isinstance(error, MethodMissing) and method != PLAIN_SEND:
            log.warning("method_lost", endpoint=channel.endpoint.name, rpc_method=method)
            channel.method = PLAIN_SEND
            flight.tried.discard(channel.key)
        elif isinstance(error, RateLimited):
            channel.transport.bucket.pause(error.retry_after_seconds or DEFAULT_PAUSE_SECONDS)
        elif status is not SubmissionStatus.UNKNOWN and not isinstance(error, MethodMissing):
            self._settle(flight, channel, status, reason=error.message, tx_hash=_hash_in(error))
            return
        flight.may_be_out |= status is SubmissionStatus.UNKNOWN
        # The endpoint's fault, not the transaction's: the same bytes may go to another one.
        if isinstance(self._write_somewhere(flight), RpcTransient):
            self._settle(flight, channel, status, reason=error.message)

    def _expire(self, flight: _Flight) -> None:
        if not flight.future.done():
            self._settle(
                flight,
                None,
                SubmissionStatus.UNKNOWN,
                reason=f"expected an answer within {self._reply_seconds} s, found none",
            )

    def _settle(
        self,
        flight: _Flight,
        channel: _Channel | None,
        status: SubmissionStatus,
        *,
        reason: str = "",
        tx_hash: str | None = None,
        receipt: dict[str, Any] | None = None,
    ) -> None:
        if flight.expiry is not None:
            flight.expiry.cancel()
        if flight.may_be_out and not (
            status.may_be_in_pool or status is SubmissionStatus.NONCE_TOO_LOW
        ):
            status = SubmissionStatus.UNKNOWN
        flight.future.set_result(
            SubmissionReply(
                status=status,
                tx_hash=flight.tx_hash or tx_hash,
                receipt=receipt,
                endpoint=flight.future.endpoint if channel is None else channel.endpoint.name,
                reason=reason,
                written_at=flight.future.written_at,
                answered_at=self._clock.monotonic(),
            )
        )


def _hash_in(error: RpcError) -> str | None:
    """EIP-7966 puts the hash of what it accepted into the error's data."""
    is_hash = isinstance(error.data, str) and len(error.data) == _HASH_LENGTH
    return error.data if is_hash else None


def _is_anothers(receipt: dict[str, Any], tx_hash: str | None) -> bool:
    """Say whether a receipt names another transaction than the one that was sent."""
    named = receipt.get("transactionHash")
    return tx_hash is not None and named is not None and str(named).lower() != tx_hash.lower()
