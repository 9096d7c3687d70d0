"""One request to a collector over OTLP/HTTP, and what its answer means.

Only 429, 502, 503 and 504 may be tried again, after as long as the collector says; anything else but
success means that this request will never be taken. The endpoint and the headers may hold a secret: no
error names either.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import aiohttp

from runtime.errors import TransientError
from runtime.tracing.otlp import CONTENT_TYPE, decode_response

TIMEOUT_SECONDS: Final = 10.0
_AGAIN: Final = frozenset({429, 502, 503, 504})
_LONGEST_WORDS: Final = 200
_LONGEST_ANSWER: Final = 65_536


class RefusedError(Exception):
    """The collector will never take this request: the reason in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A request was taken: all of it but `rejected` spans, and why not those."""

    rejected: int = 0
    why: str = ""


class Exporter:
    """Posts requests to one endpoint."""

    def __init__(
        self, session: aiohttp.ClientSession, *, endpoint: str, headers: Mapping[str, str]
    ) -> None:
        self._session = session
        self._endpoint = endpoint
        self._headers = {**headers, "Content-Type": CONTENT_TYPE}

    async def post(self, body: bytes) -> Taken:
        """Send; raises TransientError to be tried again, RefusedError for what is in vain."""
        try:
            async with self._session.post(
                self._endpoint,
                data=body,
                headers=self._headers,
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
                allow_redirects=False,
            ) as answer:
                content = await answer.content.read(_LONGEST_ANSWER)
                return _judge(answer.status, answer.headers, content)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            # The class alone: the message may quote the address.
            raise TransientError(f"the collector was not reached: {type(error).__name__}") from None


def _judge(status: int, headers: Mapping[str, str], content: bytes) -> Taken:
    if status in _AGAIN:
        raise TransientError(
            f"the collector answered {status}",
            retry_after_seconds=_seconds(headers.get("Retry-After", "")),
        )
    if not 200 <= status < 300:
        raise RefusedError(f"the collector answered {status}: check [tracing] endpoint and headers")
    try:
        rejected, why = decode_response(content)
    except ValueError:
        # Taken all the same: some gateways answer in JSON whatever they were asked in.
        return Taken()
    return Taken(rejected=rejected, why=why[:_LONGEST_WORDS])


def _seconds(text: str) -> float | None:
    """Read a Retry-After in seconds; the form with a date is left alone."""
    # Longer ones are no number of seconds, and Python refuses to read the longest.
    is_number = text.isascii() and text.isdecimal() and len(text) < 10
    return float(min(int(text), 3_600)) if is_number else None
