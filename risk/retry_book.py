"""Accounts that cannot be liquidated although they should be: when to try again, whom to alarm.

The same refusal again and again (backstop full, deleverage needed, a lost race) spaces the tries
exponentially, up to a cap: such an account is behind the others, never at the head for ever and
never dropped. When its own state or a price of its changed, it starts afresh, so a passing failure
locks nobody out. A value: every update gives a new book. Times are on the venue's clock.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from risk.liquidation import LiquidationCode
from risk.margin import Account
from risk.market import Market
from risk.units import PPM_SCALE, AccountId, MarketId, Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRules:
    """`first · 2^(attempts − 1)` seconds between tries, at most `cap`; `reset_move` is in ppm."""

    first: Seconds = Seconds(1)
    cap: Seconds = Seconds(30)
    stuck_after: int = 3
    reset_move: int = 2_500
    forget_after: Seconds = Seconds(3_600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What an account looked like when it was tried: its cash, its sizes, its marks."""

    collateral: int
    holdings: tuple[tuple[MarketId, int, int], ...]

    def differ(self, other: "Circumstances", reset_move: int) -> bool:
        """Say whether cash or a size changed at all, or a mark moved by more than `reset_move`."""
        if self.collateral != other.collateral or len(self.holdings) != len(other.holdings):
            return True
        return any(
            market != other_market
            or size != other_size
            or abs(mark - other_mark) * PPM_SCALE > mark * reset_move
            for (market, size, mark), (other_market, other_size, other_mark) in zip(
                self.holdings, other.holdings, strict=True
            )
        )


def circumstances(account: Account, markets: Mapping[MarketId, Market]) -> Circumstances:
    """Take what a retry depends on; the order of the positions does not matter."""
    return Circumstances(
        collateral=account.collateral,
        holdings=tuple(
            sorted(
                (held.market, held.size, markets[held.market].mark) for held in account.positions
            )
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryEntry:
    """One account's failures: `attempts` under these circumstances, `failures` under any."""

    account: AccountId
    attempts: int
    failures: int
    since: Seconds
    last_code: LiquidationCode
    next_time: Seconds
    seen: Circumstances


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryBook:
    """The failures of all accounts; empty after a restart, which costs one more try each."""

    rules: RetryRules = field(default_factory=RetryRules)
    entries: Mapping[AccountId, RetryEntry] = field(default_factory=dict)

    def entry(self, account: AccountId, seen: Circumstances) -> RetryEntry | None:
        """Give the account's entry if it still holds: None once its circumstances changed."""
        found = self.entries.get(account)
        if found is None or found.seen.differ(seen, self.rules.reset_move):
            return None
        return found

    def is_stuck(self, entry: RetryEntry) -> bool:
        """Say whether somebody should be told; moving prices do not silence this."""
        return entry.failures >= self.rules.stuck_after

    def noted(
        self, results: Iterable[tuple[AccountId, LiquidationCode, Circumstances]], now: Seconds
    ) -> "RetryBook":
        """Note how tries ended: success forgets the account, anything else spaces its next try.

        An account may come several times, once per item: any success counts as one.
        """
        entries = {
            account: entry
            for account, entry in self.entries.items()
            if now <= entry.next_time + self.rules.forget_after
        }
        ended: dict[AccountId, tuple[LiquidationCode, Circumstances]] = {}
        for account, code, seen in results:
            if account not in ended or code is LiquidationCode.LIQUIDATED:
                ended[account] = (code, seen)
        for account, (code, seen) in ended.items():
            if code is LiquidationCode.LIQUIDATED:
                entries.pop(account, None)
                continue
            earlier = entries.get(account)
            known = self.entry(account, seen)
            attempts = 1 if known is None else known.attempts + 1
            entries[account] = RetryEntry(
                account=account,
                attempts=attempts,
                failures=1 if earlier is None else earlier.failures + 1,
                since=now if earlier is None else earlier.since,
                last_code=code,
                next_time=Seconds(now + self._spacing(attempts)),
                seen=seen,
            )
        return replace(self, entries=entries)

    def without(self, account: AccountId) -> "RetryBook":
        """Forget an account that is healthy or gone."""
        kept = {key: entry for key, entry in self.entries.items() if key != account}
        return replace(self, entries=kept)

    def _spacing(self, attempts: int) -> int:
        doublings = min(attempts - 1, 32)
        return min(self.rules.cap, self.rules.first << doublings)
