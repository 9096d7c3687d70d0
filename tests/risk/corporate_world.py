"""Corporate actions for tests, and a make-believe exchange that takes what the machine writes."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from risk.corporate_actions import step
from risk.corporate_agreement import Accord, Agreement, Approval, Report
from risk.corporate_rules import CorporateRules
from risk.corporate_state import (
    ActionDecision,
    ActionFacts,
    ActionState,
    OutsidePrice,
    Stage,
    VenueFacts,
    Word,
    begin,
)
from risk.corporate_totals import Totals, market_totals
from risk.corporate_values import ActionKind, CorporateAction, Handling, Ratio
from risk.corporate_writes import (
    BeginSplit,
    CloseSettled,
    ContinueSplit,
    CoverLosses,
    PayDividend,
    SettleMarket,
    Write,
)
from risk.margin import Account
from risk.market import Market
from risk.units import AccountId, MarketStatus, PriceE8, QuoteAtoms, Seconds
from tests.builders import NOW, make_account, make_market, make_position, price, shares, usd

DAY = 86_400
EFFECTIVE = Seconds(NOW + 5 * DAY)
RULES = CorporateRules()
TWO_TO_ONE = Ratio(numerator=2, denominator=1)


_KIND_TO_TERMS: dict[ActionKind, dict[str, Any]] = {
    ActionKind.SPLIT: {"ratio": TWO_TO_ONE},
    ActionKind.CASH_DIVIDEND: {"amount": price(1)},
    ActionKind.SYMBOL_CHANGE: {"new_symbol": "PEAR"},
    ActionKind.CASH_MERGER: {"amount": price(205)},
}


def make_action(kind: ActionKind = ActionKind.SPLIT, **facts: Any) -> CorporateAction:
    """Build an action; a split is 2:1, a dividend 1 USD, a merger 205 USD unless told otherwise."""
    defaults = _KIND_TO_TERMS.get(kind, {})
    values: dict[str, Any] = (
        {"symbol": "AAPL", "ex_date": "2027-01-20", "effective": EFFECTIVE} | defaults | facts
    )
    return CorporateAction(kind=kind, **values)


def make_report(source: str, action: CorporateAction, heard_at: int = NOW) -> Report:
    """Build a report."""
    return Report(source=source, action=action, heard_at=Seconds(heard_at))


def make_approval(action: CorporateAction, at: int = NOW) -> Approval:
    """Build an approval."""
    return Approval(action=action, by="night-desk", reason="read the filing", at=Seconds(at))


def agreed(action: CorporateAction, approved_at: int | None = None) -> Agreement:
    """Give what two sources that agree, or an operator, come to."""
    return Agreement(
        accord=Accord.AGREED if approved_at is None else Accord.APPROVED,
        action=action,
        told=(action,),
        why="alpaca and polygon agree",
        approved_at=None if approved_at is None else Seconds(approved_at),
    )


def doubted(*told: CorporateAction, accord: Accord = Accord.SINGLE) -> Agreement:
    """Give what is not enough to act on."""
    return Agreement(accord=accord, action=None, told=told, why="only alpaca tells it")


def word(at: int, by: str = "night-desk") -> Word:
    """Build an operator's word."""
    return Word(by=by, reason="it is right", at=Seconds(at))


CONVERTED_MERGER = make_action(
    ActionKind.STOCK_MERGER,
    handling=Handling.CONVERT,
    ratio=Ratio(numerator=3, denominator=7),
    new_symbol="BUYER",
)
PAID_SPIN_OFF = make_action(ActionKind.SPIN_OFF, handling=Handling.CONVERT, amount=price(12))


def some_accounts() -> dict[AccountId, Account]:
    """Give longs and shorts with odd sizes that add up to zero."""
    sizes = ("7.00000001", "-2.5", "-4.50000001")
    accounts = [
        make_account(usd(1_000), [make_position(shares(size))], number=number)
        for number, size in enumerate(sizes, start=1)
    ]
    return {account.id: account for account in accounts}


