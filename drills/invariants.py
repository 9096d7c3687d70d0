"""What must hold when the day is over, checked against the chain at one pinned block.

Each check is a pure function of what was read; the keeper is asked nothing. A name says what is
true when all is well.
"""

from collections import defaultdict
from dataclasses import dataclass

from drills.breaks import Breaks
from drills.final_state import LANE_ADDRESSES, FinalState
from drills.journal_evidence import Evidence
from drills.replay import Replay
from drills.tally import Tally
from drills.waits import judge
from risk.liquidation import LiquidationRules
from risk.margin import funding_owed, margin_state
from risk.units import AccountId, MarketId


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Everything that the checks look at."""

    state: FinalState
    replay: Replay
    tally: Tally
    breaks: Breaks
    evidence: Evidence
    rules: LiquidationRules
    backstop: AccountId


def check_invariants(found: Findings) -> dict[str, bool]:
    """Check all; every name is in the answer, true or false."""
    return {
        "sizes_sum_to_zero": _sizes_sum_to_zero(found.state),
        "open_interest_is_the_sum_of_longs": _open_interest_fits(found.state),
        "ledger_equals_vault_balance": ledger_sum(found.state) == found.state.vault_balance,
        "funding_dust_is_bounded": _is_funding_dust_bounded(found),
        "nobody_is_left_to_liquidate": not accounts_due(found),
        "nobody_is_bankrupt": not _bankrupt(found.state),
        "rewards_equal_events": _rewards_fit(found),
        "insurance_fund_equals_events": found.state.funds["insurance_fund"]
        == found.tally.insurance_fund,
        "bad_debt_is_covered": found.state.funds["insurance_fund"] >= 0,
        "events_rebuild_the_state": _do_events_rebuild(found),
        "each_nonce_is_mined_once": all(
            found.evidence.is_each_nonce_mined_once(lane, found.state.nonces[lane])
            for lane in LANE_ADDRESSES
        ),
        "nobody_was_liquidated_in_a_halt": found.breaks.liquidated_in_a_halt == 0,
        "no_market_is_left_halted": found.breaks.halted_now == 0,
        "no_transaction_failed": found.evidence.failed == 0,
    }


def ledger_sum(state: FinalState) -> int:
    """Add up all claims on the vault: accounts, pools and rewards."""
    claims = sum(
        account.collateral + sum(held.quote for held in account.positions)
        for account in state.accounts
    )
    pools = ("insurance_fund", "fee_pool", "funding_pool", "rewards_owed")
    return claims + sum(state.funds[pool] for pool in pools)


def accounts_due(found: Findings) -> list[AccountId]:
    """List the accounts that the exchange would let anybody liquidate now."""
    return [
        account.id
        for account in found.state.accounts
        if account.positions
        and account.id != found.backstop
        and judge(account, found.state.markets, found.rules, found.state.timestamp).is_due
    ]


def _sizes_sum_to_zero(state: FinalState) -> bool:
    sums: defaultdict[MarketId, int] = defaultdict(int)
    for account in state.accounts:
        for held in account.positions:
            sums[held.market] += held.size
    return not any(sums.values())


def _open_interest_fits(state: FinalState) -> bool:
    longs = dict.fromkeys(state.markets, 0)
    for account in state.accounts:
        for held in account.positions:
            longs[held.market] += max(0, held.size)
    return all(longs[number] == market.open_interest for number, market in state.markets.items())


def _is_funding_dust_bounded(found: Findings) -> bool:
    """Each settlement of funding rounds up by less than an atom, and so does each debt."""
    state = found.state
    owed = [
        funding_owed(held, state.markets[held.market], state.timestamp)
        for account in state.accounts
        for held in account.positions
    ]
    dust = state.funds["funding_pool"] + sum(owed)
    return 0 <= dust <= found.tally.position_changes + len(owed)


def _bankrupt(state: FinalState) -> list[AccountId]:
    return [
        account.id
        for account in state.accounts
        if margin_state(account, state.markets, state.timestamp).is_bankrupt
    ]


def _rewards_fit(found: Findings) -> bool:
    """What is owed to keepers, plus what they claimed, is what the events promised."""
    tally, state = found.tally, found.state
    owed = {
        keeper: state.keeper_rewards.get(keeper, 0) + tally.claimed[keeper]
        for keeper in set(state.keeper_rewards) | set(tally.rewards)
    }
    total = state.funds["rewards_owed"] + tally.claimed.total()
    return all(owed[who] == tally.rewards[who] for who in owed) and total == tally.reward_sum


def _do_events_rebuild(found: Findings) -> bool:
    """The replayed accounts and marks are the chain's, to the atom."""
    state, replay = found.state, found.replay
    return {account.id: account for account in state.accounts if account.id != 0} == {
        number: replay.account(number) for number in replay.accounts
    } and all(
        replay.markets[number].mark == market.mark
        and replay.markets[number].open_interest == market.open_interest
        for number, market in state.markets.items()
    )
