"""A webhook of one's own: JSON, signed so that the receiver knows who said it and when.

`X-Bellkeeper-Signature: sha256=…` is HMAC-SHA256, under the shared secret, of the timestamp in
`X-Bellkeeper-Timestamp`, a dot and the body. A receiver refuses old timestamps, and what does not match.
"""

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Final

import aiohttp

from runtime.clock import Clock
from runtime.notify.notice import Notice
from runtime.notify.posting import post

SIGNATURE_HEADER: Final = "X-Bellkeeper-Signature"
TIMESTAMP_HEADER: Final = "X-Bellkeeper-Timestamp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Implements `runtime.notify.notice.Channel`."""

    session: aiohttp.ClientSession
    url: str = field(repr=False)
    secret: str = field(repr=False)
    clock: Clock
    name: str = "webhook"

    async def send(self, notice: Notice) -> None:
        """Post and sign; see `Channel.send`."""
        payload = json.dumps(
            {
                "key": notice.key,
                "kind": notice.kind.value,
                "severity": notice.severity.word,
                "text": notice.text,
                "source": notice.source,
                "at_seconds": notice.at_seconds,
                "more": notice.more,
                "dropped": notice.dropped,
            },
            sort_keys=True,
        ).encode()
        timestamp = str(int(self.clock.now()))
        headers = {
            TIMESTAMP_HEADER: timestamp,
            SIGNATURE_HEADER: f"sha256={signature(self.secret, timestamp, payload)}",
        }
        await post(self.session, self.url, payload, headers)


def signature(secret: str, timestamp: str, payload: bytes) -> str:
    """Sign as a receiver checks it: hexadecimal HMAC-SHA256 of timestamp, dot and payload."""
    signed = timestamp.encode() + b"." + payload
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
