"""From an applied corporate action back to trading: by the first right price and unchanged sums.

Sources repeat the last close of the old basis until the first print of the new one; such a price is waited
out and never counts. What is wrong stays halted and calls an operator, who may have it trade, or, after a
split, taken back. A market that was settled does not trade again: it is closed.
"""

from dataclasses import replace

from risk.amounts import percent_text, price_text
from risk.corporate_rules import CorporateRules
from risk.corporate_state import ActionState, OutsidePrice, Scene, Stage, Turn
from risk.corporate_totals import difference
from risk.corporate_turns import alarm, entered, is_near, is_nearer_to_new, operator_resumes
from risk.corporate_values import CorporateAction, Effect
from risk.units import PriceE8, Seconds


def returning(state: ActionState, scene: Scene, rules: CorporateRules) -> Turn:
    """Take the next step back to trading, or to the end of a settled market."""
    action = state.action
    assert action is not None, "expected terms wherever an action is applied"
    if action.effect is Effect.SETTLE:
        return _closing(state, action, scene)
    word = scene.facts.resume
    if operator_resumes(state, scene) and word is not None:
        resumed = entered(state, Stage.RESUMED, scene.now)
        return Turn(state=resumed, why=f"{word.by} had it trade again: {word.reason}")
    if scene.facts.abort is not None:
        return _taken_back(state, action, scene)
    if state.stage is Stage.APPLIED:
        return _first_price(state, action, scene, rules)
    if state.stage is Stage.FIRST_PRICE:
        return _verified(state, action, scene)
    return _warmed_up(state, action, scene, rules)


def _taken_back(state: ActionState, action: CorporateAction, scene: Scene) -> Turn:
    word = scene.facts.abort
    assert word is not None, "expected an abort to take back for"
    if action.effect is Effect.ALIAS:
        ended = entered(state, Stage.ABORTED, scene.now)
        return Turn(state=ended, why=f"{word.by} aborted {state.key}: {word.reason}")
    if action.effect is not Effect.RESCALE:
        return alarm(
            state, f"{word.by} aborted {state.key}, and what was paid cannot be taken back"
        )
    undoing = replace(entered(state, Stage.UNDOING, scene.now), epoch=scene.venue.epoch)
    return Turn(state=undoing, why=f"{word.by} has the split taken back: {word.reason}")


def _first_price(
    state: ActionState, action: CorporateAction, scene: Scene, rules: CorporateRules
) -> Turn:
    if scene.venue.followed_symbol != action.followed_symbol:
        return Turn(state=state, why=f"waits until the sources follow {action.followed_symbol}")
    seen = scene.venue.outside
    applied_at = state.since if state.applied_at is None else state.applied_at
    if seen is None or not max(applied_at, action.effective) < seen.at <= scene.now:
        return _waiting(state, scene.now, "waits for the first price after it", rules)
    old, new = _bases(state, action)
    if is_near(seen.price, new, rules):
        found = replace(entered(state, Stage.FIRST_PRICE, scene.now), first_price=seen)
        return Turn(state=found, why=f"the first price is {price_text(seen.price)}")
    if is_near(seen.price, old, rules) and not is_nearer_to_new(seen.price, old, new):
        repeated = f"{price_text(seen.price)} is still a price of the old basis"
        return _waiting(state, scene.now, repeated, rules)
    return alarm(state, _far(seen, new, rules))


def _waiting(state: ActionState, now: Seconds, why: str, rules: CorporateRules) -> Turn:
    is_long = now - state.since > rules.first_price_wait
    return Turn(state=state, why=why, is_alarm=is_long)


def _verified(state: ActionState, action: CorporateAction, scene: Scene) -> Turn:
    before = state.before
    assert before is not None, "expected sums from before wherever an action is applied"
    value_at = action.price_after(before.price)
    after = scene.venue.totals
    if after is None or after.price != value_at:
        return Turn(state=state, why="reckons the sums again", value_at=value_at)
    wrong = difference(before, after, action)
    if wrong is not None:
        return replace(alarm(state, f"{action} is not as it should be: {wrong}"), value_at=value_at)
    counted = Seconds(0) if state.first_price is None else state.first_price.at
    verified = replace(entered(state, Stage.VERIFIED, scene.now), counted=counted)
    return Turn(state=verified, why=f"{action} left all sums as they were")


def _warmed_up(
    state: ActionState, action: CorporateAction, scene: Scene, rules: CorporateRules
) -> Turn:
    seen = scene.venue.outside
    if seen is None or not state.counted < seen.at <= scene.now:
        return Turn(state=state, why="waits for the next price")
    state = replace(state, counted=seen.at)
    _, new = _bases(state, action)
    if not is_near(seen.price, new, rules):
        return alarm(replace(state, good_prices=0), _far(seen, new, rules))
    good = state.good_prices + 1
    if good < rules.warm_up:
        counted = replace(state, good_prices=good)
        return Turn(state=counted, why=f"{good} of {rules.warm_up} good prices")
    resumed = entered(state, Stage.RESUMED, scene.now)
    return Turn(state=resumed, why=f"{action} is verified: trading returns")


def _closing(state: ActionState, action: CorporateAction, scene: Scene) -> Turn:
    before, after = state.before, scene.venue.totals
    if state.stage is Stage.VERIFIED:
        return Turn(
            state=entered(state, Stage.CLOSED, scene.now), why=f"{action}: the market ended"
        )
    if before is None or after is None:
        return Turn(state=state, why="counts what is left open", value_at=scene.venue.mark)
    wrong = difference(before, after, action)
    if wrong is not None:
        return replace(alarm(state, f"{action}: {wrong}"), value_at=scene.venue.mark)
    return Turn(state=entered(state, Stage.VERIFIED, scene.now), why="no position is left open")


def _bases(state: ActionState, action: CorporateAction) -> tuple[PriceE8, PriceE8]:
    """Give what a share was worth before, and what that is worth now."""
    old = state.close
    assert old is not None, "expected a price from before wherever an action is applied"
    return old, action.price_after(old)


def _far(seen: OutsidePrice, wanted: PriceE8, rules: CorporateRules) -> str:
    return (
        f"the price {price_text(seen.price)} is more than {percent_text(rules.tolerance)} % off"
        f" {price_text(wanted)}, what the last one is worth now: an operator must look"
    )
