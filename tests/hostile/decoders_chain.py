"""What nodes send: RPC answers, logs, receipts, blocks, and what views return."""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Final

from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from keepers.sender.chain import block_of, receipt_facts
from keepers.sender.remote_signer import _result
from keepers.sender.transaction import MalformedTransactionError, decode, sender_of
from monitors.prices.chainlink_aggregator import AggregatorSettings, parse_decimals, parse_round
from monitors.prices.port import WrongShapeError
from risk.units import Seconds
from runtime.errors import OperatorError, TransientError
from runtime.rpc.answers import batch_results, error_of, loads, result_of
from runtime.rpc.errors import BadAnswer, RpcError
from tests.hostile.decoder import Decoder
from tests.hostile.strategies import VALUES, json_bytes, spoilt_bytes, word_bytes
from tests.runtime.nodes import FakeClock
from tests.venues.exchange.logs import ABI, ADDRESS, make_log, random_value
from tests.venues.exchange.recording_sink import RecordingSink
from tests.venues.exchange.test_page_codec import page_bytes
from venues.exchange.chain import head_of, quantity
from venues.exchange.controls import ControlReader
from venues.exchange.corporate_calls import CorporateReader
from venues.exchange.event_values import EventReader
from venues.exchange.events import LogDecoder
from venues.exchange.fold import MarketFold
from venues.exchange.heads import HeadRing
from venues.exchange.ledger import FeedInterruptedError, Ledger
from venues.exchange.metrics import FeedMetrics
from venues.exchange.page_codec import decode_page, from_hex
from venues.exchange.publications import PublicationReader
from venues.exchange.receipts import event_slicer, logs_of, raw_log
from venues.exchange.slicers import UndecodableError
from venues.exchange.stream import Stream
from venues.exchange.trade_log import logged_trade
from venues.exchange.views import StructDecoder, ViewDecoder, dynamic_length, one_word
from venues.port import StampedChange

_RANDOM: Final = Random(5)
LOGS: Final = [
    make_log(event.name, *(random_value(kind, _RANDOM.randint) for kind in fields))
    for event in ABI.events.values()
    for fields in [(*event.indexed, *event.plain)]
    if not any(kind.is_dynamic or kind.items for kind in fields)
]
"""A log of every event that is made of plain words, with numbers from all of their range."""
HEADER: Final = {
    "number": "0x10", "timestamp": "0x6b49d200", "hash": f"0x{'1' * 64}", "parentHash": f"0x{'2' * 64}",
    "baseFeePerGas": "0x7",
}  # fmt: skip
RECEIPT: Final = {
    "blockNumber": "0x10", "status": "0x1", "gasUsed": "0x5208", "transactionHash": f"0x{'3' * 64}",
    "logs": LOGS[:6],
}  # fmt: skip
RECEIPTS: Final = [RECEIPT | {"logs": [log]} for log in LOGS]
RESULT: Final = {"jsonrpc": "2.0", "id": 1, "result": "0x1"}
ERRORS: Final = [
    {"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": words, "data": data}}
    for code, words, data in (
        (3, "execution reverted", "0x08c379a0" + "00" * 31 + "20" + "00" * 31 + "02" + "6869" + "00" * 30),
        (-32005, "limit exceeded, retry in 10 s", None),
        (-32000, "nonce too low", {"data": {"data": "0x"}}),
        (-32601, "method not found", None),
    )
]  # fmt: skip
WHERE: Final[Mapping[str, Any]] = {"endpoint": "alpha", "method": "eth_call"}
TRANSACTION: Final = bytes.fromhex(
    "02f8b0827a6980843b9aca00847735940083030d4094e7f1725e7734ce288f8367e1bb143e90bb3f051280b844"
    + "ab" * 68 + "c001a0" + "11" * 32 + "a0" + "22" * 32
)  # fmt: skip


def from_node(read: Callable[[Any], object]) -> Callable[[bytes], object]:
    """Let a reader read what our own transport would give it of these bytes."""

    def decode_payload(payload: bytes) -> object:
        return read(loads(payload, **WHERE))

    return decode_payload


def _answered(answer: Any) -> object:
    return result_of(answer, request_id=1, **WHERE)


def _errors(answer: Any) -> object:
    error = answer.get("error") if isinstance(answer, dict) else answer
    return str(error_of(error, **WHERE))


class _Deaf(RecordingSink):
    """Takes changes before a snapshot, and forgets them."""

    def on_changes(self, changes: Sequence[StampedChange], *, now: Seconds) -> None:
        """Forget them."""


def _heard(message: Any) -> None:
    """Give a stream a log or a header; whatever it says, the reader of the socket must go on."""
    metrics = FeedMetrics.create(CollectorRegistry())
    ledger = Ledger(ABI, ADDRESS, metrics=metrics, has_stream=True)
    stream = Stream(_Deaf(), ledger, HeadRing(), clock=FakeClock(), metrics=metrics, most_held=10)
    stream.release()
    stream.on_log(message)
    stream.on_head(message)


