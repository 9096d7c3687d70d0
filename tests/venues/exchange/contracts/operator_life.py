"""A random life of the exchange in which the operator acts too."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.venues.exchange.contracts.harness import HALTED, OPEN, REDUCE_ONLY
from tests.venues.exchange.contracts.machine import TRADERS, MarketLife, markets, traders
from tests.venues.exchange.contracts.reckoning import read_books


class OperatorLife(MarketLife):
    """The same, with bands, halts, dividends, splits and the end of a market."""

    @rule(market=markets, parts=st.integers(1, 60_000))
    def dividend(self, market: int, parts: int) -> None:
        before = read_books(self.exchange)
        amount = before.markets[market]["mark"] * parts // 10**6
        epoch = self.epoch(market, 4)
        if self.attempt("corporate", "dividend", market, amount, epoch):
            after = read_books(self.exchange)
            if not any(view["is_splitting"] for view in after.markets):
                for account in after.collateral:
                    assert abs(after.equity(account) - before.equity(account)) <= 1

    @rule(market=markets, status=st.sampled_from([OPEN, OPEN, REDUCE_ONLY, HALTED]))
    def set_status(self, market: int, status: int) -> None:
        self.attempt("breaker", "set_status", market, status, self.epoch(market, 2))

    @rule(market=markets, below=st.integers(0, 90_000), above=st.integers(0, 90_000))
    def set_band(self, market: int, below: int, above: int) -> None:
        mark = self.exchange.market(market)["mark"]
        low, high = mark - mark * below // 10**6, mark + mark * above // 10**6
        self.attempt("breaker", "set_band", market, low, high, self.epoch(market, 2))

    @rule(market=markets)
    def lift_band(self, market: int) -> None:
        self.attempt("breaker", "set_band", market, 0, 0, self.epoch(market, 2))

    @rule(market=markets, ratio=st.sampled_from([(4, 1), (1, 10), (3, 2), (7, 3)]))
    def begin_split(self, market: int, ratio: tuple[int, int]) -> None:
        self.attempt("guardian", "restrict", market, HALTED)
        self.attempt("corporate", "begin_split", market, *ratio, self.epoch(market, 4))

    @precondition(lambda self: self.is_splitting())
    @rule(market=markets, count=st.sampled_from([1, 3, 100]))
    def continue_split(self, market: int, count: int) -> None:
        self.attempt("corporate", "continue_split", market, count)

    @rule(move=st.integers(-100_000, 100_000), chance=st.integers(0, 3))
    def settle_market(self, move: int, chance: int) -> None:
        if chance:  # the end of a market is rare
            return
        self.attempt("guardian", "restrict", 1, HALTED)
        mark = self.exchange.market(1)["mark"]
        at = mark + mark * move // 10**6
        self.attempt("corporate", "settle_market", 1, at, self.epoch(1, 4))

    @rule()
    def cover_losses(self) -> None:
        before = read_books(self.exchange)
        accounts = [self.account(trader) for trader in TRADERS]
        self.exchange.send("stranger", "cover_losses", accounts)
        after = read_books(self.exchange)
        insurance_fund = after.funds["insurance_fund"]
        for account in accounts:
            is_debtor = before.collateral[account] < 0 and not before.held(account)
            if not is_debtor:
                assert after.collateral[account] == before.collateral[account]
            elif insurance_fund:
                assert after.collateral[account] == 0

    @rule(chosen=st.lists(traders, max_size=6), with_backstop=st.booleans())
    def close_settled(self, *, chosen: list[int], with_backstop: bool) -> None:
        before = read_books(self.exchange)
        accounts = [self.account(trader) for trader in chosen]
        if with_backstop:
            accounts.append(self.exchange.backstop)
        done = self.attempt("stranger", "close_settled", 1, accounts)
        if done and not before.markets[0]["is_splitting"]:
            after = read_books(self.exchange)
            for account in accounts:
                assert after.equity(account) == before.equity(account)
                assert (account, 1) not in after.positions
