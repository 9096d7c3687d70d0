"""The incentive desk: what every market's levers ought to be, judged once a second of the venue's clock.

Schedule and events, measured liquidity and what the budget lets a market pay go through the controller;
what comes out is compared with the chain, and the most urgent write that the exchange takes and that
harms nobody is what comes next. It writes nothing itself. Level-triggered: what is on chain and not
explained by any of this goes home by lawful steps, whoever left it there.
Markets are stepped one by one, so that whoever drives the desk may give way between them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import structlog

from monitors.incentives import explanation
from monitors.incentives.adoption import adopted
from monitors.incentives.desk_metrics import DeskMetrics
from monitors.incentives.levers import asked, asked_ahead, session_at, target_of
from monitors.incentives.liquidity import measured
from monitors.incentives.market_state import UNREAD, Judgement, MarketState
from monitors.incentives.memory import Notes
from monitors.incentives.notes import DeskNotes
from monitors.incentives.purse import NO_LIMITS, allotments
from monitors.incentives.terms import DeskRules, IncentiveSenses, MarketTerms
from monitors.incentives.weeks import OFF_HOURS
from risk.base_funding import base_rate, mean_premium, observe, premium_of
from risk.guard_rails import Limits, Parameter
from risk.incentive_reserve import Allotment
from risk.incentive_simulation import plan_safe_write
from risk.incentive_terms import Lever, ScheduledLevers
from risk.incentive_write import TunerState, wanted_parameters
from risk.incentives import IncentiveFacts, begin, step
from risk.market import Market
from risk.units import MarketId, MarketStatus, PpbPerHour, Ppm, Seconds

log = structlog.get_logger(__name__)


class IncentiveDesk:
    """Know what the levers of every watched market ought to be now, why, and what to write next."""

    def __init__(
        self,
        senses: IncentiveSenses,
        *,
        terms: Mapping[str, MarketTerms],
        rules: DeskRules,
        notes: Notes,
        metrics: DeskMetrics,
    ) -> None:
        self._senses, self._rules, self._metrics = senses, rules, metrics
        self._notes = DeskNotes(notes)
        self._states = {symbol: MarketState(terms=each) for symbol, each in terms.items()}
        self._allotments: Mapping[MarketId, Allotment] = {}
        self._allotted_at: Seconds | None = None
        for symbol, state in self._states.items():
            self._notes.recall(symbol, state)

    # --- for the keeper --------------------------------------------------------------------------

    @property
    def distrust(self) -> str | None:
        """Why nothing of the venue's state may be acted on, or None."""
        return self._senses.venue.distrust

    @property
    def now(self) -> Seconds:
        """The venue's clock."""
        return self._senses.venue.now

    @property
    def markets(self) -> Mapping[MarketId, Market]:
        """The markets as the venue holds them now."""
        return self._senses.venue.markets

    @property
    def applied_block(self) -> int:
        """The newest block of which anything was applied."""
        return self._senses.venue.applied_block

    def to_step(self) -> Sequence[MarketId]:
        """Name the markets that were not judged yet in this second."""
        now = self.now
        watched = self._watched()
        if self._allotted_at != now:
            self._allotted_at = now
            self._allotments = allotments(
                watched,
                rules=self._rules,
                spending=self._senses.spending,
                limits=self._senses.limits,
                now=now,
            )
        return [number for number, (state, _) in watched.items() if state.stepped_at != now]

    def step(self, number: MarketId) -> None:
        """Judge one market now."""
        now, market = self.now, self.markets[number]
        state = self._states[market.symbol]
        state.stepped_at = now
        limits = self._senses.limits.limits(number)
        foreign = state.changed_by_others(market, now)
        is_priced = market.mark > 0 and market.index > 0 and not market.is_stale(now)
        premium = premium_of(market.mark, market.index) if is_priced else None
        state.premium = observe(state.premium, premium, now, self._rules.funding)
        if limits is None:
            state.judged, state.why_not = None, UNREAD
            return
        for parameter, value in foreign:
            self._adopt(market.symbol, state, parameter, value)
        state.judged = self._judge(state, market, limits, now)
        self._notes.save(market.symbol, state)

    def judgement(self, number: MarketId) -> Judgement | None:
        """Give what was judged of a market last; None when there is nothing to judge by."""
        return self._states[self.markets[number].symbol].judged

    def watched(self) -> Sequence[MarketId]:
        """Name the watched markets that are listed."""
        return tuple(self._watched())

    def sent(self, symbol: str, parameter: Parameter, value: int) -> None:
        """Learn that a write of ours is on its way."""
        state = self._states.get(symbol)
        if state is not None:
            state.pending = (parameter, value)
            state.own[parameter] = value

    def settled(self, symbol: str, parameter: Parameter | None = None) -> None:
        """Learn that nothing of ours is on its way any more; it was written now if it is named."""
        state = self._states.get(symbol)
        if state is None:
            return
        state.pending = state.stepped_at = None
        if parameter is not None:
            state.written[parameter] = self.now
            self._notes.save(symbol, state)

    # --- for people ------------------------------------------------------------------------------

    @property
    def symbols(self) -> Sequence[str]:
        """The markets that are watched."""
        return tuple(self._states)

    def explain(self, symbol: str) -> Mapping[str, object]:
        """Tell a market's levers. KeyError for a market that is not watched."""
        if self.distrust is None and all(each.symbol != symbol for each in self.markets.values()):
            return {"why": "the exchange lists no such market"}
        return explanation.of_market(
            self._states[symbol], self._rules, self._senses.spending, self.now
        )

    def explain_budget(self) -> Mapping[str, object]:
        """Tell the budget of all markets together."""
        return explanation.of_budget(self._rules, self._senses.spending, self.now)

    def show(self) -> None:
        """Set the gauges."""
        self._metrics.show_budget(self._rules.total_budget, self._senses.spending.spending)
        for number, (state, market) in self._watched().items():
            self._metrics.show(
                market, state, self._allotments.get(number), self._senses.spending.spending
            )

    # --- the step --------------------------------------------------------------------------------

    def _watched(self) -> dict[MarketId, tuple[MarketState, Market]]:
        return {
            market.id: (state, market)
            for market in self.markets.values()
            if (state := self._states.get(market.symbol)) is not None and not market.is_settled
        }

    def _judge(
        self, state: MarketState, market: Market, limits: Mapping[Parameter, Limits], now: Seconds
    ) -> Judgement:
        terms, rules = state.terms, self._rules
        session = session_at(terms, now)
        liquidity = measured(self._senses.liquidity, market.symbol, now, oldest=rules.oldest_sample)
        allotment = self._allotments.get(market.id, NO_LIMITS)
        levers = asked_ahead(terms, rules, limits, now)
        facts = IncentiveFacts(
            scheduled=levers,
            weekday=terms.incentives.terms.weekday,
            liquidity=liquidity,
            target=target_of(terms, session),
            allotment=allotment,
            lowest_maker_fee=_lowest_fee(limits, levers),
            maker_fee=market.maker_fee,
            may_boost=session in OFF_HOURS and market.status < MarketStatus.REDUCE_ONLY,
        )
        state.controller, decision = step(
            state.controller or begin(now), facts, now=now, rules=terms.controller
        )
        mean, rate, skew = self._rate(state, market.symbol)
        wanted = wanted_parameters(
            replace(
                levers,
                maker_fee=Ppm(decision.wanted(Lever.MAKER_FEE)),
                funding_multiplier=Ppm(decision.wanted(Lever.FUNDING_MULTIPLIER)),
            ),
            base_rate=PpbPerHour(0) if rate is None else rate,
            skew=skew,
        )
        if rate is None:
            del wanted[Parameter.FUNDING_RATE]
        exchange = self._senses.venue.exchange
        write, simulated = plan_safe_write(
            self._senses.venue.watch.book,
            market.id,
            wanted,
            TunerState(
                limits=limits,
                last_written=state.written,
                is_in_flight=state.pending is not None,
            ),
            now=now,
            reaction=rules.reaction,
            tolerances=rules.tolerances,
            backstop=None if exchange is None else exchange.backstop_account,
        )
        return Judgement(
            at=now,
            market=market,
            limits=limits,
            session=session,
            scheduled=asked(terms, rules, limits, now),
            levers=levers,
            liquidity=liquidity,
            target=facts.target,
            allotment=allotment,
            premium=mean,
            base_rate=rate,
            skew=skew,
            decision=decision,
            wanted=wanted,
            write=write,
            simulated=simulated,
        )

    def _rate(
        self, state: MarketState, symbol: str
    ) -> tuple[int | None, PpbPerHour | None, Ppm | None]:
        """Give mean premium, base rate and skew, as far as they are known."""
        mean = mean_premium(state.premium, self._rules.funding)
        rate = None if mean is None else base_rate(mean, self._rules.funding)
        sample = self._senses.liquidity.liquidity(symbol)
        return mean, rate, None if sample is None else sample.skew

    def _adopt(self, symbol: str, state: MarketState, parameter: Parameter, value: int) -> None:
        """Go on from what another keeper wrote."""
        judged = state.judged
        if judged is None or state.controller is None:
            return
        log.info(
            "incentive_written_by_another",
            market=symbol,
            parameter=parameter.name.lower(),
            value=value,
        )
        state.controller = adopted(
            state.controller,
            parameter,
            value,
            levers=judged.levers,
            rate=None if judged.base_rate is None else (judged.base_rate, judged.skew),
            now=max(self.now, state.controller.seen_at),
            rules=state.terms.controller,
        )


def _lowest_fee(limits: Mapping[Parameter, Limits], levers: ScheduledLevers) -> Ppm:
    """Give the owner's lowest maker fee; without limits, the schedule's: nothing is added."""
    rail = limits.get(Parameter.MAKER_FEE)
    return levers.maker_fee if rail is None else Ppm(rail.minimum)
