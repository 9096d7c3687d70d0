"""One POST of JSON to an address that is itself a secret: nothing here ever says where it went."""

from collections.abc import Mapping
from typing import Final

import aiohttp

from runtime.errors import TransientError
from runtime.notify.notice import NotTakenError

SEND_SECONDS: Final = 10.0
"""For a whole exchange."""
_TOO_MANY: Final = 429
_TIMED_OUT: Final = 408
_LONGEST_PAUSE: Final = 3_600.0
"""Seconds, however long a service asks us to stay away."""


async def post(
    session: aiohttp.ClientSession, url: str, payload: bytes, headers: Mapping[str, str]
) -> None:
    """Deliver; raises TransientError or NotTakenError, which name a status and no address."""
    timeout = aiohttp.ClientTimeout(total=SEND_SECONDS)
    headers = {"Content-Type": "application/json", **headers}
    try:
        # A redirect would hand the payload, and what authorises it, to somebody else.
        async with session.post(
            url, data=payload, headers=headers, timeout=timeout, allow_redirects=False
        ) as answer:
            status, wait = answer.status, answer.headers.get("Retry-After", "")
    except (aiohttp.InvalidURL, ValueError):
        raise NotTakenError("the address in its file is no URL") from None
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        # The library's own words may hold the address.
        raise TransientError(f"no answer ({type(error).__name__})") from None
    if status in {_TOO_MANY, _TIMED_OUT} or status >= 500:
        # Longer ones are no number of seconds, and Python refuses to read the longest.
        seconds = min(float(wait), _LONGEST_PAUSE) if wait.isdecimal() and len(wait) < 10 else None
        raise TransientError(f"HTTP {status}", retry_after_seconds=seconds)
    if not 200 <= status < 300:
        raise NotTakenError(f"HTTP {status}")
