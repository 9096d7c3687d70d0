"""Names of traces and spans, derived from what they are about.

A trace's name follows from the intent's key alone: it exists without any tracing being switched on, is the
same in every process, and a restarted keeper goes on with the trace of the one that was killed. A span's
name follows from its trace and from stamps in the journal, so a span that is sent twice is the same span.
"""

from hashlib import blake2b
from typing import Final

_TRACE: Final = b"bellkeeper-trace"
_SPAN: Final = b"bellkeeper-span"
_HALF: Final = 1 << 64


def trace_id_of(key: str) -> str:
    """Name the trace of an intent: 32 hexadecimal digits."""
    return blake2b(key.encode(), digest_size=16, person=_TRACE).hexdigest()


def span_id_of(trace_id: str, *parts: object) -> str:
    """Name a span of a trace: 16 hexadecimal digits, the same for the same parts."""
    text = "|".join(map(str, (trace_id, *parts)))
    return blake2b(text.encode(), digest_size=8, person=_SPAN).hexdigest()


def is_sampled(trace_id: str, ratio: float) -> bool:
    """Say whether a trace belongs to the share that is kept: every keeper gives the same answer."""
    return int(trace_id[16:], 16) < ratio * _HALF
