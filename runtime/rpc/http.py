"""JSON-RPC over HTTP: one request, one answer, no hidden retries.

A retry hides latency and can double a side effect, so it is the caller's to decide. Connections
are kept alive; names are resolved anew every 30 s, because a long-running process that trusts a
stale address gets 502s for ever. What comes back is checked before it is believed.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
import orjson

from runtime.clock import Clock, SystemClock
from runtime.rpc.answers import batch_results, loads, rate_limited, result_of
from runtime.rpc.endpoint import Endpoint
from runtime.rpc.errors import BadAnswer, RangeError, RateLimited, RpcError, RpcTransient
from runtime.rpc.metrics import EndpointMetrics, RpcMetrics
from runtime.rpc.rate_limit import DEFAULT_PAUSE_SECONDS, TokenBucket

Call = tuple[str, Sequence[Any]]
"""A method and its parameters."""

_HEADERS: Final = {"Content-Type": "application/json", "Accept": "application/json"}
_OK: Final = 200
_TOO_MANY_REQUESTS: Final = 429
_SERVER_FAULT: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLimits:
    """Bounds of one endpoint's HTTP."""

    timeout_seconds: float = 10.0
    connect_seconds: float = 3.0
    connections: int = 32
    dns_ttl_seconds: int = 30
    answer_bytes: int = 64 << 20


class RpcHttp:
    """Call one endpoint over HTTP; make and use it inside a running event loop."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        limits: HttpLimits | None = None,
        clock: Clock | None = None,
        metrics: RpcMetrics | None = None,
    ) -> None:
        if endpoint.http_url is None:
            raise ValueError(f"expected endpoint {endpoint.name!r} to have an HTTP URL, found none")
        self.name = endpoint.name
        self._url = endpoint.http_url
        self._limits = limits or HttpLimits()
        self._clock = clock or SystemClock()
        self._metrics: EndpointMetrics = (
            metrics or RpcMetrics.unregistered((endpoint.name,))
        ).by_endpoint[endpoint.name]
        self.bucket = TokenBucket(
            rate_per_second=endpoint.http_per_second, burst=endpoint.http_burst, clock=self._clock
        )
        self._session: aiohttp.ClientSession | None = None
        self._last_id = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def call(
        self, method: str, params: Sequence[Any] = (), *, timeout_seconds: float | None = None
    ) -> Any:  # noqa: ANN401 - JSON
        """Call `method` and return its decoded result, or raise an RpcError."""
        await self.bucket.take()
        self._last_id += 1
        request_id = self._last_id
        payload = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}
        started = self._clock.monotonic()
        try:
            status, answer = await self._post(payload, method, timeout_seconds)
            result = result_of(
                answer, request_id=request_id, endpoint=self.name, method=method, status=status
            )
            if status != _OK:
                raise self._unexpected_status(status, method)
        except RpcError as error:
            self._metrics.count(method, self._clock.monotonic() - started, error)
            self._hold_back(error)
            raise
        self._metrics.count(method, self._clock.monotonic() - started)
        return result

    async def batch(
        self, calls: Sequence[Call], *, timeout_seconds: float | None = None
    ) -> list[Any | RpcError]:
        """Call all in one request; each item is a result or that call's RpcError, in order.

        What concerns the request as a whole (a lost connection, a 429) is raised. The endpoint
        counts each call against its limit, and so does the bucket.
        """
        if not calls:
            return []
        await self.bucket.take(len(calls))
        first = self._last_id + 1
        self._last_id += len(calls)
        payload = [
            {"jsonrpc": "2.0", "id": first + index, "method": method, "params": params}
            for index, (method, params) in enumerate(calls)
        ]
        started = self._clock.monotonic()
        try:
            status, answers = await self._post(payload, "batch", timeout_seconds)
            results = batch_results(
                answers,
                [method for method, _ in calls],
                first_id=first,
                endpoint=self.name,
                status=status,
            )
        except RpcError as error:
            self._metrics.count("batch", self._clock.monotonic() - started, error)
            self._hold_back(error)
            raise
        self._metrics.count("batch", self._clock.monotonic() - started)
        for result in results:
            if isinstance(result, RpcError):
                self._hold_back(result)
        return results

    async def _post(
        self, payload: object, method: str, timeout_seconds: float | None
    ) -> tuple[int, Any]:
        """Post and decode; every failure on the way is an RpcError."""
        limit = self._limits.timeout_seconds if timeout_seconds is None else timeout_seconds
        body = orjson.dumps(payload)
        try:
            async with (
                asyncio.timeout(limit),
                self._open_session().post(self._url, data=body, allow_redirects=False) as response,
            ):
                raw = await self._read(response, method)
        except TimeoutError as error:
            raise RpcTransient(
                f"expected an answer within {limit} s, found none",
                endpoint=self.name,
                method=method,
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            # Not the error's text: it may hold the URL.
            raise RpcTransient(
                f"connection failed ({type(error).__name__})", endpoint=self.name, method=method
            ) from None
        status = response.status
        retry_after = _retry_after(response)
        if status == _TOO_MANY_REQUESTS and retry_after is not None:
            raise rate_limited(
                "HTTP 429",
                endpoint=self.name,
                method=method,
                retry_after_seconds=retry_after,
            )
        if status >= _SERVER_FAULT and not raw.lstrip().startswith((b"{", b"[")):
            raise RpcTransient(f"HTTP {status}", endpoint=self.name, method=method)
        return status, loads(raw, endpoint=self.name, method=method, status=status)

    async def _read(self, response: aiohttp.ClientResponse, method: str) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in response.content.iter_any():
            size += len(part)
            if size > self._limits.answer_bytes:
                raise RangeError(
                    None,
                    f"expected at most {self._limits.answer_bytes} bytes, found more",
                    endpoint=self.name,
                    method=method,
                )
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            limits = self._limits
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=limits.connections,
                    ttl_dns_cache=limits.dns_ttl_seconds,
                    keepalive_timeout=60.0,
                ),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=limits.connect_seconds),
                headers=_HEADERS,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=True,
            )
        return self._session

    def _unexpected_status(self, status: int, method: str) -> RpcError:
        return BadAnswer(
            f"expected HTTP 200 with a result, found HTTP {status} with one",
            endpoint=self.name,
            method=method,
        )

    def _hold_back(self, error: RpcError) -> None:
        if isinstance(error, RateLimited):
            self.bucket.pause(error.retry_after_seconds or DEFAULT_PAUSE_SECONDS)


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    text = response.headers.get("Retry-After", "")
    try:
        return max(0.0, float(text))
    except ValueError:
        return None
