"""In which order liquidatable accounts are tried, and who must wait.

The most dangerous comes first: the account expected to cost others most if prices make one more
stress step against it before we land, `max(0, Σ notional · stress − equity)`; then the larger one;
then by number: a total order, whatever the order of the input. Accounts that failed before come
behind, yet one place in every batch is theirs.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from risk.gas_model import GasModel
from risk.liquidation import LiquidationTerms
from risk.liquidation_values import Candidate, PlanLimits, Skip, SkipReason, WorkInHand
from risk.margin import Account, MarginState
from risk.retry_book import RetryEntry, circumstances
from risk.units import PPM_SCALE, AccountId, QuoteAtoms, Seconds, div_ceil


def expected_loss(state: MarginState, limits: PlanLimits) -> QuoteAtoms:
    """Give what others would bear if every price made one more stress step against the account.

    A settled price moves no more: its positions, which require no margin, are left out.
    """
    fall = sum(
        div_ceil(
            held.notional * limits.stress.get(held.position.market, limits.default_stress),
            PPM_SCALE,
        )
        for held in state.positions
        if held.maintenance_margin > 0
    )
    return QuoteAtoms(max(0, fall - state.equity))


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A candidate in the order of the plan."""

    account: Account
    state: MarginState
    loss: QuoteAtoms
    retry: RetryEntry | None

    @property
    def danger(self) -> tuple[int, int, AccountId]:
        """Sort by expected loss, then notional, both largest first, then by number."""
        return -self.loss, -self.state.notional, self.account.id


def ranked(
    candidates: Sequence[Candidate], terms: LiquidationTerms, limits: PlanLimits, work: WorkInHand
) -> tuple[list[Place], list[Skip], list[RetryEntry]]:
    """Order those who may be tried now; skip those who must wait."""
    busy = {account for account, _ in work.in_flight}
    fresh: list[Place] = []
    again: list[tuple[Seconds, Place]] = []
    skips: list[Skip] = []
    stuck: list[RetryEntry] = []
    for candidate in candidates:
        failed = work.retries.entries.get(candidate.account.id)
        if failed is not None and work.retries.is_stuck(failed):
            stuck.append(failed)
        retry = (
            None
            if failed is None
            else work.retries.entry(failed.account, circumstances(candidate.account, terms.markets))
        )
        skip = _must_wait(candidate, terms, limits, work, busy, retry)
        if skip is not None:
            skips.append(skip)
            continue
        place = Place(
            account=candidate.account,
            state=candidate.state,
            loss=expected_loss(candidate.state, limits),
            retry=retry,
        )
        if retry is None:
            fresh.append(place)
        else:
            again.append((retry.next_time, place))
    fresh.sort(key=lambda place: place.danger)
    again.sort(key=lambda due: (due[0], due[1].danger))
    return _merged(fresh, again, terms.now, limits, work.gas), skips, stuck


def _must_wait(
    candidate: Candidate,
    terms: LiquidationTerms,
    limits: PlanLimits,
    work: WorkInHand,
    busy: Collection[AccountId],
    retry: RetryEntry | None,
) -> Skip | None:
    account = candidate.account.id
    if account in busy:
        return Skip(account=account, reason=SkipReason.IN_FLIGHT)
    if candidate.state.is_priced and not candidate.state.is_liquidatable:
        return Skip(account=account, reason=SkipReason.NOT_LIQUIDATABLE)
    if candidate.state.notional < limits.min_notional:
        return Skip(account=account, reason=SkipReason.BELOW_MINIMUM)
    warming = [
        held.market for held in candidate.account.positions if held.market in work.warming_up
    ]
    if warming:
        return Skip(account=account, reason=SkipReason.WARMING_UP, market=min(warming))
    if retry is not None and terms.now < retry.next_time:
        return Skip(account=account, reason=SkipReason.BACKING_OFF, until=retry.next_time)
    return None


def _merged(
    fresh: list[Place],
    again: list[tuple[Seconds, Place]],
    now: Seconds,
    limits: PlanLimits,
    gas: GasModel,
) -> list[Place]:
    """Put retries behind the others, but one in every batch: the one due longest.

    It has the last place of the batch; the first once it is overdue. So the ones that fail again
    and again never hold up the others, and are never starved by them either.
    """
    if not again:
        return fresh
    room = limits.max_items
    while room > 1 and gas.bound(items=room, positions=room) > limits.max_gas:
        room -= 1
    merged: list[Place] = []
    waiting = [place for _, place in again]
    due = [next_time for next_time, _ in again]
    rest = list(fresh)
    while rest and waiting:
        is_overdue = now >= due[0] + limits.overdue
        retry = waiting.pop(0)
        due.pop(0)
        others, rest = rest[: room - 1], rest[room - 1 :]
        if room == 1 and not is_overdue:
            others, rest = rest[:1], rest[1:]
        merged += [retry, *others] if is_overdue else [*others, retry]
    return merged + rest + waiting
