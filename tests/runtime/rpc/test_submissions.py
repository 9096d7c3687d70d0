"""What became of a raw transaction, in the words of four kinds of node."""

import pytest

from runtime.rpc.answers import error_of
from runtime.rpc.errors import BadAnswer, RpcTransient
from runtime.rpc.submissions import SubmissionStatus, classify_submission

S = SubmissionStatus

CASES = [
    # anvil 1.7.1, as it answers
    (-32003, "transaction already imported", S.ACCEPTED_ALREADY_KNOWN),
    (-32003, "replacement transaction underpriced", S.UNDERPRICED_REPLACEMENT),
    (-32003, "nonce too low", S.NONCE_TOO_LOW),
    (-32003, "Insufficient funds for gas * price + value", S.INSUFFICIENT_FUNDS),
    (-32000, "intrinsic gas too low", S.GAS_TOO_LOW),
    (
        -32000,
        "intrinsic gas too high -- tx.gas_limit > env.block.gas_limit",
        S.REJECTED,
    ),
    (-32003, "max fee per gas less than block base fee", S.FEE_TOO_LOW),
    (-32003, "invalid chain id for signer", S.REJECTED),
    (-32602, "Failed to decode transaction", S.REJECTED),
    (-32603, "Transaction confirmation timeout", S.NOT_MINED_YET),
    # geth
    (-32000, "already known", S.ACCEPTED_ALREADY_KNOWN),
    (-32000, "nonce too low: next nonce 5, tx nonce 4", S.NONCE_TOO_LOW),
    (-32000, "nonce too high", S.NONCE_GAP),
    (-32000, "insufficient funds for gas * price + value: balance 0, tx cost 1", S.INSUFFICIENT_FUNDS),
    (-32000, "intrinsic gas too low: gas 20000, minimum needed 21000", S.GAS_TOO_LOW),
    (-32000, "transaction underpriced: gas tip cap 0, minimum needed 1", S.FEE_TOO_LOW),
    (-32000, "max fee per gas less than block base fee: address 0x1", S.FEE_TOO_LOW),
    (-32000, "txpool is full", S.POOL_FULL),
    (-32000, "exceeds block gas limit", S.REJECTED),
    # reth
    (-32003, "txpool is full", S.POOL_FULL),
    (-32000, "transaction already exists in the pool", S.ACCEPTED_ALREADY_KNOWN),
    # MegaETH and EIP-7966
    (-32000, "realtime transaction expired", S.NOT_MINED_YET),
    (4, "The transaction was added to the mempool but wasn't processed in 2s", S.NOT_MINED_YET),
    (5, "The transaction was rejected: missing nonce", S.NONCE_GAP),
    (5, "not ready: insufficient funds", S.INSUFFICIENT_FUNDS),
    (-32021, "over network traffic limit, retry in 2 seconds", S.RATE_LIMITED),
    (-32000, "rabbit hole is full. Please try again later", S.RATE_LIMITED),
    (-32000, "permanent error forwarding request context deadline exceeded", S.UNKNOWN),
    (-32601, "rpc method is not whitelisted", S.REJECTED),
]  # fmt: skip


@pytest.mark.parametrize(("code", "message", "status"), CASES)
def test_each_wording_is_understood(code: int, message: str, status: SubmissionStatus) -> None:
    error = error_of(
        {"code": code, "message": message}, endpoint="alpha", method="eth_sendRawTransaction"
    )
    assert classify_submission(error) is status


@pytest.mark.parametrize(
    "error", [RpcTransient("HTTP 502"), BadAnswer("html"), TimeoutError(), OSError()]
)
def test_a_doubt_counts_as_sent(error: Exception) -> None:
    status = classify_submission(error)
    assert status is SubmissionStatus.UNKNOWN
    assert status.may_be_in_pool


def test_a_refusal_leaves_nothing_in_the_pool() -> None:
    for status in (S.FEE_TOO_LOW, S.INSUFFICIENT_FUNDS, S.REJECTED, S.RATE_LIMITED, S.POOL_FULL):
        assert not status.may_be_in_pool
