"""How well an endpoint has served us lately.

Failures in a row send it to rest, longer each time; one success brings it back. A rate limit
rests it for as long as it asked.
"""

from dataclasses import dataclass
from typing import Final

from runtime.clock import Clock
from runtime.rpc.errors import RpcError

FIRST_REST_SECONDS: Final = 0.5
MOST_REST_SECONDS: Final = 30.0
_WEIGHT: Final = 0.1
"""Of the newest latency in the moving average."""


@dataclass(slots=True, kw_only=True)
class Health:
    """One endpoint's score; `head` is the highest block that it has shown."""

    clock: Clock
    failures: int = 0
    rests_until: float = 0.0
    head: int = 0
    latency_seconds: float = 0.0
    last_error: str = ""

    @property
    def rest_seconds(self) -> float:
        """How long it should be left alone yet; 0 when it is well."""
        return max(0.0, self.rests_until - self.clock.monotonic())

    def succeeded(self, seconds: float) -> None:
        """Note a good answer that took `seconds`."""
        self.failures = 0
        self.rests_until = 0.0
        before = self.latency_seconds or seconds
        self.latency_seconds = before + _WEIGHT * (seconds - before)

    def failed(self, error: RpcError, retry_after_seconds: float | None = None) -> None:
        """Note a failure and send it to rest."""
        rest = min(MOST_REST_SECONDS, FIRST_REST_SECONDS * 2.0**self.failures)
        self.failures = min(self.failures + 1, 10)
        self.rests_until = self.clock.monotonic() + max(rest, retry_after_seconds or 0.0)
        self.last_error = error.message
