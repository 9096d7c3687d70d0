"""PagerDuty's Events API, version 2: a state is triggered and resolved under one `dedup_key`.

A notice of an event is triggered too, under its own key, and a person closes it: whoever wants no such
incidents sets the channel's least severity above them.
"""

import json
from dataclasses import dataclass, field
from typing import Final

import aiohttp

from runtime.notify.notice import Kind, Notice
from runtime.notify.posting import post

LONGEST_SUMMARY: Final = 1_024
LONGEST_KEY: Final = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class PagerDuty:
    """Implements `runtime.notify.notice.Channel`."""

    session: aiohttp.ClientSession
    url: str
    routing_key: str = field(repr=False)
    name: str = "pagerduty"

    async def send(self, notice: Notice) -> None:
        """Trigger or resolve; see `Channel.send`."""
        event: dict[str, object] = {
            "routing_key": self.routing_key,
            "event_action": "resolve" if notice.kind is Kind.CLEARED else "trigger",
            "dedup_key": f"{notice.source}/{notice.key}"[:LONGEST_KEY],
        }
        if notice.kind is not Kind.CLEARED:
            event["payload"] = {
                "summary": f"{notice.source}: {notice.text}"[:LONGEST_SUMMARY],
                "source": notice.source,
                "severity": notice.severity.word,
            }
        await post(self.session, self.url, json.dumps(event).encode(), {})
