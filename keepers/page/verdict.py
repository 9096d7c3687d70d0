"""Is the network safe? One level and one sentence, from the facts of the page alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from keepers.page.facts import Backlog, MarketLine, PageFacts
from keepers.page.status_words import mapping_at, text_at
from risk.liquidation_values import SkipReason
from risk.units import MarketStatus

WAITING_BLOCKS: Final = 200
"""Longest wait of somebody who may be liquidated: the objective of the alerts, to which this is equal."""
EXCUSED: Final = (
    SkipReason.BELOW_MINIMUM,
    SkipReason.COOLING_DOWN,
    SkipReason.MARKET_CLOSED,
    SkipReason.STALE_PRICE,
    SkipReason.WARMING_UP,
)
"""Reasons by which the rules forbid a liquidation now, as the alerts excuse them: nobody is late then."""
_FEW: Final = 3


class Level(StrEnum):
    """How it stands; the words are shown beside the colour."""

    SAFE = "safe"
    GUARDED = "guarded"
    DANGER = "in danger"
    UNKNOWN = "not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The level, and the sentence that says why."""

    level: Level
    sentence: str


def judge(facts: PageFacts) -> Verdict:
    """Give the gravest thing first; what else is wrong of the same gravity is counted."""
    if not facts.markets:
        return Verdict(
            level=Level.UNKNOWN,
            sentence=f"Not known yet: {facts.distrust or 'the exchange lists no market'}.",
        )
    dangers = tuple(_dangers(facts))
    if dangers:
        return Verdict(level=Level.DANGER, sentence=_sentence("No", dangers))
    guards = tuple(_guards(facts))
    if guards:
        return Verdict(level=Level.GUARDED, sentence=_sentence("Yes, but", guards, colon=""))
    return Verdict(
        level=Level.SAFE,
        sentence=f"Yes: {_count(len(facts.markets), 'market')} open with fresh prices,"
        " nobody waits to be liquidated, and all that runs here answers.",
    )


def is_late(backlog: Backlog) -> bool:
    """Say whether somebody waits for too long whom the rules would let be liquidated."""
    waiting = backlog.waiting_blocks
    excused = sum(backlog.skipped.get(reason.value, 0) for reason in EXCUSED)
    return waiting is not None and waiting > WAITING_BLOCKS and backlog.under_margin > excused


def _sentence(opening: str, reasons: tuple[str, ...], *, colon: str = ":") -> str:
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    return f"{opening}{colon} {reasons[0].rstrip('.')}{more}."


def _dangers(facts: PageFacts) -> Iterator[str]:
    if facts.distrust is not None:
        yield f"what is held of the exchange may not be acted on: {facts.distrust}"
    invariants = mapping_at(facts.solvency, "invariants")
    for name in _with_verdict(facts, "breach"):
        sentence = text_at(mapping_at(invariants, name), "sentence")
        yield f"solvency is breached ({name.replace('_', ' ')}): {sentence}"
    yield from _process_dangers(facts)


def _process_dangers(facts: PageFacts) -> Iterator[str]:
    if is_late(facts.backlog):
        yield f"an account that may be liquidated has waited for {facts.backlog.waiting_blocks} blocks"
    for lane in facts.health.lanes:
        if lane.halted:
            yield f"lane {lane.name} signs nothing: {lane.halted}"
    for name, reason in facts.not_ready.items():
        if name != "feed" and not name.startswith("lane_"):
            yield f"not ready ({name}): {reason}"
    for name, runs in facts.health.workers.items():
        if not runs:
            yield f"worker {name} does not run"


def _guards(facts: PageFacts) -> Iterator[str]:
    yield from _restricted(facts)
    stale = [each.symbol for each in facts.markets if each.is_stale]
    if stale:
        yield f"{_named(stale)}: the price is too old to liquidate on or to take new risk on"
    if facts.withdrawals_closed_why is not None:
        yield f"withdrawals are to be closed: {facts.withdrawals_closed_why}"
    doubted = [each.symbol for each in facts.markets if each.doubt and not each.is_stale]
    if doubted:
        yield f"{_named(doubted)}: the price is not trusted enough to liquidate on"
    unknown = [name.replace("_", " ") for name in _with_verdict(facts, "unknown")]
    if unknown:
        yield f"not proven: {_named(unknown)}"
    under = facts.backlog.under_margin
    if under:
        verb = "is" if under == 1 else "are"
        yield f"{_count(under, 'account')} {verb} under margin{_reasons(facts.backlog)}"
    mismatch = text_at(mapping_at(facts.incentives, "budget"), "mismatch")
    if mismatch:
        yield f"the incentives' budget does not add up: {mismatch}"


def _with_verdict(facts: PageFacts, verdict: str) -> list[str]:
    invariants = mapping_at(facts.solvency, "invariants")
    return [
        name for name in invariants if text_at(mapping_at(invariants, name), "verdict") == verdict
    ]


def _restricted(facts: PageFacts) -> Iterator[str]:
    """Tell restricted markets, the strictest status first."""
    for status in (MarketStatus.HALTED, MarketStatus.REDUCE_ONLY, MarketStatus.LIMIT):
        found = [each for each in facts.markets if each.status is status]
        if found:
            yield f"{_named([each.symbol for each in found])} {_status_words(found)}{_why(found)}"


def _status_words(found: list[MarketLine]) -> str:
    verb = "is" if len(found) == 1 else "are"
    return {
        MarketStatus.HALTED: f"{verb} halted",
        MarketStatus.REDUCE_ONLY: f"{verb} reduce-only",
        MarketStatus.LIMIT: f"{verb} at the limit of the band",
    }[found[0].status]


def _why(found: list[MarketLine]) -> str:
    why = next((each.breaker for each in found if each.breaker), None)
    return "" if why is None else f": {why}"


def _reasons(backlog: Backlog) -> str:
    if not backlog.skipped:
        return " and being dealt with"
    told = sorted(backlog.skipped.items(), key=lambda each: -each[1])
    return ": " + ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in told)


def _named(names: list[str]) -> str:
    if len(names) <= _FEW:
        return ", ".join(names)
    return f"{', '.join(names[:_FEW])} and {len(names) - _FEW} more"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