def _reconciled(message: Any) -> object:
    metrics = FeedMetrics.create(CollectorRegistry())
    ledger = Ledger(ABI, ADDRESS, metrics=metrics, has_stream=False)
    return ledger.reconcile(20, [message])


def _built(log: Any) -> object:
    recipe, values = LogDecoder(ABI, MarketFold()).decode(log)
    return recipe.build(values), recipe.cells(values)


def _receipt_of(value: Any) -> Any:
    """Give it as the sender hands receipts on: an object with a block."""
    if not isinstance(value, dict) or value.get("blockNumber") is None:
        raise BadAnswer("expected a receipt, found none", **WHERE)
    return value


def _words_of(kinds: Any) -> bytes:
    words = sum(kind.words for kind in kinds)
    return b"".join(_RANDOM.choice((0, 1, 5, 2**31)).to_bytes(32) for _ in range(words))


_VIEWS: Final = ViewDecoder(ABI)
_MARKET: Final = _words_of(ABI.function("market_view").outputs)
_MARKETS: Final = (32).to_bytes(32) + (2).to_bytes(32) + _MARKET * 2
_LIMITS: Final = ABI.function("limits").outputs[0]
_SLICE, _ = event_slicer(ABI, "TradeSettled", ["market", "size", "price", "maker_fee"])
_AGGREGATOR: Final = AggregatorSettings(name="cl", symbol="SPY", address=b"\x01" * 20)
_UNDECODABLE: Final = (UndecodableError, BadAnswer)
_RECEIPTS: Final = json_bytes(*RECEIPTS)
_LOG_BYTES: Final = json_bytes(*LOGS)
_TRADES: Final = json_bytes(
    *[log for log in LOGS if log["topics"][0] == f"0x{ABI.event('TradeSettled').topic.hex()}"]
)


def _receipt_reader(read: Callable[[Any], object]) -> Callable[[bytes], object]:
    return from_node(lambda value: read(_receipt_of(value)))


