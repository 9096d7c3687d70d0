"""Whatever happens in whatever order: no false liquidation, no return by itself, one action at a time."""

from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from risk.corporate_agreement import SILENT, Accord, Agreement
from risk.corporate_market import MarketDecision, step_market
from risk.corporate_state import (
    ActionFacts,
    ActionState,
    MarketActions,
    OutsidePrice,
    Stage,
    VenueFacts,
)
from risk.corporate_totals import Totals
from risk.corporate_values import ActionKind, CorporateAction, Effect, Ratio
from risk.corporate_writes import (
    BeginSplit,
    ContinueSplit,
    PayDividend,
    SettleMarket,
)
from risk.units import (
    FundingE12,
    MarketStatus,
    PpbPerHour,
    PriceE8,
    QuoteAtoms,
    Seconds,
    SizeE8,
)
from tests.builders import NOW, price
from tests.risk.corporate_world import (
    CONVERTED_MERGER,
    DAY,
    EFFECTIVE,
    PAID_SPIN_OFF,
    RULES,
    agreed,
    doubted,
    make_action,
    word,
)

ORDER = (
    Stage.ANNOUNCED,
    Stage.CONFIRMED,
    Stage.ARMED,
    Stage.HALTED,
    Stage.APPLIED,
    Stage.FIRST_PRICE,
    Stage.VERIFIED,
)
ACTIONS = (
    make_action(),
    make_action(ratio=Ratio(numerator=3, denominator=1)),
    make_action(ratio=Ratio(numerator=1, denominator=10), ex_date="2027-01-22"),
    make_action(ActionKind.CASH_DIVIDEND),
    make_action(ActionKind.SYMBOL_CHANGE),
    make_action(ActionKind.CASH_MERGER),
    make_action(ActionKind.DELISTING),
    CONVERTED_MERGER,
    PAID_SPIN_OFF,
)
MARKS = tuple(price(dollars) for dollars in (20, 86, 100, 188, 199, 200, 205, 400))
relaxed = settings(deadline=None, max_examples=80)


@st.composite
def agreements(draw: st.DrawFn, action: CorporateAction) -> Agreement:
    """Draw what is said of an action now, mostly the same."""
    kind = draw(st.sampled_from(["agreed"] * 6 + ["approved", "single", "disagreed", "silent"]))
    if kind == "agreed":
        return agreed(action)
    if kind == "approved":
        return agreed(action, approved_at=EFFECTIVE + draw(st.integers(-DAY, DAY)))
    if kind == "single":
        return doubted(action)
    if kind == "disagreed":
        return doubted(action, make_action(), accord=Accord.DISAGREED)
    return SILENT


