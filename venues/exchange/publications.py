"""What became of the prices that were published: read from a receipt, price by price.

The exchange answers every entry of a batch with an event, `PricePublished` or `PriceRefused`, in
the order of the batch; a transaction that reverted has none.
"""

from collections.abc import Mapping
from typing import Final

from risk.price_publication import PriceCode
from risk.units import MarketId, PriceE8
from venues.exchange.abi import Abi
from venues.exchange.receipts import event_slicer, logs_of, raw_log
from venues.exchange.slicers import Defect, UndecodableError
from venues.port import PriceOutcome

PUBLISHED: Final = "PricePublished"
REFUSED: Final = "PriceRefused"


class PublicationReader:
    """Read price outcomes from receipts of one exchange."""

    def __init__(self, abi: Abi, address: bytes) -> None:
        self._address = f"0x{address.hex()}"
        self._published, self._published_topic = event_slicer(abi, PUBLISHED, ["market", "mark"])
        self._refused, self._refused_topic = event_slicer(abi, REFUSED, ["market", "code", "mark"])

    def outcomes(self, receipt: Mapping[str, object]) -> list[PriceOutcome]:
        """Give what became of each price, in order.

        Raises UndecodableError, one sentence, for a receipt or log that is not as the ABI says.
        """
        outcomes: list[PriceOutcome] = []
        for topic, log in logs_of(receipt, self._address):
            if topic == self._published_topic:
                market, mark = self._published(raw_log(log))
                outcomes.append(_outcome(market, PriceCode.ACCEPTED, mark))
            elif topic == self._refused_topic:
                outcomes.append(_outcome(*self._refused(raw_log(log))))
        return outcomes


def _outcome(market: int, code: int, mark: int) -> PriceOutcome:
    try:
        known = PriceCode(code)
    except ValueError:
        raise UndecodableError(
            f"expected a price code from 0 to {max(PriceCode)}, found {code}", Defect.BAD_VALUE
        ) from None
    return PriceOutcome(market=MarketId(market), code=known, mark=PriceE8(mark))
