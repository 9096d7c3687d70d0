"""The invariants of money: vault, bad debt, funding, pools, and equity from one sheet to the next."""

from risk.integrity_rules import Action
from risk.solvency_finding import Finding, Invariant, Notes, dollars, unknown
from risk.solvency_flows import Flows
from risk.solvency_price_trail import CorporateAction
from risk.solvency_rules import Approved
from risk.solvency_sheet import BalanceSheet, Claims
from risk.solvency_stress import BOUND_DOWN, BOUND_UP, stressed_resources


def vault_covers_claims(sheet: BalanceSheet) -> Finding:
    """Invariant 2: the vault holds what accounts and pools may claim together.

    By the contract they are equal to the atom. Anybody may send tokens to the vault, so more is a
    figure and no breach; less by a single atom is one.
    """
    invariant = Invariant.VAULT_COVERS_CLAIMS
    gap = sheet.gap
    if gap is None or sheet.pools is None or sheet.book is None:
        return unknown(invariant, "the vault or the accounts could not be read")
    numbers = {
        "vault_balance_atoms": sheet.pools.vault_balance,
        "owed_to_accounts_atoms": sheet.book.owed_to_accounts,
        "owed_to_pools_atoms": sheet.pools.owed,
        "gap_atoms": gap,
    }
    notes = Notes()
    claims = sheet.claims
    if claims is not None:
        asked = claims.positive_equity + sheet.pools.owed
        numbers["asked_if_all_left_atoms"] = asked
        numbers["bad_debt_atoms"] = claims.bad_debt
        if claims.book != sheet.book:
            notes.breach("the accounts add up to another sum than the events say", Action.HALT)
    if gap > 0:
        notes.breach(
            f"the vault lacks {dollars(gap)}: it holds {dollars(sheet.pools.vault_balance)} and"
            f" owes {dollars(sheet.pools.vault_balance + gap)}",
            Action.CLOSE_WITHDRAWALS,
        )
    more = f", and {dollars(-gap)} that nobody claims" if gap else ", to the atom"
    good = f"the vault holds the {dollars(sheet.pools.vault_balance + gap)} that it owes{more}"
    return notes.finding(invariant, good, numbers)


def bad_debt_covered(sheet: BalanceSheet) -> Finding:
    """Invariant 3: insurance fund and backstop carry what bankrupt accounts owe, also after a jump."""
    invariant = Invariant.BAD_DEBT_COVERED
    claims, pools = sheet.claims, sheet.pools
    if claims is None or pools is None:
        return unknown(invariant, "the accounts or the pools could not be read")
    if sheet.is_splitting:
        return unknown(invariant, "a split goes on: accounts of two scales cannot be valued")
    resources = max(0, pools.insurance_fund) + claims.backstop_headroom
    numbers = {
        "bad_debt_atoms": claims.bad_debt,
        "bankrupt_accounts": claims.bankrupt_count,
        "insurance_fund_atoms": pools.insurance_fund,
        "backstop_headroom_atoms": claims.backstop_headroom,
    }
    notes = Notes()
    if claims.bad_debt > resources:
        notes.breach(
            f"{claims.bankrupt_count} accounts owe {dollars(claims.bad_debt)}, more than the"
            f" {dollars(resources)} of insurance fund and backstop",
            Action.HALT,
        )
    for loss in claims.stress:
        numbers[f"stressed_bad_debt_{loss.name}_atoms"] = loss.bad_debt
        numbers[f"stressed_largest_{loss.name}_atoms"] = loss.largest_loss
        can_pay = stressed_resources(loss, pools.insurance_fund)
        numbers[f"stressed_resources_{loss.name}_atoms"] = can_pay
        if loss.name in {BOUND_UP, BOUND_DOWN} and loss.bad_debt > can_pay:
            notes.breach(
                f"a jump to the discovery bound ({loss.name}) would leave {dollars(loss.bad_debt)}"
                f" unpaid, with {dollars(can_pay)} to pay it",
                Action.TIGHTER_BAND,
            )
    good = f"bad debt {dollars(claims.bad_debt)}, {dollars(resources)} to carry it"
    return notes.finding(invariant, good, numbers)


def funding_dust(sheet: BalanceSheet) -> int | None:
    """Give the funding pool with all funding still owed: rounding dust, in atoms; None if unknown.

    A position still open in a settled market counts −V(size) there: closing it pays V out of the pool.
    While a split is under way positions of both kinds are mixed, and nobody can say.
    """
    if sheet.claims is None or sheet.pools is None or sheet.markets is None:
        return None
    if sheet.is_splitting:
        return None
    dust = int(sheet.pools.funding_pool)
    for number, held in sheet.claims.markets.items():
        dust += held.funding_owed
        if sheet.markets[number].is_settled:
            dust -= held.value
    return dust


