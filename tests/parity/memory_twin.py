"""The exchange on a real node and its twin in memory: every call goes to both and must end alike.

After each call the events (as the feed would decode them), every account in the order of the index,
every market, the pools and the vault are compared, to the atom; a refusal must have the same words.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from risk.columns import columns_of
from risk.guard_rails import Limits, Parameter
from risk.liquidation import LiquidationRules
from risk.margin import Account, margin_state
from risk.units import AccountId, MarketId, QuoteAtoms, Seconds
from tests.parity.reading import Book, read_book
from tests.parity.walk import by_market
from tests.venues.exchange.contracts.harness import ROLES, Exchange, Refused
from venues.exchange.abi import load_abi
from venues.exchange.events import LogDecoder
from venues.exchange.fold import MarketFold
from venues.exchange.readings import Role
from venues.memory.draft import Draft, RevertedError
from venues.memory.exchange import Done, MemoryExchange
from venues.memory.requests import Request
from venues.memory.state import build_state
from venues.port import (
    Change,
    CorporateChanged,
    DeleverageSettled,
    Funds,
    LiquidationSettled,
    OtherEvent,
)

POOLS = ("insurance_fund", "fee_pool", "funding_pool", "rewards_owed")


@dataclass(slots=True)
class Twin:
    """Both exchanges, and what was met."""

    real: Exchange
    memory: MemoryExchange
    decoder: LogDecoder
    met: Counter[str] = field(default_factory=Counter)
    gas: list[tuple[Request, int, int]] = field(default_factory=list)
    """What each accepted call used, and how many positions our twin reckons were valued."""

    def now(self) -> Seconds:
        """Give the time of the newest block."""
        return Seconds(self.real.chain.now())

    def address(self, actor: str) -> bytes:
        return bytes.fromhex(self.real.chain.actors[actor][2:])

    def play(self, actor: str, request: Request, name: str, *arguments: Any, fee: int = 7) -> bool:
        """Make one call on both; compare everything; say whether it was accepted."""
        kind = type(request).__name__
        self.real.chain.set_base_fee(fee)
        transaction = {
            "from": self.real.chain.actors[actor],
            "to": self.real.address,
            "data": self.real.abi.call_data(name, *arguments),
        }
        reason, receipt = "", {}
        try:
            receipt = self.real.chain.transact(transaction)
        except Refused as refused:
            reason = str(refused)
        done, ours = self._in_memory(actor, request, fee)
        assert ours == reason, (kind, arguments)
        if done is None:
            self.met[f"{kind}: {reason}"] += 1
        else:
            assert list(done.changes) == self.changes(receipt), (kind, arguments)
            self.met[kind] += 1
            self.note(done.changes)
            self.met.update(
                each.event for each in done.answers if isinstance(each, CorporateChanged)
            )
            self.gas.append((request, int(receipt["gasUsed"], 16), done.positions_valued))
        self.compare()
        return not reason

    def _in_memory(self, actor: str, request: Request, fee: int) -> tuple[Done | None, str]:
        try:
            done = self.memory.execute(
                request, caller=self.address(actor), now=self.now(), base_fee_wei=fee
            )
        except RevertedError as error:
            return None, error.reason
        return done, ""

    def changes(self, receipt: dict[str, Any]) -> list[Change]:
        """Decode a receipt's logs as the feed would."""
        found = []
        for log in receipt["logs"]:
            if log["address"] == self.real.address.lower():
                recipe, values = self.decoder.decode(log)
                found.append(recipe.build(values))
        return found

    def note(self, changes: tuple[Change, ...]) -> None:
        for change in changes:
            if isinstance(change, LiquidationSettled | DeleverageSettled):
                self.met[f"{type(change).__name__}: {change.code}"] += 1
            elif isinstance(change, OtherEvent) and change.name == "PriceRefused":
                self.met[f"PriceRefused: {change.values['code']!r}"] += 1

    def compare(self) -> None:
        """Compare everything that both hold."""
        book, state = read_book(self.real), self.memory.state
        assert list(book.accounts) == [state.book.id_at(row) for row in range(len(state.book))]
        held = {number: by_market(state.book.account(number)) for number in book.accounts}
        assert {number: by_market(one) for number, one in book.accounts.items()} == held
        assert book.markets == dict(state.markets)
        pools = {name: getattr(state.funds, name) for name in POOLS}
        assert book.funds == {
            **pools,
            "vault_balance": self.memory.money(),
            "withdrawals_open": state.withdrawals_open,
        }

    def compare_margins(self) -> int:
        """Compare the valuation of every account, in the middle of a split too; count them."""
        draft = Draft(self.memory.state, caller=b"", now=self.now(), base_fee_wei=0)
        book = self.memory.state.book
        for number in (book.id_at(row) for row in range(len(book))):
            ours, theirs = draft.value(number), self.real.state(number)
            assert theirs == {
                "equity": ours.equity,
                "maintenance_margin": ours.maintenance_margin,
                "initial_margin": ours.initial_margin,
                "notional": ours.notional,
                "is_priced": ours.is_priced,
            }
        return len(book)

    def compare_memory_of_writes(self) -> None:
        """Compare what no event carries: epochs and what a keeper has earned."""
        state = self.memory.state
        for market in state.markets:
            for role in (Role.BREAKER, Role.TUNER, Role.CORPORATE):
                told = self.real.view("epoch", market, int(role))
                assert told == state.epochs.get((market, role), 0)
        owed = self.real.view("keeper_rewards", self.real.chain.actors["liquidator"])
        assert owed == state.keeper_rewards.get(self.address("liquidator"), 0)


