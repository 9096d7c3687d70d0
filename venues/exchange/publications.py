"""What became of the prices that were published: read from a receipt, price by price.

The exchange answers every entry of a batch with an event, `PricePublished` or `PriceRefused`, in
the order of the batch; a transaction that reverted has none.
"""

from collections.abc import Mapping
from typing import Any, Final

from risk.price_publication import PriceCode
from risk.units import MarketId, PriceE8
from venues.exchange.abi import WORD, Abi
from venues.exchange.events import event_words
from venues.exchange.slicers import Defect, Slicer, UndecodableError, compile_slicer
from venues.port import PriceOutcome

PUBLISHED: Final = "PricePublished"
REFUSED: Final = "PriceRefused"


class PublicationReader:
    """Read price outcomes from receipts of one exchange."""

    def __init__(self, abi: Abi, address: bytes) -> None:
        self._address = f"0x{address.hex()}"
        self._published, self._published_topic = _slicer(abi, PUBLISHED, ["market", "mark"])
        self._refused, self._refused_topic = _slicer(abi, REFUSED, ["market", "code", "mark"])

    def outcomes(self, receipt: Mapping[str, object]) -> list[PriceOutcome]:
        """Give what became of each price, in order.

        Raises UndecodableError, one sentence, for a receipt or log that is not as the ABI says.
        """
        logs = receipt.get("logs")
        if not isinstance(logs, list):
            raise UndecodableError("expected a receipt with logs, found none")
        outcomes: list[PriceOutcome] = []
        for log in logs:
            topics = log.get("topics") or [""]
            if str(log.get("address", "")).lower() != self._address:
                continue
            if topics[0] == self._published_topic:
                market, mark = self._published(_raw(log))
                outcomes.append(_outcome(market, PriceCode.ACCEPTED, mark))
            elif topics[0] == self._refused_topic:
                outcomes.append(_outcome(*self._refused(_raw(log))))
        return outcomes


def _slicer(abi: Abi, name: str, fields: list[str]) -> tuple[Slicer, str]:
    event = abi.event(name)
    names, words = event_words(event)
    cut, length = compile_slicer(words, [names.index(field) for field in fields]), len(words) * WORD

    def exactly(raw: bytes) -> tuple[Any, ...]:
        if len(raw) != length:
            raise UndecodableError(f"expected {length} bytes for {name}, found {len(raw)}")
        return cut(raw)

    return exactly, f"0x{event.topic.hex()}"


def _raw(log: Mapping[str, Any]) -> bytes:
    try:
        words = [*log["topics"][1:], log["data"]]
        return bytes.fromhex("".join([word.removeprefix("0x") for word in words]))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UndecodableError(f"expected a log in hex, found {error!r}") from error


def _outcome(market: int, code: int, mark: int) -> PriceOutcome:
    try:
        known = PriceCode(code)
    except ValueError:
        raise UndecodableError(
            f"expected a price code from 0 to {max(PriceCode)}, found {code}", Defect.BAD_VALUE
        ) from None
    return PriceOutcome(market=MarketId(market), code=known, mark=PriceE8(mark))
