"""Signing: the Protocol the lane uses, and the base that puts a policy before every key.

`sign` is final and checks first, so no kind of signer can be reached around its policy.
"""

from abc import ABC, abstractmethod
from typing import Protocol, final

from keepers.sender.signing_policy import SigningPolicy
from keepers.sender.transaction import SignedTransaction, Transaction, address_text


class Signer(Protocol):
    """Somebody who can sign for one address on one chain."""

    @property
    def address(self) -> bytes:
        """The address whose nonces the signatures use."""
        ...

    @property
    def chain_id(self) -> int:
        """The only chain signed for."""
        ...

    async def sign(self, transaction: Transaction) -> SignedTransaction:
        """Sign, or raise `PolicyViolation`."""
        ...


class PolicedSigner(ABC):
    """A key behind its policy."""

    def __init__(self, address: bytes, policy: SigningPolicy) -> None:
        self._address = address
        self._policy = policy

    def __repr__(self) -> str:
        return f"{type(self).__name__}({address_text(self._address)})"

    @property
    def address(self) -> bytes:
        """The address whose nonces the signatures use."""
        return self._address

    @property
    def chain_id(self) -> int:
        """The only chain signed for."""
        return self._policy.chain_id

    @final
    async def sign(self, transaction: Transaction) -> SignedTransaction:
        """Check the policy, then sign."""
        self._policy.check(transaction, self._address)
        return await self._sign(transaction)

    @abstractmethod
    async def _sign(self, transaction: Transaction) -> SignedTransaction:
        """Sign what the policy has let through."""
