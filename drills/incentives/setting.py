"""What a weekend of the incentive drill is played with: a market, its levers, a timeline, a path.

Everything comes from the files that ship: the market's, its owner's limits, its class's schedule, its
calendar, the keeper's settings as they default. Only what config does not hold is the drill's own: how
the model's people behave, and the reaction, since a look here comes only once a minute.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

from config.calendars import calendar_of, load_calendars
from config.incentives import Incentives, load_incentives
from config.markets import load_market
from config.schema.incentive_settings import Incentives as IncentiveSettings
from config.schema.markets import MarketFile, atoms
from drills import weekend
from drills.incentives.policy import PolicyTerms
from drills.maker_model.terms import (
    VOLATILITY,
    Maker,
    ModelTerms,
    PopulationTerms,
    draw_makers,
)
from drills.maker_model.value import ValuePath, draw_path, recorded_path
from monitors.incentives.terms import DeskRules, MarketTerms
from risk.base_funding import FundingRules
from risk.discovery_bound import BoundRules
from risk.guard_rails import Limits, Parameter
from risk.incentive_reserve import MarketBudget
from risk.incentive_terms import Lever, MarketIncentives
from risk.liquidity import LiquidityRules
from risk.mark_price import MarkRules
from risk.market import Market, make_tiers
from risk.sessions import SessionTimeline
from risk.units import ATOMS_PER_USD, MarketId, PpbPerHour, Ppm, PriceE8, QuoteAtoms, Seconds
from runtime.errors import OperatorError

STEP: Final = Seconds(60)
"""From one look to the next: of makers, takers, mark and keeper alike."""
REACTION: Final = Seconds(6 * STEP)
"""A look comes once a minute and writes one parameter of five; with one look to spare."""
IMPACT_NOTIONAL: Final = QuoteAtoms(10_000 * ATOMS_PER_USD)

Recorded = Sequence[tuple[Seconds, PriceE8]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What all seeds of a run share."""

    market: Market
    limits: Mapping[Parameter, Limits]
    """The owner's, of each parameter."""
    policy: PolicyTerms
    start: Seconds
    end: Seconds
    recorded: Recorded = ()
    """Outside prices in order of time; empty: drawn ones."""
    model: ModelTerms = field(default_factory=ModelTerms)
    population: PopulationTerms = field(default_factory=PopulationTerms)
    mark: MarkRules = field(default_factory=lambda: MarkRules(bound=BoundRules(bound=Ppm(50_000))))
    liquidity: LiquidityRules = field(
        default_factory=lambda: LiquidityRules(effective_notional=IMPACT_NOTIONAL)
    )

    @property
    def timeline(self) -> SessionTimeline:
        """Give the market's sessions."""
        timeline = self.policy.market.timeline
        assert timeline is not None  # a market without a calendar has no setting
        return timeline

    @property
    def weekly_budget(self) -> QuoteAtoms:
        """Give the market's budget."""
        return self.policy.market.budget.weekly


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What one seed draws; every arm is played in the same one."""

    seed: int
    path: ValuePath
    makers: tuple[Maker, ...]


def load_setting(
    symbol: str,
    *,
    budget_usd: int | None = None,
    recorded: Recorded = (),
    held: Collection[Lever] = (),
) -> Setting:
    """Put together a market's setting; raises OperatorError with one sentence.

    `held` levers stay where they are on weekdays, to see what the others do.
    """
    file = load_market(symbol)
    calendars = load_calendars()
    calendar = calendar_of(symbol, file.asset_class, calendars)
    if calendar is None:
        raise OperatorError(
            f"expected a calendar for {symbol} ({file.asset_class}), found none: choose a market"
            " that sleeps over the weekend"
        )
    loaded = load_incentives(markets=(file,), calendars=calendars)
    start, end = weekend.BEGIN, weekend.END
    if recorded:
        start, end = recorded[0][0], Seconds(recorded[-1][0] + STEP)
    _check_weekend(symbol, calendar.timeline, start, end)
    budget = None if budget_usd is None else QuoteAtoms(budget_usd * ATOMS_PER_USD)
    return Setting(
        market=_market(file, MarketId(0), start),
        limits=dict(file.limits.rails),
        policy=_holding(
            _policy(loaded, loaded.markets[symbol], calendar.timeline, budget), frozenset(held)
        ),
        start=start,
        end=end,
        recorded=recorded,
        model=ModelTerms().scaled(VOLATILITY[file.asset_class]),
    )


def _policy(
    loaded: Incentives,
    incentives: MarketIncentives,
    timeline: SessionTimeline,
    budget: QuoteAtoms | None,
) -> PolicyTerms:
    """Give the desk's terms with the settings that ship, as the duty makes them of a profile."""
    knobs = IncentiveSettings()
    weekday = max(0, -incentives.terms.weekday.maker_fee)
    scheduled = max(-levels.maker_fee for levels in incentives.terms.levels.values())
    added = -incentives.controller[Lever.MAKER_FEE].minimum
    return PolicyTerms(
        market=MarketTerms(
            incentives=incentives,
            controller=loaded.rules[incentives.symbol],
            budget=MarketBudget(
                weekly=incentives.weekly_budget if budget is None else budget,
                weekday_rebate=Ppm(weekday),
                largest_rebate=Ppm(max(weekday, scheduled + added)),
                largest_notional_per_second=QuoteAtoms(knobs.largest_notional_atoms),
                largest_trades_per_second=knobs.largest_trades_per_second,
                reaction=Seconds(max(knobs.reaction_seconds, REACTION)),
            ),
            timeline=timeline,
        ),
        rules=DeskRules(
            event_terms=loaded.event_terms,
            events=(),
            total_budget=loaded.weekly_budget,
            pace_tolerance=Ppm(knobs.pace_tolerance_ppm),
            reaction=REACTION,
            funding=FundingRules(
                interest=Ppm(knobs.base_interest_ppm), cap=PpbPerHour(knobs.base_cap_ppb_per_hour)
            ),
            tolerances={Parameter.FUNDING_RATE: knobs.funding_tolerance_ppb_per_hour},
        ),
    )


