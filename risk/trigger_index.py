"""Which accounts a change could have pushed across the line, without looking at the others.

S = equity − maintenance margin is an account's slack; its verdict is the sign of S. An account is
*centred* at prices m_i: it gets one reach δ, and each position i a trigger m_i·(1 ∓ δ) on the side
that shrinks |S| (healthy: against the position; under margin: in its favour). With r_i the largest
slope of slack in the price of i (valuation.MarketPace) and the budget B below,

    δ = B / Σ r_i·m_i      so that while every price is strictly inside its trigger,
    |change of S from prices| ≤ Σ r_i·|p_i − m_i| < Σ r_i·m_i·δ = B .

    B = |S| − float error − 2·rounding allowance − funding until `due` − funding of `LAG` seconds

What is taken off |S| pays for all else that moves slack while the account is not looked at: float
error and the exact rules' rounding (risk.valuation), and funding, which per second is at most
|q|·pace while the index price stays under the market's cap. At `due` the account is centred again.
Hence no verdict can have changed unless a trigger was reached, `due` came, or a rule changed, and
each of these judges again: the index may wake too often, it may never miss. Prices and seconds are
integers, so a trigger may always stand one atom, and `due` one second, from where the account was
centred: at an unchanged price and time the verdict is unchanged. A market whose mark was 0 gives no
triggers; the first price it gets must be told by `recentre_market`.

An account without budget is *tight*: with B <= 0 the rounding alone may flip it, even on a move in
its favour (a long's margin rounds up before its value does). It has no triggers; every tick of its
markets judges it. That is a matter of some millionths of a dollar, so there are hardly any.

Entries are lazy: one that stands nearer than the account's trigger is left and put further when it
is reached. `entry` remembers the nearest that stands; a stale one no longer equals it.
"""

from collections.abc import Iterable
from functools import partial
from math import inf
from typing import Final

import numpy as np
from numpy.typing import NDArray

from risk.account_book import AccountBook
from risk.columns import Int64Column
from risk.funding_budget import set_aside, set_aside_many
from risk.market import Market
from risk.position_slots import NO_SLOT, SlotColumn
from risk.trigger_columns import TriggerColumns
from risk.trigger_queue import TriggerQueue
from risk.units import FUNDING_SCALE, NOTIONAL_SCALE, MarketId, Seconds
from risk.valuation import FloatColumn, MarketColumns, MarketPace, Valuation, value_rows

LAG: Final = 10
"""Seconds by which a market's accrual may trail the clock when its index price changes."""
LARGEST_PRICE: Final = 2**53 - 1
"""Above this float64 skips integers; the exchange stops at 1e15."""

_FEW: Final = 16
_CHUNK: Final = 16_384
"""Rows valued at a time: their columns stay in the processor's cache."""
_SHRINK: Final = 1 - 1e-9
_RISING: Final = 1
_FALLING: Final = -1


class Gate:
    """One market's two numbers: a tick is quiet below `rising.next` and, negated, `falling.next`.

    Falling triggers are kept as negative prices, so that both queues are reached from below. The
    rows in `tight` must be judged on every tick.
    """

    __slots__ = ("falling", "market", "pace", "rising", "tight")

    def __init__(self, market: Market, falling: TriggerQueue, rising: TriggerQueue) -> None:
        self.market = market
        self.pace = MarketPace(market)
        self.falling = falling
        self.rising = rising
        self.tight: dict[int, None] = {}


