"""How much gas a call takes on the chain in memory, by what it carries and what it moves.

    gas = base + item · items + write · positions written + position · positions valued

The shape of `risk.gas_model`, with the writes apart: a refused item writes nothing. The defaults follow
receipts of the contracts on anvil (docs/memory_exchange.md says how closely); a chain that prices otherwise
is told so.
"""

from dataclasses import dataclass

from venues.memory.requests import (
    Deleverage,
    DepositMany,
    Liquidate,
    Publish,
    Request,
    SettleTrades,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallGas:
    """Gas of one kind of call: of the call, an item, a position written, a position valued."""

    base: int
    item: int = 0
    write: int = 0
    position: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GasPrices:
    """Gas of each kind of call; `other` is of whatever carries no items."""

    liquidation: CallGas = CallGas(base=150_000, item=10_000, write=30_000, position=9_000)
    deleverage: CallGas = CallGas(base=40_000, item=14_000, write=20_000, position=4_000)
    price: CallGas = CallGas(base=65_000, item=14_000)
    trade: CallGas = CallGas(base=75_000, item=14_000, write=27_000, position=15_000)
    deposit: CallGas = CallGas(base=55_000, item=10_000)
    other: CallGas = CallGas(base=60_000, write=23_000, position=15_000)

    def of(self, request: Request, *, written: int, valued: int) -> int:
        """Give the gas that a call uses."""
        parts, items = self._parts(request)
        moved = written * parts.write + valued * parts.position
        return parts.base + items * parts.item + moved

    def _parts(self, request: Request) -> tuple[CallGas, int]:
        match request:
            case Liquidate(items=items):
                return self.liquidation, len(items)
            case Deleverage(items=items):
                return self.deleverage, len(items)
            case Publish(prices=prices):
                return self.price, len(prices)
            case SettleTrades(trades=trades):
                return self.trade, len(trades)
            case DepositMany(accounts=accounts):
                return self.deposit, len(accounts)
            case _:
                return self.other, 0
