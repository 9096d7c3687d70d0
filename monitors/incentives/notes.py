"""The desk's memory in the journal's notes: read once, written whenever it changes in substance.

Effort grows by the second; it is noted with the premium's slices, every few minutes, and whenever a
lever moves. What is lost of it in a crash is earned anew.
"""

from monitors.incentives.market_state import MarketState
from monitors.incentives.memory import MarketMemory, Notes, market_key, market_text, read_market


class DeskNotes:
    """What the desk remembers over a restart."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._saved: dict[str, tuple[object, ...]] = {}

    def recall(self, symbol: str, state: MarketState) -> None:
        """Put back what an earlier life knew of a market."""
        text = self._notes.noted(market_key(symbol))
        memory = None if text is None else read_market(text)
        if memory is not None:
            state.controller, state.premium = memory.controller, memory.premium
            state.written = dict(memory.written)

    def save(self, symbol: str, state: MarketState) -> None:
        """Note a market."""
        controller = state.controller
        if controller is None:
            return
        slices = state.premium.slices
        substance = (
            controller.rebate_boost,
            controller.multiplier_boost,
            tuple(sorted(state.written.items())),
            slices[-1].start if slices else None,
        )
        if self._saved.get(symbol) == substance:
            return
        self._saved[symbol] = substance
        memory = MarketMemory(
            controller=controller, premium=state.premium, written=dict(state.written)
        )
        self._notes.note(market_key(symbol), market_text(memory))
