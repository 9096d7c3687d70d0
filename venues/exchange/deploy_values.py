"""What an exchange is to be, what was found on chain, and the steps between.

Numbers are in the contract's units (docs/exchange.md section 1). A step is an unsigned call: who
signs it, with which nonce and fee, is decided elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from risk.guard_rails import Limits
from risk.liquidation import LiquidationRules
from risk.market import Market
from venues.exchange.abi import ARTIFACT_PATH, Abi, parse_abi, parse_type
from venues.exchange.encoding import encode_sequence
from venues.exchange.readings import Role

TEST_TOKEN_PATH: Final = ARTIFACT_PATH.parent / "TestUsdc.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketListing:
    """A market as it is created; `tiers` are (lower bound, rate) pairs."""

    symbol: str
    initial_margin: int
    tiers: tuple[tuple[int, int], ...]
    clamp: int
    min_interval: int
    expiry: int
    taker_fee: int
    maker_fee: int
    open_interest_cap: int
    min_position_notional: int
    slice_threshold: int
    penalty: int
    spread_max: int
    backstop_cap: int
    limits: Mapping[int, Limits]
    """By the parameter's number on the exchange."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedExchange:
    """All that the owner sets up. Without a token, a worthless test token is deployed."""

    token: bytes | None
    rules: LiquidationRules
    markets: tuple[MarketListing, ...]
    roles: Mapping[Role, bytes]
    next_owner: bytes | None = None
    """Who is proposed as owner at the end; None leaves it with the deployer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundExchange:
    """What stands on chain, as far as the owner sets it."""

    token: bytes
    owner: bytes
    proposed_owner: bytes
    rules: LiquidationRules
    markets: tuple[Market, ...]
    limits: Mapping[tuple[int, int], Limits]
    """By (market, parameter)."""
    address_to_role: Mapping[bytes, int]
    """Of the addresses that are wanted to hold a role; 0 is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One unsigned call; an empty `to` creates a contract."""

    name: str
    to: bytes
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A compiled contract."""

    abi: Abi
    bytecode: bytes
    constructor: Mapping[str, Any]

    def creation_code(self, *arguments: Any) -> bytes:  # noqa: ANN401 - the ABI says what they are
        """Give the bytes that create the contract with these arguments."""
        kinds = [parse_type(entry) for entry in self.constructor.get("inputs", [])]
        return self.bytecode + encode_sequence(kinds, arguments)


def load_artifact(path: Path) -> Artifact:
    """Read a compiled contract, a JSON object with "abi" and "bytecode"."""
    content = orjson.loads(path.read_bytes())
    entries = content["abi"]
    constructor: Mapping[str, Any] = next(
        (entry for entry in entries if entry["type"] == "constructor"), {}
    )
    return Artifact(
        abi=parse_abi(entries),
        bytecode=bytes.fromhex(content["bytecode"].removeprefix("0x")),
        constructor=constructor,
    )
