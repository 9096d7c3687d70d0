"""The invariants of authority: who may do what, by which code, and in which token."""

from risk.integrity_rules import Action
from risk.solvency_finding import Finding, Invariant, Notes, unknown
from risk.solvency_rules import Approved
from risk.solvency_sheet import Authority, BalanceSheet, CodeFacts

USDC_DECIMALS = 6


def authority_unchanged(
    sheet: BalanceSheet, previous: BalanceSheet | None, approved: Approved
) -> Finding:
    """Invariant 10: owner, roles and code are those that somebody answers for, and no other."""
    invariant = Invariant.AUTHORITY_UNCHANGED
    found, code, notes = sheet.authority, sheet.code, Notes()
    if found is None:
        notes.unknown.append("owner or roles could not be read")
    else:
        _judge_owner(found, approved, notes)
        _judge_roles(found, approved, notes)
    if code is None:
        notes.unknown.append("the code could not be read")
    else:
        _judge_code(code, None if previous is None else previous.code, approved, notes)
    is_whole = found is not None and code is not None
    if not is_whole and not notes.wrong:
        return unknown(invariant, "; ".join(notes.unknown))
    count = 0 if found is None else len(found.roles)
    numbers = {"role_holders": count, "differences": len(notes.wrong)}
    good = f"owner, code and all {count} role holders are as approved"
    return notes.finding(invariant, good, numbers)


def _judge_owner(found: Authority, approved: Approved, notes: Notes) -> None:
    if approved.owner is None:
        notes.unknown.append(
            f"the owner is 0x{found.owner.hex()}, and the profile names none ([roles] owner)"
        )
    elif found.owner != approved.owner:
        notes.breach(
            f"the owner is 0x{found.owner.hex()}, where 0x{approved.owner.hex()} was approved",
            Action.CLOSE_WITHDRAWALS,
        )
    if found.proposed_owner is not None and found.proposed_owner != approved.owner:
        notes.breach(
            f"0x{found.proposed_owner.hex()} is proposed as the next owner",
            Action.CLOSE_WITHDRAWALS,
        )


def _judge_roles(found: Authority, approved: Approved, notes: Notes) -> None:
    for role, holder in approved.roles.items():
        if found.roles.get(holder) != role:
            notes.breach(
                f"0x{holder.hex()} is approved as {role} and holds"
                f" {found.roles.get(holder, 'no role')}",
                Action.REDUCE_ONLY,
            )
    for holder, role in sorted(found.roles.items()):
        if role not in approved.roles:
            notes.unknown.append(
                f"0x{holder.hex()} holds {role}, and the profile names nobody ([roles] {role})"
            )
        elif approved.roles[role] != holder:
            notes.breach(
                f"0x{holder.hex()} holds the role {role} that 0x{approved.roles[role].hex()} was"
                " approved for",
                Action.HALT,
            )


def _judge_code(
    found: CodeFacts, before: CodeFacts | None, approved: Approved, notes: Notes
) -> None:
    if approved.code_hash is not None:
        is_known = found.code_hash == approved.code_hash
        wanted = f"0x{approved.code_hash.hex()} was approved"
    else:
        is_known, wanted = found.is_shipped_code, "the shipped contract is approved"
    has_changed = before is not None and before.code_hash != found.code_hash
    if not is_known or has_changed:
        notes.breach(
            f"the code at the exchange's address hashes to 0x{found.code_hash.hex()}, where"
            f" {wanted}",
            Action.CLOSE_WITHDRAWALS,
        )
    if found.implementation is not None:
        notes.breach(
            f"the exchange is a proxy of 0x{found.implementation.hex()}: its owner can replace it",
            Action.CLOSE_WITHDRAWALS,
        )


def token_unchanged(
    sheet: BalanceSheet, previous: BalanceSheet | None, approved: Approved
) -> Finding:
    """Invariant 11: the collateral is the token that was approved, with its code and decimals.

    Its price is not judged here: it needs sources of its own.
    """
    invariant = Invariant.TOKEN_UNCHANGED
    found = sheet.token
    if found is None:
        return unknown(invariant, "the token could not be read")
    notes = Notes()
    if approved.token is None:
        notes.unknown.append(
            f"the token is 0x{found.address.hex()}, and the profile names none"
            " ([exchange] token_address)"
        )
    elif found.address != approved.token:
        notes.breach(
            f"the token is 0x{found.address.hex()}, where 0x{approved.token.hex()} was approved",
            Action.CLOSE_WITHDRAWALS,
        )
    if found.decimals != USDC_DECIMALS:
        notes.breach(f"the token has {found.decimals} decimals, not 6", Action.CLOSE_WITHDRAWALS)
    before = None if previous is None else previous.token
    wanted = approved.token_code_hash
    if (wanted is not None and found.code_hash != wanted) or (
        before is not None and before.code_hash != found.code_hash
    ):
        notes.breach("the token's code is another one than before", Action.CLOSE_WITHDRAWALS)
    good = f"the token is 0x{found.address.hex()}, as approved; its price is not judged here"
    return notes.finding(invariant, good, {"token_decimals": found.decimals})
