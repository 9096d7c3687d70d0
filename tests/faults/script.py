"""A script of faults: rules with chances, and a seed that makes every run of it the same.

Whether the n-th message of a kind is struck is a function of seed, rule, kind and n alone, never of
what happened meanwhile on other connections; so a script and its seed replay a fault even where the
order of unrelated messages differs.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum, auto
from hashlib import blake2b
from typing import Self

_THOUSAND = 1_000


class Fault(StrEnum):
    """What the proxy does to a message."""

    DELAY = auto()
    """Holds it back for `seconds`; later ones of a WebSocket overtake nothing."""
    DROP = auto()
    """Loses the answer or the notification; an HTTP connection is cut."""
    REORDER = auto()
    """WebSocket: lets the next message pass first."""
    DUPLICATE = auto()
    """WebSocket: says it twice. HTTP: asks the node twice, and answers once."""
    TRUNCATE = auto()
    """Cuts the text in half."""
    HTML = auto()
    """Answers 200 with a page of HTML. HTTP only, as the next two."""
    TOO_MANY = auto()
    """Answers 429."""
    BAD_GATEWAY = auto()
    """Answers 502."""
    STALL = auto()
    """Never answers, and leaves the connection open."""
    FORGET = auto()
    """WebSocket: takes a subscription, and never sends anything for it."""
    ALREADY_KNOWN = auto()
    """Of a transaction: passes it on, and says that it was known. The next three are like it."""
    NONCE_TOO_LOW = auto()
    """Passes it on, and says that its nonce is used."""
    UNDERPRICED = auto()
    """Refuses it: a replacement must pay more."""
    SILENT_SEND = auto()
    """Passes it on, and never answers: a synchronous send that timed out, and was accepted."""


SENDS = frozenset(
    {"eth_sendRawTransaction", "eth_sendRawTransactionSync", "realtime_sendRawTransaction"}
)
OF_SENDS = frozenset(
    {Fault.ALREADY_KNOWN, Fault.NONCE_TOO_LOW, Fault.UNDERPRICED, Fault.SILENT_SEND}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Strike so many of a thousand messages of these methods (all, if none is named)."""

    fault: Fault
    per_mille: int
    seconds: float = 0.0
    methods: tuple[str, ...] = ()

    def fits(self, method: str) -> bool:
        """Say whether it is about such messages."""
        if self.fault in OF_SENDS:
            return method in SENDS
        return not self.methods or method in self.methods


@dataclass(slots=True, kw_only=True)
class Script:
    """Rules in order of precedence; the first that strikes is played."""

    seed: int
    rules: Sequence[Rule] = ()
    _counts: dict[str, int] = field(default_factory=dict)

    def strike(self, channel: str, method: str, allowed: Iterable[Fault]) -> Rule | None:
        """Count a message and name what befalls it, if anything does."""
        kind = f"{channel} {method}"
        number = self._counts[kind] = self._counts.get(kind, 0) + 1
        permitted = frozenset(allowed)
        for place, rule in enumerate(self.rules):
            if rule.fault in permitted and rule.fits(method):
                draw = _draw(self.seed, place, rule.fault, kind, number)
                if draw < rule.per_mille:
                    return rule
        return None

    def to_json(self) -> str:
        """Write it down."""
        return json.dumps({"seed": self.seed, "rules": [asdict(rule) for rule in self.rules]})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote."""
        told = json.loads(text)
        rules = [
            Rule(
                fault=Fault(rule["fault"]),
                per_mille=rule["per_mille"],
                seconds=rule["seconds"],
                methods=tuple(rule["methods"]),
            )
            for rule in told["rules"]
        ]
        return cls(seed=told["seed"], rules=rules)


def _draw(*parts: object) -> int:
    digest = blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest) % _THOUSAND
