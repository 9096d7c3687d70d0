"""Slack's incoming webhooks, and what speaks like them. The URL is the credential.

What is said is data: `&`, `<` and `>` are escaped, as Slack asks, so that no reason of an operator can
call a channel together.
"""

import json
from dataclasses import dataclass, field
from typing import Final

import aiohttp

from runtime.notify.notice import Kind, Notice, Severity
from runtime.notify.posting import post

_SIGNS: Final = {
    Severity.CRITICAL: ":rotating_light:",
    Severity.WARNING: ":warning:",
    Severity.INFO: ":information_source:",
}
_OVER: Final = ":white_check_mark:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slack:
    """Implements `runtime.notify.notice.Channel`."""

    session: aiohttp.ClientSession
    url: str = field(repr=False)
    name: str = "slack"

    async def send(self, notice: Notice) -> None:
        """Post a line; see `Channel.send`."""
        sign = _OVER if notice.kind is Kind.CLEARED else _SIGNS[notice.severity]
        line = f"{sign} *{notice.severity.word}* {escaped(notice.source)}: {escaped(notice.text)}"
        await post(self.session, self.url, json.dumps({"text": line}).encode(), {})


def escaped(text: str) -> str:
    """Take the meaning from Slack's control characters."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
