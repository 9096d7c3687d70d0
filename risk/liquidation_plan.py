"""Which liquidations to send now, in which order, in which batches; and why not the others.

Items are judged one after the other on what the earlier ones leave of backstop and insurance fund,
as the exchange will judge them. One item per account and market; several markets of an account when
one does not cure it. Whatever is not sent has a reason. The chain judges again, so a plan that came
too late costs gas and nothing else.
"""

from collections.abc import Callable, Collection, Sequence

from risk.gas_model import GasModel
from risk.intent import judged_on
from risk.liquidation import LiquidationCode, LiquidationTerms, LiquidationVerdict
from risk.liquidation_batches import Packing, make_batch
from risk.liquidation_choice import Choice, best_choice, judge_account, most_telling
from risk.liquidation_effect import after_liquidation, terms_after
from risk.liquidation_order import Place, ranked
from risk.liquidation_values import (
    Candidate,
    LiquidationPlan,
    PlanLimits,
    PlannedBatch,
    PlannedItem,
    Skip,
    SkipReason,
    WorkInHand,
)
from risk.margin import Account, margin_state
from risk.retry_book import RetryBook, circumstances
from risk.units import MarketId


def plan_liquidations(
    candidates: Sequence[Candidate],
    terms: LiquidationTerms,
    *,
    limits: PlanLimits,
    work: WorkInHand,
) -> LiquidationPlan:
    """Plan what to send now. Candidates name each account once (ValueError otherwise)."""
    if len({candidate.account.id for candidate in candidates}) != len(candidates):
        raise ValueError("expected each account once among the candidates")
    places, skips, stuck = ranked(candidates, terms, limits, work)
    packing = Packing(
        limits=limits, gas=work.gas, free_batches=limits.max_batches - work.batches_in_flight
    )
    for place in places:
        if packing.is_full:
            skips.append(Skip(account=place.account.id, reason=SkipReason.BATCH_LIMIT))
            continue
        if not packing.may_ever_fit(len(place.account.positions)):
            skips.append(Skip(account=place.account.id, reason=SkipReason.GAS_LIMIT))
            continue
        terms, skip = _place_account(place, terms, packing)
        if skip is not None:
            skips.append(skip)
    return LiquidationPlan(
        batches=packing.finished(),
        skips=tuple(sorted(skips, key=lambda skip: skip.account)),
        stuck=tuple(sorted(stuck, key=lambda entry: entry.account)),
    )


def confirm(
    batch: PlannedBatch, judge: Callable[[PlannedItem], LiquidationVerdict], gas: GasModel
) -> tuple[PlannedBatch | None, tuple[PlannedItem, ...]]:
    """Re-judge a batch right before it is sent: give what is left of it, and what was dropped."""
    kept: list[PlannedItem] = []
    dropped: list[PlannedItem] = []
    for item in batch.items:
        (kept if judge(item).is_liquidated else dropped).append(item)
    if not dropped:
        return batch, ()
    return (make_batch(kept, gas) if kept else None), tuple(dropped)


def retries_after_plan(
    work: WorkInHand,
    plan: LiquidationPlan,
    candidates: Sequence[Candidate],
    terms: LiquidationTerms,
) -> RetryBook:
    """Note those whom our own judge found unliquidatable: they are spaced like refused ones."""
    codes = {
        skip.account: LiquidationCode(skip.reason.value)
        for skip in plan.skips
        if skip.reason in (SkipReason.BACKSTOP_FULL, SkipReason.DELEVERAGE_NEEDED)
    }
    return work.retries.noted(
        (
            (
                candidate.account.id,
                codes[candidate.account.id],
                circumstances(candidate.account, terms.markets),
            )
            for candidate in candidates
            if candidate.account.id in codes
        ),
        terms.now,
    )


def _place_account(
    place: Place, terms: LiquidationTerms, packing: Packing
) -> tuple[LiquidationTerms, Skip | None]:
    """Plan items of one account until it is cured, nothing more can be done, or no room is left."""
    account, state = place.account, place.state
    done: list[MarketId] = []
    while True:
        choices = judge_account(state, terms, done=done)
        choice = best_choice(choices)
        if choice is None:
            return terms, None if done else _refused(place, choices)
        item = _planned(place, account, choice, terms)
        if not packing.add(item):
            return terms, None if done else Skip(account=account.id, reason=SkipReason.BATCH_LIMIT)
        left, terms = terms, terms_after(terms, choice.verdict)
        if choice.verdict.cures:
            return terms, None
        account = after_liquidation(account, choice.verdict, left)
        done.append(item.market)
        state = margin_state(account, terms.markets, terms.now)


def _planned(
    place: Place, account: Account, choice: Choice, terms: LiquidationTerms
) -> PlannedItem:
    market = choice.verdict.market
    attempt = 0 if place.retry is None else place.retry.attempts
    return PlannedItem(
        judged_on=judged_on(account, market, terms, attempt),
        judged=account,
        terms=terms,
        account=account.id,
        market=market,
        max_size=choice.max_size,
        positions=len(account.positions),
        expected_loss=place.loss,
        verdict=choice.verdict,
    )


def _refused(place: Place, choices: Collection[Choice]) -> Skip:
    verdict = most_telling(choices)
    if verdict is None:
        return Skip(account=place.account.id, reason=SkipReason.NOT_LIQUIDATABLE)
    return Skip(
        account=place.account.id,
        reason=SkipReason(verdict.code.value),
        market=verdict.market,
        until=verdict.until,
    )
