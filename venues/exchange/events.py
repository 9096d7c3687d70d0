"""Decode the exchange's logs: topic → compiled slices → a change of `venues.port`.

A table says for each event which fields are wanted, in which order, what they write (its *cells*)
and how they become a change. Cells let the feed tell whether a log that comes late was overtaken:
later logs carry absolute values, so a late one is harmless where all its cells were written since.
All of a log is hex text; what is not exactly as long as the ABI says is refused.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

from risk.deleverage_rules import DeleverageCode
from risk.liquidation import LiquidationCode, LiquidationRules
from venues.exchange.abi import WORD, Abi, AbiType, Event, Kind
from venues.exchange.fast_values import compile_constructor
from venues.exchange.fold import RULE_FIELDS, MarketFold
from venues.exchange.slicers import (
    Defect,
    Slicer,
    UndecodableError,
    compile_slicer,
    flatten,
)
from venues.port import (
    Change,
    CollateralChanged,
    DeleverageSettled,
    Funds,
    FundsChanged,
    LiquidationSettled,
    OtherEvent,
    PositionChanged,
    RulesChanged,
    TradeSettled,
)

Cell: TypeAlias = int | tuple[int, int] | tuple[str, int]
"""What a log writes: an account's cash, an account's position in a market, part of a market."""
Cells: TypeAlias = Callable[[tuple[Any, ...]], tuple[Cell, ...]]
Build: TypeAlias = Callable[[tuple[Any, ...]], Change]

_INT64: Final = 1 << 63
_LIQUIDATION_CODES: Final = {
    0: LiquidationCode.LIQUIDATED,
    1: LiquidationCode.NOT_LIQUIDATABLE,
    2: LiquidationCode.NO_POSITION,
    3: LiquidationCode.STALE_PRICE,
    4: LiquidationCode.MARKET_CLOSED,
    5: LiquidationCode.COOLING_DOWN,
    6: LiquidationCode.UNKNOWN_MARKET,
    7: LiquidationCode.BACKSTOP_FULL,
    8: LiquidationCode.DELEVERAGE_NEEDED,
    9: LiquidationCode.EXPIRED,
}
_DELEVERAGE_CODES: Final = {
    0: DeleverageCode.DELEVERAGED,
    1: DeleverageCode.NOT_BANKRUPT,
    2: DeleverageCode.NO_POSITION,
    3: DeleverageCode.STALE_PRICE,
    4: DeleverageCode.MARKET_CLOSED,
    6: DeleverageCode.UNKNOWN_MARKET,
    7: DeleverageCode.NOT_NEEDED,
    8: DeleverageCode.BAD_COUNTERPARTY,
}

_collateral_changed = compile_constructor(CollateralChanged)
_position_changed = compile_constructor(PositionChanged)
_liquidation_settled = compile_constructor(LiquidationSettled)
_deleverage_settled = compile_constructor(DeleverageSettled)
_trade_settled = compile_constructor(TradeSettled)


class Recipe(NamedTuple):
    """How to decode one event: shape, compiled slices, what is written, what it becomes."""

    name: str
    topics: int
    length: int
    slice: Slicer
    cells: Cells
    build: Build


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """One event that moves something: the fields wanted in order, its cells, its change."""

    wanted: tuple[str, ...]
    cells: Cells
    build: Build


def _collateral(values: tuple[Any, ...]) -> Change:
    account, collateral = values
    if not -_INT64 <= collateral < _INT64:
        raise _too_big(account, values)
    return _collateral_changed(account, collateral)


def _too_big(account: int, values: tuple[Any, ...]) -> UndecodableError:
    return UndecodableError(
        f"expected numbers of 64 bits for account {account:#x}, found {values[1:]}",
        Defect.BAD_VALUE,
    )


def _position_builder(fold: MarketFold) -> Build:
    def build(values: tuple[Any, ...]) -> Change:
        account, market, size, quote, funding, slice_time, collateral = values
        if market not in fold.markets:
            raise UndecodableError(
                f"expected a position in a known market, found market {market}",
                Defect.UNKNOWN_MARKET,
            )
        if not (
            -_INT64 <= size < _INT64
            and -_INT64 <= quote < _INT64
            and -_INT64 <= funding < _INT64
            and -_INT64 <= collateral < _INT64
            and slice_time < _INT64
        ):
            raise _too_big(account, values)
        return _position_changed(account, market, size, quote, funding, slice_time, collateral)

    return build


def _liquidation(values: tuple[Any, ...]) -> Change:
    account, market, keeper, code, *figures = values
    name = _LIQUIDATION_CODES.get(code)
    if name is None:
        raise UndecodableError(
            f"expected a liquidation code from 0 to {len(_LIQUIDATION_CODES) - 1}, found {code}",
            Defect.BAD_VALUE,
        )
    return _liquidation_settled(account, market, keeper, name, *figures)


def _deleverage(values: tuple[Any, ...]) -> Change:
    account, market, counterparty, code, size, cash = values
    name = _DELEVERAGE_CODES.get(code)
    if name is None:
        known = ", ".join(map(str, _DELEVERAGE_CODES))
        raise UndecodableError(
            f"expected a deleverage code among {known}, found {code}", Defect.BAD_VALUE
        )
    return _deleverage_settled(account, market, counterparty, name, size, cash)


def _trade_builder(fold: MarketFold) -> Build:
    def build(values: tuple[Any, ...]) -> Change:
        if values[0] not in fold.markets:
            raise UndecodableError(
                f"expected a trade in a known market, found market {values[0]}",
                Defect.UNKNOWN_MARKET,
            )
        return _trade_settled(*values)

    return build


def _funds(values: tuple[Any, ...]) -> Change:
    names = ("insurance_fund", "fee_pool", "funding_pool", "rewards_owed")
    return FundsChanged(funds=Funds(**dict(zip(names, values, strict=True))))


_RULE_NAMES: Final = tuple(LiquidationRules.__dataclass_fields__)


def _liquidation_rules(values: tuple[Any, ...]) -> Change:
    return RulesChanged(rules=LiquidationRules(**dict(zip(_RULE_NAMES, values, strict=True))))


def _market_cells(*parts: str) -> Cells:
    return lambda values: tuple((part, values[0]) for part in parts)


def _rules(fold: MarketFold) -> dict[str, _Rule]:
    numerator = ("funding_numerator", "funding_time")

    def market(build: Build, *fields: str, cells: Cells) -> _Rule:
        return _Rule(wanted=("market", *fields), cells=cells, build=build)

    return {
        "CollateralChanged": _Rule(
            wanted=("account", "collateral"),
            cells=lambda values: (values[0],),
            build=_collateral,
        ),
        "PositionChanged": _Rule(
            wanted=("account", "market", "size", "quote", "funding", "slice_time", "collateral"),
            cells=lambda values: (values[0], (values[0], values[1])),
            build=_position_builder(fold),
        ),
        "LiquidationResult": _Rule(
            wanted=(
                *("account", "market", "keeper", "code", "size", "value", "discount", "penalty"),
                *("shortfall", "reward", "equity", "maintenance_margin"),
            ),
            cells=lambda _: (),
            build=_liquidation,
        ),
        "DeleverageResult": _Rule(
            wanted=("account", "market", "counterparty", "code", "size", "cash"),
            cells=lambda _: (),
            build=_deleverage,
        ),
        "TradeSettled": _Rule(
            wanted=("market", "taker", "maker", "size", "price", "taker_fee", "maker_fee"),
            cells=lambda _: (),
            build=_trade_builder(fold),
        ),
        "FundsChanged": _Rule(
            wanted=("insurance_fund", "fee_pool", "funding_pool", "rewards_owed"),
            cells=lambda _: (("funds", 0),),
            build=_funds,
        ),
        "LiquidationRulesChanged": _Rule(
            wanted=_RULE_NAMES,
            cells=lambda _: (("liquidation_rules", 0),),
            build=_liquidation_rules,
        ),
        "PricePublished": market(
            fold.price_published,
            *("mark", "index", "price_timestamp", "updated_at", "funding_numerator"),
            cells=lambda values: (("price", values[0]), ("funding", values[0])),
        ),
        "OpenInterestChanged": market(
            fold.open_interest_changed, "open_interest", cells=_market_cells("open_interest")
        ),
        "MarketCreated": market(
            fold.market_created,
            "symbol",
            cells=_market_cells("price", "funding", "rules", "band", "status", "split"),
        ),
        "MarketRulesChanged": market(
            fold.rules_changed, *RULE_FIELDS, cells=_market_cells("rules")
        ),
        "ParameterChanged": market(
            fold.parameter_changed,
            *("parameter", "value", *numerator),
            cells=lambda values: ((f"parameter {values[1]}", values[0]), ("funding", values[0])),
        ),
        "BandChanged": market(fold.band_changed, "low", "high", cells=_market_cells("band")),
        "StatusChanged": market(fold.status_changed, "status", cells=_market_cells("status")),
        "DividendPaid": market(
            fold.dividend_paid,
            *("amount", "mark", "index", *numerator),
            cells=_market_cells("price", "funding"),
        ),
        "SplitBegun": market(fold.split_begun, *numerator, cells=_market_cells("split", "funding")),
        "SplitFinished": market(
            fold.split_finished,
            *("numerator", "denominator", "mark", "index", "band_low", "band_high", *numerator),
            cells=_market_cells("price", "funding", "band", "split"),
        ),
        "MarketSettled": market(
            fold.market_settled,
            *("price", *numerator),
            cells=_market_cells("price", "funding", "band", "status", "parameter 2"),
        ),
    }


def event_words(event: Event) -> tuple[list[str], list[AbiType]]:
    """Flatten an event to named words, the indexed ones first: `tiers.0`, a struct's own names."""
    names: list[str] = []
    words: list[AbiType] = []
    for field in (*event.indexed, *event.plain):
        if field.kind is Kind.TUPLE:
            names += [item.name for item in field.items]
        elif field.kind is Kind.ARRAY:
            names += [f"{field.name}.{place}" for place in range(field.words)]
        else:
            names.append(field.name)
        words += flatten(field)
    return names, words


