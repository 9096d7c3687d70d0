"""The corporate duty's calls and what they changed: one call for each kind of write."""

from collections.abc import Mapping
from typing import Any, Final, assert_never

from risk.corporate_writes import (
    BeginSplit,
    CloseSettled,
    ContinueSplit,
    CoverLosses,
    PayDividend,
    SettleMarket,
    Write,
)
from risk.units import MarketId
from venues.exchange.abi import Abi
from venues.exchange.chain import quantity
from venues.exchange.receipts import event_slicer, logs_of, raw_log
from venues.port import CorporateChanged

CHANGES: Final = ("SplitBegun", "SplitFinished", "DividendPaid", "MarketSettled")


def arguments_of(market: MarketId, write: Write) -> tuple[str, tuple[Any, ...]]:
    """Give the function of the exchange and its arguments for a write."""
    match write:
        case BeginSplit():
            ratio = (write.numerator, write.denominator)
            return "begin_split", (market, *ratio, write.expected_epoch)
        case ContinueSplit():
            return "continue_split", (market, write.count)
        case PayDividend():
            return "dividend", (market, write.amount, write.expected_epoch)
        case SettleMarket():
            return "settle_market", (market, write.price, write.expected_epoch)
        case CloseSettled():
            return "close_settled", (market, list(write.accounts))
        case CoverLosses():
            return "cover_losses", (list(write.accounts),)
        case unknown:
            assert_never(unknown)


class CorporateReader:
    """Read what a corporate transaction of one exchange changed."""

    def __init__(self, abi: Abi, address: bytes) -> None:
        self._address = f"0x{address.hex()}"
        self._readers = {}
        for name in CHANGES:
            cut, topic = event_slicer(abi, name, ["market", "epoch"])
            self._readers[topic] = (name, cut)

    def changes(self, receipt: Mapping[str, object]) -> list[CorporateChanged]:
        """Give each change, in order. Raises UndecodableError for a log that is not as the ABI says."""
        block = quantity(receipt.get("blockNumber"))
        found: list[CorporateChanged] = []
        for topic, log in logs_of(receipt, self._address):
            if topic in self._readers:
                name, cut = self._readers[topic]
                market, epoch = cut(raw_log(log))
                found.append(
                    CorporateChanged(market=MarketId(market), epoch=epoch, block=block, event=name)
                )
        return found
