"""The headers by which Chainlink Data Streams knows who asks.

A request is signed together with the time, and the server refuses a time that is more than 5 s
off its own: headers are made for each request and each connection, never kept.
"""

import hashlib
import hmac
from typing import Final

from yarl import URL

from monitors.prices.port import FaultKind, SourceFault

MOST_SKEW_SECONDS: Final = 5
"""How far the server lets our clock be off."""


def signed_headers(
    url: str, *, api_key: str, api_secret: str, now: float, method: str = "GET", body: bytes = b""
) -> dict[str, str]:
    """Give the headers of one request to `url` at `now` (Unix seconds).

    The signature is over `METHOD TARGET SHA256(BODY) KEY MILLISECONDS`; the target is the path
    with its query, exactly as aiohttp sends them.
    """
    millis = int(now * 1000)
    target = URL(url).raw_path_qs
    text = f"{method} {target} {hashlib.sha256(body).hexdigest()} {api_key} {millis}"
    signature = hmac.new(api_secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    return {
        "Authorization": api_key,
        "X-Authorization-Timestamp": str(millis),
        "X-Authorization-Signature-SHA256": signature,
    }


def with_remedy(fault: SourceFault) -> SourceFault:
    """Add to a rejected key what else the same refusal may mean; leave other faults alone."""
    if fault.kind is not FaultKind.REJECTED_KEY:
        return fault
    return SourceFault(
        fault.kind,
        f"{fault.detail}, its secret, its right to the feeds, and this machine's clock, which may"
        f" be off by {MOST_SKEW_SECONDS} s",
        retry_after_seconds=fault.retry_after_seconds,
    )
