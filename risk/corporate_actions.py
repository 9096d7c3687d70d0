"""One corporate action on one market as a state machine: (state, facts, now) → (state, decision).

    ANNOUNCED → CONFIRMED → ARMED → HALTED → APPLIED → FIRST_PRICE → VERIFIED → RESUMED (or CLOSED)

and ABORTED by an operator, from a split's later stages through UNDOING. One step takes at most one arrow.
From HALTED to VERIFIED nobody trades and nobody is liquidated: the price of one basis must not judge
positions of the other. Back to trading it goes by verification or by an operator's word, never by time.
An action that nobody agrees on is never armed; where its moment comes all the same and its price would
be false, the market is held halted until an operator speaks. Market facts never raise; time is the
venue's and never goes back.
"""

from dataclasses import replace
from typing import assert_never

from risk.corporate_agreement import Accord
from risk.corporate_applying import applying, undoing
from risk.corporate_returning import returning
from risk.corporate_rules import CorporateRules
from risk.corporate_state import (
    ActionDecision,
    ActionFacts,
    ActionState,
    Scene,
    Stage,
    Turn,
    VenueFacts,
)
from risk.corporate_turns import aborted, entered, halt_lead, inverse_of
from risk.units import MarketStatus, Seconds


def step(
    state: ActionState,
    facts: ActionFacts,
    venue: VenueFacts,
    *,
    now: Seconds,
    rules: CorporateRules,
) -> tuple[ActionState, ActionDecision]:
    """Advance an action to `now` and say what its market should have, what to write, and why.

    A `now` before the last one (a reorganised chain) counts as no time at all. The state must be durable
    before the write is sent, or a restart could make it twice.
    """
    now = max(now, state.seen_at)
    scene = Scene(facts=facts, venue=venue, now=now)
    match state.stage:
        case Stage.ANNOUNCED:
            turn = _announced(state, scene, rules)
        case Stage.CONFIRMED:
            turn = _confirmed(state, scene, rules)
        case Stage.ARMED:
            turn = _armed(state, scene, rules)
        case Stage.HALTED:
            turn = applying(state, scene, rules)
        case Stage.UNDOING:
            turn = undoing(state, scene, rules)
        case Stage.APPLIED | Stage.FIRST_PRICE | Stage.VERIFIED:
            turn = returning(state, scene, rules)
        case Stage.RESUMED | Stage.CLOSED | Stage.ABORTED:
            turn = Turn(state=state, why=f"{state.key} is over")
        case unknown:
            assert_never(unknown)
    after = replace(turn.state, seen_at=now)
    is_halted = after.stage.is_halted or after.is_held
    return after, ActionDecision(
        stage=after.stage,
        status=MarketStatus.HALTED if is_halted else MarketStatus.OPEN,
        may_liquidate=not is_halted,
        write=turn.write,
        why=turn.why,
        inverse=inverse_of(after),
        is_alarm=turn.is_alarm,
        value_at=turn.value_at,
    )


def _announced(state: ActionState, scene: Scene, rules: CorporateRules) -> Turn:
    agreement = scene.facts.agreement
    if scene.facts.abort is not None:
        return aborted(state, scene.facts.abort, scene.now)
    if agreement.action is not None:
        return Turn(
            state=replace(entered(state, Stage.CONFIRMED, scene.now), action=agreement.action),
            why=agreement.why,
        )
    held = _held(state, scene, rules)
    if held.is_held:
        return Turn(
            state=held,
            why=f"held, for nobody knows what the price means: {agreement.why}",
            is_alarm=True,
        )
    is_near = any(scene.now >= each.effective - rules.notice for each in agreement.told)
    is_alarm = is_near or agreement.accord is Accord.DISAGREED
    return Turn(state=held, why=agreement.why, is_alarm=is_alarm)


def _held(state: ActionState, scene: Scene, rules: CorporateRules) -> ActionState:
    """Hold a market whose price changes its meaning now, as far as anybody says."""
    word = scene.facts.resume
    if state.held_since is not None and word is not None and word.at >= state.held_since:
        return replace(state, held_since=None, is_hold_lifted=True)
    if state.is_hold_lifted or state.held_since is not None:
        return state
    told = scene.facts.agreement.told
    known = (state.action, *told) if state.action is not None else told
    is_due = any(
        each.rebases_price and scene.now >= each.effective - halt_lead(each, rules)
        for each in known
    )
    return replace(state, held_since=scene.now) if is_due else state


def _changed(state: ActionState, scene: Scene) -> Turn | None:
    """Take an abort, and follow what the sources say while nothing has been done yet."""
    agreement = scene.facts.agreement
    if scene.facts.abort is not None:
        return aborted(state, scene.facts.abort, scene.now)
    if agreement.action is None:
        back = replace(entered(state, Stage.ANNOUNCED, scene.now), action=None)
        return Turn(state=back, why=f"no longer agreed on: {agreement.why}", is_alarm=True)
    if agreement.action != state.action:
        anew = replace(entered(state, Stage.CONFIRMED, scene.now), action=agreement.action)
        return Turn(state=anew, why=f"the terms changed: {agreement.why}", is_alarm=True)
    return None


def _confirmed(state: ActionState, scene: Scene, rules: CorporateRules) -> Turn:
    changed = _changed(state, scene)
    action = state.action
    if changed is not None or action is None:
        assert changed is not None, "expected terms wherever an action is confirmed"
        return changed
    state = _held(state, scene, rules)
    approved_at = scene.facts.agreement.approved_at
    is_late = scene.now >= action.effective
    if is_late and (approved_at is None or approved_at < action.effective):
        return Turn(
            state=state,
            why=(
                f"{action} was agreed on too late: the underlying trades on the new basis already, and"
                " an operator must approve it now, or abort it"
            ),
            is_alarm=True,
        )
    if scene.facts.taken_by is not None:
        return Turn(state=state, why=f"waits, for the market is busy with {scene.facts.taken_by}")
    if scene.now < action.effective - rules.arm_lead:
        return Turn(state=state, why=f"{action} is agreed on, and its day has not come")
    return Turn(state=entered(state, Stage.ARMED, scene.now), why=f"{action} is armed")


def _armed(state: ActionState, scene: Scene, rules: CorporateRules) -> Turn:
    changed = _changed(state, scene)
    action = state.action
    if changed is not None or action is None:
        assert changed is not None, "expected terms wherever an action is armed"
        return changed
    lead = halt_lead(action, rules)
    if scene.now < action.effective - lead:
        refusal = scene.venue.refusal
        if refusal is not None:
            return Turn(
                state=state,
                why=f"the exchange would refuse {action}: {refusal}",
                is_alarm=True,
            )
        return Turn(state=state, why=f"{action} is armed; the halt begins {lead} s before it")
    halted = replace(entered(state, Stage.HALTED, scene.now), held_since=None)
    return Turn(state=halted, why=f"halted for {action}")
