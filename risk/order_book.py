"""A market's order book by price level, as a snapshot and the changes since then make it.

It holds what it was told and does not match: a book whose bid reaches its ask is held, and says of
itself that it is crossed. Whether every change has come is for whoever counts sequence numbers.
Prices are 1e-8 USD, sizes 1e-8 share and positive on both sides.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from risk.units import PriceE8, SizeE8, div_floor

Level = tuple[PriceE8, SizeE8]
"""A price and the whole size that rests there; in a change, size 0 takes the level away."""


class OrderBook:
    """Bids and asks; changes are applied in place, at the cost of a few levels, not of the book.

    Raises ValueError for a level of a snapshot that repeats a price or is empty, and for any price
    that is not above 0 or size below 0. A book that raised on a change is half changed: drop it.
    """

    __slots__ = ("_asks", "_bids")

    def __init__(self, *, bids: Iterable[Level] = (), asks: Iterable[Level] = ()) -> None:
        self._bids = _Side(bids, is_bid=True)
        self._asks = _Side(asks, is_bid=False)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, OrderBook):
            return NotImplemented
        return self.bids == other.bids and self.asks == other.asks

    # It changes, so it has no hash.
    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"OrderBook(bids={self.bids}, asks={self.asks})"

    @property
    def bids(self) -> tuple[Level, ...]:
        """Give the bids, highest first."""
        return tuple(self._bids)

    @property
    def asks(self) -> tuple[Level, ...]:
        """Give the asks, lowest first."""
        return tuple(self._asks)

    @property
    def best_bid(self) -> PriceE8 | None:
        """Give the highest bid; None without any."""
        return self._bids.best

    @property
    def best_ask(self) -> PriceE8 | None:
        """Give the lowest ask; None without any."""
        return self._asks.best

    @property
    def mid(self) -> PriceE8 | None:
        """Give the middle, rounded down; None for a book that is one-sided or crossed."""
        bid, ask = self.best_bid, self.best_ask
        if bid is None or ask is None or bid >= ask:
            return None
        return PriceE8(div_floor(bid + ask, 2))

    @property
    def is_crossed(self) -> bool:
        """Say whether the best bid is at or above the best ask: those orders would have traded."""
        bid, ask = self.best_bid, self.best_ask
        return bid is not None and ask is not None and bid >= ask

    def walk_bids(self) -> Iterator[Level]:
        """Walk the bids from the highest; the book must not be changed meanwhile."""
        return iter(self._bids)

    def walk_asks(self) -> Iterator[Level]:
        """Walk the asks from the lowest; the book must not be changed meanwhile."""
        return iter(self._asks)

    def apply(self, *, bids: Iterable[Level] = (), asks: Iterable[Level] = ()) -> None:
        """Set each level to its new size; size 0 takes it away, and is nothing where none is."""
        self._bids.apply(bids)
        self._asks.apply(asks)


class _Side:
    """One side: sizes by price, and the prices in order with the best one last.

    Most changes are near the best price, where a list is cheapest to change.
    """

    __slots__ = ("_keys", "_sign", "_sizes")

    def __init__(self, levels: Iterable[Level], *, is_bid: bool) -> None:
        self._sign = 1 if is_bid else -1
        self._sizes: dict[PriceE8, SizeE8] = {}
        for price, size in levels:
            _check(price, size)
            if size == 0:
                raise ValueError(f"expected levels with a size above 0, found none at {price}")
            if price in self._sizes:
                raise ValueError(f"expected each price once on a side, found {price} again")
            self._sizes[price] = size
        self._keys = sorted(self._sign * price for price in self._sizes)

    def __iter__(self) -> Iterator[Level]:
        for key in reversed(self._keys):
            price = PriceE8(self._sign * key)
            yield price, self._sizes[price]

    @property
    def best(self) -> PriceE8 | None:
        return PriceE8(self._sign * self._keys[-1]) if self._keys else None

    def apply(self, levels: Iterable[Level]) -> None:
        for price, size in levels:
            _check(price, size)
            key = self._sign * price
            if size == 0:
                if self._sizes.pop(price, None) is not None:
                    del self._keys[bisect_left(self._keys, key)]
                continue
            if price not in self._sizes:
                self._keys.insert(bisect_left(self._keys, key), key)
            self._sizes[price] = size


def _check(price: PriceE8, size: SizeE8) -> None:
    if price <= 0:
        raise ValueError(f"expected prices above 0 in an order book, found {price}")
    if size < 0:
        raise ValueError(f"expected no size below 0 in an order book, found {size} at {price}")
