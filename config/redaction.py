"""Hide what is secret in a URL: user, password, query, and parts of the path that look like keys."""

import re
from typing import Final
from urllib.parse import urlsplit, urlunsplit

HIDDEN: Final = "***"
_LONGEST_PLAIN_PART: Final = 12
"""Parts of a path up to this length are words such as `rpc` or `v2`; keys of providers are longer."""


def redact_url(url: str) -> str:
    """Keep scheme, host, port and plain words of the path."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return HIDDEN
    host = parts.netloc.rpartition("@")[2]
    netloc = f"{HIDDEN}@{host}" if "@" in parts.netloc else host
    path = "/".join(part if _is_plain(part) else HIDDEN for part in parts.path.split("/"))
    return urlunsplit((parts.scheme, netloc, path, HIDDEN if parts.query else "", ""))


def _is_plain(part: str) -> bool:
    return len(part) <= _LONGEST_PLAIN_PART and re.fullmatch(r"[A-Za-z0-9._-]*", part) is not None
