"""What the stages of a corporate action have in common: entering one, aborting, and its inverse."""

from dataclasses import replace

from risk.corporate_rules import CorporateRules
from risk.corporate_state import ActionState, Scene, Stage, Turn, Word
from risk.corporate_values import CorporateAction, Effect
from risk.units import PPM_SCALE, PriceE8, Seconds


def entered(state: ActionState, stage: Stage, now: Seconds) -> ActionState:
    """Begin a stage."""
    return replace(state, stage=stage, since=now, good_prices=0)


def aborted(state: ActionState, word: Word, now: Seconds) -> Turn:
    """End an action of which the exchange knows nothing."""
    ended = replace(entered(state, Stage.ABORTED, now), held_since=None)
    return Turn(state=ended, why=f"{word.by} aborted {state.key}: {word.reason}")


def alarm(state: ActionState, why: str) -> Turn:
    """Stay, and call somebody."""
    return Turn(state=state, why=why, is_alarm=True)


def halt_lead(action: CorporateAction, rules: CorporateRules) -> Seconds:
    """Give how long before its moment a market halts."""
    is_short = action.effect is Effect.PAY and not action.is_special
    return rules.dividend_halt_lead if is_short else rules.halt_lead


def operator_resumes(state: ActionState, scene: Scene) -> bool:
    """Say whether an operator had the market trade, in this stage and not in one before it."""
    word = scene.facts.resume
    return word is not None and word.at >= state.since and not scene.venue.is_splitting


def is_near(price: PriceE8, wanted: PriceE8, rules: CorporateRules) -> bool:
    """Say whether a price lies within the tolerance of another; the edge does."""
    return abs(price - wanted) * PPM_SCALE <= wanted * rules.tolerance


def is_nearer_to_new(price: PriceE8, old: PriceE8, new: PriceE8) -> bool:
    """Say whether a price lies, by ratio, nearer to what the share is worth now than before.

    Against the geometric mean of both, without a root: p² compared with old · new. False where both
    are the same.
    """
    if new < old:
        return price * price < old * new
    return new > old and price * price > old * new


def inverse_of(state: ActionState) -> str:
    """Tell what takes a stage back."""
    action = state.action
    effect = None if action is None else action.effect
    match state.stage:
        case Stage.ANNOUNCED | Stage.CONFIRMED | Stage.ARMED:
            return "trade again, and forget the action" if state.is_held else "forget the action"
        case Stage.HALTED if state.begun_at is None:
            return "trade again: the exchange knows nothing of the action yet"
        case Stage.RESUMED | Stage.ABORTED:
            return "nothing: it is over"
        case Stage.CLOSED:
            return "none: a settled market has ended"
        case Stage.UNDOING:
            return "make the split again, as a new action that an operator approves"
        case _:
            return _inverse_on_chain(action, effect)


def _inverse_on_chain(action: CorporateAction | None, effect: Effect | None) -> str:
    if effect is Effect.RESCALE and action is not None and action.ratio is not None:
        return f"the inverse split {action.ratio.inverse}, once this one is through"
    if effect is Effect.PAY:
        return (
            "none on chain: longs would have to pay it back by funding, within the tuner's limits"
        )
    if effect is Effect.SETTLE:
        return "none: a settled market has ended"
    return "follow the old symbol again"
