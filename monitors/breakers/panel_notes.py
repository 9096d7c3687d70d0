"""The panel's memory in the journal's notes: read once, written whenever it changes in substance.

What an order did and that it was heard are one note: a crash keeps both, or neither.
"""

from collections.abc import Mapping
from typing import Final

from monitors.breakers.memory import (
    ExchangeMemory,
    MarketMemory,
    Notes,
    exchange_text,
    market_text,
    read_exchange,
    read_market,
)
from monitors.breakers.panel_state import Exchange, MarketPanel

EXCHANGE_KEY: Final = "breaker"

_Substance = tuple[object, ...]


class PanelNotes:
    """What the panel remembers over a restart."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._saved: dict[str, _Substance] = {}
        self._unwritten: dict[str, str] = {}

    def recall(self, exchange: Exchange, panels: Mapping[str, MarketPanel]) -> dict[str, int]:
        """Put back what an earlier life knew; give the last regular closes, in 1e-8 USD."""
        text = self._notes.noted(EXCHANGE_KEY)
        memory = None if text is None else read_exchange(text)
        if memory is not None:
            exchange.integrity, exchange.heard = memory.integrity, memory.heard
            for name, state in memory.groups.items():
                if name in exchange.groups:
                    exchange.groups[name].state = state
        closes = {}
        for symbol, panel in panels.items():
            text = self._notes.noted(_key(symbol))
            known = None if text is None else read_market(text)
            if known is None:
                continue
            panel.band, panel.integrity = known.band, known.integrity
            panel.standing, panel.heard = known.standing, known.heard
            panel.ownership = known.ownership
            closes[symbol] = known.previous_close
        return closes

    def save(self, symbol: str, panel: MarketPanel, close: int) -> None:
        """Note a market's machines with the next flush."""
        substance = (
            None if panel.band is None else (panel.band.stage, panel.band.pause_ends),
            tuple(
                (machine, wish.status, wish.closes_withdrawals)
                for machine, wish in panel.standing.wishes.items()
            ),
            tuple((cause, state.action) for cause, state in panel.integrity.causes.items()),
            panel.ownership,
            panel.heard,
            close,
        )
        if self._is_new(_key(symbol), substance):
            memory = MarketMemory(
                band=panel.band,
                integrity=panel.integrity,
                standing=panel.standing,
                ownership=panel.ownership,
                previous_close=close,
                heard=panel.heard,
            )
            self._unwritten[_key(symbol)] = market_text(memory)

    def save_exchange(self, exchange: Exchange) -> None:
        """Note what is judged once for all markets with the next flush."""
        substance = (
            tuple((group.state.phase, group.state.used) for group in exchange.groups.values()),
            tuple((cause, state.action) for cause, state in exchange.integrity.causes.items()),
            exchange.heard,
        )
        if self._is_new(EXCHANGE_KEY, substance):
            memory = ExchangeMemory(
                groups={name: group.state for name, group in exchange.groups.items()},
                integrity=exchange.integrity,
                heard=exchange.heard,
            )
            self._unwritten[EXCHANGE_KEY] = exchange_text(memory)

    def forget(self, symbol: str) -> None:
        """Note a market anew with its next save, whatever changed in it: its prices were rebased."""
        self._saved.pop(_key(symbol), None)

    def flush(self) -> None:
        """Write what was noted, in one commit: when all markets fall, one wait for the disk is enough."""
        notes, self._unwritten = self._unwritten, {}
        if notes:
            self._notes.note_all(notes)

    def _is_new(self, key: str, substance: _Substance) -> bool:
        is_new = self._saved.get(key) != substance
        self._saved[key] = substance
        return is_new


def _key(symbol: str) -> str:
    return f"{EXCHANGE_KEY}/{symbol}"
