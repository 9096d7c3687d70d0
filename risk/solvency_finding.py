"""The words of the proof: twelve invariants, and what was found of each.

The list is that of mechanics of solvency in any perpetual exchange: sizes, vault, bad debt, waits,
prices, funding, pools, concentration, authority, token, conservation. What could not be read is
UNKNOWN; an unknown is never good.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from risk.integrity_rules import Action
from risk.units import ATOMS_PER_USD, div_floor


class Invariant(StrEnum):
    """What must hold at every block; a closed set, because it becomes a label."""

    SIZES_BALANCE = "sizes_balance"
    VAULT_COVERS_CLAIMS = "vault_covers_claims"
    BAD_DEBT_COVERED = "bad_debt_covered"
    NOBODY_WAITS = "nobody_waits"
    PRICES_BOUNDED = "prices_bounded"
    PRICES_TIMELY = "prices_timely"
    FUNDING_BALANCES = "funding_balances"
    POOLS_MATCH_EVENTS = "pools_match_events"
    CONCENTRATION_BOUNDED = "concentration_bounded"
    AUTHORITY_UNCHANGED = "authority_unchanged"
    TOKEN_UNCHANGED = "token_unchanged"  # noqa: S105 - the quote token, no secret
    EQUITY_CONSERVED = "equity_conserved"


class Verdict(StrEnum):
    """What became of a check."""

    HOLDS = "holds"
    BREACH = "breach"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One invariant, judged: the numbers, one sentence, and the softest lever that is enough."""

    invariant: Invariant
    verdict: Verdict
    sentence: str
    numbers: Mapping[str, int] = field(default_factory=dict)
    """Units are in the keys."""
    action: Action = Action.NONE
    """What is asked for; NONE unless it is a breach."""

    @property
    def holds(self) -> bool:
        """Say whether it was looked at and found good."""
        return self.verdict is Verdict.HOLDS


@dataclass(slots=True)
class Notes:
    """What is wrong with one invariant, gathered while it is looked at; the strictest action stays."""

    wrong: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    action: Action = Action.NONE

    def breach(self, sentence: str, action: Action) -> None:
        """Note something that is wrong."""
        self.wrong.append(sentence)
        self.action = max(self.action, action)

    def finding(self, invariant: Invariant, good: str, numbers: Mapping[str, int]) -> Finding:
        """Give the finding: wrong before unknown before good."""
        if self.wrong:
            verdict, sentence = Verdict.BREACH, "; ".join(self.wrong)
        elif self.unknown:
            verdict, sentence = Verdict.UNKNOWN, "; ".join(self.unknown)
        else:
            verdict, sentence = Verdict.HOLDS, good
        return Finding(
            invariant=invariant,
            verdict=verdict,
            sentence=sentence,
            numbers=dict(numbers),
            action=self.action,
        )


def unknown(invariant: Invariant, why: str) -> Finding:
    """Give the finding of what could not be judged."""
    return Finding(invariant=invariant, verdict=Verdict.UNKNOWN, sentence=why)


def dollars(atoms: int) -> str:
    """Write money as people read it, to the atom."""
    whole = div_floor(abs(atoms), ATOMS_PER_USD)
    rest = abs(atoms) - whole * ATOMS_PER_USD
    return f"{'-' if atoms < 0 else ''}{whole:,}.{rest:06d} USD"