@dataclass(slots=True)
class World:
    """One market, its accounts, one action, and what is said of it."""

    agreement: Agreement
    state: ActionState = field(default_factory=lambda: begin("action", now=NOW))
    now: int = NOW
    market: Market = field(default_factory=make_market)
    accounts: dict[AccountId, Account] = field(default_factory=some_accounts)
    epoch: int = 7
    outside: OutsidePrice | None = None
    abort: Word | None = None
    resume: Word | None = None
    taken_by: str | None = None
    refusal: str | None = None
    followed: str = "AAPL"
    value_at: PriceE8 | None = None
    written: list[Write] = field(default_factory=list)
    split: tuple[int, int] = (1, 1)
    chunks_left: int = 0
    totals: Callable[["World"], Totals | None] = lambda world: world.reckon()
    indebted: tuple[AccountId, ...] = ()
    fund: int = 0
    obeys: bool = True
    """Whether the exchange does what is written and halts when it is wanted."""

    def reckon(self) -> Totals | None:
        """Add up the market at the price that was asked for."""
        if self.value_at is None:
            return None
        return market_totals(
            self.accounts.values(), self.market, price=self.value_at, now=Seconds(self.now)
        )

    def venue(self) -> VenueFacts:
        """Give what is seen of the market."""
        held = [
            each.id for each in self.accounts.values() if each.position(self.market.id) is not None
        ]
        return VenueFacts(
            status=self.market.status,
            is_splitting=self.market.is_splitting,
            mark=self.market.mark,
            epoch=self.epoch,
            followed_symbol=self.followed,
            outside=self.outside,
            totals=self.totals(self),
            open_accounts=tuple(held),
            indebted=self.indebted,
            insurance_fund=QuoteAtoms(self.fund),
            refusal=self.refusal,
        )

    def turn(self, seconds: int = 0) -> ActionDecision:
        """Let time pass, step once, and do what the decision says."""
        self.now += seconds
        facts = ActionFacts(
            agreement=self.agreement,
            abort=self.abort,
            resume=self.resume,
            taken_by=self.taken_by,
        )
        self.state, decision = step(
            self.state, facts, self.venue(), now=Seconds(self.now), rules=RULES
        )
        self.value_at = decision.value_at
        if self.obeys:
            status = max(self.market.status, decision.status)
            if self.market.status is not MarketStatus.SETTLED:
                status = decision.status
            self.market = replace(self.market, status=status)
            if decision.write is not None:
                self.take(decision.write)
        return decision

    def until(self, *stages: Stage, most: int = 60) -> ActionDecision:
        """Step in the same second until one of these stages."""
        for _ in range(most):
            decision = self.turn()
            if decision.stage in stages:
                return decision
        raise AssertionError(f"still {self.state.stage} after {most} steps")

    def at(self, moment: int) -> "World":
        """Let time be a moment."""
        self.now = moment
        return self

    def price_comes(self, dollars: int | str, at: int | None = None) -> None:
        """Let the sources agree on a price, now unless told otherwise."""
        told = self.now if at is None else at
        self.outside = OutsidePrice(price=price(dollars), at=Seconds(told))

    def take(self, write: Write) -> None:
        """Do what the exchange would do."""
        self.written.append(write)
        match write:
            case BeginSplit():
                assert write.expected_epoch == self.epoch
                self.epoch += 1
                self.split = (write.numerator, write.denominator)
                self.chunks_left = 2
                self.market = replace(self.market, is_splitting=True)
            case ContinueSplit():
                self.chunks_left -= 1
                if self.chunks_left == 0:
                    self._rescale()
            case PayDividend():
                assert write.expected_epoch == self.epoch
                self.epoch += 1
                market = self.market
                self.market = replace(
                    market,
                    mark=PriceE8(market.mark - write.amount),
                    index=PriceE8(market.index - write.amount),
                    funding_numerator=market.funding_numerator - write.amount * 10**4 * 360_000_000,
                )
            case SettleMarket():
                assert write.expected_epoch == self.epoch
                self.epoch += 1
                self.market = replace(self.market, mark=write.price, status=MarketStatus.SETTLED)
            case CloseSettled():
                for account in write.accounts:
                    self.accounts[account] = replace(self.accounts[account], positions=())
            case CoverLosses():
                self.indebted, self.fund = (), 0

    def _rescale(self) -> None:
        ratio = Ratio(numerator=self.split[0], denominator=self.split[1])
        for number, account in self.accounts.items():
            (held,) = account.positions
            rescaled = replace(held, size=ratio.size(held.size))
            self.accounts[number] = replace(account, positions=(rescaled,))
        self.market = replace(
            self.market,
            is_splitting=False,
            mark=ratio.price(self.market.mark),
            index=ratio.price(self.market.index),
        )
