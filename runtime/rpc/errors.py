"""Every way a JSON-RPC call goes wrong, by name.

Transient errors (a timeout, a 429, a page of HTML where JSON was due) are `TransientError`s: back
off or ask another endpoint. The others are answers: they say something about the request.
Messages name the endpoint, never its URL, which may carry an API key.
"""

from typing import Any

from runtime.errors import TransientError
from runtime.rpc.reverts import revert_data, revert_reason


class RpcError(Exception):
    """An endpoint answered with an error, or did not answer as it should."""

    def __init__(
        self,
        code: int | None,
        message: str,
        data: Any = None,  # noqa: ANN401 - nodes put anything there
        *,
        endpoint: str = "",
        method: str = "",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data: Any = data
        self.endpoint = endpoint
        self.method = method

    def __str__(self) -> str:
        where = f"{self.endpoint or 'endpoint'}: {self.method or 'call'}: "
        return where + (self.message if self.code is None else f"{self.message} ({self.code})")


class RpcTransient(RpcError, TransientError):  # noqa: N818 - what happened, not "error"
    """The endpoint could not answer now: timeout, lost connection, HTTP 5xx, overload."""

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        data: Any = None,  # noqa: ANN401
        endpoint: str = "",
        method: str = "",
        retry_after_seconds: float | None = None,
    ) -> None:
        RpcError.__init__(self, code, message, data, endpoint=endpoint, method=method)
        self.retry_after_seconds = retry_after_seconds


class RateLimited(RpcTransient):
    """The endpoint wants less traffic; `retry_after_seconds` if it said for how long."""


class BadAnswer(RpcTransient):
    """What came back is no JSON-RPC answer to what was asked."""


class Behind(RpcTransient):
    """The endpoint knows less of the chain than we do; its state would go back in time."""


class MethodMissing(RpcError):  # noqa: N818
    """The endpoint does not know the method."""


class NotWhitelisted(MethodMissing):
    """The endpoint knows the method, but not for us."""


class RangeError(RpcError):
    """The request asks for too much at once, or for blocks that are not there: ask for less."""


class ExecutionReverted(RpcError):  # noqa: N818
    """A contract refused; `data` is what it returned, `reason` that in words where it is known."""

    def __init__(
        self,
        code: int | None,
        message: str,
        data: Any = None,  # noqa: ANN401
        *,
        endpoint: str = "",
        method: str = "",
    ) -> None:
        returned = revert_data(data, message)
        super().__init__(code, message, returned, endpoint=endpoint, method=method)
        self.data: bytes = returned
        self.reason = revert_reason(returned)

    @property
    def selector(self) -> bytes:
        """The first four bytes: which error it is; empty if the contract returned nothing."""
        return self.data[:4]
