"""Bring an exchange on chain into the wanted state, however far an earlier run came.

Looks, plans one group of steps, sends it, and looks again until nothing is left. Addresses are told
before the transaction that creates them is sent (`on_address`), so that whoever writes them down
first can always go on after a crash. Signs nothing itself: the signer is handed in.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from runtime.errors import OperatorError
from venues.exchange.abi import ARTIFACT_PATH
from venues.exchange.calls import CallEncoder
from venues.exchange.chain import ChainReader, quantity
from venues.exchange.deploy_plan import (
    check_repairable,
    created_address,
    creation_step,
    next_group,
)
from venues.exchange.deploy_send import SendRules, StepSender, StepSigner, comes_true
from venues.exchange.deploy_state import StateReader, has_code
from venues.exchange.deploy_values import (
    TEST_TOKEN_PATH,
    FoundExchange,
    Step,
    WantedExchange,
    load_artifact,
)

TEST_CHAINS: Final = frozenset({1337, 31337, 6343})
"""Chains on which the worthless test token may be deployed: development and test networks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where things stand; `block` is the exchange's, or one shortly before it."""

    token: bytes
    exchange: bytes
    block: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedExchange:
    """The end of a deployment."""

    addresses: Addresses
    owner: bytes
    proposed_owner: bytes
    step_count: int
    """Transactions that this run sent; 0 when all was as wanted."""


class Deployment:
    """One run; make one, then `run` it once."""

    def __init__(
        self,
        reader: ChainReader,
        signer: StepSigner,
        wanted: WantedExchange,
        *,
        rules: SendRules,
        report: Callable[[str], None],
        on_address: Callable[[Addresses], None],
    ) -> None:
        self._reader = reader
        self._signer = signer
        self._wanted = wanted
        self._rules = rules
        self._on_address = on_address
        self._exchange = load_artifact(ARTIFACT_PATH)
        self._encoder = CallEncoder(self._exchange.abi)
        self._sender = StepSender(reader, signer, rules=rules, report=report)
        self._step_count = 0

    async def run(self, known: Addresses | None = None) -> DeployedExchange:
        """Do what is left; `known` is where an earlier run put things."""
        if self._signer.address in self._wanted.roles.values():
            raise OperatorError(
                f"expected roles for others than the deployer 0x{self._signer.address.hex()}, who "
                "owns the exchange: give each duty its own key"
            )
        nonce = await self._sender.settled_nonce()
        addresses, nonce = await self._stand(known, nonce)
        state = StateReader(self._reader, self._exchange, addresses.exchange)
        found = await state.read(self._wanted)
        check_repairable(self._wanted, found)
        while group := self._due(found, addresses):
            self._check_owner(found)
            await self._send(group, nonce)
            nonce += len(group)
            found = await self._read_after(state, addresses, group)
        return DeployedExchange(
            addresses=addresses,
            owner=found.owner,
            proposed_owner=found.proposed_owner,
            step_count=self._step_count,
        )

    async def _stand(self, known: Addresses | None, nonce: int) -> tuple[Addresses, int]:
        """Create token and exchange where they do not stand yet; give the next nonce too."""
        if known is not None and await has_code(self._reader, known.exchange):
            self._on_address(known)
            return known, nonce
        block = quantity(await self._reader.call("eth_blockNumber"))
        token = self._wanted.token
        if token is None and known is not None and await has_code(self._reader, known.token):
            token = known.token
        is_new = token is None
        if token is None:
            token = created_address(self._signer.address, nonce)
        elif not await has_code(self._reader, token):
            raise OperatorError(
                f"expected a token at 0x{token.hex()}, found no contract there: check the address "
                "and the chain"
            )
        exchange = created_address(self._signer.address, nonce + is_new)
        addresses = Addresses(token=token, exchange=exchange, block=block)
        self._on_address(addresses)
        if is_new:
            code = load_artifact(TEST_TOKEN_PATH).creation_code()
            await self._send([Step(name="create the test token", to=b"", data=code)], nonce)
            await self._wait_for_code(token)
        step = creation_step(self._exchange, token, self._signer.address, self._wanted)
        block = await self._send([step], nonce + is_new)
        await self._wait_for_code(exchange)
        addresses = Addresses(token=token, exchange=exchange, block=block)
        self._on_address(addresses)
        return addresses, nonce + is_new + 1

    async def _send(self, steps: list[Step], nonce: int) -> int:
        """Send a group and give the block of its last receipt."""
        receipts = await self._sender.send(steps, nonce)
        self._step_count += len(steps)
        return quantity(receipts[-1]["blockNumber"])

    def _due(self, found: FoundExchange, addresses: Addresses) -> list[Step]:
        return next_group(self._wanted, found, addresses.exchange, self._encoder)

    def _check_owner(self, found: FoundExchange) -> None:
        if found.owner != self._signer.address:
            raise OperatorError(
                f"expected the deployer 0x{self._signer.address.hex()} to own the exchange, found "
                f"0x{found.owner.hex()}: what is left to do is that owner's"
            )

    async def _wait_for_code(self, address: bytes) -> None:
        await self._until_visible(lambda: has_code(self._reader, address))

    async def _read_after(
        self, state: StateReader, addresses: Addresses, sent: list[Step]
    ) -> FoundExchange:
        """Read until what was just mined is seen: a lagging server must not make us repeat it."""
        found: FoundExchange | None = None

        async def is_seen() -> bool:
            nonlocal found
            found = await state.read(self._wanted)
            due = {step.data for step in self._due(found, addresses)}
            return due.isdisjoint(step.data for step in sent)

        await self._until_visible(is_seen)
        assert found is not None
        return found

    async def _until_visible(self, is_visible: Callable[[], Awaitable[bool]]) -> None:
        if not await comes_true(is_visible, self._rules):
            raise OperatorError(
                f"expected to see what was mined within {self._rules.timeout_seconds:g} s, found "
                "the server behind: use another server and run again, what is done is not repeated"
            )
