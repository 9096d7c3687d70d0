"""`bellkeeper plan rehearse`: an emergency plan, step by step, against the exchange on a fork.

The same state machine that the keeper runs says what to wish; the exchange's own guard rails (limits,
cool-downs, epochs, roles) say what becomes of it. The keys of those who hold the roles are lent by
the fork's node, and so is the owner's where the plan tells the owner to do something.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from config.breakers import load_breakers
from config.plans import BREAKER_LANE, GUARDIAN_LANE, group_members, missing_keys
from config.settings import Settings
from drills.plan_exchange import Actors, PlanActor
from drills.plan_fork import ForkedExchange, forked_node, without_secrets
from keepers.signing import exchange_address
from risk.emergency_plan import step
from risk.emergency_rules import EmergencyPlan
from risk.emergency_state import IDLE, PlanDecision, PlanOrder, PlanStage, PlanState, waits_for
from risk.emergency_watch import PlanFacts
from risk.integrity_facts import ExchangeFacts, MarketFacts
from risk.market import Market
from risk.units import MarketStatus
from runtime.errors import OperatorError
from runtime.rpc.errors import RpcError
from venues.exchange.slicers import UndecodableError

EXIT_GOOD: Final = 0
EXIT_CHECK_FAILED: Final = 2
Say = Callable[[str], None]

_START: Final = PlanOrder(starts=True, sequence=1, by="rehearsal", reason="rehearsal")
_STOP: Final = PlanOrder(starts=False, sequence=2, by="rehearsal", reason="rehearsal")
_UNKNOWN_MARKET: Final = MarketFacts(
    price_age=None,
    inputs=None,
    source_deviation=None,
    divergence=None,
    depth_fall=None,
    open_interest_rise=None,
    largest_share=None,
    backlog_blocks=None,
    is_underlying_halted=None,
    limits_changed=None,
)
_UNKNOWN_EXCHANGE: Final = ExchangeFacts(
    insurance_fall=None, solvency_gap=None, roles_changed=None, head_age=None
)


def rehearse(settings: Settings, plan: EmergencyPlan, say: Say) -> int:
    """Play a plan on a fork of the profile's chain; 0 when all went well, or else 2.

    Raises OperatorError when there is nothing to play it on.
    """
    address, origin = exchange_address(settings), settings.network.endpoints[0].http_url
    actors = _actors(settings, plan)
    try:
        with forked_node(origin) as url:
            return asyncio.run(_play(settings, plan, say, ForkedExchange(url, address), actors))
    except (RpcError, UndecodableError) as error:
        raise OperatorError(
            f"expected a usable answer from the fork of {settings.network.name}, found:"
            f" {without_secrets(str(error))} (run `bellkeeper check`)"
        ) from error


def _actors(settings: Settings, plan: EmergencyPlan) -> Actors:
    roles = settings.roles
    holders = {BREAKER_LANE: roles.breaker, GUARDIAN_LANE: roles.guardian}
    named = [lane for lane, holder in holders.items() if holder is not None]
    missing = missing_keys(plan, named)
    if missing:
        raise OperatorError(
            f"expected [roles] {' and '.join(missing)} for the plan {plan.name}, found none: write"
            " the address of who holds the role into the profile"
        )
    return Actors(breaker=roles.breaker or "", guardian=roles.guardian or "")


async def _play(
    settings: Settings, plan: EmergencyPlan, say: Say, fork: ForkedExchange, actors: Actors
) -> int:
    try:
        block = await fork.begin(settings.network.chain_id)
        say(f"{plan.name} on a fork of {settings.network.name} at block {block}")
        found = await fork.venue.markets()
        markets = {
            market.symbol: market
            for market in found.values()
            if market.status is not MarketStatus.SETTLED
        }
        facts = _facts(settings, markets)
        chosen = plan.scope.among(facts.markets, facts.group_to_symbols)
        if not chosen:
            raise OperatorError(
                f"expected markets of the plan {plan.name} on this exchange, found none: correct"
                " the plan or choose another profile"
            )
        actor = PlanActor(fork, actors, {symbol: markets[symbol] for symbol in chosen}, say)
        await actor.begin()
        await _walk(plan, facts, fork, actor, say)
        return _verdict(plan, actor, await actor.differences(), say)
    finally:
        await fork.close()


def _facts(settings: Settings, markets: Mapping[str, Market]) -> PlanFacts:
    """Give facts of which nothing is known but the marks: an order moves the plan, not they."""
    rules = settings.breaker.rules_file
    breakers = load_breakers() if rules is None else load_breakers(rules)
    return PlanFacts(
        markets=dict.fromkeys(markets, _UNKNOWN_MARKET),
        exchange=_UNKNOWN_EXCHANGE,
        marks={symbol: market.mark for symbol, market in markets.items()},
        group_to_symbols=group_members(breakers, markets),
    )


async def _walk(
    plan: EmergencyPlan, facts: PlanFacts, fork: ForkedExchange, actor: PlanActor, say: Say
) -> None:
    """Go up step by step with the plan's holds, then back with its pauses."""
    state = IDLE
    for place, taken in enumerate(plan.steps):
        pause = plan.steps[place - 1].hold if place else 0
        await fork.let_pass(pause)
        state, decision = await _stepped(state, facts, fork, plan, _START)
        assert (state.stage, state.level) == (PlanStage.RUNNING, place), decision.why
        say(f"step {place + 1} of {len(plan.steps)}, {pause} s later: {taken.action}")
        await actor.carry_out(decision)
    pause = plan.returns[0].clear_for
    for place, back in enumerate(plan.returns):
        await fork.let_pass(pause)
        state, decision = await _stepped(state, facts, fork, plan, _STOP)
        say(f"return {place + 1} of {len(plan.returns)}, {pause} s later: {back.inverse}")
        await actor.carry_out(decision)
        pause = waits_for(state, await fork.now(), plan)
    assert state.stage is PlanStage.IDLE, "expected as many returns as steps"


async def _stepped(
    state: PlanState,
    facts: PlanFacts,
    fork: ForkedExchange,
    plan: EmergencyPlan,
    order: PlanOrder,
) -> tuple[PlanState, PlanDecision]:
    return step(state, facts, now=await fork.now(), plan=plan, order=order)


def _verdict(plan: EmergencyPlan, actor: PlanActor, differences: list[str], say: Say) -> int:
    for difference in differences:
        say(f"not back: {difference}")
    if actor.refused:
        many = len(actor.refused)
        say(f"{plan.name} cannot be carried out: the exchange refused {many} of its calls")
        return EXIT_CHECK_FAILED
    if differences:
        say(f"{plan.name} can be carried out, but does not lead back")
        return EXIT_CHECK_FAILED
    say(
        f"{plan.name} can be carried out, and all {actor.market_count} markets are back where they"
        " were"
    )
    return EXIT_GOOD
