"""What a key may sign: calls of its own duty, at a bounded price, and nothing else.

A stolen process can then do no more than its duty. The one other thing allowed is a cancel: an
empty transfer of nothing to oneself, which can only use up a nonce.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from keepers.sender.transaction import Transaction, address_text

_SELECTOR_BYTES: Final = 4


class PolicyViolation(Exception):  # noqa: N818 - the word operators know
    """Somebody asked a key for a signature outside its duty: a bug or an attack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningPolicy:
    """The bounds of one key; fees are wei per unit of gas."""

    chain_id: int
    allowed: frozenset[tuple[bytes, bytes]]
    """Pairs of contract address and four-byte selector."""
    max_fee: int
    max_gas: int

    @staticmethod
    def calls(contract: bytes, selectors: Iterable[bytes]) -> frozenset[tuple[bytes, bytes]]:
        """Allow these selectors of one contract."""
        return frozenset((contract, selector) for selector in selectors)

    def check(self, transaction: Transaction, own_address: bytes) -> None:
        """Raise unless the transaction is within every bound."""
        if transaction.chain_id != self.chain_id:
            raise PolicyViolation(f"expected chain {self.chain_id}, was {transaction.chain_id}")
        if transaction.value != 0:
            raise PolicyViolation(f"expected no value to be sent, was {transaction.value} wei")
        if transaction.max_fee > self.max_fee:
            raise PolicyViolation(
                f"expected at most {self.max_fee} wei per gas, was {transaction.max_fee}"
            )
        if transaction.tip > transaction.max_fee:
            raise PolicyViolation(
                f"expected a tip within the fee {transaction.max_fee}, was {transaction.tip}"
            )
        if transaction.gas > self.max_gas:
            raise PolicyViolation(f"expected at most {self.max_gas} gas, was {transaction.gas}")
        if transaction.to == own_address and not transaction.data:
            return
        selector = transaction.data[:_SELECTOR_BYTES]
        if (transaction.to, selector) not in self.allowed:
            raise PolicyViolation(
                f"expected an allowed call, was 0x{selector.hex()} of {address_text(transaction.to)}"
            )