def _holding(policy: PolicyTerms, held: frozenset[Lever]) -> PolicyTerms:
    """Take levers from the schedule and from the controller."""
    market = policy.market
    terms, controller = market.incentives.terms, market.controller
    kept = {lever.value: getattr(terms.weekday, lever.value) for lever in held}
    levels = {session: replace(level, **kept) for session, level in terms.levels.items()}
    if Lever.MAKER_FEE in held:
        controller = replace(controller, maker_fee=replace(controller.maker_fee, minimum=0))
    if Lever.FUNDING_MULTIPLIER in held:
        bounds = replace(controller.funding_multiplier, maximum=0)
        controller = replace(controller, funding_multiplier=bounds)
    incentives = replace(market.incentives, terms=replace(terms, levels=levels))
    return replace(policy, market=replace(market, incentives=incentives, controller=controller))


def draw_world(setting: Setting, seed: int) -> World:
    """Draw a seed's path and makers."""
    random = Random(f"{seed} path")  # noqa: S311 - a drill must be repeatable
    if setting.recorded:
        path = recorded_path(
            random,
            setting.recorded,
            timeline=setting.timeline,
            start=setting.start,
            end=setting.end,
            step=STEP,
            terms=setting.model,
        )
    else:
        path = draw_path(
            random,
            price=setting.market.mark,
            timeline=setting.timeline,
            start=setting.start,
            end=setting.end,
            step=STEP,
            terms=setting.model,
        )
    people = Random(f"{seed} makers")  # noqa: S311 - a drill must be repeatable
    return World(seed=seed, path=path, makers=draw_makers(people, setting.population))


def closure(timeline: SessionTimeline, start: Seconds, end: Seconds) -> tuple[Seconds, Seconds]:
    """Give the last close and the first reopening after it, between two moments of outside trading.

    Raises ValueError when outside markets do not close, or do not reopen, in between.
    """
    closed: Seconds | None = None
    for border in timeline.between(start, end):
        if not border.session.has_external_price and closed is None:
            closed = border.start
        elif border.session.has_external_price and closed is not None:
            return closed, border.start
    raise ValueError("expected a close and a reopening, found none")


def _check_weekend(symbol: str, timeline: SessionTimeline, start: Seconds, end: Seconds) -> None:
    try:
        closure(timeline, start, end)
    except ValueError as error:
        raise OperatorError(
            f"expected outside markets of {symbol} to close and to reopen between"
            f" {weekend.local_text(start)} and {weekend.local_text(end)} in New York, but they do"
            " not: give data from before the close to after the reopening"
        ) from error


def _market(file: MarketFile, number: MarketId, now: Seconds) -> Market:
    price = PriceE8(file.reference_price_e8)
    return Market(
        id=number,
        symbol=file.symbol,
        mark=price,
        index=price,
        price_timestamp=now,
        updated_at=now,
        funding_time=now,
        initial_margin=Ppm(file.initial_margin_ppm),
        taker_fee=Ppm(file.fees.taker_ppm),
        maker_fee=Ppm(file.fees.maker_ppm),
        open_interest_cap=QuoteAtoms(atoms(file.size.open_interest_cap_usd)),
        clamp=Ppm(file.price.clamp_ppm),
        min_interval=Seconds(file.price.min_interval_seconds),
        expiry=Seconds(file.price.expiry_seconds),
        min_position_notional=QuoteAtoms(atoms(file.size.min_position_usd)),
        slice_threshold=QuoteAtoms(atoms(file.liquidation.slice_threshold_usd)),
        penalty=Ppm(file.liquidation.penalty_ppm),
        spread_max=Ppm(file.liquidation.spread_max_ppm),
        backstop_cap=QuoteAtoms(atoms(file.liquidation.backstop_cap_usd)),
        tiers=make_tiers(file.tier_pairs),
    )
