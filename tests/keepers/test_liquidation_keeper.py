"""The liquidation keeper's wiring: what it asks, what it hands over, what it makes of answers.

The view, the venue and the sender are in-memory fakes that keep the order of what happened; the real
ones are played in tests/scenarios.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from keepers.liquidation.hand import Hand
from keepers.liquidation.keeper import KeeperLimits, LiquidationKeeper
from keepers.liquidation.metrics import LiquidationMetrics
from keepers.liquidation.outcome import CycleOutcome
from keepers.liquidation.view import SeenOutcome
from keepers.sender import Refusal, Result, Ticket
from keepers.sender.port import CallBuilder
from risk.evidence import judge_again, summary
from risk.gas_model import GasModel
from risk.liquidation import LiquidationCode, LiquidationRules
from risk.liquidation_values import PlanLimits
from risk.margin import Account, MarginState, margin_state
from risk.market import Market
from risk.price_guard import Doubt
from risk.retry_book import RetryBook
from risk.units import AccountId, MarketId, Ppm, QuoteAtoms, Seconds, SizeE8
from runtime.clock import SystemClock
from runtime.journal import Intent
from tests.builders import (
    NOW,
    make_account,
    make_account_id,
    make_market,
    make_position,
    make_rules,
    price,
    shares,
    usd,
)
from tests.fakes import FakeSender
from venues.port import Call, LiquidationItem, LiquidationSettled

OWN = b"\x03" * 20
BACKSTOP = make_account(usd(10_000_000), number=99)
UNDER_MARGIN = make_account(usd(40), [make_position(shares(10))], number=1)
BANKRUPT = make_account(usd(-100), [make_position(shares(10))], number=2)
HEALTHY = make_account(usd(900), [make_position(shares(10))], number=3)


class View:
    """Accounts as a monitor would show them."""

    def __init__(self, *accounts: Account) -> None:
        self.accounts = {account.id: account for account in (BACKSTOP, *accounts)}
        self.markets: Mapping[MarketId, Market] = {MarketId(0): make_market()}
        self.distrust: str | None = None
        self.now = NOW
        self.applied_block = self.sealed_block = 100
        self.rules: LiquidationRules = make_rules()
        self.insurance_fund = usd(1_000_000)
        self.backstop_account = BACKSTOP.id
        self.doubts: dict[MarketId, Doubt] = {}

    def under(self) -> list[AccountId]:
        return [number for number in self.accounts if self.state(number).is_liquidatable]

    def under_margin_count(self) -> int:
        return len(self.under())

    def oldest_under_margin(self) -> tuple[Seconds, int] | None:
        return (self.now, self.applied_block) if self.under() else None

    def worst(self, limit: int) -> Sequence[AccountId]:
        return self.under()[:limit]

    def account(self, account: AccountId) -> Account:
        return self.accounts[account]

    def state(self, account: AccountId) -> MarginState:
        return margin_state(self.accounts[account], self.markets, self.now)

    def doubt(self, market: MarketId) -> Doubt | None:
        return self.doubts.get(market)


class Venue:
    """Encodes a batch as the numbers in it; decodes what the test put into the receipt."""

    def __init__(self) -> None:
        self.batches: list[list[LiquidationItem]] = []

    def liquidation_call(
        self, items: Sequence[LiquidationItem], *, deadline: Seconds, gas: int
    ) -> Call:
        assert deadline > NOW
        self.batches.append(list(items))
        return Call(to=b"\x01" * 20, data=b"\x02" * 4, gas=gas)

    def settled_items(self, receipt: Mapping[str, object]) -> list[LiquidationSettled]:
        results = receipt["results"]
        assert isinstance(results, list)
        return results


class Notes:
    """Where outcomes are written."""

    def __init__(self) -> None:
        self.settled: dict[str, str] = {}

    def settle_all(self, outcomes: Iterable[SeenOutcome]) -> None:
        for key, outcome, detail in outcomes:
            assert detail is not None
            self.settled[key] = outcome


class Rig:
    """A keeper between fakes."""

    def __init__(self, *accounts: Account, max_batches: int = 2) -> None:
        self.view, self.venue, self.sender = View(*accounts), Venue(), FakeSender()
        self.notes, self.registry = Notes(), CollectorRegistry()
        self.keeper = LiquidationKeeper(
            view=self.view,
            venue=self.venue,
            sender=self.sender,
            address=OWN,
            journal=self.notes,
            hand=Hand(RetryBook(), GasModel()),
            limits=KeeperLimits(
                plan=PlanLimits(max_items=1, max_batches=max_batches, default_stress=Ppm(50_000)),
                expiry_seconds=30,
            ),
            metrics=LiquidationMetrics.create(self.registry),
            clock=SystemClock(),
        )

    def items(self) -> list[AccountId]:
        return [item.account for batch in self.venue.batches for item in batch]


def result_of(account: Account, code: LiquidationCode) -> LiquidationSettled:
    zero = QuoteAtoms(0)
    return LiquidationSettled(
        account=account.id,
        market=MarketId(0),
        keeper=OWN,
        code=code,
        size=SizeE8(shares(10)),
        value=zero,
        discount=zero,
        penalty=zero,
        shortfall=zero,
        reward=QuoteAtoms(usd(2)),
        equity=zero,
        maintenance_margin=zero,
    )


async def test_the_most_dangerous_goes_first_and_the_healthy_are_left_alone() -> None:
    rig = Rig(UNDER_MARGIN, HEALTHY, BANKRUPT)
    assert await rig.keeper.run_once() is CycleOutcome.ACTED
    assert rig.items() == [BANKRUPT.id, UNDER_MARGIN.id]


async def test_every_intent_carries_evidence_that_can_be_judged_again() -> None:
    rig = Rig(UNDER_MARGIN)
    await rig.keeper.run_once()
    (intent,) = rig.sender.taken[0][0]
    assert intent.market == "AAPL"
    assert "below maintenance margin" in str(intent.payload["reason"])
    evidence = intent.payload["evidence"]
    assert isinstance(evidence, dict)
    assert summary(judge_again(evidence)) == evidence["verdict"]


async def test_what_is_on_its_way_is_not_sent_again() -> None:
    rig = Rig(UNDER_MARGIN)
    await rig.keeper.run_once()
    assert await rig.keeper.run_once() is CycleOutcome.WAITING
    assert len(rig.sender.taken) == 1


async def test_it_waits_while_as_many_are_on_their_way_as_are_allowed() -> None:
    rig = Rig(UNDER_MARGIN, BANKRUPT, max_batches=1)
    assert await rig.keeper.run_once() is CycleOutcome.ACTED
    assert await rig.keeper.run_once() is CycleOutcome.BUSY
    assert rig.items() == [BANKRUPT.id]


async def test_nothing_is_done_on_a_state_that_is_not_trusted() -> None:
    rig = Rig(UNDER_MARGIN)
    rig.view.distrust = "the socket closed"
    assert await rig.keeper.run_once() is CycleOutcome.DISTRUSTED
    assert rig.sender.taken == []


@pytest.mark.parametrize(
    "doubt", [Doubt.WARMING_UP, Doubt.DIVERGED, Doubt.FUTURE_DATED, Doubt.UNPRICED]
)
async def test_nothing_is_done_on_a_price_in_doubt(doubt: Doubt) -> None:
    rig = Rig(UNDER_MARGIN)
    rig.view.doubts[MarketId(0)] = doubt
    assert await rig.keeper.run_once() is CycleOutcome.WAITING
    assert rig.sender.taken == []


async def test_nothing_is_done_on_a_stale_price() -> None:
    rig = Rig(UNDER_MARGIN)
    rig.view.now = Seconds(NOW + 1_000)
    assert await rig.keeper.run_once() is CycleOutcome.WAITING
    assert rig.sender.taken == []


async def test_a_refused_batch_is_judged_again_the_next_time() -> None:
    rig = Rig(UNDER_MARGIN)
    rig.sender.refusal = Refusal.LANE_FULL
    assert await rig.keeper.run_once() is CycleOutcome.WAITING
    rig.sender.refusal = None
    assert await rig.keeper.run_once() is CycleOutcome.ACTED


async def test_a_result_is_journaled_counted_and_frees_the_account() -> None:
    rig = Rig(UNDER_MARGIN)
    await rig.keeper.run_once()
    result = result_of(UNDER_MARGIN, LiquidationCode.LIQUIDATED)
    rig.sender.tell(0, Result.MINED, result)
    (key,) = (intent.key for intent in rig.sender.taken[0][0])
    assert rig.notes.settled == {key: "liquidated"}
    assert (
        rig.registry.get_sample_value(
            "bellkeeper_liquidation_results_total", {"result": "liquidated"}
        )
        == 1
    )
    assert rig.registry.get_sample_value("bellkeeper_liquidation_rewards_usd_total") == 2
    # Still in flight until the feed has shown the effect: the old state must not be judged again.
    assert await rig.keeper.run_once() is CycleOutcome.WAITING
    rig.keeper.on_settled(result)
    rig.view.accounts[UNDER_MARGIN.id] = make_account(usd(30), [make_position(shares(8))], number=1)
    assert await rig.keeper.run_once() is CycleOutcome.ACTED


async def test_an_intent_that_the_journal_knows_holds_up_nobody_and_is_tried_anew() -> None:
    earlier = Rig(UNDER_MARGIN)
    await earlier.keeper.run_once()
    rig = Rig(UNDER_MARGIN, BANKRUPT)
    rig.sender.known = set(earlier.sender.known)
    assert await rig.keeper.run_once() is CycleOutcome.ACTED
    assert rig.items() == [BANKRUPT.id]
    rig.view.now = Seconds(NOW + 1)
    assert await rig.keeper.run_once() is CycleOutcome.ACTED
    assert rig.items() == [BANKRUPT.id, UNDER_MARGIN.id]


async def test_another_keepers_result_frees_nothing_of_ours() -> None:
    rig = Rig(UNDER_MARGIN)
    await rig.keeper.run_once()
    theirs = replace(result_of(UNDER_MARGIN, LiquidationCode.COOLING_DOWN), keeper=b"\x04" * 20)
    rig.keeper.on_settled(theirs)
    assert await rig.keeper.run_once() is CycleOutcome.WAITING
    assert len(rig.sender.taken) == 1


async def test_a_lost_race_is_an_outcome_and_no_error() -> None:
    rig = Rig(UNDER_MARGIN)
    await rig.keeper.run_once()
    rig.sender.tell(0, Result.MINED, result_of(UNDER_MARGIN, LiquidationCode.NOT_LIQUIDATABLE))
    assert list(rig.notes.settled.values()) == ["not_liquidatable"]


@pytest.mark.parametrize("result", [Result.EXPIRED, Result.CANCELLED, Result.FAILED])
async def test_a_batch_that_never_was_mined_locks_nobody_out(result: Result) -> None:
    rig = Rig(UNDER_MARGIN)
    await rig.keeper.run_once()
    rig.sender.tell(0, result)
    rig.view.now = Seconds(NOW + 1)
    assert await rig.keeper.run_once() is CycleOutcome.ACTED
    first, second = (taken[0][0].key for taken in rig.sender.taken)
    assert first != second


async def test_an_idle_cycle_says_so_and_sets_the_gauges_to_zero() -> None:
    rig = Rig(HEALTHY)
    assert await rig.keeper.run_once() is CycleOutcome.IDLE
    name = "bellkeeper_liquidation_accounts_skipped"
    assert rig.registry.get_sample_value(name, {"reason": "stale_price"}) == 0


async def test_the_backstop_is_never_a_candidate() -> None:
    rig = Rig()
    poor = make_account(usd(-1), [make_position(shares(10))], number=99)
    rig.view.accounts[BACKSTOP.id] = poor
    assert BACKSTOP.id == make_account_id(99)
    assert await rig.keeper.run_once() is CycleOutcome.WAITING
    assert rig.sender.taken == []


async def test_a_crowd_that_must_wait_does_not_hide_those_who_need_not() -> None:
    crowd = [
        make_account(usd(-100), [make_position(shares(10), market=1)], number=number)
        for number in range(200, 300)
    ]
    rig = Rig(*crowd, UNDER_MARGIN, max_batches=1)
    rig.view.markets = {MarketId(0): make_market(), MarketId(1): make_market(1)}
    rig.view.doubts[MarketId(1)] = Doubt.WARMING_UP
    assert await rig.keeper.run_once() is CycleOutcome.WAITING
    assert await rig.keeper.run_once() is CycleOutcome.ACTED
    assert rig.items() == [UNDER_MARGIN.id]
    rig.sender.tell(0, Result.EXPIRED)
    del rig.view.doubts[MarketId(1)]
    assert await rig.keeper.run_once() is CycleOutcome.ACTED
    assert rig.items()[1] in {account.id for account in crowd}


async def test_a_fall_between_plan_and_sending_is_seen() -> None:
    """The second batch is judged again after the first was handed over."""
    rig = Rig(UNDER_MARGIN, BANKRUPT)
    taking = rig.sender.submit

    async def submit_and_recover(
        intents: Sequence[Intent],
        call: Call | CallBuilder,
        *,
        expires_at: int,
        decided_at: float | None = None,
    ) -> Ticket:
        ticket = await taking(intents, call, expires_at=expires_at, decided_at=decided_at)
        rig.view.markets = {MarketId(0): make_market(mark=price(260))}
        return ticket

    rig.sender.submit = submit_and_recover  # type: ignore[method-assign]
    await rig.keeper.run_once()
    assert rig.items() == [BANKRUPT.id]


async def test_what_the_chain_took_back_is_in_flight_and_settled_when_it_comes_again() -> None:
    rig = Rig(UNDER_MARGIN)
    await rig.keeper.run_once()
    result = result_of(UNDER_MARGIN, LiquidationCode.LIQUIDATED)
    rig.sender.tell(0, Result.MINED, result)
    rig.keeper.on_settled(result)
    (key,) = rig.notes.settled
    rig.notes.settled.clear()
    rig.sender.tell(0, Result.TAKEN_BACK)
    assert await rig.keeper.run_once() is CycleOutcome.WAITING
    assert len(rig.sender.taken) == 1
    rig.sender.tell(0, Result.MINED, result)
    assert rig.notes.settled == {key: "liquidated"}