class TriggerIndex:
    """Triggers of every account in a book, and who is under margin."""

    def __init__(self, book: AccountBook) -> None:
        self._book = book
        self.gates: dict[int, Gate] = {}
        self.due = TriggerQueue(self._wants_due)
        self.under: dict[int, tuple[Seconds, int]] = {}
        self.stamp = (Seconds(0), 0)
        """Time and block to note of whoever falls under margin from now on."""
        self.flips = 0
        self.judged = 0
        self._own = TriggerColumns()
        for market in book.markets.values():
            self._add_gate(market)
        self._columns = self._new_columns()
        self._reserve()

    # --- what happened ---------------------------------------------------------------------------

    def recentre_all(self, now: Seconds) -> None:
        """Judge and centre every account."""
        self._centre_many(np.arange(len(self._book), dtype=np.int64), now)

    def recentre(self, rows: Iterable[int], now: Seconds) -> None:
        """Judge and centre these accounts."""
        unique = dict.fromkeys(rows)
        self.judged += len(unique)
        self._reserve()
        if len(unique) <= _FEW:
            for row in unique:
                self._centre_one(row, now)
        else:
            self._centre_many(np.fromiter(unique, dtype=np.int64, count=len(unique)), now)

    def recentre_market(self, market: Market, now: Seconds) -> None:
        """Take a market's new rules (or a new market), and centre all who hold it."""
        gate = self.gates.get(market.id)
        if gate is None:
            self._add_gate(market)
        else:
            gate.market = market
            gate.pace = MarketPace(market)
        self._columns = self._new_columns()
        slots = self._book.slots.in_market(market.id)
        self._centre_many(np.unique(self._book.slots.owner[slots]).astype(np.int64), now)

    def reach_price(self, gate: Gate, now: Seconds) -> None:
        """Judge and centre whoever is tight or has a trigger at or before the market's mark."""
        mark, number = gate.market.mark, gate.market.id
        rows: list[int] = []
        if gate.tight:
            rows += gate.tight
            gate.tight = {}
        if mark >= gate.rising.next:
            rows += self._reached(gate.rising, mark, number, _RISING)
        if -mark >= gate.falling.next:
            rows += self._reached(gate.falling, -mark, number, _FALLING)
        if rows:
            self.recentre(rows, now)

    def reach_time(self, now: Seconds) -> None:
        """Judge and centre whoever was due by now."""
        if now < self.due.next:
            return
        rows: list[int] = []
        for key, row in self.due.pop_reached(now):
            if self._own.due_entry_at[row] != key:
                continue
            self._own.due_entry_at[row] = inf
            wanted = self._own.due_at[row]
            if wanted <= now:
                rows.append(row)
            elif wanted < inf:
                self._own.due_entry_at[row] = wanted
                self.due.push(wanted, row)
        if rows:
            self.recentre(rows, now)

    def forget(self, slot: int) -> None:
        """Drop the trigger of a position that is no more, before its slot is taken again."""
        self._reserve()
        own = self._own
        own.key_at[slot] = own.entry_at[slot] = inf
        own.side_at[slot] = 0

    def value(self, rows: Int64Column, now: Seconds) -> Valuation:
        """Value accounts in bulk at `now`, for whoever shows them."""
        self._columns.read(now)
        return value_rows(self._book, self._columns, rows)

    # --- one account, in integers ----------------------------------------------------------------

    def _centre_one(self, row: int, now: Seconds) -> None:
        equity, required = self._book.slack(row, now)
        slack = equity - required
        sign = 1 if slack >= 0 else -1
        self._set_verdict(row, is_under=slack < 0)
        gross = pays = flow = allowance = 0.0
        held: list[tuple[int, Gate, int, bool]] = []
        slots = self._book.slots
        slot = self._book.rows.head_at[row]
        while slot != NO_SLOT:
            gate = self.gates[slots.market_at[slot]]
            size, pace = slots.size_at[slot], gate.pace
            mark: int = gate.market.mark
            shares = abs(size)
            gross += shares * mark * (pace.fall if size > 0 else pace.rise)
            drift = sign * size * pace.pace
            flow += abs(drift)
            pays += max(drift, 0.0)
            allowance += pace.allowance + shares / FUNDING_SCALE
            held.append((slot, gate, mark, (size > 0) == (slack >= 0)))
            slot = slots.next_at[slot]
        budget = abs(slack) * _SHRINK - 2 * allowance - flow * LAG
        is_tight = budget <= 0
        budget, due = set_aside(row, budget, pays, now)
        self._set_due(row, due)
        reach = budget * NOTIONAL_SCALE / gross * _SHRINK if gross and not is_tight else inf
        for slot, gate, mark, is_falling in held:
            if is_tight:
                gate.tight[row] = None
            self._place(slot, gate, mark, is_falling=is_falling, reach=reach)

    def _place(self, slot: int, gate: Gate, mark: int, *, is_falling: bool, reach: float) -> None:
        if mark > LARGEST_PRICE:
            raise _price_too_large(mark)
        step = max(1.0, reach * mark - 0.25) if mark else inf
        key = step - mark if is_falling else step + mark
        if is_falling and key > 0:
            key = inf  # below a price of 0: out of reach
        side = _FALLING if is_falling else _RISING
        self._own.key_at[slot] = key
        if self._own.side_at[slot] != side:
            self._own.side_at[slot] = side
            self._own.entry_at[slot] = inf
        if key < self._own.entry_at[slot]:
            self._own.entry_at[slot] = key
            (gate.falling if is_falling else gate.rising).push(key, slot)

    def _set_due(self, row: int, due: float) -> None:
        self._own.due_at[row] = due
        if due < self._own.due_entry_at[row]:
            self._own.due_entry_at[row] = due
            self.due.push(due, row)

    def _set_verdict(self, row: int, *, is_under: bool) -> None:
        if self._own.is_under_at[row] == is_under:
            return
        self._own.is_under_at[row] = is_under
        self.flips += 1
        if is_under:
            self.under[row] = self.stamp
        else:
            del self.under[row]

    def _reached(self, queue: TriggerQueue, level: int, number: int, side: int) -> list[int]:
        """Give the owners of live triggers at or before a level; put early entries further."""
        rows: list[int] = []
        key_at, entry_at = self._own.key_at, self._own.entry_at
        slots = self._book.slots
        for entry, slot in queue.pop_reached(level):
            if (
                entry_at[slot] != entry
                or slots.market_at[slot] != number
                or self._own.side_at[slot] != side
            ):
                continue
            entry_at[slot] = inf
            key = key_at[slot]
            if key <= level:
                rows.append(slots.owner_at[slot])
            elif key < inf:
                entry_at[slot] = key
                queue.push(key, slot)
        return rows

    # --- many accounts, in floats with a bound ---------------------------------------------------

    def _centre_many(self, rows: Int64Column, now: Seconds) -> None:
        self._reserve()
        self._columns.read(now)
        if self._columns.mark.max(initial=0.0) > LARGEST_PRICE:
            raise _price_too_large(int(self._columns.mark.max()))
        placed = [
            self._centre_chunk(rows[start : start + _CHUNK], now)
            for start in range(0, len(rows), _CHUNK)
        ]
        if placed:
            self._enqueue(np.concatenate(placed))
        own = self._own
        waiting = rows[own.due[rows] < own.due_entry[rows]].astype(np.int32)
        own.due_entry[waiting] = own.due[waiting]
        self.due.push_many(own.due[waiting], waiting)

    def _centre_chunk(self, rows: Int64Column, now: Seconds) -> SlotColumn:
        """Judge and centre some rows; give the slots whose triggers need a nearer entry."""
        valued = value_rows(self._book, self._columns, rows)
        slack = valued.slack
        error = valued.error + valued.allowance
        for place in np.flatnonzero(np.abs(slack) <= valued.error).tolist():
            equity, required = self._book.slack(int(rows[place]), now)
            slack[place] = equity - required
            error[place] = 2 * valued.allowance[place]
        is_under = slack < 0
        for place in np.flatnonzero(self._own.is_under[rows] != is_under).tolist():
            self._set_verdict(int(rows[place]), is_under=bool(is_under[place]))
        budget = np.abs(slack) * _SHRINK - error - (valued.pays + valued.receives) * LAG
        is_tight = budget <= 0
        budget, self._own.due[rows] = set_aside_many(
            rows, budget, np.where(is_under, valued.receives, valued.pays), now
        )
        reach = np.full(len(rows), inf)
        np.divide(budget * _SHRINK, valued.gross, out=reach, where=~is_tight & (valued.gross > 0))
        for place in np.flatnonzero(is_tight[valued.owners]).tolist():
            market = self._book.slots.market_at[valued.slots[place]]
            self.gates[market].tight[int(rows[valued.owners[place]])] = None
        return self._place_many(valued, reach, is_under)

    def _place_many(
        self, valued: Valuation, reach: FloatColumn, is_under: NDArray[np.bool_]
    ) -> SlotColumn:
        slots, held = valued.slots, self._book.slots
        mark = self._columns.mark[held.market[slots]]
        is_falling = (held.size[slots] > 0) != is_under[valued.owners]
        with np.errstate(invalid="ignore"):
            step = np.maximum(reach[valued.owners] * mark - 0.25, 1.0)
        step[mark == 0] = inf
        key = np.where(is_falling, step - mark, step + mark)
        key[is_falling & (key > 0)] = inf
        side = np.where(is_falling, _FALLING, _RISING).astype(np.int8)
        self._own.key[slots] = key
        entry = np.where(self._own.side[slots] == side, self._own.entry[slots], inf)
        self._own.side[slots] = side
        nearer = key < entry
        self._own.entry[slots] = np.where(nearer, key, entry)
        return slots[nearer]

    def _enqueue(self, slots: SlotColumn) -> None:
        """Put one entry for each slot into its queue, at its trigger."""
        if not len(slots):
            return
        code = self._book.slots.market[slots].astype(np.int64) * 2 + (self._own.side[slots] > 0)
        order = np.argsort(code, kind="stable")
        code, slots = code[order], slots[order]
        starts = np.flatnonzero(np.diff(code, prepend=-1))
        for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(slots)], strict=True):
            gate = self.gates[int(code[start]) // 2]
            queue = gate.rising if code[start] % 2 else gate.falling
            group = slots[start:end]
            queue.push_many(self._own.key[group], group)

    # --- room ------------------------------------------------------------------------------------

    def _add_gate(self, market: Market) -> None:
        falling = TriggerQueue(partial(self._wants_slot, market.id, _FALLING))
        rising = TriggerQueue(partial(self._wants_slot, market.id, _RISING))
        self.gates[market.id] = Gate(market, falling, rising)

    def _wants_slot(
        self, number: MarketId, side: int, keys: FloatColumn, slots: SlotColumn
    ) -> NDArray[np.bool_]:
        is_here: NDArray[np.bool_] = self._book.slots.market[slots] == number
        is_here &= (self._own.side[slots] == side) & (self._own.entry[slots] == keys)
        return is_here

    def _wants_due(self, keys: FloatColumn, rows: SlotColumn) -> NDArray[np.bool_]:
        is_current: NDArray[np.bool_] = np.equal(self._own.due_entry[rows], keys)
        return is_current

    def _new_columns(self) -> MarketColumns:
        paces = {number: gate.pace for number, gate in self.gates.items()}
        return MarketColumns(self._book.markets, paces)

    def _reserve(self) -> None:
        """Keep as much room as the book has."""
        self._own.reserve(len(self._book.slots.size), len(self._book.rows.collateral))


def _price_too_large(mark: int) -> OverflowError:
    return OverflowError(f"expected marks of at most {LARGEST_PRICE}, found {mark}")