def compile_recipes(abi: Abi, fold: MarketFold) -> dict[str, Recipe]:
    """Compile the table from topic (hex text with 0x) to recipe.

    Raises ValueError when the ABI lacks an event or a field that the rules name, or has an event
    of varying size. Events without a rule become `OtherEvent`s with all their fields.
    """
    rules = _rules(fold)
    for name in rules:
        abi.event(name)
    return {
        f"0x{event.topic.hex()}": _recipe(event, rules.get(event.name))
        for event in abi.events.values()
    }


def _recipe(event: Event, rule: _Rule | None) -> Recipe:
    names, words = event_words(event)
    if rule is None:
        rule = _Rule(wanted=tuple(names), cells=lambda _: (), build=_other(event.name, names))
    missing = set(rule.wanted) - set(names)
    if missing:
        raise ValueError(f"expected fields {sorted(missing)} in event {event.name}, found {names}")
    return Recipe(
        name=event.name,
        topics=1 + len(event.indexed),
        length=len(words) * WORD,
        slice=compile_slicer(words, [names.index(name) for name in rule.wanted]),
        cells=rule.cells,
        build=rule.build,
    )


def _other(name: str, fields: list[str]) -> Build:
    def build(values: tuple[Any, ...]) -> Change:
        return OtherEvent(name=name, values=dict(zip(fields, values, strict=True)))

    return build


