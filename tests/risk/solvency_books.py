"""Random exchanges whose books balance, as sheets: what a proof must accept, and what it must not."""

from dataclasses import dataclass, replace

from hypothesis import strategies as st

from risk.columns import columns_of
from risk.guard_rails import Limits, Parameter
from risk.margin import Account, Position, funding_owed
from risk.market import Market
from risk.solvency_claims import claims_of
from risk.solvency_flows import Flows
from risk.solvency_rules import Approved, SolvencyRules
from risk.solvency_sheet import Authority, BalanceSheet, CodeFacts, TokenFacts, VaultPools
from risk.units import (
    NOTIONAL_SCALE,
    AccountId,
    MarketId,
    Ppm,
    QuoteAtoms,
    Seconds,
    SizeE8,
    div_floor,
)
from tests.builders import BACKSTOP_ID, NOW, make_account_id, make_market, usd

BLOCK = 1_000
OWNER, PRICER, STRANGER, TOKEN = b"\x01" * 20, b"\x02" * 20, b"\x66" * 20, b"\x07" * 20
CODE, TOKEN_CODE = b"\xc0" * 32, b"\xc1" * 32
RULES = SolvencyRules(
    discovery_bound=Ppm(1_000),
    gaps=(Ppm(100_000),),
    concentration_floor=QuoteAtoms(10**30),  # five traders always hold all of it
)
APPROVED = Approved(
    owner=OWNER,
    roles={"pricer": PRICER},
    code_hash=CODE,
    token=TOKEN,
    token_code_hash=TOKEN_CODE,
    clamps={"AAPL": Ppm(5_000)},
    limits={
        "AAPL": {
            Parameter.FUNDING_RATE: Limits(
                minimum=-500_000, maximum=500_000, largest_step=1, cool_down=Seconds(1)
            )
        }
    },
)
AUTHORITY = Authority(
    owner=OWNER,
    proposed_owner=None,
    roles={PRICER: "pricer"},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Accounts and markets of one block, and the pools beside them."""

    accounts: tuple[Account, ...]
    markets: dict[MarketId, Market]
    fees: int = 0
    insurance: int = 0
    rewards: int = 0

    def sheet(self) -> BalanceSheet:
        """Balance it: the vault holds what is owed, and the events since genesis explain it."""
        claims = claims_of(
            [columns_of(list(self.accounts))],
            self.markets,
            now=NOW,
            block=BLOCK,
            backstop=BACKSTOP_ID,
            rules=RULES,
        )
        owed = sum(
            funding_owed(held, self.markets[held.market], NOW)
            for account in self.accounts
            for held in account.positions
        )
        funding = -owed
        pockets = self.fees + self.insurance + self.rewards + funding
        vault = claims.book.owed_to_accounts + pockets
        deposits = claims.book.owed_to_accounts + self.fees + funding + self.rewards
        return BalanceSheet(
            block=BLOCK,
            timestamp=NOW,
            pools=VaultPools(
                insurance_fund=QuoteAtoms(self.insurance),
                fee_pool=QuoteAtoms(self.fees),
                funding_pool=QuoteAtoms(funding),
                rewards_owed=QuoteAtoms(self.rewards),
                vault_balance=QuoteAtoms(vault),
                withdrawals_open=True,
            ),
            markets=self.markets,
            book=claims.book,
            claims=claims,
            authority=AUTHORITY,
            code=CodeFacts(code_hash=CODE, is_shipped_code=True, implementation=None),
            token=TokenFacts(address=TOKEN, decimals=6, code_hash=TOKEN_CODE),
            flows=Flows(
                first=0,
                last=BLOCK,
                deposits=deposits,
                insurance_funded=self.insurance,
                trade_fees=self.fees,
                penalties=self.rewards,
                rewards=self.rewards,
                position_changes=sum(len(each.positions) for each in self.accounts),
            ),
        )


def plain_book() -> Book:
    """Two traders and a rich backstop in one market: nothing wrong."""
    size, mark = 10**9, make_market().mark
    cost = div_floor(size * mark, NOTIONAL_SCALE)
    accounts = tuple(
        Account(
            id=make_account_id(number),
            collateral=usd(10_000),
            positions=(
                Position(
                    market=MarketId(0), size=SizeE8(side * size), quote=QuoteAtoms(-side * cost)
                ),
            ),
        )
        for number, side in ((1, 1), (2, -1))
    )
    rich = Account(id=BACKSTOP_ID, collateral=usd(1_000_000))
    return Book(
        accounts=(rich, *accounts),
        markets={MarketId(0): make_market(open_interest=size)},
        fees=usd(123),
        insurance=usd(50_000),
        rewards=usd(7),
    )


@st.composite
def books(draw: st.DrawFn, most: int = 10**13) -> Book:
    """Traders who traded with each other, in one to three markets, rich enough for any of it."""
    markets = {}
    for number in range(draw(st.integers(1, 3))):
        mark = draw(st.integers(10**7, 10**11))
        markets[MarketId(number)] = make_market(
            number,
            mark=mark,
            funding_rate=draw(st.integers(-500_000, 500_000)),
            funding_time=NOW - draw(st.integers(0, 10_000)),
            open_interest_cap=10**30,
        )
    held: dict[tuple[int, int], list[int]] = {}
    for _ in range(draw(st.integers(0, 12))):
        pair = draw(st.lists(st.integers(1, 5), min_size=2, max_size=2, unique=True))
        market = draw(st.sampled_from(sorted(markets)))
        size = draw(st.integers(1, most))
        cash = div_floor(size * markets[market].mark, NOTIONAL_SCALE)
        for number, side in zip(pair, (1, -1), strict=True):
            row = held.setdefault((number, market), [0, 0])
            row[0] += side * size
            row[1] -= side * cash
    accounts = [Account(id=BACKSTOP_ID, collateral=QuoteAtoms(10**18))]
    for number in range(1, 6):
        positions = tuple(
            Position(market=MarketId(market), size=SizeE8(size), quote=QuoteAtoms(quote))
            for (who, market), (size, quote) in sorted(held.items())
            if who == number and size
        )
        # What a closed position left is cash, so that the quotes still add up to nothing.
        left = sum(row[1] for (who, _), row in held.items() if who == number and not row[0])
        accounts.append(
            Account(
                id=make_account_id(number),
                collateral=QuoteAtoms(draw(st.integers(10**16, 2 * 10**16)) + left),
                positions=positions,
            )
        )
    longs = {
        market: sum(max(0, row[0]) for (_, where), row in held.items() if where == market)
        for market in markets
    }
    return Book(
        accounts=tuple(accounts),
        markets={
            number: replace(market, open_interest=SizeE8(longs[number]))
            for number, market in markets.items()
        },
        fees=draw(st.integers(0, usd(1_000))),
        insurance=draw(st.integers(0, usd(1_000_000))),
        rewards=draw(st.integers(0, usd(100))),
    )


def with_account(book: Book, row: int, **facts: object) -> Book:
    """Change one account of a book."""
    accounts = list(book.accounts)
    accounts[row] = replace(accounts[row], **facts)  # type: ignore[arg-type]
    return replace(book, accounts=tuple(accounts))


def account_ids(book: Book) -> list[AccountId]:
    return [account.id for account in book.accounts]