def make_twin(real: Exchange, rules: dict[str, int]) -> Twin:
    """Copy an exchange as it stands into memory: a snapshot, and what no snapshot carries."""
    book: Book = read_book(real)
    accounts: list[Account] = list(book.accounts.values())
    state = build_state(
        book.markets.values(),
        [columns_of(accounts)],
        funds=Funds(**{name: QuoteAtoms(book.funds[name]) for name in POOLS}),
        rules=LiquidationRules(**rules),  # type: ignore[arg-type]
        owner=bytes.fromhex(real.chain.actors["owner"][2:]),
        backstop=AccountId(real.backstop),
    )
    for actor, role in ROLES.items():
        state.roles[bytes.fromhex(real.chain.actors[actor][2:])] = Role(role)
    for market in book.markets:
        for parameter in Parameter:
            limits = real.view("limits", market, int(parameter))
            state.limits[market, parameter] = Limits(**limits)
        for role in (Role.BREAKER, Role.TUNER, Role.CORPORATE):
            state.epochs[market, role] = int(real.view("epoch", market, int(role)))
    twin = Twin(real, MemoryExchange(state), LogDecoder(load_abi(), MarketFold(book.markets)))
    twin.compare()
    return twin


def under_margin(twin: Twin) -> tuple[list[Account], list[Account]]:
    """Give who is under margin, and who of them is bankrupt."""
    state, now = twin.memory.state, twin.now()
    found, broke = [], []
    for row in range(1, len(state.book)):
        account = state.book.account(state.book.id_at(row))
        margin = margin_state(account, state.markets, now)
        if margin.is_liquidatable:
            found.append(account)
        if margin.is_bankrupt:
            broke.append(account)
    return found, broke


def holders(twin: Twin, market: MarketId) -> list[AccountId]:
    """Give the accounts that hold something in a market."""
    book = twin.memory.state.book
    return [
        book.id_at(row)
        for row in range(len(book))
        if book.account(book.id_at(row)).position(market) is not None
    ]


def cash(twin: Twin, account: AccountId) -> QuoteAtoms:
    """Give an account's collateral."""
    book = twin.memory.state.book
    known = book.row(account) is not None
    return book.account(account).collateral if known else QuoteAtoms(0)
