"""Our hand-cut codec against eth_abi, both ways, over everything in the ABI."""

from typing import Any

import pytest
from eth_abi import decode, encode  # type: ignore[attr-defined]
from hypothesis import given, settings
from hypothesis import strategies as st

from risk.units import AccountId, MarketId, Seconds
from tests.venues.exchange.logs import ABI, make_log
from venues.exchange.abi import AbiType, Kind, parse_abi, parse_type
from venues.exchange.calls import CallEncoder
from venues.exchange.encoding import encode_call, encode_sequence
from venues.exchange.events import LogDecoder, compile_recipes, event_words
from venues.exchange.fold import MarketFold
from venues.exchange.slicers import UndecodableError, compile_slicer, flatten
from venues.exchange.views import StructDecoder, ViewDecoder
from venues.port import LiquidationItem


def values_of(kind: AbiType) -> st.SearchStrategy[Any]:
    """Draw values of an ABI type, extremes included."""
    match kind.kind:
        case Kind.UNSIGNED:
            return st.integers(0, 2 ** (kind.size or 256) - 1)
        case Kind.SIGNED:
            bits = (kind.size or 256) - 1
            return st.integers(-(2**bits), 2**bits - 1)
        case Kind.BOOL:
            return st.booleans()
        case Kind.ADDRESS:
            return st.binary(min_size=20, max_size=20)
        case Kind.FIXED_BYTES:
            return st.binary(min_size=kind.size or 32, max_size=kind.size or 32)
        case Kind.STRING:
            return st.text(max_size=40)
        case Kind.BYTES:
            return st.binary(max_size=70)
        case Kind.ARRAY:
            size = kind.size
            items = values_of(kind.items[0])
            return st.lists(items, min_size=size or 0, max_size=4 if size is None else size)
        case Kind.TUPLE:
            return st.tuples(*(values_of(item) for item in kind.items))


def twin(kind: AbiType, value: Any) -> Any:
    """Write a value as eth_abi wants and gives it."""
    if kind.kind is Kind.ADDRESS:
        return f"0x{value.hex()}"
    if kind.kind is Kind.ARRAY:
        return tuple(twin(kind.items[0], item) for item in value)
    if kind.kind is Kind.TUPLE:
        return tuple(twin(item, part) for item, part in zip(kind.items, value, strict=True))
    return value


@pytest.mark.parametrize("name", sorted(ABI.functions))
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_encodes_every_call_as_eth_abi_does(name: str, data: st.DataObject) -> None:
    function = ABI.function(name)
    values = [data.draw(values_of(kind)) for kind in function.inputs]
    types = [kind.canonical for kind in function.inputs]
    expected = encode(types, [twin(*pair) for pair in zip(function.inputs, values, strict=True)])
    assert encode_call(function, values) == function.selector + expected


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_encodes_nested_dynamic_types_as_eth_abi_does(data: st.DataObject) -> None:
    kind = parse_type(
        {
            "name": "config",
            "type": "tuple[]",
            "components": [
                {"name": "symbol", "type": "string"},
                {"name": "bounds", "type": "uint256[]"},
                {"name": "pair", "type": "int64[2]"},
                {"name": "raw", "type": "bytes"},
            ],
        }
    )
    value = data.draw(values_of(kind))
    assert encode_sequence([kind], [value]) == encode([kind.canonical], [twin(kind, value)])


@pytest.mark.parametrize("name", sorted(ABI.events))
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_cuts_every_event_as_eth_abi_does(name: str, data: st.DataObject) -> None:
    names, words = event_words(ABI.event(name))
    values = tuple(data.draw(values_of(word)) for word in words)
    types = [word.canonical for word in words]
    raw = encode(types, [twin(*pair) for pair in zip(words, values, strict=True)])
    assert compile_slicer(words)(raw) == values
    assert decode(types, raw) == tuple(twin(*pair) for pair in zip(words, values, strict=True))
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", ["market_view", "rules", "account_state", "limits", "funds"])
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_decodes_every_struct_as_eth_abi_does(name: str, data: st.DataObject) -> None:
    kind = ABI.function(name).outputs[0]
    words = flatten(kind)
    values = [data.draw(values_of(word)) for word in words]
    raw = encode([word.canonical for word in words], values)
    decoded = StructDecoder(kind)(raw)
    flat: list[Any] = []
    for item in kind.items:
        value = decoded[item.name]
        flat += value if isinstance(value, tuple) else [value]
    assert flat == values


