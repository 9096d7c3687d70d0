"""Load the schedule of incentives from `incentives/*.toml`, market by market, ready for `risk/`.

`all_markets.toml` holds what is common; every other file is called as the class of market that it is
for. Nothing is loaded that the exchange would refuse: `config.incentive_checks` compares each market
with its owner's limits, its maintenance margin and its calendar.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from config.calendars import Calendar, calendar_of, load_calendars
from config.incentive_checks import check_events, check_market
from config.loader import CONFIG_DIRECTORY
from config.markets import load_exchange_file, load_market
from config.problems import problem_sentence
from config.schema.calendars import AssetClass
from config.schema.fields import exact_units
from config.schema.incentives import (
    AllMarketsFile,
    Controller,
    EventTermsTable,
    IncentivesFile,
    PpmBounds,
    RegularLevels,
    SessionLevels,
    SlopeBounds,
    Target,
)
from config.schema.markets import MarketFile, atoms
from config.toml import read_toml
from risk.incentive_events import EventKind, EventTerms
from risk.incentive_rules import ControllerRules
from risk.incentive_terms import (
    ControllerBounds,
    Lever,
    LiquidityTarget,
    MarketIncentives,
    ScheduledLevers,
    ScheduleTerms,
    margin_of,
    part_of_cap,
    strictest,
)
from risk.sessions import Session
from risk.units import PpbPerHour, Ppm, QuoteAtoms, Seconds
from runtime.errors import OperatorError

INCENTIVES_DIRECTORY: Final = CONFIG_DIRECTORY / "incentives"
ALL_MARKETS_FILE: Final = "all_markets.toml"
_PAGE: Final = "the files in config/incentives are examples"

_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incentives:
    """All that the incentives of a venue are made of."""

    markets: Mapping[str, MarketIncentives]
    """By symbol."""
    rules: Mapping[str, ControllerRules]
    """How the controller of each market pushes, by symbol."""
    event_terms: Mapping[EventKind, EventTerms]
    weekly_budget: QuoteAtoms
    """For all markets together."""


def load_incentives(
    directory: Path = INCENTIVES_DIRECTORY,
    *,
    markets: Iterable[MarketFile] | None = None,
    calendars: tuple[Calendar, ...] | None = None,
) -> Incentives:
    """Load the incentives of some markets (all of `exchange.toml`) by the calendars they follow.

    Raises OperatorError with one sentence.
    """
    _refuse_strangers(directory)
    common_path = directory / ALL_MARKETS_FILE
    common = _load(common_path, AllMarketsFile)
    total = QuoteAtoms(atoms(common.weekly_budget_usd))
    terms = {kind: _event_terms(getattr(common.events, kind)) for kind in EventKind}
    if markets is None:
        markets = tuple(load_market(symbol) for symbol in load_exchange_file().markets)
    if calendars is None:
        calendars = load_calendars()
    loaded: dict[str, MarketIncentives] = {}
    rules: dict[str, ControllerRules] = {}
    for market in markets:
        path = directory / f"{market.asset_class}.toml"
        file = _load(path, IncentivesFile)
        incentives = compile_market(file, market)
        if incentives.weekly_budget > total:
            raise OperatorError(
                f"{path}: weekly_budget_usd of one market must be at most that of all markets in"
                f" {common_path}, found more: lower the first or raise the second"
            )
        calendar = calendar_of(market.symbol, market.asset_class, calendars)
        check_market(path, incentives, market, calendar)
        check_events(common_path, terms.items(), incentives, market)
        loaded[market.symbol] = incentives
        rules[market.symbol] = compile_rules(file.controller)
    return Incentives(markets=loaded, rules=rules, event_terms=terms, weekly_budget=total)


def compile_market(file: IncentivesFile, market: MarketFile) -> MarketIncentives:
    """Put a class's changes on the market's own levels; checks nothing."""
    weekday = _weekday(file.sessions.regular, market)
    listed: dict[Session, Target] = {Session.REGULAR: file.sessions.regular}
    levels = {Session.REGULAR: weekday}
    for session in Session:
        table = getattr(file.sessions, session, None)
        if isinstance(table, SessionLevels):
            listed[session] = table
            levels[session] = _changed(weekday, table, market)
    doubtful = strictest(levels.values())
    least = _least_target([_target(each) for each in listed.values()])
    return MarketIncentives(
        symbol=market.symbol,
        asset_class=market.asset_class,
        terms=ScheduleTerms(
            levels={each: levels.get(each, doubtful) for each in Session},
            targets={each: _target(listed[each]) if each in listed else least for each in Session},
            ramp_in=Seconds(60 * file.ramps.before_close_minutes),
            ramp_back=Seconds(60 * file.ramps.after_reopen_minutes),
        ),
        controller=_controller(file.controller),
        weekly_budget=QuoteAtoms(atoms(file.weekly_budget_usd)),
    )


def compile_rules(controller: Controller) -> ControllerRules:
    """Give how a class's controller pushes."""
    response = controller.response
    return ControllerRules(
        shortage_band=Ppm(response.shortage_band_ppm),
        surplus_band=Ppm(response.surplus_band_ppm),
        proportional_gain_ppm=response.proportional_gain_ppm,
        integral_gain_ppm_per_second=response.integral_gain_ppm_per_second,
        decay_ppm_per_second=response.decay_ppm_per_second,
        longest_gap=Seconds(response.longest_gap_seconds),
        maker_fee=_bounds(controller.maker_fee),
        funding_multiplier=_bounds(controller.funding_multiplier),
    )


