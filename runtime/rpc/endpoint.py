"""One place to ask: a name to speak of, and URLs to keep quiet about."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An endpoint with HTTP, WebSocket, or both; logs, metrics and errors use only `name`.

    The URLs may carry API keys, so they stay out of `repr`. Limits are messages per second, None
    for none: `http_per_second` for all HTTP calls, `ws_per_second` for each WebSocket connection.
    """

    name: str
    http_url: str | None = field(default=None, repr=False)
    ws_url: str | None = field(default=None, repr=False)
    http_per_second: float | None = None
    http_burst: int = 1
    ws_per_second: float | None = None
    ws_burst: int = 1

    def __post_init__(self) -> None:
        if self.http_url is None and self.ws_url is None:
            raise ValueError(
                f"expected endpoint {self.name!r} to have an HTTP or a WebSocket URL, found none"
            )
