"""A small matching engine for drills: one market, price-time priority, every event numbered.

An order trades with the best resting ones that its price allows, at their prices, the oldest first;
what is left of a limit order rests, what is left of a market order is gone. Its trades come first,
then one change with the new sizes of all levels that it touched: between two changes the published
book is never crossed. Nobody is kept from trading with himself. No money moves here.
Prices are 1e-8 USD, sizes 1e-8 share and positive. Venue time is injected.
"""

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final

from risk.order_book import Level
from risk.units import AccountId, PriceE8, SizeE8

MOST_PRICE: Final = PriceE8(10**15)
MOST_SIZE: Final = SizeE8(10**18)
"""What the exchange settles at most."""


class Side(StrEnum):
    """What an order does."""

    BUY = "buy"
    SELL = "sell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """A taker met a resting order."""

    market: str
    sequence: int
    previous: int
    time_ms: int
    price: PriceE8
    size: SizeE8
    side: Side
    """The taker's."""
    taker: AccountId
    maker: AccountId
    taker_order: int
    maker_order: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BookChange:
    """The new sizes of the levels that one order, or its cancellation, touched; 0: none is left."""

    market: str
    sequence: int
    previous: int
    time_ms: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


Event = Trade | BookChange
Listener = Callable[[Event], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What became of an order at once."""

    order: int
    filled: SizeE8
    resting: SizeE8


@dataclass(slots=True, kw_only=True)
class _Order:
    number: int
    owner: AccountId
    side: Side
    price: PriceE8 | None
    """None takes any price."""
    left: SizeE8

    def takes(self, price: PriceE8) -> bool:
        if self.price is None:
            return True
        return price <= self.price if self.side is Side.BUY else price >= self.price


class MatchingEngine:
    """The orders of one market; listeners hear of each order's events once it is done.

    A listener must not place or cancel orders. Raises ValueError for a price or size that the
    exchange could not settle.
    """

    def __init__(self, market: str, *, now_ms: Callable[[], int]) -> None:
        self.market = market
        self.sequence = 0
        """Number of the last event."""
        self._now_ms = now_ms
        self._sides = {side: _Half(side) for side in Side}
        self._resting: dict[int, _Order] = {}
        self._orders = 0
        self._listeners: list[Listener] = []

    @property
    def bids(self) -> tuple[Level, ...]:
        """Give the bids, highest first."""
        return self._sides[Side.BUY].levels()

    @property
    def asks(self) -> tuple[Level, ...]:
        """Give the asks, lowest first."""
        return self._sides[Side.SELL].levels()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Tell `listener` every event from now on; what is returned ends that."""
        self._listeners.append(listener)
        return partial(self._listeners.remove, listener)

    def limit(self, owner: AccountId, side: Side, price: PriceE8, size: SizeE8) -> Placed:
        """Trade `size` at `price` or better; what is left rests."""
        if not 0 < price <= MOST_PRICE:
            raise ValueError(f"expected a price above 0 and at most {MOST_PRICE}, found {price}")
        return self._place(owner, side, price, size)

    def market_order(self, owner: AccountId, side: Side, size: SizeE8) -> Placed:
        """Trade `size` at whatever rests; what is left is gone."""
        return self._place(owner, side, None, size)

    def cancel(self, number: int) -> SizeE8:
        """Take a resting order away; give what was left of it, 0 for one that rests no more."""
        order = self._resting.pop(number, None)
        if order is None:
            return SizeE8(0)
        assert order.price is not None
        self._sides[order.side].remove(order)
        self._tell([self._change(self._now_ms(), {order.side: {order.price}})])
        return order.left

    def _place(self, owner: AccountId, side: Side, price: PriceE8 | None, size: SizeE8) -> Placed:
        if not 0 < size <= MOST_SIZE:
            raise ValueError(f"expected a size above 0 and at most {MOST_SIZE}, found {size}")
        now = self._now_ms()
        self._orders += 1
        taker = _Order(number=self._orders, owner=owner, side=side, price=price, left=size)
        events, touched = self._match(taker, now)
        filled = SizeE8(size - taker.left)
        resting = taker.left if price is not None else SizeE8(0)
        if price is not None and resting:
            self._resting[taker.number] = taker
            self._sides[side].add(taker)
            touched.setdefault(side, set()).add(price)
        if touched:
            events.append(self._change(now, touched))
        self._tell(events)
        return Placed(order=taker.number, filled=filled, resting=resting)

    def _match(self, taker: _Order, now: int) -> tuple[list[Event], dict[Side, set[PriceE8]]]:
        other = Side.SELL if taker.side is Side.BUY else Side.BUY
        half = self._sides[other]
        events: list[Event] = []
        prices: set[PriceE8] = set()
        while taker.left and (maker := half.first()) is not None:
            assert maker.price is not None
            if not taker.takes(maker.price):
                break
            size = min(taker.left, maker.left)
            taker.left = SizeE8(taker.left - size)
            maker.left = SizeE8(maker.left - size)
            if not maker.left:
                half.remove(maker)
                del self._resting[maker.number]
            prices.add(maker.price)
            events.append(self._trade(taker, maker, size, now))
        return events, {other: prices} if prices else {}

    def _trade(self, taker: _Order, maker: _Order, size: SizeE8, now: int) -> Trade:
        assert maker.price is not None
        self.sequence += 1
        return Trade(
            market=self.market,
            sequence=self.sequence,
            previous=self.sequence - 1,
            time_ms=now,
            price=maker.price,
            size=size,
            side=taker.side,
            taker=taker.owner,
            maker=maker.owner,
            taker_order=taker.number,
            maker_order=maker.number,
        )

    def _change(self, now: int, touched: dict[Side, set[PriceE8]]) -> BookChange:
        self.sequence += 1
        return BookChange(
            market=self.market,
            sequence=self.sequence,
            previous=self.sequence - 1,
            time_ms=now,
            bids=self._sides[Side.BUY].sizes(touched.get(Side.BUY, ())),
            asks=self._sides[Side.SELL].sizes(touched.get(Side.SELL, ())),
        )

    def _tell(self, events: list[Event]) -> None:
        for event in events:
            for listener in tuple(self._listeners):
                listener(event)


class _Half:
    """The resting orders of one side: a queue at each price, the prices in order, the best last."""

    def __init__(self, side: Side) -> None:
        self._sign = 1 if side is Side.BUY else -1
        self._keys: list[int] = []
        self._queues: dict[PriceE8, OrderedDict[int, _Order]] = {}

    def first(self) -> _Order | None:
        """Give the oldest order at the best price."""
        if not self._keys:
            return None
        return next(iter(self._queues[PriceE8(self._sign * self._keys[-1])].values()))

    def add(self, order: _Order) -> None:
        assert order.price is not None
        if order.price not in self._queues:
            self._queues[order.price] = OrderedDict()
            key = self._sign * order.price
            self._keys.insert(bisect_left(self._keys, key), key)
        self._queues[order.price][order.number] = order

    def remove(self, order: _Order) -> None:
        assert order.price is not None
        queue = self._queues[order.price]
        del queue[order.number]
        if not queue:
            del self._queues[order.price]
            del self._keys[bisect_left(self._keys, self._sign * order.price)]

    def levels(self) -> tuple[Level, ...]:
        prices = (PriceE8(self._sign * key) for key in reversed(self._keys))
        return tuple((price, self._size(price)) for price in prices)

    def sizes(self, prices: set[PriceE8] | tuple[()]) -> tuple[Level, ...]:
        return tuple((price, self._size(price)) for price in sorted(prices))

    def _size(self, price: PriceE8) -> SizeE8:
        return SizeE8(sum(order.left for order in self._queues.get(price, {}).values()))