@given(
    items=st.lists(
        st.builds(
            LiquidationItem,
            account=st.integers(0, 2**256 - 1).map(AccountId),
            market=st.integers(0, 127).map(MarketId),
            max_size=st.integers(0, 10**18),
        ),
        min_size=1,
        max_size=128,
    ),
    deadline=st.integers(0, 2**64).map(Seconds),
)
@settings(max_examples=30, deadline=None)
def test_packs_a_liquidation_by_hand_as_the_general_encoder_does(
    items: list[LiquidationItem], deadline: Seconds
) -> None:
    rows = [(item.account, item.market, item.max_size) for item in items]
    expected = encode_call(ABI.function("liquidate"), [rows, deadline])
    assert CallEncoder(ABI).liquidate(items, deadline) == expected


@pytest.mark.parametrize("count", [0, 129])
def test_refuses_a_batch_that_the_contract_would_refuse(count: int) -> None:
    item = LiquidationItem(account=AccountId(1), market=MarketId(0))
    with pytest.raises(ValueError, match="expected 1 to 128 items"):
        CallEncoder(ABI).liquidate([item] * count, Seconds(1))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("uint256", -1),
        ("uint256", 2**256),
        ("int256", 2**255),
        ("int256", -(2**255) - 1),
        ("uint8", 256),
        ("address", b"\x01" * 19),
        ("bytes32", b"\x01" * 31),
        ("uint256[2]", [1]),
    ],
)
def test_refuses_a_value_that_does_not_fit_its_type(kind: str, value: object) -> None:
    with pytest.raises(ValueError, match="expected"):
        encode_sequence([parse_type({"name": "it", "type": kind})], [value])


def test_refuses_an_abi_that_lacks_what_the_rules_need() -> None:
    events = dict(ABI.events)
    del events["PricePublished"]
    lacking = parse_abi([])
    with pytest.raises(ValueError, match="expected an event"):
        compile_recipes(lacking, MarketFold())
    with pytest.raises(ValueError, match="expected a function market_view"):
        ViewDecoder(lacking)


def decoder() -> LogDecoder:
    return LogDecoder(ABI, MarketFold())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"topics": ["0x" + "00" * 32]}, "an event of the exchange's ABI"),
        ({"topics": []}, "a log in hex"),
        ({"topics": None}, "a log in hex"),
        ({"data": "0x123"}, "a log in hex"),
        ({"data": "0x"}, "3 topics and 224 bytes"),
        ({"data": "zz" * 160}, "a log in hex"),
        ({"data": None}, "a log in hex"),
    ],
)
def test_refuses_a_log_that_is_not_as_the_abi_says(change: dict[str, Any], sentence: str) -> None:
    log = make_log("PositionChanged", 5, 0, 1, 2, 3, 4, 5) | change
    with pytest.raises(UndecodableError, match=sentence):
        decoder().decode(log)


def test_refuses_hex_with_spaces_that_python_would_skip() -> None:
    log = make_log("PositionChanged", 5, 0, 1, 2, 3, 4, 5)
    log["data"] = log["data"] + "  "
    with pytest.raises(UndecodableError):
        decoder().decode(log)


def test_refuses_a_wrong_number_of_topics() -> None:
    log = make_log("PositionChanged", 5, 0, 1, 2, 3, 4, 5)
    moved = log["topics"].pop()
    log["data"] = moved + log["data"][2:]
    with pytest.raises(UndecodableError, match="expected 3 topics"):
        decoder().decode(log)


def test_refuses_an_address_with_dirt_in_its_padding() -> None:
    words = event_words(ABI.event("RoleChanged"))[1]
    with pytest.raises(UndecodableError, match="padded with zeros"):
        compile_slicer(words)(b"\x01" + bytes(31) + bytes(32))
