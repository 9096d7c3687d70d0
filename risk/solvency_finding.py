"""The words of the proof: twelve invariants, and what was found of each.

The list is that of mechanics of solvency in any perpetual exchange: sizes, vault, bad debt, waits,
prices, funding, pools, concentration, authority, token, conservation. What could not be read is
UNKNOWN; an unknown is never good.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

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


LASTING: Final = frozenset(
    {
        Invariant.VAULT_COVERS_CLAIMS,
        Invariant.FUNDING_BALANCES,
        Invariant.POOLS_MATCH_EVENTS,
        Invariant.AUTHORITY_UNCHANGED,
        Invariant.TOKEN_UNCHANGED,
        Invariant.EQUITY_CONSERVED,
    }
)
"""Those of money and authority. What is gone is not back when the next sheet begins without it: only
an operator lets go of what they ask for everywhere. What a single market is asked for goes by itself."""


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
    by_market: Mapping[str, Action] = field(default_factory=dict)
    """What is asked for in single markets, by symbol."""
    everywhere: Action = Action.NONE
    """What is asked for in all markets: the strictest that names none."""

    @property
    def is_read(self) -> bool:
        """Say whether there was anything to judge; what nobody approved is read and yet unknown."""
        return self.verdict is not Verdict.UNKNOWN or bool(self.numbers)

    @property
    def holds(self) -> bool:
        """Say whether it was looked at and found good."""
        return self.verdict is Verdict.HOLDS


@dataclass(slots=True)
class Notes:
    """What is wrong with one invariant, gathered while it is looked at; the strictest action stays."""

    wrong: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    everywhere: Action = Action.NONE
    by_market: dict[str, Action] = field(default_factory=dict)

    def breach(self, sentence: str, action: Action, *, market: str | None = None) -> None:
        """Note something that is wrong, in one market if it is named."""
        self.wrong.append(sentence)
        if market is None:
            self.everywhere = max(self.everywhere, action)
        else:
            self.by_market[market] = max(self.by_market.get(market, Action.NONE), action)

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
            action=max(self.everywhere, *self.by_market.values(), Action.NONE),
            by_market=dict(self.by_market),
            everywhere=self.everywhere,
        )


def unknown(invariant: Invariant, why: str) -> Finding:
    """Give the finding of what could not be judged."""
    return Finding(invariant=invariant, verdict=Verdict.UNKNOWN, sentence=why)


def asked_everywhere(findings: Iterable[Finding]) -> Action | None:
    """Give the strictest action that money and authority ask of all markets.

    None where nothing is asked for and something could not be read: then nobody can say.
    """
    lasting = [each for each in findings if each.invariant in LASTING]
    return _strictest(lasting, [each.everywhere for each in lasting])


def asked_of_market(findings: Sequence[Finding], symbol: str) -> Action | None:
    """Give the strictest action that is asked of one market and passes by itself; None as above."""
    asked = [each.by_market.get(symbol, Action.NONE) for each in findings]
    asked += [each.everywhere for each in findings if each.invariant not in LASTING]
    felt = [each for each in findings if each.invariant not in LASTING or each.by_market]
    return _strictest(felt, asked)


def _strictest(findings: Iterable[Finding], asked: Iterable[Action]) -> Action | None:
    strictest = max(asked, default=Action.NONE)
    if strictest is Action.NONE and not all(each.is_read for each in findings):
        return None
    return strictest


def dollars(atoms: int) -> str:
    """Write money as people read it, to the atom."""
    whole = div_floor(abs(atoms), ATOMS_PER_USD)
    rest = abs(atoms) - whole * ATOMS_PER_USD
    return f"{'-' if atoms < 0 else ''}{whole:,}.{rest:06d} USD"