DECODERS: Final = (
    Decoder(
        reads="runtime.rpc.answers:loads",
        decode=lambda payload: loads(payload, **WHERE),
        examples=st.one_of(json_bytes(RESULT, *ERRORS), st.binary(max_size=200)),
        errors=(BadAnswer,),
    ),
    Decoder(
        reads="runtime.rpc.answers:result_of",
        decode=from_node(_answered),
        examples=json_bytes(RESULT, *ERRORS),
        errors=(RpcError,),
    ),
    Decoder(
        reads="runtime.rpc.answers:error_of",
        decode=from_node(_errors),
        examples=json_bytes(*ERRORS),
        errors=(BadAnswer,),
    ),
    Decoder(
        reads="runtime.rpc.answers:batch_results",
        decode=from_node(
            lambda answers: batch_results(answers, ["a", "b"], first_id=1, status=200, endpoint="x")
        ),
        examples=json_bytes([RESULT, RESULT | {"id": 2}], [RESULT, *ERRORS], ERRORS[0]),
        errors=(RpcError,),
    ),
    Decoder(
        reads="venues.exchange.chain:quantity",
        decode=quantity,
        examples=st.one_of(st.sampled_from(VALUES), st.text(max_size=20), st.integers().map(hex)),
        errors=(UndecodableError,),
    ),
    Decoder(
        reads="venues.exchange.chain:head_of",
        decode=from_node(head_of),
        examples=json_bytes(HEADER),
        errors=_UNDECODABLE,
    ),
    Decoder(
        reads="keepers.sender.chain:block_of",
        decode=from_node(block_of),
        examples=json_bytes(HEADER),
        errors=(TransientError,),
    ),
    Decoder(
        reads="keepers.sender.chain:receipt_facts",
        decode=_receipt_reader(receipt_facts),
        examples=json_bytes(RECEIPT),
        errors=(TransientError,),
    ),
    Decoder(
        reads="keepers.sender.remote_signer:_result",
        decode=lambda payload: _result(200, payload),
        examples=json_bytes(RESULT, *ERRORS),
        errors=(OperatorError,),
    ),
    Decoder(
        reads="keepers.sender.transaction:decode",
        decode=decode,
        examples=spoilt_bytes(TRANSACTION),
        errors=(MalformedTransactionError,),
    ),
    Decoder(
        reads="keepers.sender.transaction:sender_of",
        decode=sender_of,
        examples=spoilt_bytes(TRANSACTION),
        errors=(MalformedTransactionError,),
    ),
    Decoder(
        reads="venues.exchange.events:LogDecoder.decode",
        decode=from_node(_built),
        examples=_LOG_BYTES,
        errors=_UNDECODABLE,
    ),
    Decoder(
        reads="venues.exchange.event_values:EventReader.read",
        decode=from_node(lambda log: EventReader(ABI).read([log])),
        examples=_LOG_BYTES,
        errors=_UNDECODABLE,
    ),
    Decoder(
        reads="venues.exchange.event_values:EventReader.read",
        decode=from_node(lambda logs: EventReader(ABI).read(logs)),
        examples=json_bytes(LOGS[:3]),
        errors=_UNDECODABLE,
        variant="of a whole answer",
    ),
    Decoder(
        reads="venues.exchange.stream:Stream.on_log",
        decode=from_node(_heard),
        examples=json_bytes(*LOGS, HEADER),
        errors=(BadAnswer,),
    ),
    Decoder(
        reads="venues.exchange.ledger:Ledger.reconcile",
        decode=from_node(_reconciled),
        examples=_LOG_BYTES,
        errors=(FeedInterruptedError, BadAnswer),
    ),
    Decoder(
        reads="venues.exchange.receipts:logs_of",
        decode=_receipt_reader(lambda receipt: list(logs_of(receipt, f"0x{ADDRESS.hex()}"))),
        examples=_RECEIPTS,
        errors=_UNDECODABLE,
    ),
    Decoder(
        reads="venues.exchange.receipts:raw_log",
        decode=from_node(raw_log),
        examples=_LOG_BYTES,
        errors=_UNDECODABLE,
    ),
    Decoder(
        reads="venues.exchange.publications:PublicationReader.outcomes",
        decode=_receipt_reader(PublicationReader(ABI, ADDRESS).outcomes),
        examples=_RECEIPTS,
        errors=_UNDECODABLE,
    ),
    Decoder(
        reads="venues.exchange.controls:ControlReader.changes",
        decode=_receipt_reader(ControlReader(ABI, ADDRESS).changes),
        examples=_RECEIPTS,
        errors=_UNDECODABLE,
    ),
    Decoder(
        reads="venues.exchange.controls:ControlReader.parameters",
        decode=_receipt_reader(ControlReader(ABI, ADDRESS).parameters),
        examples=_RECEIPTS,
        errors=_UNDECODABLE,
    ),
    Decoder(
        reads="venues.exchange.corporate_calls:CorporateReader.changes",
        decode=_receipt_reader(CorporateReader(ABI, ADDRESS).changes),
        examples=_RECEIPTS,
        errors=_UNDECODABLE,
    ),
    Decoder(
        reads="venues.exchange.trade_log:logged_trade",
        decode=from_node(lambda log: logged_trade(_SLICE, log, {11: 7})),
        examples=_TRADES,
        errors=_UNDECODABLE,
    ),
    Decoder(
        reads="venues.exchange.page_codec:from_hex",
        decode=from_hex,
        examples=st.one_of(st.sampled_from(VALUES), st.text(max_size=20)),
        errors=(UndecodableError,),
    ),
    Decoder(
        reads="venues.exchange.page_codec:decode_page",
        decode=decode_page,
        examples=word_bytes(
            page_bytes([(5, 1, [(0, 1, 1, 1, 1)]), (6, -1, []), (7, 0, [(1, -2, 3, 4, 5)] * 2)]),
            page_bytes([]),
        ),
        errors=(UndecodableError,),
    ),
    Decoder(
        reads="venues.exchange.views:ViewDecoder.market",
        decode=lambda raw: _VIEWS.market(0, raw),  # type: ignore[arg-type]
        examples=word_bytes(_MARKET),
        errors=(UndecodableError,),
    ),
    Decoder(
        reads="venues.exchange.views:ViewDecoder.markets",
        decode=lambda raw: _VIEWS.markets(0, raw),  # type: ignore[arg-type]
        examples=word_bytes(_MARKETS, (32).to_bytes(32) + bytes(32)),
        errors=(UndecodableError,),
    ),
    Decoder(
        reads="venues.exchange.views:ViewDecoder.rules",
        decode=_VIEWS.rules,
        examples=word_bytes(_words_of(ABI.function("rules").outputs)),
        errors=(UndecodableError,),
    ),
    Decoder(
        reads="venues.exchange.views:ViewDecoder.funds",
        decode=_VIEWS.funds,
        examples=word_bytes(_words_of(ABI.function("funds").outputs)),
        errors=(UndecodableError,),
    ),
    Decoder(
        reads="venues.exchange.views:StructDecoder",
        decode=StructDecoder(_LIMITS),
        examples=word_bytes(_words_of([_LIMITS])),
        errors=(UndecodableError,),
    ),
    Decoder(
        reads="venues.exchange.views:dynamic_length",
        decode=lambda raw: dynamic_length(raw, 3),
        examples=word_bytes((32).to_bytes(32) + (1).to_bytes(32) + bytes(96)),
        errors=(UndecodableError,),
    ),
    Decoder(
        reads="venues.exchange.views:one_word",
        decode=one_word,
        examples=word_bytes(bytes(32)),
        errors=(UndecodableError,),
    ),
    Decoder(
        reads="monitors.prices.chainlink_aggregator:parse_round",
        decode=lambda raw: parse_round(raw, _AGGREGATOR, decimals=8),
        examples=word_bytes(b"".join(n.to_bytes(32) for n in (9, 10**10, 1, 1_800_000_000, 9))),
        errors=(WrongShapeError,),
    ),
    Decoder(
        reads="monitors.prices.chainlink_aggregator:parse_decimals",
        decode=parse_decimals,
        examples=word_bytes((8).to_bytes(32)),
        errors=(WrongShapeError,),
    ),
)
