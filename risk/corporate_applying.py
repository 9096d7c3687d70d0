"""The writes of a corporate action: made while the market is halted, each exactly once.

Once is kept by the exchange's own epoch: what the duty's epoch was is remembered (durably) before the first
write, which carries it. An epoch that grew by one says that the write has landed, whoever lost the receipt;
one that grew by more, that somebody else writes too: then nothing more is written until an operator says
so. What a state that was lost could do twice, a split, is looked at once more in the price itself.
"""

from dataclasses import replace
from typing import Final

from risk.amounts import money_text, price_text
from risk.corporate_rules import CorporateRules
from risk.corporate_state import (
    ActionState,
    Scene,
    Stage,
    Turn,
)
from risk.corporate_turns import aborted, alarm, entered, is_nearer_to_new
from risk.corporate_values import CorporateAction, Effect
from risk.corporate_writes import (
    BeginSplit,
    CloseSettled,
    ContinueSplit,
    CoverLosses,
    PayDividend,
    SettleMarket,
    Write,
)
from risk.units import MarketStatus, PriceE8

MOST_CLOSED: Final = 128
"""Accounts that one `close_settled` or `cover_losses` takes."""


def applying(state: ActionState, scene: Scene, rules: CorporateRules) -> Turn:
    """Wait for the action's moment, halted, and then have it written."""
    action = state.action
    assert action is not None, "expected terms wherever a market is halted for an action"
    if state.epoch is None:
        return _before_the_first_write(state, action, scene, rules)
    if scene.facts.abort is not None and _is_untouched(state, scene):
        return aborted(state, scene.facts.abort, scene.now)
    turn = _written(state, action, scene, rules)
    is_slow = state.begun_at is not None and scene.now - state.begun_at > rules.apply_wait
    if turn.state.stage is not Stage.HALTED or turn.is_alarm or not is_slow:
        return turn
    return replace(turn, is_alarm=True, why=f"not through after {rules.apply_wait} s: {turn.why}")


def undoing(state: ActionState, scene: Scene, rules: CorporateRules) -> Turn:
    """Make the inverse split; when it is through an operator's abort is done."""
    action = state.action
    assert action is not None, "expected terms wherever a split is taken back"
    assert action.ratio is not None, "expected a ratio: only what rescales is taken back"
    back = action.ratio.inverse
    turn = _epoch_turn(
        state,
        scene,
        BeginSplit(
            numerator=back.numerator,
            denominator=back.denominator,
            expected_epoch=state.epoch or 0,
        ),
    )
    if turn is not None:
        return turn
    if scene.venue.is_splitting:
        return Turn(
            state=state, why=f"taking back by {back}", write=ContinueSplit(count=rules.chunk)
        )
    return Turn(
        state=entered(state, Stage.ABORTED, scene.now),
        why=f"{state.key} was taken back by {back}, as an operator ordered",
    )


def _before_the_first_write(
    state: ActionState, action: CorporateAction, scene: Scene, rules: CorporateRules
) -> Turn:
    facts, venue, now = scene.facts, scene.venue, scene.now
    if facts.abort is not None and not venue.is_splitting:
        return aborted(state, facts.abort, now)
    agreement = facts.agreement
    if agreement.action != action:
        return _doubted(state, scene)
    if venue.is_splitting or venue.status is MarketStatus.SETTLED:
        what = "being split" if venue.is_splitting else "settled"
        return alarm(state, f"the market is {what}, and not by this action: an operator must look")
    if venue.status < MarketStatus.HALTED:
        return Turn(state=state, why="waits until the exchange has halted the market")
    if venue.outside is not None and venue.outside.at < action.effective:
        state = replace(state, close=venue.outside.price)
    if now < action.effective:
        return Turn(state=state, why=f"halted; {action} comes in {action.effective - now} s")
    close = venue.mark if state.close is None else state.close
    expected = action.price_after(close)
    is_rescaled = action.effect is Effect.RESCALE
    if is_rescaled and is_nearer_to_new(venue.mark, close, expected):
        return alarm(
            state,
            f"the mark {price_text(venue.mark)} is on the new basis already: it must not be split"
            " twice, and an operator must look",
        )
    if expected <= 0:
        return alarm(state, f"{action} is more than the price of {price_text(close)}")
    return _first_write(replace(state, close=close), action, scene, rules)


def _doubted(state: ActionState, scene: Scene) -> Turn:
    """Stay halted on a late doubt; terms that an operator approved begin anew, still halted."""
    agreement = scene.facts.agreement
    if agreement.approved_at is None or agreement.action is None:
        return alarm(
            state, f"halted and in doubt, an operator must approve or abort: {agreement.why}"
        )
    anew = replace(
        entered(state, Stage.CONFIRMED, scene.now), action=agreement.action, held_since=scene.now
    )
    return Turn(state=anew, why=agreement.why)


