"""Whose turn it is: several keepers with keys of their own, and no word between them.

For each account every keeper ranks all known keepers by a hash of account and address: the first acts
at once, the n-th waits n - 1 delays and looks again, so that a race is lost only when one is slower
than a delay, and the account of a keeper that died is the next one's after one delay. The hash spreads
accounts evenly, and nobody can choose an address that comes first for all of them. Keepers that know
different lists disagree about turns, which costs gas and nothing else: the exchange judges.
"""

from collections.abc import Collection
from hashlib import blake2b

from risk.units import AccountId

_ACCOUNT_BYTES = 32
_WEIGHT_BYTES = 16


def keeper_rank(account: AccountId, own: bytes, others: Collection[bytes]) -> int:
    """Count the others (20-byte addresses) who come before us for an account; 0 acts at once."""
    ours = _weight(account, own)
    return sum(_weight(account, each) < ours for each in others if each != own)


def turn_block(noticed_at: int, rank: int, delay_blocks: int) -> int:
    """Give the block from which a keeper of that rank may act on an account noticed at a block."""
    return noticed_at + rank * delay_blocks


def _weight(account: AccountId, address: bytes) -> bytes:
    text = account.to_bytes(_ACCOUNT_BYTES, "big") + address
    return blake2b(text, digest_size=_WEIGHT_BYTES).digest()
