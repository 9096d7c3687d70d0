"""What a breaker's, guardian's or tuner's transaction changed, read from its receipt."""

from collections.abc import Mapping
from typing import Final

from risk.guard_rails import Parameter
from risk.units import MarketId, MarketStatus, PriceE8
from venues.exchange.abi import Abi
from venues.exchange.chain import quantity
from venues.exchange.receipts import event_slicer, logs_of, raw_log
from venues.exchange.slicers import Defect, UndecodableError
from venues.port import ControlChanged, ParameterChanged

BAND_CHANGED: Final = "BandChanged"
STATUS_CHANGED: Final = "StatusChanged"
PARAMETER_CHANGED: Final = "ParameterChanged"


class ControlReader:
    """Read changes of bands and statuses from receipts of one exchange."""

    def __init__(self, abi: Abi, address: bytes) -> None:
        self._address = f"0x{address.hex()}"
        self._band, self._band_topic = event_slicer(
            abi, BAND_CHANGED, ["market", "low", "high", "epoch"]
        )
        self._status, self._status_topic = event_slicer(
            abi, STATUS_CHANGED, ["market", "status", "epoch"]
        )
        self._parameter, self._parameter_topic = event_slicer(
            abi, PARAMETER_CHANGED, ["market", "parameter", "value", "epoch"]
        )

    def changes(self, receipt: Mapping[str, object]) -> list[ControlChanged]:
        """Give each change, in order. Raises UndecodableError for a log that is not as the ABI says."""
        changes: list[ControlChanged] = []
        block = quantity(receipt.get("blockNumber"))
        for topic, log in logs_of(receipt, self._address):
            if topic == self._band_topic:
                market, low, high, epoch = self._band(raw_log(log))
                band = (PriceE8(low), PriceE8(high))
                changes.append(
                    ControlChanged(market=MarketId(market), epoch=epoch, block=block, band=band)
                )
            elif topic == self._status_topic:
                market, status, epoch = self._status(raw_log(log))
                changes.append(
                    ControlChanged(
                        market=MarketId(market), epoch=epoch, block=block, status=_status(status)
                    )
                )
        return changes

    def parameters(self, receipt: Mapping[str, object]) -> list[ParameterChanged]:
        """Give each changed parameter, in order. Raises UndecodableError as `changes` does."""
        changes: list[ParameterChanged] = []
        block = quantity(receipt.get("blockNumber"))
        for topic, log in logs_of(receipt, self._address):
            if topic == self._parameter_topic:
                market, parameter, value, epoch = self._parameter(raw_log(log))
                changes.append(
                    ParameterChanged(
                        market=MarketId(market),
                        parameter=_parameter(parameter),
                        value=value,
                        epoch=epoch,
                        block=block,
                    )
                )
        return changes


def _parameter(number: int) -> Parameter:
    try:
        return Parameter(number)
    except ValueError:
        raise UndecodableError(
            f"expected a parameter from 1 to {max(Parameter)}, found {number}", Defect.BAD_VALUE
        ) from None


def _status(number: int) -> MarketStatus:
    try:
        return MarketStatus(number)
    except ValueError:
        raise UndecodableError(
            f"expected a status from 0 to {max(MarketStatus)}, found {number}", Defect.BAD_VALUE
        ) from None
