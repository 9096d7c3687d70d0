"""The exchange's balance sheet at one block: who may claim what, and what there is to pay it.

Values only, all exact ints. A part that could not be read is None, and what is judged on it is then
unknown, never good. Money in quote atoms (1e-6 USD), sizes 1e-8 share, shares of a whole in ppm.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from risk.market import Market
from risk.solvency_flows import Flows
from risk.units import AccountId, MarketId, Ppm, QuoteAtoms, Seconds, SizeE8


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultPools:
    """The exchange's own pockets, and the one vault that holds the tokens of all."""

    insurance_fund: QuoteAtoms
    fee_pool: QuoteAtoms
    funding_pool: QuoteAtoms
    rewards_owed: QuoteAtoms
    vault_balance: QuoteAtoms
    """By the token's own word."""
    withdrawals_open: bool

    @property
    def owed(self) -> QuoteAtoms:
        """Give the four pockets together."""
        return QuoteAtoms(
            self.insurance_fund + self.fee_pool + self.funding_pool + self.rewards_owed
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockFacts:
    """What is cheap to read at a block."""

    pools: VaultPools
    markets: Mapping[MarketId, Market]
    account_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """The two sides of one market: sums of sizes, both as positive numbers."""

    longs: SizeE8
    shorts: SizeE8


@dataclass(frozen=True, slots=True, kw_only=True)
class BookTotals:
    """What all accounts have together, and the sides of each market."""

    collateral: QuoteAtoms
    quote: QuoteAtoms
    sides: Mapping[MarketId, Sides]

    @property
    def owed_to_accounts(self) -> QuoteAtoms:
        """Give what accounts may claim in cash: the values of longs and shorts cancel out."""
        return QuoteAtoms(self.collateral + self.quote)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketClaims:
    """All positions of one market; concentration is that of its more concentrated side."""

    position_count: int
    value: QuoteAtoms
    """Σ V(size) at the mark, each rounded down: between −position_count and 0 if sides balance."""
    funding_owed: QuoteAtoms
    """Σ owed by positions since they were settled, each rounded up."""
    top_one: Ppm
    top_five: Ppm
    herfindahl: Ppm
    """Σ of the squared shares of a side; 10^6 is one holder alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderMargin:
    """One account below its maintenance margin."""

    account: AccountId
    equity: QuoteAtoms
    maintenance_margin: QuoteAtoms
    notional: QuoteAtoms
    may_liquidate: bool
    """Whether the exchange would take its liquidation now: fresh prices, open market."""
    since_block: int
    """The first block at which it was seen so, without a break."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StressedLoss:
    """What a jump of all prices at once would leave unpaid, and who would have to carry it."""

    name: str
    bad_debt: QuoteAtoms
    """Σ max(−equity, 0) of all accounts but the backstop."""
    largest_account: AccountId | None
    largest_loss: QuoteAtoms
    backstop_headroom: QuoteAtoms
    """What the backstop could still lose after the jump."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a reading of all accounts, pinned to one block, gives."""

    account_count: int
    position_count: int
    equity: QuoteAtoms
    """Σ equity, negative ones included."""
    positive_equity: QuoteAtoms
    """Σ max(equity, 0): what would be asked for if everybody left at the mark."""
    bad_debt: QuoteAtoms
    """Σ max(−equity, 0)."""
    bankrupt_count: int
    backstop_cash: QuoteAtoms
    """Collateral and quote of the backstop: its part of what is owed to accounts."""
    backstop_equity: QuoteAtoms
    backstop_initial_margin: QuoteAtoms
    book: BookTotals
    markets: Mapping[MarketId, MarketClaims]
    under_margin: tuple[UnderMargin, ...] = ()
    """Backstop left out: nobody can liquidate it."""
    stress: tuple[StressedLoss, ...] = ()

    @property
    def backstop_headroom(self) -> QuoteAtoms:
        """Give what the backstop can lose and still meet its initial margin."""
        return QuoteAtoms(max(0, self.backstop_equity - self.backstop_initial_margin))


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """Who may do what, by the contract's own word."""

    owner: bytes
    proposed_owner: bytes | None
    roles: Mapping[bytes, str]
    """Role by holder, of everybody who was ever granted one or is approved; holders of none left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeFacts:
    """Which code acts at the exchange's address, by the node's word: the code itself is not asked."""

    code_hash: bytes
    is_shipped_code: bool
    """Whether the code is that of the artifact this program was built with, immutables apart."""
    implementation: bytes | None
    """What the proxy's slot (EIP-1967) names, None without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFacts:
    """The quote token that the exchange names."""

    address: bytes
    decimals: int
    code_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceSheet:
    """Everything at one block; None where it was not read, or not successfully."""

    block: int
    timestamp: Seconds
    pools: VaultPools | None = None
    markets: Mapping[MarketId, Market] | None = None
    book: BookTotals | None = None
    claims: Claims | None = None
    authority: Authority | None = None
    code: CodeFacts | None = None
    token: TokenFacts | None = None
    flows: Flows | None = None
    """What the events since the previous sheet say."""

    @property
    def is_splitting(self) -> bool:
        """Say whether accounts of two scales are mixed, so that nobody can value them from outside."""
        return any(market.is_splitting for market in (self.markets or {}).values())

    @property
    def gap(self) -> int | None:
        """Give what the vault lacks to pay everybody, in atoms; negative when it has more."""
        if self.book is None or self.pools is None:
            return None
        return self.book.owed_to_accounts + self.pools.owed - self.pools.vault_balance


GENESIS = BalanceSheet(
    block=-1,
    timestamp=Seconds(0),
    pools=VaultPools(
        insurance_fund=QuoteAtoms(0),
        fee_pool=QuoteAtoms(0),
        funding_pool=QuoteAtoms(0),
        rewards_owed=QuoteAtoms(0),
        vault_balance=QuoteAtoms(0),
        withdrawals_open=True,
    ),
    markets={},
    book=BookTotals(collateral=QuoteAtoms(0), quote=QuoteAtoms(0), sides={}),
    claims=Claims(
        account_count=0,
        position_count=0,
        equity=QuoteAtoms(0),
        positive_equity=QuoteAtoms(0),
        bad_debt=QuoteAtoms(0),
        bankrupt_count=0,
        backstop_cash=QuoteAtoms(0),
        backstop_equity=QuoteAtoms(0),
        backstop_initial_margin=QuoteAtoms(0),
        book=BookTotals(collateral=QuoteAtoms(0), quote=QuoteAtoms(0), sides={}),
        markets={},
    ),
)
"""The exchange before its first block: with all events since, every atom must be explained."""
