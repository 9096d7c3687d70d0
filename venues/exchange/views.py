"""Decode what the exchange's views return, markets and rules above all.

Field by field as the ABI names them: a view that lacks a field that `risk` judges by is refused at
start-up. Values that make no sense (a status that nobody knows, more tiers than four) are refused
where they enter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from risk.market import Market, Tier
from risk.units import MarketId, MarketStatus, Ppm, QuoteAtoms
from venues.exchange.abi import WORD, Abi, AbiType
from venues.exchange.slicers import Defect, UndecodableError, compile_slicer, flatten
from venues.port import Funds, LiquidationRules

_TIER_WORDS: Final = 3
_SPECIAL: Final = {"id", "symbol", "status", "tiers"}


class StructDecoder:
    """Decode one static struct into a mapping by field name; arrays stay flat tuples of words."""

    def __init__(self, kind: AbiType) -> None:
        self.words = kind.words
        self._names: list[tuple[str, int, int]] = []
        place = 0
        for item in kind.items:
            self._names.append((item.name, place, item.words))
            place += item.words
        self._slice = compile_slicer(flatten(kind))

    def __call__(self, raw: bytes) -> dict[str, Any]:
        """Decode exactly one struct; raises UndecodableError for another length."""
        if len(raw) != self.words * WORD:
            raise UndecodableError(
                f"expected a struct of {self.words * WORD} bytes, found {len(raw)}"
            )
        values = self._slice(raw)
        return {
            name: values[place] if count == 1 else values[place : place + count]
            for name, place, count in self._names
        }


class ViewDecoder:
    """Decode the returns of the views that give a market, rules, funds and an account's state."""

    def __init__(self, abi: Abi) -> None:
        market = abi.function("market_view").outputs[0]
        needed = {field.name for field in fields(Market)} - {"id"} | {"tier_count"}
        _require(market, needed)
        self._market = StructDecoder(market)
        rules = abi.function("rules").outputs[0]
        _require(rules, {field.name for field in fields(LiquidationRules)})
        self._rules = StructDecoder(rules)
        funds = abi.function("funds").outputs[0]
        _require(funds, {field.name for field in fields(Funds)})
        self.funds_view = StructDecoder(funds)
        self.account_state = StructDecoder(abi.function("account_state").outputs[0])

    def market(self, number: MarketId, raw: bytes) -> Market:
        """Decode one market view."""
        return market_of(number, self._market(raw))

    def markets(self, first: MarketId, raw: bytes) -> list[Market]:
        """Decode a page of market views; `first` is the number of the page's first market."""
        count = dynamic_length(raw, self._market.words)
        size = self._market.words * WORD
        start = 2 * WORD
        return [
            self.market(MarketId(first + row), raw[start + row * size : start + (row + 1) * size])
            for row in range(count)
        ]

    def rules(self, raw: bytes) -> LiquidationRules:
        """Decode the rules of liquidation."""
        return LiquidationRules(**self._rules(raw))

    def funds(self, raw: bytes) -> Funds:
        """Decode the exchange's pools."""
        view = self.funds_view(raw)
        return Funds(**{field.name: view[field.name] for field in fields(Funds)})


def _require(kind: AbiType, names: set[str]) -> None:
    missing = names - {item.name for item in kind.items}
    if missing:
        raise ValueError(f"expected fields {sorted(missing)} in the ABI's struct, found none")


def dynamic_length(raw: bytes, item_words: int) -> int:
    """Give the number of items of a lone dynamic array; raises UndecodableError if it is cut."""
    if len(raw) < 2 * WORD or int.from_bytes(raw[:WORD], "big") != WORD:
        raise UndecodableError(
            f"expected a dynamic array, found {len(raw)} bytes of something else"
        )
    count = int.from_bytes(raw[WORD : 2 * WORD], "big")
    if len(raw) != (2 + count * item_words) * WORD:
        raise UndecodableError(f"expected an array of {count} items, found {len(raw)} bytes")
    return count


def one_word(raw: bytes) -> int:
    """Decode a lone unsigned word."""
    if len(raw) != WORD:
        raise UndecodableError(f"expected one word, found {len(raw)} bytes")
    return int.from_bytes(raw, "big")


def market_of(number: MarketId, view: Mapping[str, Any]) -> Market:
    """Build a market from the fields of its view."""
    plain = {field.name: view[field.name] for field in fields(Market) if field.name not in _SPECIAL}
    return Market(
        id=number,
        symbol=symbol_of(view["symbol"]),
        status=status_of(view["status"]),
        tiers=tiers_of(view["tier_count"], view["tiers"]),
        **plain,
    )


def symbol_of(word: bytes) -> str:
    """Read a market's symbol from its 32 bytes."""
    try:
        return word.rstrip(b"\0").decode("ascii")
    except UnicodeDecodeError as error:
        raise UndecodableError(
            f"expected a symbol in ASCII, found 0x{word.hex()}", Defect.BAD_VALUE
        ) from error


def status_of(number: int) -> MarketStatus:
    """Read a market's status."""
    if not 0 <= number <= MarketStatus.SETTLED:
        raise UndecodableError(f"expected a market status, found {number}", Defect.BAD_VALUE)
    return MarketStatus(number)


def tiers_of(count: int, words: Sequence[int]) -> tuple[Tier, ...]:
    """Read margin tiers from flat words of (lower bound, rate, deduction)."""
    if not 1 <= count <= len(words) // _TIER_WORDS:
        raise UndecodableError(
            f"expected 1 to {len(words) // _TIER_WORDS} margin tiers, found {count}",
            Defect.BAD_VALUE,
        )
    return tuple(
        Tier(
            lower_bound=QuoteAtoms(words[place]),
            rate=Ppm(words[place + 1]),
            deduction=QuoteAtoms(words[place + 2]),
        )
        for place in range(0, count * _TIER_WORDS, _TIER_WORDS)
    )
