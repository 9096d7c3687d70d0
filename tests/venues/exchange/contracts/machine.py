"""A random life of the exchange on a real node.

Rules do what traders, keepers and the operator do, in any order and also when it makes no
sense. After each step the books are reckoned anew from the pages, and the state that the events
tell is compared with them. A refusal must give one of the contract's own reasons: a bare
revert would be an overflow, or worse.
"""

from collections import Counter
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from tests.venues.exchange.contracts.folding import Folded
from tests.venues.exchange.contracts.harness import (
    SETTLED,
    Exchange,
    Receipt,
    Refused,
    usd,
)
from tests.venues.exchange.contracts.reckoning import Books, check_books, read_books

TRADERS = range(6)
MARKETS = range(2)
traders = st.sampled_from(TRADERS)
markets = st.sampled_from(MARKETS)
sizes = st.one_of(
    st.integers(-80 * 10**8, 80 * 10**8),
    st.sampled_from([1, -1, 10**8, -(10**8), 10 * 10**8, -10 * 10**8]),
)
ppm_moves = st.integers(-120_000, 120_000)
shocks = st.one_of(st.integers(30_000, 80_000), st.integers(80_000, 300_000))
percents = st.one_of(st.sampled_from([99, -99, 95, -95, 80, -80]), st.integers(-99, 99))
keeper_sizes = st.sampled_from([0, 0, 0, 1, 10**7, 3_333_333_333])