class LogDecoder:
    """From a log of JSON-RPC to its recipe and values; what is not as the ABI says is refused."""

    def __init__(self, abi: Abi, fold: MarketFold) -> None:
        self._recipes = compile_recipes(abi, fold)

    def decode(self, log: Mapping[str, Any]) -> tuple[Recipe, tuple[Any, ...]]:
        """Cut a log into values; raises UndecodableError, one sentence, for anything unexpected."""
        try:
            topics: list[str] = log["topics"]
            data: str = log["data"]
            recipe = self._recipes.get(topics[0])
            if recipe is None:
                raise UndecodableError(
                    f"expected an event of the exchange's ABI, found topic {topics[0][:66]!r}",
                    Defect.UNKNOWN_EVENT,
                )
            count = len(topics)
            text = data.removeprefix("0x")
            if count == 2:
                text = topics[1].removeprefix("0x") + text
            elif count > 2:
                text = "".join([topic.removeprefix("0x") for topic in topics[1:]]) + text
            raw = bytes.fromhex(text)
        except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
            if isinstance(error, UndecodableError):
                raise
            raise UndecodableError(f"expected a log in hex, found {error!r:.200}") from error
        if len(raw) != recipe.length or count != recipe.topics or len(text) != 2 * recipe.length:
            raise UndecodableError(
                f"expected {recipe.topics} topics and {recipe.length} bytes for {recipe.name},"
                f" found {count} and {len(raw)}"
            )
        return recipe, recipe.slice(raw)
