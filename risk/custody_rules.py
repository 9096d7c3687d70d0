"""When collateral may leave an account: docs/exchange.md section 9, in the contract's order of checks."""

from risk.exchange_reverts import Revert
from risk.margin import MarginState


def debit_revert(amount: int, after: MarginState) -> Revert | None:
    """Say why a withdrawal or a transfer is refused; `after` is the account without the amount."""
    checks = (
        (amount <= 0, Revert.ZERO_AMOUNT),
        (after.collateral < 0, Revert.MORE_THAN_THE_COLLATERAL),
        (not after.is_priced, Revert.STALE_PRICE),
        (after.equity < after.initial_margin, Revert.BELOW_INITIAL_MARGIN),
    )
    return next((reason for holds, reason in checks if holds), None)
