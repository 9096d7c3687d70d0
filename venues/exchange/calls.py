"""Calls to the exchange: calldata for every function, a liquidation packed by hand.

Values never travel with a call: the exchange takes no native coin. Amounts and times are in the
units of docs/exchange.md section 1.
"""

from collections.abc import Sequence
from typing import Any, Final

from risk.price_publication import MOST_PRICES, FairPrice
from risk.units import Seconds
from venues.exchange.abi import WORD, Abi
from venues.exchange.encoding import encode_call
from venues.port import DeleverageItem, LiquidationItem

MOST_LIQUIDATIONS: Final = 128
"""Items that the contract takes in one batch."""
MOST_DELEVERAGES: Final = 64
"""The same of deleverage items."""


class CallEncoder:
    """Encode calls by function name."""

    def __init__(self, abi: Abi) -> None:
        self._abi = abi
        liquidate = abi.function("liquidate")
        shape = tuple(kind.canonical for kind in liquidate.inputs)
        if shape != ("(uint256,uint256,uint256)[]", "uint256"):
            raise ValueError(f"expected liquidate(items, deadline), found liquidate{shape}")
        self._liquidate = liquidate.selector

    def call(self, name: str, *arguments: Any) -> bytes:  # noqa: ANN401 - the ABI says what they are
        """Encode any call; raises ValueError for an unknown name or a value that does not fit."""
        return encode_call(self._abi.function(name), arguments)

    def liquidate(self, items: Sequence[LiquidationItem], deadline: Seconds) -> bytes:
        """Encode a batch of liquidations; raises ValueError unless it has 1 to 128 items."""
        if not 1 <= len(items) <= MOST_LIQUIDATIONS:
            raise ValueError(f"expected 1 to {MOST_LIQUIDATIONS} items, found {len(items)}")
        words = [2 * WORD, deadline, len(items)]
        for item in items:
            words += (item.account, item.market, item.max_size)
        try:
            return self._liquidate + b"".join([word.to_bytes(WORD, "big") for word in words])
        except OverflowError as error:
            raise ValueError("expected items of unsigned 256-bit numbers") from error

    def deleverage(self, items: Sequence[DeleverageItem]) -> bytes:
        """Encode a batch of deleverage items; raises ValueError unless it has 1 to 64, all unsigned."""
        if not 1 <= len(items) <= MOST_DELEVERAGES:
            raise ValueError(f"expected 1 to {MOST_DELEVERAGES} items, found {len(items)}")
        rows = [(each.account, each.market, each.counterparty, each.size) for each in items]
        return self.call("deleverage", rows)

    def publish(self, prices: Sequence[FairPrice]) -> bytes:
        """Encode a batch of prices; raises ValueError unless it has 1 to 64, all unsigned."""
        if not 1 <= len(prices) <= MOST_PRICES:
            raise ValueError(f"expected 1 to {MOST_PRICES} prices, found {len(prices)}")
        rows = [(each.market, each.mark, each.index, each.timestamp) for each in prices]
        return self.call("publish", rows)
