"""What a write of the tuner would do to every account, before it is sent.

Maintenance margin stays as it is, and the exchange charges no fee in a liquidation, so only two of
the five parameters touch anybody who trades no more: an initial margin takes the room to open from
accounts whose equity is below it, and a funding rate moves equity until it can be written again. With
prices unchanged an account's slack is monotone in the rate, so whom a smaller step harms, a larger
one of the same sign harms too: a bisection finds the largest step that harms nobody.

Judged are all holders of the market, in floats with a bound on their error (risk.valuation) and, only
where that cannot tell, in integers: counts are exact. Funding is looked at when `horizon` ends;
between now and then slack is linear in time but for less than 3 atoms a position of rounding.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from risk.account_book import AccountBook
from risk.columns import Int64Column
from risk.guard_rails import Parameter
from risk.incentive_write import (
    IncentiveWrite,
    ParameterChange,
    TunerState,
    change_words,
    lawful_changes,
)
from risk.margin import margin_state
from risk.market import Market
from risk.units import (
    PPM_SCALE,
    AccountId,
    MarketId,
    PpbPerHour,
    Ppm,
    Seconds,
    account_label,
    div_ceil,
)
from risk.valuation import MarketColumns, MarketPace, value_rows

Verdicts: TypeAlias = NDArray[np.bool_]
"""Whether each row meets what is required of it."""

_EXAMPLES: Final = 3
_CHUNK: Final = 16_384
"""Rows valued at a time: their columns stay in the processor's cache."""
_EXACT: Final[Mapping[Parameter, int]] = MappingProxyType({})
_NOBODY: Final = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedWrite:
    """Whom a write would touch who is untouched without it."""

    holders: int
    """Accounts with a position in the market: all that were judged."""
    cannot_open: int
    """Accounts that meet their initial margin now and would no longer."""
    liquidatable: int
    """Accounts that would be liquidatable at the end of the horizon because of the write."""
    liquidatable_anyway: int
    """Accounts that will be liquidatable then without the write too, at unchanged prices."""
    is_backstop_short: bool
    """Whether the backstop would lose the initial margin that it needs to take positions over."""
    examples: tuple[AccountId, ...] = ()
    """Some of the accounts that would become liquidatable."""

    @property
    def is_harmless(self) -> bool:
        """Say whether the write liquidates nobody and leaves the backstop able to take over."""
        return self.liquidatable == 0 and not self.is_backstop_short


def changed_market(market: Market, parameter: Parameter, value: int, now: Seconds) -> Market:
    """Give a market as it is after a write at `now`; funding accrues before its rate changes."""
    match parameter:
        case Parameter.INITIAL_MARGIN:
            return replace(market, initial_margin=Ppm(value))
        case Parameter.FUNDING_RATE:
            elapsed = 0 if market.is_splitting else now - market.funding_time
            numerator = market.funding_numerator + market.funding_rate * market.index * elapsed
            return replace(
                market,
                funding_numerator=numerator,
                funding_time=now,
                funding_rate=PpbPerHour(value),
            )
        case _:
            return market


def simulate(
    book: AccountBook,
    market: MarketId,
    change: ParameterChange,
    *,
    now: Seconds,
    horizon: Seconds,
    backstop: AccountId | None = None,
) -> SimulatedWrite:
    """Judge a write on the live book: to be sent only when it `is_harmless`.

    `horizon` is until the parameter can be written again and that has landed. The backstop is never
    liquidated; it is judged by its initial margin alone.
    """
    return _judge(book, market, change, now=now, horizon=horizon, backstop=backstop)[0]


def plan_safe_write(
    book: AccountBook,
    market: MarketId,
    wanted: Mapping[Parameter, int],
    tuner: TunerState,
    *,
    now: Seconds,
    reaction: Seconds,
    tolerances: Mapping[Parameter, int] = _EXACT,
    backstop: AccountId | None = None,
) -> tuple[IncentiveWrite, SimulatedWrite | None]:
    """Choose the most urgent lawful write that harms nobody, in full or as far as it harms nobody.

    `reaction` is the longest time from when a write is possible until it has landed. Gives the
    simulation of the write that was chosen, or of the last that was refused.
    """
    changes, why = lawful_changes(
        book.markets[market], wanted, tuner, now=now, tolerances=tolerances
    )
    refused: list[str] = []
    simulated: SimulatedWrite | None = None
    for change in changes:
        horizon = Seconds(tuner.limits[change.parameter].cool_down + reaction)
        simulated, harmed = _judge(
            book, market, change, now=now, horizon=horizon, backstop=backstop
        )
        if simulated.is_harmless:
            return IncentiveWrite(change=change, why=change_words(change)), simulated
        harm = _harm_words(simulated, horizon)
        smaller = _largest_harmless(book, market, change, harmed, now=now, horizon=horizon)
        if smaller is None:
            refused.append(f"{change_words(change)}: {harm}, and so would any smaller step")
            continue
        simulated = simulate(book, market, smaller, now=now, horizon=horizon, backstop=backstop)
        words = f"{change_words(smaller)}; to {change.value} {harm}"
        return IncentiveWrite(change=smaller, why=words), simulated
    return IncentiveWrite(change=None, why="; ".join(refused) or why), simulated


