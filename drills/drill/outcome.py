"""What a run is held to: what the scenario says should have happened here, and what must always hold."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from drills.drill.waiting import DueAccounts
from drills.memory.stage import MemoryStage
from drills.report.record import Act, Expectation, Invariant
from drills.scenario.moment import Event, EventKind
from drills.scenario.values import Scenario
from risk.columns import AccountColumns
from risk.exact_columns import exact_sum
from risk.units import ATOMS_PER_USD, MarketStatus, QuoteAtoms, Seconds

HEARD_SECONDS: Final = 180
"""A halt is heard within a minute; sources that differ are waited for two, and a write takes a block or two."""
LONGEST_DUE: Final = 60
"""Seconds that a due account may have waited when the drill ends."""


def expectations(
    scenario: Scenario, acts: Sequence[Act], begin: Seconds, end: Seconds, *, has_breakers: bool
) -> tuple[Expectation, ...]:
    """Give what halts and splits of the scenario ask of our markets; nothing of a run without breakers."""
    if not has_breakers:
        return ()
    everything = tuple(market.symbol for market in scenario.markets)
    return tuple(
        _expectation(event, event.symbols or everything, acts)
        for event in scenario.events
        if event.kind in {EventKind.HALT, EventKind.SPLIT}
        and begin <= event.start
        and event.start + HEARD_SECONDS <= end
    )


def _expectation(event: Event, symbols: Sequence[str], acts: Sequence[Act]) -> Expectation:
    latest = Seconds(event.start + HEARD_SECONDS)
    restricted = {symbol: _restricted_at(symbol, acts, event.start, latest) for symbol in symbols}
    late = sorted(symbol for symbol, at in restricted.items() if at is None)
    times = [at for at in restricted.values() if at is not None]
    happened_at = None if late else max(times)
    what = "no new risk" if event.kind is EventKind.HALT else "nobody trades on two bases"
    if late:
        found = f"{', '.join(late)} took new risk {HEARD_SECONDS} s later"
    else:
        assert happened_at is not None, "every market was restricted at some time"
        apart = happened_at - event.start
        found = (
            "every market was restricted before it began"
            if apart <= 0
            else f"every market was restricted {apart} s after it began"
        )
    return Expectation(
        what=f"{what} in {', '.join(symbols)}: {event.text}",
        at=event.start,
        happened=not late,
        happened_at=happened_at,
        found=found,
    )


def _restricted_at(
    symbol: str, acts: Sequence[Act], start: Seconds, latest: Seconds
) -> Seconds | None:
    """Give since when a market has taken no new risk, if it takes none at some time up to `latest`."""
    since: Seconds | None = None
    for act in acts:
        if act.symbol != symbol or act.status is None:
            continue
        if act.at > latest:
            break
        is_restricted = act.status >= MarketStatus.REDUCE_ONLY
        if is_restricted and since is None:
            since = act.at
        elif not is_restricted and act.at <= start:
            since = None
    return since


def invariants(
    stage: MemoryStage, due: DueAccounts, *, money: QuoteAtoms, accepted_in_outage: int
) -> tuple[Invariant, ...]:
    """Check what must hold after any run."""
    now = stage.exchange.money()
    return (
        Invariant(
            name="no money is made or lost",
            holds=now == money,
            found=f"{_usd(money)} USD before, {_usd(now)} USD after, {now - money} atoms apart",
        ),
        _zero_sums(stage),
        _books_agree(stage),
        Invariant(
            name="nothing is settled while the exchange is out",
            holds=accepted_in_outage == 0,
            found=f"{accepted_in_outage} trades and liquidations were settled then",
        ),
        _nobody_waits(stage, due),
    )


def _nobody_waits(stage: MemoryStage, due: DueAccounts) -> Invariant:
    waiting, longest = due.carried(stage.chain.now)
    found = "nobody is at the end"
    if longest is not None:
        found = f"{waiting:,} are at the end, the first of them for {longest:,} s"
    if due.count > waiting:
        found += f"; {due.count - waiting:,} wait for a backstop that is full"
    return Invariant(
        name="nobody who may be liquidated is left waiting",
        holds=longest is None or longest <= LONGEST_DUE,
        found=found,
    )


def _zero_sums(stage: MemoryStage) -> Invariant:
    book = stage.exchange.state.book
    apart = {
        market.symbol: exact_sum(book.slots.size[book.slots.in_market(number)])
        for number, market in stage.exchange.state.markets.items()
    }
    wrong = {symbol: left for symbol, left in apart.items() if left}
    return Invariant(
        name="longs and shorts are equal in every market",
        holds=not wrong,
        found="to the unit in all of them" if not wrong else f"apart by {wrong} units",
    )


def _books_agree(stage: MemoryStage) -> Invariant:
    followed, held = stage.monitor.watch.book, stage.exchange.state.book.columns()
    # Account by account only where the columns differ: in their order, or in earnest.
    count = 0 if _are_same(followed.columns(), held) else len(followed.differences(held))
    return Invariant(
        name="the keepers' book is the exchange's",
        holds=count == 0,
        found=f"{count} accounts differ",
    )


def _are_same(one: AccountColumns, other: AccountColumns) -> bool:
    mine, theirs = one.positions, other.positions
    pairs = (
        (one.collateral, other.collateral),
        (one.position_count, other.position_count),
        (mine.market, theirs.market),
        (mine.size, theirs.size),
        (mine.quote, theirs.quote),
        (mine.funding, theirs.funding),
        (mine.slice_time, theirs.slice_time),
    )
    return one.ids == other.ids and all(np.array_equal(left, right) for left, right in pairs)


def _usd(atoms: int) -> str:
    return f"{atoms / ATOMS_PER_USD:,.0f}"
