"""Which deleverage items to send now; and why not the others.

Insurance first, backstop next: who they can carry is left to liquidation. The rest is planned in
small steps, largest shortfall first, one side of a market after the other. Each item is judged on
what the items before it leave, as the exchange will judge it, and an account's last item is cut to
the unit where the pools can carry what is left. After a step everything is read and planned anew,
so a fund that recovers stops the round by itself. The same state gives the same plan.
"""

from collections.abc import Iterable

from risk.account_book import AccountBook
from risk.deleverage_effect import fill_both
from risk.deleverage_intent import deleverage_judged_on
from risk.deleverage_need import (
    Need,
    NeededClose,
    Waiting,
    WaitReason,
    deleverage_need,
    judge_need,
)
from risk.deleverage_offers import Offer, Offers
from risk.deleverage_rank import RankPolicy
from risk.deleverage_rules import (
    DeleverageItem,
    DeleverageVerdict,
    Pools,
    judge_deleverage,
    position_of,
)
from risk.deleverage_values import (
    DeleverageLimits,
    DeleveragePlan,
    DeleverageWork,
    PlannedDeleverage,
)
from risk.margin import Account, MarginState, margin_state
from risk.units import NOTIONAL_SCALE, AccountId, MarketId, Seconds, div_floor


def plan_deleverage(
    book: AccountBook,
    pools: Pools,
    now: Seconds,
    *,
    policy: RankPolicy,
    limits: DeleverageLimits,
    work: DeleverageWork,
    candidates: Iterable[AccountId] | None = None,
) -> DeleveragePlan:
    """Plan the next step. `candidates`: who may be bankrupt, as `deleverage_need` takes them."""
    need = deleverage_need(book, pools, now, candidates=candidates)
    return plan_needs(need, book, pools, now, policy=policy, limits=limits, work=work)


def plan_needs(
    need: Need,
    book: AccountBook,
    pools: Pools,
    now: Seconds,
    *,
    policy: RankPolicy,
    limits: DeleverageLimits,
    work: DeleverageWork,
) -> DeleveragePlan:
    """Plan the next step for a need that was judged on the same state."""
    planner = _Planner(book, pools, now, policy, limits, work)
    waiting = list(need.waiting)
    for group in _groups(need.closes):
        waiting += planner.plan_side(group)
    waiting.sort(key=lambda wait: (wait.account, wait.market))
    return DeleveragePlan(need=need, batches=planner.batches(), waiting=tuple(waiting))


def _groups(closes: Iterable[NeededClose]) -> list[list[NeededClose]]:
    """Split by market and side; the side that owes most comes first."""
    groups: dict[tuple[MarketId, bool], list[NeededClose]] = {}
    for close in closes:
        groups.setdefault((close.market, close.is_long), []).append(close)
    owed = {key: sum(close.shortfall for close in group) for key, group in groups.items()}
    return [groups[key] for key in sorted(groups, key=lambda key: (-owed[key], key))]