def _weekday(regular: RegularLevels, market: MarketFile) -> ScheduledLevers:
    return ScheduledLevers(
        initial_margin=Ppm(market.initial_margin_ppm),
        funding_multiplier=Ppm(regular.funding_multiplier_ppm),
        skew_slope=PpbPerHour(regular.skew_slope_ppb_per_hour),
        maker_fee=Ppm(market.fees.maker_ppm),
        taker_fee=Ppm(market.fees.taker_ppm),
        open_interest_cap=QuoteAtoms(atoms(market.size.open_interest_cap_usd)),
    )


def _changed(weekday: ScheduledLevers, table: SessionLevels, market: MarketFile) -> ScheduledLevers:
    margin = market.initial_margin_ppm
    if table.largest_leverage_x is not None:
        margin = max(margin, margin_of(exact_units(table.largest_leverage_x, 1_000)))
    return ScheduledLevers(
        initial_margin=Ppm(margin),
        funding_multiplier=Ppm(
            _or(table.funding_multiplier_ppm, default=weekday.funding_multiplier)
        ),
        skew_slope=PpbPerHour(_or(table.skew_slope_ppb_per_hour, default=weekday.skew_slope)),
        maker_fee=Ppm(_or(table.maker_fee_ppm, default=weekday.maker_fee)),
        taker_fee=Ppm(_or(table.taker_fee_ppm, default=weekday.taker_fee)),
        open_interest_cap=part_of_cap(weekday.open_interest_cap, Ppm(table.open_interest_cap_ppm)),
    )


def _or(value: int | None, *, default: int) -> int:
    return default if value is None else value


def _target(table: Target) -> LiquidityTarget:
    return LiquidityTarget(
        depth=QuoteAtoms(atoms(table.target_depth_usd)), spread=Ppm(table.target_spread_ppm)
    )


def _least_target(targets: list[LiquidityTarget]) -> LiquidityTarget:
    """Give the target of a doubt: the least depth, the widest spread, so that it costs the least."""
    return LiquidityTarget(
        depth=min(each.depth for each in targets), spread=max(each.spread for each in targets)
    )


def _controller(controller: Controller) -> dict[Lever, ControllerBounds]:
    return {lever: _bounds(getattr(controller, lever)) for lever in Lever}


def _bounds(table: PpmBounds | SlopeBounds) -> ControllerBounds:
    unit = "ppm" if isinstance(table, PpmBounds) else "ppb_per_hour"
    return ControllerBounds(
        minimum=getattr(table, f"minimum_{unit}"),
        maximum=getattr(table, f"maximum_{unit}"),
        largest_step=getattr(table, f"largest_step_{unit}"),
        cool_down=Seconds(table.cool_down_seconds),
        hysteresis=getattr(table, f"hysteresis_{unit}"),
    )


def _event_terms(table: EventTermsTable) -> EventTerms:
    return EventTerms(
        leverage=Ppm(table.leverage_ppm),
        cap=Ppm(table.open_interest_cap_ppm),
        ramp_in=Seconds(60 * table.before_minutes),
        ramp_back=Seconds(60 * table.after_minutes),
        hold=Seconds(60 * table.hold_minutes),
        asset_classes=frozenset(table.asset_classes),
    )


def _refuse_strangers(directory: Path) -> None:
    known = {ALL_MARKETS_FILE, *(f"{name}.toml" for name in get_args(AssetClass))}
    for path in sorted(directory.glob("*.toml")):
        if path.name not in known:
            raise OperatorError(
                f"expected files called as a class of market in {directory}, found {path.name}:"
                f" rename or remove it ({', '.join(sorted(known))} are read)"
            )


def _load(path: Path, model: type[_Model]) -> _Model:
    try:
        return model.model_validate(read_toml(path))
    except ValidationError as error:
        sentence = problem_sentence(error, model, lambda _key: str(path), page=_PAGE)
        raise OperatorError(sentence) from None