def _judge(
    book: AccountBook,
    market: MarketId,
    change: ParameterChange,
    *,
    now: Seconds,
    horizon: Seconds,
    backstop: AccountId | None,
) -> tuple[SimulatedWrite, Int64Column]:
    """Simulate a write; give also the rows for whose sake it must not be sent."""
    slots = book.slots.in_market(market)
    rows = np.unique(book.slots.owner[slots]).astype(np.int64)
    is_backstop = rows == (-1 if backstop is None else _row_or_none(book, backstop))
    end = Seconds(now + horizon)
    is_healthy = _meets(book, book.markets, rows, end)
    cannot_open = 0
    fallen = short = _NOBODY
    if change.parameter is Parameter.INITIAL_MARGIN:
        after = _markets_after(book, market, change, now)
        is_shut = _meets(book, book.markets, rows, now, with_initial=True) & ~_meets(
            book, after, rows, now, with_initial=True
        )
        cannot_open = int(np.count_nonzero(is_shut & ~is_backstop))
        short = rows[is_shut & is_backstop]
    elif change.parameter is Parameter.FUNDING_RATE:
        after = _markets_after(book, market, change, now)
        fallen = rows[is_healthy & ~is_backstop & ~_meets(book, after, rows, end)]
    simulated = SimulatedWrite(
        holders=len(rows),
        cannot_open=cannot_open,
        liquidatable=len(fallen),
        liquidatable_anyway=int(np.count_nonzero(~is_healthy & ~is_backstop)),
        is_backstop_short=len(short) > 0,
        examples=tuple(book.id_at(row) for row in fallen[:_EXAMPLES].tolist()),
    )
    return simulated, np.concatenate((fallen, short))


def _largest_harmless(
    book: AccountBook,
    market: MarketId,
    change: ParameterChange,
    harmed: Int64Column,
    *,
    now: Seconds,
    horizon: Seconds,
) -> ParameterChange | None:
    """Bisect between what is on chain, which harms nobody, and a change that does.

    Whom a smaller step harms is among those whom the whole step harms, so only they are judged.
    """
    is_margin = change.parameter is Parameter.INITIAL_MARGIN
    moment = now if is_margin else Seconds(now + horizon)
    sign = 1 if change.value > change.before else -1
    low, high = 0, abs(change.value - change.before) - 1
    while low < high:
        middle = div_ceil(low + high, 2)
        tried = replace(change, value=change.before + sign * middle)
        after = _markets_after(book, market, tried, now)
        if _meets(book, after, harmed, moment, with_initial=is_margin).all():
            low = middle
        else:
            high = middle - 1
    return replace(change, value=change.before + sign * low) if low else None


def _markets_after(
    book: AccountBook, market: MarketId, change: ParameterChange, now: Seconds
) -> dict[MarketId, Market]:
    changed = changed_market(book.markets[market], change.parameter, change.value, now)
    return {**book.markets, market: changed}


def _meets(
    book: AccountBook,
    markets: Mapping[MarketId, Market],
    rows: Int64Column,
    moment: Seconds,
    *,
    with_initial: bool = False,
) -> Verdicts:
    """Say of each row whether equity meets its maintenance margin (or its initial margin), exactly."""
    paces = {int(number): MarketPace(market) for number, market in markets.items()}
    if with_initial:
        # The initial margin is one more line: what is required is the largest of all of them.
        for number, market in markets.items():
            if not market.is_settled:
                paces[number].tiers += ((market.initial_margin / PPM_SCALE, 0.0),)
    columns = MarketColumns(markets, paces)
    columns.read(moment)
    found = np.zeros(len(rows), dtype=np.bool_)
    for start in range(0, len(rows), _CHUNK):
        part = rows[start : start + _CHUNK]
        valued = value_rows(book, columns, part)
        meets = valued.slack >= 0
        for place in np.flatnonzero(np.abs(valued.slack) <= valued.error).tolist():
            account = book.account(book.id_at(int(part[place])))
            state = margin_state(account, markets, moment)
            required = state.initial_margin if with_initial else state.maintenance_margin
            meets[place] = state.equity >= required
        found[start : start + _CHUNK] = meets
    return found


def _row_or_none(book: AccountBook, account: AccountId) -> int:
    row = book.row(account)
    return -1 if row is None else row


def _harm_words(simulated: SimulatedWrite, horizon: Seconds) -> str:
    if simulated.is_backstop_short:
        return "would leave the backstop below its initial margin"
    names = ", ".join(account_label(account) for account in simulated.examples)
    return (
        f"would make {simulated.liquidatable} accounts liquidatable within {horizon} s"
        f" ({names}{', …' if simulated.liquidatable > len(simulated.examples) else ''})"
    )