def funding_balances(
    sheet: BalanceSheet, previous: BalanceSheet | None, approved: Approved
) -> Finding:
    """Invariant 7: what some pay in funding is what others get, and rates are within their limits."""
    invariant = Invariant.FUNDING_BALANCES
    dust = funding_dust(sheet)
    if dust is None or sheet.claims is None or sheet.markets is None:
        return unknown(
            invariant, "accounts, pools or markets could not be read, or a split goes on"
        )
    numbers = {"funding_dust_atoms": dust}
    notes = Notes()
    if dust < 0:
        notes.breach(f"{dollars(-dust)} more funding was paid out than paid in", Action.HALT)
    before = None if previous is None else funding_dust(previous)
    if before is not None and sheet.flows is not None:
        # Each settlement, each open debt and each value rounds by less than an atom.
        most = before + sheet.flows.position_changes + 2 * sheet.claims.position_count
        numbers["funding_dust_most_atoms"] = most
        if dust > most:
            notes.breach(
                f"{dollars(dust)} of funding was kept, where rounding explains {dollars(most)}",
                Action.HALT,
            )
    for market in sheet.markets.values():
        rails = approved.rails(market.symbol)
        if rails is not None and not rails.minimum <= market.funding_rate <= rails.maximum:
            notes.breach(
                f"{market.symbol} funds at {market.funding_rate} ppb an hour, outside"
                f" {rails.minimum} to {rails.maximum}",
                Action.REDUCE_ONLY,
                market=market.symbol,
            )
    return notes.finding(invariant, f"funding nets to {dust} atoms of rounding", numbers)


def pools_match_events(sheet: BalanceSheet, previous: BalanceSheet | None) -> Finding:
    """Invariant 8: no pool is ever negative, and each moved by what the events say, to the atom."""
    invariant = Invariant.POOLS_MATCH_EVENTS
    pools, flows = sheet.pools, sheet.flows
    if pools is None:
        return unknown(invariant, "the pools could not be read")
    numbers: dict[str, int] = {
        "insurance_fund_atoms": pools.insurance_fund,
        "fee_pool_atoms": pools.fee_pool,
        "rewards_owed_atoms": pools.rewards_owed,
    }
    notes = Notes()
    lowest = int(min(pools.insurance_fund, pools.fee_pool, pools.rewards_owed))
    if flows is not None and flows.lowest_pool is not None:
        lowest = min(lowest, flows.lowest_pool)
    if lowest < 0:
        notes.breach(f"a pool stood at {dollars(lowest)}", Action.HALT)
    if flows is None or previous is None or previous.pools is None:
        notes.unknown.append("the events since the last sheet could not be read")
        return notes.finding(invariant, "", numbers)
    old = previous.pools
    differences = {
        "insurance fund": pools.insurance_fund - old.insurance_fund - flows.insurance_change,
        "fee pool": pools.fee_pool - old.fee_pool - flows.fee_change,
        "rewards": pools.rewards_owed - old.rewards_owed - flows.rewards_change,
        "transfers between subaccounts": flows.transfers,
    }
    if sheet.book is not None and previous.book is not None:
        grown = sheet.book.owed_to_accounts - previous.book.owed_to_accounts
        differences["books"] = grown + pools.owed - old.owed - flows.net_inflow
    vault = pools.vault_balance - old.vault_balance - flows.net_inflow
    for name, difference in differences.items():
        numbers[f"unexplained_{name.replace(' ', '_')}_atoms"] = difference
        if difference:
            notes.breach(f"no event explains {dollars(difference)} of the {name}", Action.HALT)
    if vault < 0:
        numbers["unexplained_vault_atoms"] = vault
        notes.breach(f"{dollars(-vault)} left the vault without an event", Action.CLOSE_WITHDRAWALS)
    good = (
        f"every atom of the pools is explained by the events of blocks {flows.first}–{flows.last}"
    )
    return notes.finding(invariant, good, numbers)


def equity_conserved(sheet: BalanceSheet, previous: BalanceSheet | None) -> Finding:
    """Invariant 12: prices, funding and corporate actions move equity about and make none.

    All accounts together have what they had, plus what came in, less fees and penalties.
    """
    invariant = Invariant.EQUITY_CONSERVED
    claims, flows = sheet.claims, sheet.flows
    if claims is None or flows is None or previous is None or previous.claims is None:
        return unknown(
            invariant, "all accounts before and after, and the events between, are needed"
        )
    if sheet.markets is None or sheet.is_splitting or previous.is_splitting:
        return unknown(invariant, "a split goes on, or the markets could not be read")
    difference = claims.equity - previous.claims.equity - flows.equity_change
    tolerance = equity_tolerance(claims, previous.claims, flows)
    numbers = {
        "equity_atoms": claims.equity,
        "unexplained_equity_atoms": difference,
        "rounding_atoms": tolerance,
        "corporate_actions": len(flows.actions),
    }
    notes = Notes()
    if abs(difference) > tolerance:
        notes.breach(
            f"the equity of all accounts moved by {dollars(difference)} that no event explains",
            Action.HALT,
        )
    for action in flows.actions:
        _judge_action(action, flows, notes)
    good = f"equity is explained within {tolerance} atoms; {len(flows.actions)} corporate actions"
    return notes.finding(invariant, good, numbers)


def equity_tolerance(claims: Claims, before: Claims, flows: Flows) -> int:
    """Give the rounding of two sheets and of all fills between them, in atoms."""
    return 2 * (claims.position_count + before.position_count + flows.position_changes)


def _judge_action(action: CorporateAction, flows: Flows, notes: Notes) -> None:
    if action.mark_after != action.wanted_mark:
        notes.breach(
            f"a {action.name} in market {action.market} made the mark {action.mark_after}, where"
            f" {action.wanted_mark} is due",
            Action.HALT,
        )
    scaled = action.open_interest_after * action.denominator
    wanted = action.open_interest_before * action.numerator
    # Every rescaled position loses less than a unit, and the backstop takes what is lost.
    if abs(scaled - wanted) > 2 * action.denominator * (flows.position_changes + 1):
        notes.breach(
            f"a {action.name} in market {action.market} left an open interest of"
            f" {action.open_interest_after}, where {action.open_interest_before} times"
            f" {action.numerator}/{action.denominator} is due",
            Action.HALT,
        )
