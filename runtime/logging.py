"""structlog, set up once: JSON lines on stderr, or colours on a terminal; secrets never.

Redaction is the last step before rendering and sees everything: nested values, exception text,
lines of other libraries. It hides whatever sits under a name such as `private_key` or `token`,
and everything in a URL beyond its host, because providers put keys in the path.
"""

import json
import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from runtime.tracing.ids import trace_id_of

HIDDEN: Final = "[redacted]"
_DEEPEST: Final = 6

_HIDDEN_WORDS: Final = (
    r"(?:private_?key|secret|password|passphrase|mnemonic|authorization|api_?key|signing_?key"
    r"|seed_?phrase)\w*|(?:token|credentials?|bearer)"
)
"""The first hide `private_key_hex` too; the others must end the name: `tokens_left` is a count."""
_HIDDEN_NAME: Final = re.compile(rf"(?:^|[_\-.])(?:{_HIDDEN_WORDS})$", re.IGNORECASE)
_HIDDEN_IN_TEXT: Final = re.compile(
    rf"(?P<name>[\w\-]*?(?:{_HIDDEN_WORDS}))(?P<sep>['\"]?\s*[=:]\s*)"
    r"(?P<value>(?:Bearer |Basic )?(?:'[^']*'|\"[^\"]*\"|[^\s,;}\])]+))",
    re.IGNORECASE,
)
_URL: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.\-]*://)(?:[^\s/@'\"<>]*@)?(?P<host>[^\s/?#@'\"<>)\],;]+)"
    r"(?P<rest>[/?#][^\s'\"<>)\],;]*)?",
    re.IGNORECASE,
)
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def configure_logging(
    *, level: str = "INFO", stream: TextIO | None = None, as_json: bool | None = None
) -> None:
    """Set up structlog and the standard library's loggers; `as_json` of None asks the stream."""
    out = sys.stderr if stream is None else stream
    if as_json is None:
        as_json = not out.isatty()
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
        structlog.processors.format_exc_info,
    ]
    last: list[Processor] = [name_trace, redact, _renderer(as_json=as_json)]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(number, logging.WARNING), force=True)


def _renderer(*, as_json: bool) -> Processor:
    if as_json:
        # Not orjson: a 256-bit integer is a legal value here and orjson refuses it.
        return structlog.processors.JSONRenderer(serializer=json.dumps, default=repr)
    return structlog.dev.ConsoleRenderer(
        timestamp_key="ts", exception_formatter=structlog.dev.plain_traceback
    )


def name_trace(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Give a line about an `intent` (its key) the name of its trace (a structlog processor)."""
    key = event.get("intent")
    if isinstance(key, str):
        event["trace_id"] = trace_id_of(key)
    return event


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Hide secrets in an event, however deep (a structlog processor)."""
    return {key: _clean(key, value, _DEEPEST) for key, value in event.items()}


def redact_text(text: str) -> str:
    """Hide secrets in free text: `name=value` of secret names, and URLs beyond the host."""
    return _HIDDEN_IN_TEXT.sub(rf"\g<name>\g<sep>{HIDDEN}", _URL.sub(_bare_url, text))


def _clean(name: str, value: Any, depth: int) -> Any:  # noqa: ANN401 - a log line holds anything
    if _HIDDEN_NAME.search(_CAMEL.sub("_", name)) and value is not None:
        return HIDDEN
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return redact_text(value)
    if depth == 0:
        return HIDDEN
    if isinstance(value, Mapping):
        return {str(key): _clean(str(key), item, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean("", item, depth - 1) for item in value]
    return redact_text(repr(value))


def _bare_url(match: re.Match[str]) -> str:
    rest = match["rest"] or ""
    hidden = rest if rest in {"", "/"} else f"/{HIDDEN}"
    return f"{match['scheme']}{match['host']}{hidden}"