class _Planner:
    """A plan being made; lives only as long as that."""

    def __init__(
        self,
        book: AccountBook,
        pools: Pools,
        now: Seconds,
        policy: RankPolicy,
        limits: DeleverageLimits,
        work: DeleverageWork,
    ) -> None:
        self._book = book
        self._markets = book.markets
        self._pools = pools
        self._now = now
        self._policy = policy
        self._limits = limits
        self._work = work
        self._changed: dict[AccountId, Account] = {}
        self._items: list[PlannedDeleverage] = []
        self._touched = set(work.touched)
        free = max(0, limits.max_batches - work.batches_in_flight)
        self._room = limits.max_items * free
        self._notional_left = int(limits.max_notional)

    def batches(self) -> tuple[tuple[PlannedDeleverage, ...], ...]:
        """Cut the items into calls."""
        step = self._limits.max_items
        return tuple(
            tuple(self._items[start : start + step]) for start in range(0, len(self._items), step)
        )

    def plan_side(self, group: list[NeededClose]) -> list[Waiting]:
        """Plan one side of a market, account after account; give what is left, with reasons."""
        waiting: list[Waiting] = []
        open_needs: list[NeededClose] = []
        for need in group:
            reason = self._must_wait(need)
            if reason is None:
                open_needs.append(need)
            else:
                waiting.append(_wait(need, reason))
        if open_needs and self._is_full:
            # Ranking a side costs more than all else: not for a step that has no room for it.
            waiting += [_wait(need, WaitReason.STEP_LIMIT) for need in open_needs]
            open_needs = []
        if not open_needs:
            return waiting
        offers = Offers(
            self._book,
            group[0].market,
            self._now,
            is_long=not group[0].is_long,
            policy=self._policy,
            smallest=self._limits.smallest_share,
            without={*self._work.in_flight, self._pools.backstop.account},
        )
        offers.share(sum(need.size for need in open_needs), self._touched)
        for need in open_needs:
            reason = self._plan_account(need, offers)
            if reason is not None:
                waiting.append(_wait(need, reason))
        return waiting

    @property
    def _is_full(self) -> bool:
        return len(self._items) >= self._room or (bool(self._items) and not self._notional_left)

    def _must_wait(self, need: NeededClose) -> WaitReason | None:
        if need.account in self._work.in_flight:
            return WaitReason.IN_FLIGHT
        held = self._account(need.account).positions
        if any(position.market in self._work.warming_up for position in held):
            return WaitReason.WARMING_UP
        return None

    def _fitting(self, size: int, market: MarketId) -> int:
        """Cut a size to what the step may still close; 0 where another item went before it."""
        most = div_floor(self._notional_left * NOTIONAL_SCALE, self._markets[market].mark)
        if size <= most:
            return size
        return 0 if self._items else most

    def _plan_account(self, need: NeededClose, offers: Offers) -> WaitReason | None:
        """Plan items until the account's position needs no more; else say what stopped it."""
        refused: set[AccountId] = set()
        left = need.size
        if need.account in self._changed:
            left = self._still_needed(need)
        while left:
            if len(self._items) >= self._room:
                return WaitReason.STEP_LIMIT
            offer = offers.next(refused)
            if offer is None and offers.share(left, self._touched):
                offer = offers.next(refused)
            if offer is None or len(refused) >= self._limits.max_refusals:
                return WaitReason.NO_COUNTERPARTY
            wanted = self._fitting(min(left, offer.size), need.market)
            if wanted == 0:
                return WaitReason.STEP_LIMIT
            verdict = self._judge(need, offer, wanted)
            if abs(verdict.size) < wanted:
                refused.add(offer.account)
            if not verdict.is_deleveraged:
                continue
            self._add(need, offer, verdict)
            offers.take(offer, abs(verdict.size))
            left = self._still_needed(need)
        return None

    def _still_needed(self, need: NeededClose) -> int:
        state = self._state(need.account)
        held = position_of(state, need.market)
        if held is None or not state.is_bankrupt:
            return 0
        found = judge_need(state, held, self._markets, self._pools)
        return found.size if isinstance(found, NeededClose) else 0

    def _judge(self, need: NeededClose, offer: Offer, size: int) -> DeleverageVerdict:
        """Judge a piece; when the counterparty cannot bear it, a smaller one that it can."""
        state, other = self._state(need.account), self._state(offer.account)

        def judged(part: int) -> DeleverageVerdict:
            item = DeleverageItem(
                account=need.account, market=need.market, counterparty=offer.account, size=part
            )
            return judge_deleverage(item, state, other, self._markets, self._pools)

        verdict = judged(size)
        if verdict.is_deleveraged:
            return verdict
        good, bad = 0, size
        while bad - good > 1:
            middle = div_floor(good + bad, 2)
            if judged(middle).is_deleveraged:
                good = middle
            else:
                bad = middle
        return judged(good) if good else verdict

    def _add(self, need: NeededClose, offer: Offer, verdict: DeleverageVerdict) -> None:
        item, market = verdict.item, self._markets[need.market]
        account, other = self._account(item.account), self._account(item.counterparty)
        attempt = self._work.attempts.get((item.account, item.market), 0)
        self._items.append(
            PlannedDeleverage(
                judged_on=deleverage_judged_on(
                    item, account, other, self._markets, self._pools, attempt
                ),
                need=need,
                policy=self._policy,
                place=offer.place,
                score=offer.score,
                account=account,
                counterparty=other,
                verdict=verdict,
            )
        )
        self._changed[item.account], self._changed[item.counterparty], _ = fill_both(
            verdict, account, other, market, self._now
        )
        self._touched.add(item.counterparty)
        exposure = div_floor(abs(verdict.size) * market.mark, NOTIONAL_SCALE)
        self._notional_left = max(0, self._notional_left - exposure)

    def _account(self, account: AccountId) -> Account:
        return self._changed.get(account) or self._book.account(account)

    def _state(self, account: AccountId) -> MarginState:
        return margin_state(self._account(account), self._markets, self._now)


def _wait(need: NeededClose, reason: WaitReason) -> Waiting:
    return Waiting(account=need.account, market=need.market, reason=reason)
