"""The only room with keys: signs within a policy, journals before it sends, and never loses count.

Duties see `Sender`, `Ticket` and `Outcome`; the composition root also `Lane`, its `Tools` and the signers.
Nothing here knows what a call means.
"""

from keepers.sender.care import Tools
from keepers.sender.chain import Chain, RpcChain
from keepers.sender.fees import FeeBook, FeeRules
from keepers.sender.lane import Lane, LaneSettings
from keepers.sender.local_signer import LocalSigner
from keepers.sender.metrics import SenderMetrics
from keepers.sender.policy import Policy
from keepers.sender.port import CallBuilder, Listener, Outcome, Refusal, Result, Sender, Ticket
from keepers.sender.remote_signer import RemoteSigner
from keepers.sender.shadow import ShadowSender
from keepers.sender.signer import Signer
from keepers.sender.signing_policy import PolicyViolation, SigningPolicy

__all__ = [
    "CallBuilder",
    "Chain",
    "FeeBook",
    "FeeRules",
    "Lane",
    "LaneSettings",
    "Listener",
    "LocalSigner",
    "Outcome",
    "Policy",
    "PolicyViolation",
    "Refusal",
    "RemoteSigner",
    "Result",
    "RpcChain",
    "Sender",
    "SenderMetrics",
    "ShadowSender",
    "Signer",
    "SigningPolicy",
    "Ticket",
    "Tools",
]