@dataclass(slots=True)
class Chaos:
    """A market that may or may not do what it is told, and operators who say anything at any time."""

    draw: st.DrawFn
    actions: dict[str, CorporateAction]
    market: MarketActions = field(default_factory=MarketActions)
    status: MarketStatus = MarketStatus.OPEN
    is_splitting: bool = False
    epoch: int = 3
    mark: PriceE8 = price(200)
    value_at: PriceE8 = price(200)
    now: int = EFFECTIVE - 2 * DAY

    def heard(self) -> dict[str, ActionFacts]:
        """Draw what is known of each action."""
        draw, said = self.draw, st.sampled_from([None] * 8 + [self.now])
        facts = {}
        for key, action in self.actions.items():
            abort, resume = draw(said), draw(said)
            facts[key] = ActionFacts(
                agreement=draw(agreements(action)),
                abort=None if abort is None else word(abort),
                resume=None if resume is None else word(resume),
            )
        return facts

    def venue(self) -> VenueFacts:
        """Draw what is seen of the market."""
        draw = self.draw
        told = self.now - draw(st.integers(-5, 400))
        return VenueFacts(
            status=self.status,
            is_splitting=self.is_splitting,
            mark=self.mark,
            epoch=self.epoch,
            followed_symbol=draw(st.sampled_from(["AAPL", "PEAR", "BUYER"])),
            outside=OutsidePrice(price=draw(st.sampled_from(MARKS)), at=Seconds(told)),
            totals=draw(st.sampled_from([None, some_totals(self.value_at)])),
            refusal=draw(st.sampled_from([None] * 9 + ["cooling down"])),
            is_write_in_flight=draw(st.sampled_from([False] * 4 + [True])),
        )

    def turn(self) -> tuple[MarketActions, dict[str, ActionFacts], MarketDecision]:
        """Step once; the exchange obeys when it likes to."""
        self.now += self.draw(st.sampled_from([0, 1, 60, 3_600, DAY // 2]))
        before, heard = self.market, self.heard()
        self.market, decision = step_market(
            before, heard, self.venue(), now=Seconds(self.now), rules=RULES
        )
        for each in decision.decisions.values():
            if each.value_at is not None:
                self.value_at = each.value_at
        if self.draw(st.booleans()):
            self.obey(decision)
        return before, heard, decision

    def obey(self, decision: MarketDecision) -> None:
        """Do what is wanted."""
        if self.status is not MarketStatus.SETTLED:
            self.status = decision.status
        for each in decision.decisions.values():
            if isinstance(each.write, BeginSplit | PayDividend | SettleMarket):
                assert each.write.expected_epoch == self.epoch
                self.epoch += 1
                self.is_splitting = isinstance(each.write, BeginSplit)
            if isinstance(each.write, SettleMarket):
                self.status = MarketStatus.SETTLED
            if isinstance(each.write, ContinueSplit):
                self.is_splitting = False


def some_totals(value_at: PriceE8) -> Totals:
    """Give sums that no action changes."""
    return Totals(
        price=value_at,
        at=NOW,
        positions=0,
        long_size=SizeE8(0),
        short_size=SizeE8(0),
        notional=QuoteAtoms(0),
        long_equity=QuoteAtoms(0),
        short_equity=QuoteAtoms(0),
        funding=FundingE12(0),
        funding_rate=PpbPerHour(0),
    )


@st.composite
def chaos(draw: st.DrawFn) -> Chaos:
    """Draw a market with one to three actions, near in time."""
    some = draw(st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=3, unique=True))
    actions = {}
    for number, action in enumerate(some):
        moved = replace(action, effective=Seconds(action.effective + number * 600))
        actions[f"{number} {moved.key}"] = moved
    return Chaos(draw=draw, actions=actions)


@relaxed
@given(st.data())
def test_whatever_happens_the_market_is_safe(data: st.DataObject) -> None:
    world = data.draw(chaos())
    for _ in range(data.draw(st.integers(1, 40))):
        before, heard, decision = world.turn()
        for state in world.market.states.values():
            check_step(before.states.get(state.key), state, heard.get(state.key))
        check_market(world.market, decision)


def check_step(before: ActionState | None, after: ActionState, heard: ActionFacts | None) -> None:
    """Check one action's arrow: forward by one, back or out by an operator, or by lost agreement."""
    if before is None or before.stage is after.stage:
        return
    assert not before.stage.is_over
    words = (None, None) if heard is None else (heard.abort, heard.resume)
    if after.stage is Stage.RESUMED:
        assert before.stage is Stage.VERIFIED or words[1] is not None
    elif after.stage is Stage.CLOSED:
        assert before.stage is Stage.VERIFIED
    elif after.stage is Stage.UNDOING:
        assert words[0] is not None
    elif after.stage is Stage.ABORTED:
        assert before.stage is Stage.UNDOING or words[0] is not None
    elif ORDER.index(after.stage) < ORDER.index(before.stage):
        is_undone = before.stage in {Stage.CONFIRMED, Stage.ARMED} and before.begun_at is None
        is_approved = heard is not None and heard.agreement.approved_at is not None
        assert is_undone or (before.stage is Stage.HALTED and before.epoch is None and is_approved)
        if before.stage is Stage.HALTED:
            assert after.is_held
    elif before.stage is Stage.APPLIED and after.stage is Stage.VERIFIED:
        # A settled market has no first price.
        assert after.action is not None
        assert after.action.effect is Effect.SETTLE
    else:
        assert ORDER.index(after.stage) == ORDER.index(before.stage) + 1
    if before.stage.is_halted and not after.stage.is_halted and not after.is_held:
        assert after.stage in {Stage.RESUMED, Stage.ABORTED}


def check_market(market: MarketActions, decision: MarketDecision) -> None:
    """Check what is wanted of the market as a whole."""
    active = [state for state in market.states.values() if state.stage.is_active]
    assert len(active) <= 1
    is_halted = [
        state
        for state in market.states.values()
        if state.key in decision.decisions and (state.stage.is_halted or state.is_held)
    ]
    has_ended = any(state.stage is Stage.CLOSED for state in market.states.values())
    assert decision.may_liquidate == (not is_halted and not has_ended)
    assert decision.may_liquidate == (decision.status < MarketStatus.HALTED)
    writing = [key for key, each in decision.decisions.items() if each.write is not None]
    assert len(writing) <= 1
    if writing:
        assert market.states[writing[0]].stage in {Stage.HALTED, Stage.UNDOING}
    for each in decision.decisions.values():
        assert each.why
        assert each.inverse


@relaxed
@given(st.data())
def test_no_split_is_begun_twice_unless_an_operator_takes_it_back(data: st.DataObject) -> None:
    world = data.draw(chaos())
    begun: dict[str, int] = {}
    for _ in range(40):
        _, _, decision = world.turn()
        for key, each in decision.decisions.items():
            if isinstance(each.write, BeginSplit) and each.stage is Stage.HALTED:
                # Repeated only with the very same epoch: then the exchange takes one of them.
                assert begun.setdefault(key, each.write.expected_epoch) == each.write.expected_epoch


def test_two_actions_of_one_day_take_turns_and_the_second_needs_an_operator() -> None:
    split, dividend = make_action(), make_action(ActionKind.CASH_DIVIDEND)
    heard = {each.key: ActionFacts(agreement=agreed(each)) for each in (split, dividend)}
    venue = VenueFacts(
        status=MarketStatus.OPEN,
        is_splitting=False,
        mark=price(200),
        epoch=1,
        followed_symbol="AAPL",
    )
    market = MarketActions()
    for moment in range(EFFECTIVE - 2 * DAY, EFFECTIVE, 60):
        market, _ = step_market(market, heard, venue, now=Seconds(moment), rules=RULES)
    assert market.states[dividend.key].stage is Stage.HALTED or (
        market.states[split.key].stage is Stage.HALTED
    )
    market, decision = step_market(market, heard, venue, now=EFFECTIVE, rules=RULES)
    waiting = [each for each in decision.decisions.values() if each.stage is Stage.CONFIRMED]
    assert len(waiting) == 1
    assert waiting[0].is_alarm
    assert decision.status is MarketStatus.HALTED


def test_old_actions_are_not_taken_up_and_those_taken_back_are_forgotten() -> None:
    split = make_action()
    heard = {split.key: ActionFacts(agreement=agreed(split))}
    venue = VenueFacts(
        status=MarketStatus.OPEN,
        is_splitting=False,
        mark=price(200),
        epoch=1,
        followed_symbol="AAPL",
    )
    late = Seconds(EFFECTIVE + RULES.taken_up_for + 1)
    market, decision = step_market(MarketActions(), heard, venue, now=late, rules=RULES)
    assert market.states == {}
    assert decision.status is MarketStatus.OPEN
    market, _ = step_market(market, heard, venue, now=NOW, rules=RULES)
    assert market.states[split.key].stage is Stage.CONFIRMED
    for _ in range(2):
        market, decision = step_market(market, {}, venue, now=NOW, rules=RULES)
    assert market.states == {}


def test_in_a_market_that_has_ended_nothing_happens_any_more() -> None:
    merger, dividend = make_action(ActionKind.CASH_MERGER), make_action(ActionKind.CASH_DIVIDEND)
    closed = ActionState(key=merger.key, stage=Stage.CLOSED, since=NOW, seen_at=NOW, action=merger)
    market = MarketActions(states={closed.key: closed})
    heard = {dividend.key: ActionFacts(agreement=agreed(dividend))}
    venue = VenueFacts(
        status=MarketStatus.SETTLED,
        is_splitting=False,
        mark=price(205),
        epoch=2,
        followed_symbol="AAPL",
    )
    after, decision = step_market(market, heard, venue, now=EFFECTIVE, rules=RULES)
    assert after == market
    assert (decision.status, decision.may_liquidate) == (MarketStatus.HALTED, False)
    assert decision.why == "AAPL cash_merger 2027-01-20 ended the market"