def _first_write(
    state: ActionState, action: CorporateAction, scene: Scene, rules: CorporateRules
) -> Turn:
    venue = scene.venue
    totals = venue.totals
    if totals is None or totals.price != venue.mark:
        return Turn(
            state=state,
            why="reckons the sums that must not change",
            value_at=venue.mark,
        )
    if venue.is_write_in_flight:
        return Turn(state=state, why="waits for an earlier write to land", value_at=venue.mark)
    begun = replace(state, before=totals, epoch=venue.epoch, begun_at=scene.now)
    return _written(begun, action, scene, rules)


def _written(
    state: ActionState, action: CorporateAction, scene: Scene, rules: CorporateRules
) -> Turn:
    """Say what to write next, or that all is written."""
    venue = scene.venue
    first = _first(action, state, venue.mark)
    if first is None:
        if venue.followed_symbol != action.followed_symbol:
            return Turn(state=state, why=f"waits until the sources follow {action.followed_symbol}")
        return _applied(state, scene)
    turn = _epoch_turn(state, scene, first)
    if turn is not None:
        return turn
    if action.effect is Effect.RESCALE and venue.is_splitting:
        count = ContinueSplit(count=rules.chunk)
        return Turn(state=state, why=f"rescaling by {action.ratio}", write=count)
    if action.effect is Effect.SETTLE:
        return _settled(state, scene)
    return _applied(state, scene)


def _epoch_turn(state: ActionState, scene: Scene, first: Write) -> Turn | None:
    """Make the write that carries the epoch; None once it has landed."""
    venue = scene.venue
    if venue.epoch == state.epoch:
        if venue.is_write_in_flight:
            return Turn(state=state, why="waits for the write to land")
        if venue.status < MarketStatus.HALTED:
            return Turn(state=state, why="waits until the exchange has halted the market")
        if venue.refusal is not None:
            return alarm(state, f"the exchange would refuse the write: {venue.refusal}")
        return Turn(state=state, why=f"to be written: {first}", write=first)
    if state.epoch is not None and venue.epoch == state.epoch + 1:
        return None
    return alarm(
        state,
        f"the epoch is {venue.epoch} where {state.epoch} or one more was expected: somebody else"
        " writes corporate actions, and an operator must look",
    )


def _settled(state: ActionState, scene: Scene) -> Turn:
    venue = scene.venue
    if venue.status is not MarketStatus.SETTLED:
        return alarm(state, "the epoch moved and the market is not settled: an operator must look")
    if venue.open_accounts:
        some = venue.open_accounts[:MOST_CLOSED]
        why = f"turning the positions of {len(some)} accounts into cash"
        return Turn(state=state, why=why, write=CloseSettled(accounts=some))
    if venue.indebted and venue.insurance_fund > 0:
        some = venue.indebted[:MOST_CLOSED]
        why = f"the insurance fund pays what {len(some)} accounts owe"
        return Turn(state=state, why=why, write=CoverLosses(accounts=some))
    applied = _applied(state, scene)
    if not venue.indebted:
        return applied
    fund = money_text(venue.insurance_fund)
    why = f"{len(venue.indebted)} accounts still owe and the insurance fund holds {fund} USD"
    return replace(applied, why=why, is_alarm=True)


def _applied(state: ActionState, scene: Scene) -> Turn:
    after = replace(entered(state, Stage.APPLIED, scene.now), applied_at=scene.now)
    return Turn(state=after, why=f"{state.action} is applied")


def _first(action: CorporateAction, state: ActionState, mark: PriceE8) -> Write | None:
    """Give the write that begins an action; None where the exchange is told nothing."""
    epoch = state.epoch or 0
    match action.effect:
        case Effect.RESCALE:
            assert action.ratio is not None, "expected a ratio of whatever rescales"
            return BeginSplit(
                numerator=action.ratio.numerator,
                denominator=action.ratio.denominator,
                expected_epoch=epoch,
            )
        case Effect.PAY:
            assert action.amount is not None, "expected an amount of whatever pays"
            return PayDividend(amount=action.amount, expected_epoch=epoch)
        case Effect.SETTLE:
            price = mark if action.amount is None else action.amount
            return SettleMarket(price=price, expected_epoch=epoch)
        case Effect.ALIAS:
            return None


def _is_untouched(state: ActionState, scene: Scene) -> bool:
    """Say whether nothing has landed, and nothing that was sent still may."""
    venue = scene.venue
    is_same = venue.epoch == state.epoch and not venue.is_splitting
    return is_same and not venue.is_write_in_flight
