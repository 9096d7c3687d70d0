"""What became of a raw transaction, from what an endpoint answered.

Told by code *and* words, because geth, reth, anvil and MegaETH differ, and MegaETH may answer
-32000 with a sentence where EIP-7966 says code 4 or 5. The rule for a doubt is UNKNOWN: treat as
sent, and look for the receipt of the *same* hash.
"""

import re
from enum import Enum
from typing import Final

from runtime.rpc.errors import MethodMissing, RateLimited, RpcError, RpcTransient


class SubmissionStatus(Enum):
    """What became of a raw transaction."""

    MINED = "mined"
    """The answer carries the receipt."""
    ACCEPTED = "accepted"
    """The endpoint took it and gave its hash."""
    ACCEPTED_ALREADY_KNOWN = "accepted_already_known"
    NOT_MINED_YET = "not_mined_yet"
    """In the pool; the endpoint stopped waiting for the receipt."""
    NONCE_GAP = "nonce_gap"
    """Accepted or not, it waits for a lower nonce that the endpoint has not seen."""
    NONCE_TOO_LOW = "nonce_too_low"
    """The nonce is used: look for the receipts of our own hashes."""
    UNDERPRICED_REPLACEMENT = "underpriced_replacement"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    GAS_TOO_LOW = "gas_too_low"
    FEE_TOO_LOW = "fee_too_low"
    POOL_FULL = "pool_full"
    RATE_LIMITED = "rate_limited"
    """Not taken: the endpoint wants less traffic."""
    UNKNOWN = "unknown"
    """Written, then no answer: treat as sent."""
    REJECTED = "rejected"
    """Refused for another reason, which the reply gives in words."""

    @property
    def may_be_in_pool(self) -> bool:
        """Whether the endpoint may hold the transaction: never reuse its nonce blindly."""
        return self in _MAY_BE_IN_POOL


_MAY_BE_IN_POOL: Final = frozenset(
    {
        SubmissionStatus.MINED,
        SubmissionStatus.ACCEPTED,
        SubmissionStatus.ACCEPTED_ALREADY_KNOWN,
        SubmissionStatus.NOT_MINED_YET,
        SubmissionStatus.NONCE_GAP,
        SubmissionStatus.UNKNOWN,
    }
)

_SYNC_TIMEOUT: Final = 4
_SYNC_NOT_READY: Final = 5
_WORDS: Final = tuple(
    (status, re.compile(words, re.IGNORECASE))
    for status, words in (
        (
            SubmissionStatus.ACCEPTED_ALREADY_KNOWN,
            r"already known|known transaction|already (?:imported|exists|in (?:the )?(?:mem)?pool)",
        ),
        (
            SubmissionStatus.NOT_MINED_YET,
            (
                r"realtime transaction expired|confirmation timeout|added to the (?:mem)?pool but"
                r"|not (?:yet )?(?:processed|mined|included)"
            ),
        ),
        (
            SubmissionStatus.UNDERPRICED_REPLACEMENT,
            r"replacement (?:transaction|fee|gas)|replacement.{0,20}underpriced",
        ),
        (SubmissionStatus.NONCE_TOO_LOW, r"nonce (?:is )?too low|nonce has already been used"),
        (SubmissionStatus.NONCE_GAP, r"nonce (?:is )?too high|nonce gap|missing nonce|gapped"),
        (SubmissionStatus.INSUFFICIENT_FUNDS, r"insufficient funds|insufficient balance"),
        (
            SubmissionStatus.GAS_TOO_LOW,
            r"intrinsic gas too low|gas too low|intrinsic gas|out of gas|gas floor|floor data gas",
        ),
        (
            SubmissionStatus.FEE_TOO_LOW,
            (
                r"less than block base fee|below (?:the )?(?:base fee|minimum)|underpriced"
                r"|fee.{0,20}too low|tip.{0,30}(?:minimum|too low)|gas price.{0,20}too low"
            ),
        ),
        (
            SubmissionStatus.POOL_FULL,
            (
                r"tx ?pool is full|transaction pool is full|mempool is full|txpool.{0,20}full"
                r"|too many (?:pending )?transactions|exceeds the maximum.{0,40}account slots"
            ),
        ),
    )
)
_TOO_HIGH: Final = re.compile(r"too high|exceeds? .{0,20}(?:block )?gas limit", re.IGNORECASE)


def classify_submission(error: Exception) -> SubmissionStatus:
    """Tell what became of a raw transaction whose submission ended in `error`."""
    if not isinstance(error, RpcError):
        return SubmissionStatus.UNKNOWN
    if isinstance(error, RateLimited):
        return SubmissionStatus.RATE_LIMITED
    if error.code == _SYNC_TIMEOUT:
        return SubmissionStatus.NOT_MINED_YET
    if error.code == _SYNC_NOT_READY:
        # EIP-7966 uses one code for a missing nonce and for missing funds.
        poor = "insufficient" in error.message.lower()
        return SubmissionStatus.INSUFFICIENT_FUNDS if poor else SubmissionStatus.NONCE_GAP
    if isinstance(error, MethodMissing):
        return SubmissionStatus.REJECTED
    return _by_words(error)


def _by_words(error: RpcError) -> SubmissionStatus:
    for status, words in _WORDS:
        if words.search(error.message):
            if status is SubmissionStatus.GAS_TOO_LOW and _TOO_HIGH.search(error.message):
                continue
            return status
    if isinstance(error, RpcTransient):
        return SubmissionStatus.UNKNOWN
    return SubmissionStatus.REJECTED