class MarketLife(RuleBasedStateMachine):
    """Traders and keepers: from the snapshot through random steps and back to the snapshot."""

    codes: ClassVar[Counter[str]] = Counter()
    """Which results were seen, to know that the machine gets anywhere."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__()
        self.exchange = exchange
        self.snapshot = exchange.chain.snapshot()
        self.settlements = 0
        self.next_block = exchange.first_block

    @initialize(
        backstop=st.sampled_from([0, 50, 5_000, 100_000]),
        insured=st.sampled_from([0, 3, 1_000]),
        rate=st.integers(-5_000_000, 5_000_000),
        pairs=st.lists(
            st.tuples(traders, st.integers(1, 5), markets, percents), min_size=4, max_size=10
        ),
    )
    def open_exchange(
        self, backstop: int, insured: int, rate: int, pairs: list[tuple[int, int, int, int]]
    ) -> None:
        exchange = self.exchange
        exchange.create_market(
            100,
            taker_fee=500,
            maker_fee=-100,
            tier_bounds=[0, usd(5_000), usd(20_001)],
            tier_rates=[30_000, 50_001, 80_000],
            slice_threshold=usd(6_000),
        )
        exchange.create_market("7.77777777", spread_max=30_000, backstop_cap=usd(9_000))
        self.folded = Folded(list(exchange.market()))
        for market in MARKETS:
            for parameter in range(1, 10):
                exchange.limit(parameter, market)
            exchange.send("tuner", "set_parameter", market, 2, rate, 0)
        for trader in TRADERS:
            exchange.fund(exchange.account(trader), 1_000)
        if backstop:
            exchange.fund(exchange.backstop, backstop)
        if insured:
            exchange.send("owner", "fund_insurance", usd(insured))
        for taker, distance, market, percent in pairs:
            self.trade_to_the_limit(taker, distance, market, percent)

    def teardown(self) -> None:
        self.exchange.chain.restore(self.snapshot)

    # -- plumbing

    def attempt(self, actor: str, name: str, *arguments: Any) -> Receipt | None:
        """Try something that may be refused, for a reason."""
        try:
            receipt = self.exchange.send(actor, name, *arguments)
        except Refused as refused:
            reason = str(refused)
        else:
            self.codes[name] += 1
            return receipt
        assert "without a reason" not in reason, name
        self.codes[f"{name}: {reason}"] += 1
        return None

    def account(self, trader: int) -> int:
        return self.exchange.account(trader)

    def epoch(self, market: int, role: int) -> int:
        return int(self.exchange.view("epoch", market, role))

    def is_splitting(self) -> bool:
        """Tell whether any market is being split, as the events say."""
        if not hasattr(self, "folded"):
            return False
        return any(view["is_splitting"] for view in self.folded.markets.values())

    # -- traders

    @rule(trader=traders, amount=st.integers(1, usd(500)))
    def deposit(self, trader: int, amount: int) -> None:
        self.exchange.send("trader", "deposit", trader, amount)

    @rule(trader=traders, amount=st.integers(1, usd(1_500)))
    def withdraw(self, trader: int, amount: int) -> None:
        before = self.exchange.balance(self.exchange.address)
        done = self.attempt("trader", "withdraw", trader, amount)
        after = self.exchange.balance(self.exchange.address)
        assert before - after == (amount if done else 0)
        if done:
            state = self.exchange.state(self.account(trader))
            assert state["equity"] >= state["initial_margin"]

    @rule(giver=traders, taker=traders, amount=st.integers(1, usd(500)))
    def transfer(self, giver: int, taker: int, amount: int) -> None:
        self.attempt("trader", "transfer", giver, taker, amount)

    @rule(taker=traders, maker=traders, market=markets, size=sizes, away=st.integers(-999, 999))
    def trade(self, taker: int, maker: int, market: int, size: int, away: int) -> None:
        mark = self.exchange.market(market)["mark"]
        at = max(1, mark + mark * away // 10**6)
        trade = (self.account(taker), self.account(maker), market, size, at)
        self.attempt("matcher", "settle_trades", [trade])

    @rule(taker=traders, distance=st.integers(1, 5), market=markets, percent=percents)
    def trade_to_the_limit(self, taker: int, distance: int, market: int, percent: int) -> None:
        """Use up to nearly all of the initial margin, so that prices can hurt."""
        state = self.exchange.state(self.account(taker))
        free = max(0, state["equity"] - state["initial_margin"])
        mark = self.exchange.market(market)["mark"]
        size = free * 10 * percent * 10**8 // mark
        maker = self.account((taker + distance) % len(TRADERS))
        trade = (self.account(taker), maker, market, size, mark)
        self.attempt("matcher", "settle_trades", [trade])

    @rule(trader=traders, market=markets, percent=st.integers(1, 130), away=st.integers(-99, 99))
    def shed_inventory(self, trader: int, market: int, percent: int, away: int) -> None:
        held = self.exchange.position(self.exchange.backstop, market)["size"]
        mark = self.exchange.market(market)["mark"]
        at = max(1, mark + mark * away // 10**6)
        trade = (self.exchange.backstop, self.account(trader), market, -held * percent // 100, at)
        self.attempt("matcher", "settle_trades", [trade])

    # -- prices and time

    @rule(market=markets, move=ppm_moves, index_move=ppm_moves)
    def publish(self, market: int, move: int, index_move: int) -> None:
        view = self.exchange.market(market)
        entry = (
            market,
            max(1, view["mark"] + view["mark"] * move // 10**6),
            max(1, view["index"] + view["index"] * index_move // 10**6),
            self.exchange.chain.now(),
        )
        self.exchange.send("pricer", "publish", [entry])

    @rule(fall=shocks, max_size=keeper_sizes)
    def crash(self, fall: int, max_size: int) -> None:
        """All prices fall, and the keepers come at once."""
        for market in MARKETS:
            self.publish(market, -fall, -fall)
        self.liquidate_everybody(max_size)

    @rule(rise=shocks, max_size=keeper_sizes)
    def rally(self, rise: int, max_size: int) -> None:
        """All prices rise, and the keepers come at once."""
        for market in MARKETS:
            self.publish(market, rise, rise)
        self.liquidate_everybody(max_size)

    @rule(seconds=st.integers(1, 2_000))
    def wait(self, seconds: int) -> None:
        self.exchange.chain.advance(seconds)
        self.exchange.chain.set_base_fee(10**9)

    @rule(seconds=st.integers(1, 10_000_000))
    def wait_and_refresh(self, seconds: int) -> None:
        self.exchange.chain.advance(seconds)
        for market in MARKETS:
            self.publish(market, 0, 0)

    # -- keepers

    @rule(
        picks=st.lists(
            st.tuples(st.integers(0, 8), st.integers(0, 2), keeper_sizes), min_size=1, max_size=12
        )
    )
    def liquidate(self, picks: list[tuple[int, int, int]]) -> None:
        accounts = [*map(self.account, TRADERS), self.exchange.backstop, 0, self.account(99)]
        self._liquidate([(accounts[trader], market, size) for trader, market, size in picks])

    @rule(max_size=keeper_sizes)
    def liquidate_everybody(self, max_size: int) -> None:
        pairs = [(trader, market) for trader in TRADERS for market in MARKETS]
        self._liquidate([(self.account(trader), market, max_size) for trader, market in pairs])

    def _liquidate(self, items: list[tuple[int, int, int]]) -> None:
        before = read_books(self.exchange)
        receipt = self.exchange.send("liquidator", "liquidate", items, 2**63)
        results = receipt.all("LiquidationResult")
        assert len(results) == len(items)
        self.codes.update(f"liquidate {event['code']}" for event in results)
        judged: set[int] = set()
        for event in results:
            account = event["account"]
            if event["code"] in {0, 1, 5, 7, 8} and account not in judged:
                judged.add(account)
                assert event["equity"] == before.equity(account)
                assert event["maintenance_margin"] == before.total_maintenance(account)
                assert (event["code"] == 1) == (event["equity"] >= event["maintenance_margin"])
        self.no_ratio_is_worse(before, {item[0] for item in items})

    @rule(market=markets, size=st.sampled_from([1, 10**8, 7_777_777_777, 2**255, 2**255]))
    def deleverage(self, market: int, size: int) -> None:
        """Try everybody against everybody: the contract must know whom it may touch."""
        before = read_books(self.exchange)
        pairs = [(a, b) for a in map(self.account, TRADERS) for b in map(self.account, TRADERS)]
        items = [(account, market, counterparty, size) for account, counterparty in pairs]
        receipt = self.exchange.send("deleverager", "deleverage", items)
        results = receipt.all("DeleverageResult")
        self.codes.update(f"deleverage {event['code']}" for event in results)
        done = [event for event in results if event["code"] == 0]
        bankrupt = {event["account"] for event in done}
        after = self.no_ratio_is_worse(before, bankrupt)
        if not self.is_splitting():
            assert all(before.equity(account) < 0 for account in bankrupt)
            for account in {event["counterparty"] for event in done} - bankrupt:
                assert after.equity(account) >= after.total_maintenance(account)
        assert after.funds["insurance_fund"] == before.funds["insurance_fund"]
        backstop = self.exchange.backstop
        assert after.collateral[backstop] == before.collateral[backstop]

    def no_ratio_is_worse(self, before: Books, accounts: set[int]) -> Books:
        """Compare equity over margin without dividing; the ruined end at exactly nothing."""
        after = read_books(self.exchange)
        assert after.time == before.time
        for account in accounts & (before.collateral.keys() - {self.exchange.backstop}):
            if any(view["is_splitting"] for view in before.markets):
                continue
            was, now = before.equity(account), after.equity(account)
            margin_was, margin_now = (
                before.total_maintenance(account),
                after.total_maintenance(account),
            )
            assert now * margin_was >= was * margin_now
            is_changed = before.held(account) != after.held(account)
            if is_changed and was < 0 and not after.held(account):
                assert now == 0
        return after

    @rule()
    def claim(self) -> None:
        self.exchange.send("liquidator", "claim_rewards")

    @rule(market=markets, rate=st.integers(-10_000_000, 10_000_000))
    def set_funding_rate(self, market: int, rate: int) -> None:
        self.attempt("tuner", "set_parameter", market, 2, rate, self.epoch(market, 3))

    @rule(dollars=st.integers(1, 2_000))
    def fund_backstop(self, dollars: int) -> None:
        self.exchange.fund(self.exchange.backstop, dollars)

    @rule(dollars=st.integers(1, 20_000))
    def withdraw_backstop(self, dollars: int) -> None:
        owner = self.exchange.chain.actors["owner"]
        self.attempt("owner", "withdraw_backstop", owner, usd(dollars))

    @rule(dollars=st.integers(1, 300))
    def fund_insurance(self, dollars: int) -> None:
        self.exchange.send("stranger", "fund_insurance", usd(dollars))

    # -- what must always hold

    @invariant()
    def the_books_balance_and_the_events_tell_them(self) -> None:
        if not hasattr(self, "folded"):
            return
        books = check_books(self.exchange)
        self._fold_new_events()
        self.folded.compare(books)
        if any(view["is_splitting"] for view in books.markets):
            return
        assert books.dust() <= self.settlements + 2 * len(books.positions)
        for account in books.collateral:
            state = self.exchange.state(account)
            assert state["equity"] == books.equity(account)
            assert state["maintenance_margin"] == books.total_maintenance(account)
            if all(books.markets[m]["status"] == SETTLED for m in books.held(account)):
                assert (state["initial_margin"], state["is_priced"]) == (0, True)

    def _fold_new_events(self) -> None:
        rpc = self.exchange.chain.rpc
        newest = int(rpc.call("eth_blockNumber"), 16)
        if newest < self.next_block:
            return
        for event in self.exchange.logs(self.next_block, newest):
            self.folded.apply(event)
            self.folded.apply(event)
            self.settlements += event.name == "PositionChanged"
        self.next_block = newest + 1
