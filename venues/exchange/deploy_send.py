"""Send a group of unsigned steps with consecutive nonces and wait until all are mined.

Gas is estimated for each step against the present state, which also finds out what the chain would
refuse before anything is signed. All transactions of a group are on their way at once, a bounded
number at a time; a deployment then takes a few blocks, not one block for each step.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from risk.units import PPM_SCALE, div_ceil
from runtime.errors import OperatorError
from runtime.rpc.errors import ExecutionReverted, RpcError
from runtime.rpc.submissions import classify_submission
from venues.exchange.chain import ChainReader, quantity
from venues.exchange.deploy_state import BATCH, batched
from venues.exchange.deploy_values import Step

_GAS_PPM: Final = 1_300_000
"""Gas limit over the estimate: storage costs of the steps before it may differ."""
_FEE_FACTOR: Final = 2
"""Highest fee over the base fee, so that a few full blocks do not stop a deployment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedStep:
    """Bytes that a node takes, and the hash they will be known by."""

    raw: bytes
    hash: str


class StepSigner(Protocol):
    """Somebody who signs steps with one key."""

    @property
    def address(self) -> bytes:
        """The key's address."""

    async def sign(self, step: Step, *, nonce: int, gas: int, max_fee: int, tip: int) -> SignedStep:
        """Sign a step; fees are wei per unit of gas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendRules:
    """Bounds of the sending; fees are wei per unit of gas."""

    max_fee: int
    tip: int = 0
    timeout_seconds: float = 120.0
    poll_seconds: float = 0.05


async def comes_true(condition: Callable[[], Awaitable[bool]], rules: SendRules) -> bool:
    """Ask again and again until it is so; False when the time is over."""
    deadline = time.monotonic() + rules.timeout_seconds
    while not await condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(rules.poll_seconds)
    return True


class StepSender:
    """Sends groups of steps from one key."""

    def __init__(
        self,
        reader: ChainReader,
        signer: StepSigner,
        *,
        rules: SendRules,
        report: Callable[[str], None],
    ) -> None:
        self._reader = reader
        self._signer = signer
        self._rules = rules
        self._report = report
        self._own = f"0x{signer.address.hex()}"

    async def settled_nonce(self) -> int:
        """Wait until nothing of an earlier run is on its way, then give the next nonce."""
        waiting = mined = 0

        async def is_settled() -> bool:
            nonlocal waiting, mined
            calls = [("eth_getTransactionCount", [self._own, tag]) for tag in ("latest", "pending")]
            mined, known = map(quantity, await batched(self._reader, calls))
            waiting = known - mined
            return waiting <= 0

        if not await comes_true(is_settled, self._rules):
            raise OperatorError(
                f"expected no transaction of the deployer {self._own} to be waiting, found "
                f"{waiting}: wait until they are mined, or replace them, and run again"
            )
        return mined

    async def send(self, steps: Sequence[Step], first_nonce: int) -> list[Mapping[str, Any]]:
        """Send all and give their receipts in order; raises OperatorError naming the step."""
        max_fee = await self._fee()
        limits = await self._gas_limits(steps)
        receipts: list[Mapping[str, Any]] = []
        for start in range(0, len(steps), BATCH):
            part = steps[start : start + BATCH]
            hashes = []
            for place, step in enumerate(part, start):
                signed = await self._signer.sign(
                    step,
                    nonce=first_nonce + place,
                    gas=limits[place],
                    max_fee=max_fee,
                    tip=min(self._rules.tip, max_fee),
                )
                await self._submit(step, signed)
                hashes.append(signed.hash)
            receipts += await self._receipts(part, hashes)
        self._report(f"{_summary(steps)}: done in block {quantity(receipts[-1]['blockNumber'])}")
        return receipts

    async def _fee(self) -> int:
        block = await self._reader.call("eth_getBlockByNumber", ["latest", False])
        base_fee = quantity(block.get("baseFeePerGas", "0x0"))
        if base_fee > self._rules.max_fee:
            raise OperatorError(
                f"expected a base fee of at most {self._rules.max_fee} wei per gas, found "
                f"{base_fee}: wait until it falls, or allow a higher fee"
            )
        return min(base_fee * _FEE_FACTOR + self._rules.tip, self._rules.max_fee)

    async def _gas_limits(self, steps: Sequence[Step]) -> list[int]:
        calls = []
        for step in steps:
            request = {"from": self._own, "data": f"0x{step.data.hex()}"}
            if step.to:
                request["to"] = f"0x{step.to.hex()}"
            calls.append(("eth_estimateGas", [request]))
        limits = []
        for start in range(0, len(calls), BATCH):
            answers = await self._reader.batch(calls[start : start + BATCH])
            for step, answer in zip(steps[start : start + BATCH], answers, strict=True):
                if isinstance(answer, ExecutionReverted):
                    raise _refused(step, answer.reason or "no reason given")
                if isinstance(answer, RpcError):
                    raise _refused(step, answer.message)
                limits.append(div_ceil(quantity(answer) * _GAS_PPM, PPM_SCALE))
        return limits

    async def _submit(self, step: Step, signed: SignedStep) -> None:
        try:
            await self._reader.call("eth_sendRawTransaction", [f"0x{signed.raw.hex()}"])
        except RpcError as error:
            # A lost answer is no refusal: the receipt of the same hash decides.
            if not classify_submission(error).may_be_in_pool:
                raise _refused(step, error.message) from error

    async def _receipts(
        self, steps: Sequence[Step], hashes: Sequence[str]
    ) -> list[Mapping[str, Any]]:
        found: dict[str, Mapping[str, Any]] = {}

        async def is_mined() -> bool:
            missing = [name for name in hashes if name not in found]
            calls = [("eth_getTransactionReceipt", [name]) for name in missing]
            answers = zip(missing, await batched(self._reader, calls), strict=True)
            found.update({name: answer for name, answer in answers if isinstance(answer, Mapping)})
            return len(found) == len(hashes)

        if not await comes_true(is_mined, self._rules):
            lost = next(step for step, name in zip(steps, hashes, strict=True) if name not in found)
            raise OperatorError(
                f'expected "{lost.name}" to be mined within {self._rules.timeout_seconds:g} s, '
                "found no receipt: run again, what is done is not repeated"
            )
        for step, name in zip(steps, hashes, strict=True):
            if quantity(found[name].get("status")) != 1:
                raise _refused(step, f"the transaction {name} failed")
        return [found[name] for name in hashes]


def _summary(steps: Sequence[Step]) -> str:
    others = len(steps) - 1
    return steps[0].name + (f" and {others} more steps" if others else "")


def _refused(step: Step, reason: str) -> OperatorError:
    return OperatorError(
        f'the chain refused "{step.name}": {reason}; correct the cause and run again, what is done '
        "is not repeated"
    )
