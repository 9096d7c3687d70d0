"""Load what `exchange deploy` creates: markets from `markets/*.toml`, rules from `exchange.toml`.

Files are data of the venue's risk team. A market's number is its place in `exchange.toml`, so the
order there is kept; the name of a file is its symbol in lower case.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from config.loader import CONFIG_DIRECTORY
from config.problems import problem_sentence
from config.schema.fields import PRICE_UNITS_PER_USD, exact_units
from config.schema.markets import ExchangeFile, MarketFile, atoms
from config.toml import read_toml
from risk.liquidation import LiquidationRules
from risk.units import Ppm, PriceE8, QuoteAtoms, Seconds
from runtime.errors import OperatorError

MARKETS_DIRECTORY: Final = CONFIG_DIRECTORY / "markets"
EXCHANGE_FILE: Final = CONFIG_DIRECTORY / "exchange.toml"

_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangePlan:
    """All that an exchange is created with."""

    rules: LiquidationRules
    markets: tuple[MarketFile, ...]


def load_exchange(
    *,
    symbols: Sequence[str] | None = None,
    exchange_file: Path = EXCHANGE_FILE,
    markets_directory: Path = MARKETS_DIRECTORY,
) -> ExchangePlan:
    """Load the rules and the markets in order of creation; `symbols` chooses fewer or others."""
    exchange = load_exchange_file(exchange_file)
    chosen = exchange.markets if symbols is None else symbols
    markets = tuple(load_market(symbol, markets_directory) for symbol in chosen)
    return ExchangePlan(rules=liquidation_rules(exchange), markets=markets)


def load_market(symbol: str, directory: Path = MARKETS_DIRECTORY) -> MarketFile:
    """Load one market by its symbol; raises OperatorError with one sentence."""
    path = directory / f"{symbol.lower()}.toml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem.upper() for file in directory.glob("*.toml")))
        raise OperatorError(
            f"expected a file {path} for the market {symbol}, found none: "
            f"write it, or choose from {known or 'a directory that has some'}"
        )
    market = _load(path, MarketFile)
    if market.symbol.lower() != path.stem:
        raise OperatorError(
            f'{path}: symbol must be "{path.stem.upper()}" as the file is called, found '
            f'"{market.symbol}": rename one of them'
        )
    return market


def load_exchange_file(path: Path = EXCHANGE_FILE) -> ExchangeFile:
    """Load the rules for the whole exchange; raises OperatorError with one sentence."""
    return _load(path, ExchangeFile)


def liquidation_rules(exchange: ExchangeFile) -> LiquidationRules:
    """Give the exchange-wide rules in the contract's units."""
    return LiquidationRules(
        slice=Ppm(exchange.liquidation.slice_ppm),
        cool_down=Seconds(exchange.liquidation.cool_down_seconds),
        slice_memory=Seconds(exchange.liquidation.slice_memory_seconds),
        critical_margin=Ppm(exchange.liquidation.critical_margin_ppm),
        buffer=Ppm(exchange.liquidation.buffer_ppm),
        reward=Ppm(exchange.reward.notional_ppm),
        reward_cap=QuoteAtoms(atoms(exchange.reward.cap_usd)),
        gas_per_item=exchange.reward.gas_per_item,
        gas_margin=Ppm(exchange.reward.gas_margin_ppm),
        native_price=PriceE8(exact_units(exchange.reward.native_price_usd, PRICE_UNITS_PER_USD)),
    )


def _load(path: Path, model: type[_Model]) -> _Model:
    try:
        return model.model_validate(read_toml(path))
    except ValidationError as error:
        page = f"the files in {CONFIG_DIRECTORY.name}/markets are examples"
        sentence = problem_sentence(error, model, lambda _key: str(path), page=page)
        raise OperatorError(sentence) from None
