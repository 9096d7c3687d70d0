"""The exchange as a venue: batches out, what became of them in, and plain reads.

Implements `venues.port.LiquidationVenue`, `DeleverageVenue`, `PriceVenue`, `ControlVenue` and
`TuningVenue`. Reads are for commands,
checks and duties; they name a sealed block or take the newest state. Nothing here signs or sends.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from risk.columns import AccountColumns
from risk.corporate_writes import Write
from risk.guard_rails import Limits, Parameter
from risk.liquidation import LiquidationRules
from risk.market import Market
from risk.price_publication import FairPrice
from risk.units import AccountId, MarketId, MarketStatus, PriceE8, QuoteAtoms, Seconds
from runtime.rpc.errors import ExecutionReverted
from venues.exchange.abi import Abi
from venues.exchange.calls import CallEncoder
from venues.exchange.chain import ChainReader, ContractReader
from venues.exchange.controls import ControlReader
from venues.exchange.corporate_calls import CorporateReader, arguments_of
from venues.exchange.events import LogDecoder
from venues.exchange.fold import MarketFold
from venues.exchange.page_codec import Page, decode_page
from venues.exchange.publications import PublicationReader
from venues.exchange.readings import AccountState, Pools, Role
from venues.exchange.receipts import logs_of
from venues.exchange.slicers import UndecodableError, compile_slicer, flatten
from venues.exchange.views import StructDecoder, ViewDecoder, one_word
from venues.port import (
    Call,
    Change,
    ControlChanged,
    CorporateChanged,
    DeleverageItem,
    DeleverageSettled,
    LiquidationItem,
    LiquidationSettled,
    ParameterChanged,
    PriceOutcome,
)

MARKETS_PER_PAGE = 16


class ExchangeVenue:
    """One exchange at one address."""

    def __init__(
        self, reader: ChainReader, *, address: bytes, abi: Abi, gas: int | None = None
    ) -> None:
        self.address = address
        self._abi = abi
        self._calls = CallEncoder(abi)
        self._views = ViewDecoder(abi)
        self._limits = StructDecoder(abi.function("limits").outputs[0])
        self._address_word = compile_slicer(flatten(abi.function("owner").outputs[0]))
        self._contract = ContractReader(reader, address, gas)
        self._decoder = LogDecoder(abi, MarketFold())
        self._publications = PublicationReader(abi, address)
        self._controls = ControlReader(abi, address)
        self._corporate = CorporateReader(abi, address)
        self._liquidation_topic = f"0x{abi.event('LiquidationResult').topic.hex()}"
        self._deleverage_topic = f"0x{abi.event('DeleverageResult').topic.hex()}"

    # --- calls out --------------------------------------------------------------------------

    def liquidation_call(
        self, items: Sequence[LiquidationItem], *, deadline: Seconds, gas: int
    ) -> Call:
        """Encode a batch; the venue refuses it by itself after `deadline` (its own clock)."""
        return Call(to=self.address, data=self._calls.liquidate(items, deadline), gas=gas)

    def deleverage_call(self, items: Sequence[DeleverageItem], *, gas: int) -> Call:
        """Encode a batch of 1 to 64 deleverage items; each is judged where the ones before left off."""
        return Call(to=self.address, data=self._calls.deleverage(items), gas=gas)

    def publish_call(self, prices: Sequence[FairPrice], *, gas: int) -> Call:
        """Encode a batch of 1 to 64 prices; late or older ones the exchange refuses by itself."""
        return Call(to=self.address, data=self._calls.publish(prices), gas=gas)

    def price_outcomes(self, receipt: Mapping[str, object]) -> list[PriceOutcome]:
        """Decode what became of each price from a receipt's logs, in the order of the batch.

        Raises UndecodableError when one of our logs is not what the ABI promises.
        """
        return self._publications.outcomes(receipt)

    def band_call(
        self, market: MarketId, low: PriceE8, high: PriceE8, *, epoch: int, gas: int
    ) -> Call:
        """Encode the breaker's new band."""
        return self.call("set_band", market, low, high, epoch, gas=gas)

    def status_call(self, market: MarketId, status: MarketStatus, *, epoch: int, gas: int) -> Call:
        """Encode the breaker's new status."""
        return self.call("set_status", market, int(status), epoch, gas=gas)

    def restrict_call(self, market: MarketId, status: MarketStatus, *, gas: int) -> Call:
        """Encode the guardian's stricter status."""
        return self.call("restrict", market, int(status), gas=gas)

    def close_withdrawals_call(self, *, gas: int) -> Call:
        """Encode the guardian's close of withdrawals."""
        return self.call("close_withdrawals", gas=gas)

    def control_changes(self, receipt: Mapping[str, object]) -> list[ControlChanged]:
        """Decode what a breaker's or guardian's transaction changed.

        Raises UndecodableError when one of our logs is not what the ABI promises.
        """
        return self._controls.changes(receipt)

    def parameter_call(
        self, market: MarketId, parameter: Parameter, value: int, *, epoch: int, gas: int
    ) -> Call:
        """Encode the tuner's new value."""
        return self.call("set_parameter", market, int(parameter), value, epoch, gas=gas)

    def parameter_changes(self, receipt: Mapping[str, object]) -> list[ParameterChanged]:
        """Decode what a tuner's transaction changed.

        Raises UndecodableError when one of our logs is not what the ABI promises.
        """
        return self._controls.parameters(receipt)

    def corporate_call(self, market: MarketId, write: Write, *, gas: int) -> Call:
        """Encode a corporate action's write."""
        name, arguments = arguments_of(market, write)
        return self.call(name, *arguments, gas=gas)

    def corporate_changes(self, receipt: Mapping[str, object]) -> list[CorporateChanged]:
        """Decode what a corporate transaction changed; raises UndecodableError likewise."""
        return self._corporate.changes(receipt)

    def call(self, name: str, *arguments: Any, gas: int) -> Call:  # noqa: ANN401 - the ABI says
        """Encode a call of any function: `publish`, `set_band` and so on.

        Raises ValueError for an unknown name or an argument that does not fit its type.
        """
        return Call(to=self.address, data=self._calls.call(name, *arguments), gas=gas)

    def settled_items(self, receipt: Mapping[str, object]) -> list[LiquidationSettled]:
        """Decode what became of each item from a receipt's logs, in the order of the items.

        Raises UndecodableError when one of our logs is not what the ABI promises.
        """
        changes = self._changes(receipt, self._liquidation_topic)
        return [change for change in changes if isinstance(change, LiquidationSettled)]

    def deleverage_outcomes(self, receipt: Mapping[str, object]) -> list[DeleverageSettled]:
        """Decode what became of each deleverage item, in order; raises UndecodableError likewise."""
        changes = self._changes(receipt, self._deleverage_topic)
        return [change for change in changes if isinstance(change, DeleverageSettled)]

    def _changes(self, receipt: Mapping[str, object], wanted: str) -> Iterator[Change]:
        for topic, log in logs_of(receipt, self._contract.address_text):
            if topic == wanted:
                recipe, values = self._decoder.decode(log)
                yield recipe.build(values)

    # --- reads ------------------------------------------------------------------------------

    async def has_code(self) -> bool:
        """Say whether there is a contract at the address."""
        code = await self._contract.reader.call(
            "eth_getCode", [self._contract.address_text, "latest"]
        )
        return code not in {"0x", None}

    async def role_of(self, holder: bytes) -> Role:
        """Read which role an address holds."""
        return Role(await self._number("role_of", holder))

    async def owner(self) -> bytes:
        """Read the owner's address."""
        return await self._address("owner")

    async def token(self) -> bytes:
        """Read the address of the quote token."""
        return await self._address("token")

    async def backstop_account(self) -> AccountId:
        """Read which account is the backstop's."""
        return AccountId(await self._number("backstop_account"))

    async def account_count(self, *, block: int | None = None) -> int:
        """Read how many accounts were ever opened."""
        return await self._number("account_count", block=block)

    async def epoch(self, market: MarketId, role: Role) -> int:
        """Read the epoch that the next write of a duty must expect."""
        return await self._number("epoch", market, int(role))

    async def breaker_epochs(self, markets: Sequence[MarketId]) -> dict[MarketId, int]:
        """Read the epoch that the breaker's next write must expect, of each market, in one request."""
        return await self._epochs(Role.BREAKER, markets)

    async def tuner_epochs(self, markets: Sequence[MarketId]) -> dict[MarketId, int]:
        """Read the epoch that the tuner's next write must expect, of each market, in one request."""
        return await self._epochs(Role.TUNER, markets)

    async def corporate_state(self, market: MarketId, *, block: int) -> tuple[Market, int]:
        """Read a market and the corporate duty's epoch at one block, in one request."""
        calls = [
            self._calls.call("market_view", market),
            self._calls.call("epoch", market, int(Role.CORPORATE)),
        ]
        view, epoch = await self._contract.views(calls, block)
        return self._views.market(market, view), one_word(epoch)

    async def refusal(self, call: Call, *, sender: bytes, block: int) -> str | None:
        """Simulate a call in a sender's name at a block; give the reason of a refusal."""
        asked = {
            "from": f"0x{sender.hex()}",
            "to": f"0x{call.to.hex()}",
            "data": f"0x{call.data.hex()}",
            "gas": hex(call.gas),
        }
        try:
            await self._contract.reader.call("eth_call", [asked, hex(block)])
        except ExecutionReverted as error:
            return error.reason or "without a reason"
        return None

    async def _epochs(self, role: Role, markets: Sequence[MarketId]) -> dict[MarketId, int]:
        calls = [self._calls.call("epoch", market, int(role)) for market in markets]
        answers = await self._contract.views(calls, None)
        return dict(zip(markets, map(one_word, answers), strict=True))

    async def keeper_rewards(self, keeper: bytes) -> QuoteAtoms:
        """Read what a keeper may claim, in atoms."""
        return QuoteAtoms(await self._number("keeper_rewards", keeper))

    async def token_balance(self, holder: bytes, *, token: bytes) -> QuoteAtoms:
        """Read a balance of the quote token, in atoms."""
        contract = ContractReader(self._contract.reader, token)
        data = bytes.fromhex("70a08231") + holder.rjust(32, b"\0")
        return QuoteAtoms(one_word(await contract.view(data, None)))

    async def limits(self, market: MarketId, parameter: int) -> Limits:
        """Read the owner's limits of a parameter."""
        return Limits(**self._limits(await self._view("limits", market, parameter)))

    async def all_limits(self, market: MarketId) -> dict[Parameter, Limits]:
        """Read the owner's limits of every parameter of a market, in one request."""
        calls = [self._calls.call("limits", market, int(parameter)) for parameter in Parameter]
        answers = await self._contract.views(calls, None)
        return {
            parameter: Limits(**self._limits(raw))
            for parameter, raw in zip(Parameter, answers, strict=True)
        }

    async def account_state(self, account: AccountId, *, block: int | None = None) -> AccountState:
        """Read the exchange's own verdict on an account."""
        raw = await self._view("account_state", account, block=block)
        return AccountState(**self._views.account_state(raw))

    async def accounts(
        self, accounts: Sequence[AccountId], *, block: int | None = None
    ) -> AccountColumns:
        """Read up to 128 accounts with their positions."""
        return (await self.page(accounts, block=block)).accounts

    async def page(self, accounts: Sequence[AccountId], *, block: int | None = None) -> Page:
        """Read up to 128 accounts and at which block and time they were so."""
        return decode_page(await self._view("account_rows", list(accounts), block=block))

    async def market(self, market: MarketId, *, block: int | None = None) -> Market:
        """Read one market."""
        return self._views.market(market, await self._view("market_view", market, block=block))

    async def markets(self, *, block: int | None = None) -> dict[MarketId, Market]:
        """Read all markets, by number."""
        count = await self._number("market_count", block=block)
        markets: list[Market] = []
        while len(markets) < count:
            start = MarketId(len(markets))
            raw = await self._view("markets_page", start, MARKETS_PER_PAGE, block=block)
            page = self._views.markets(start, raw)
            if not page:
                raise UndecodableError(f"expected {count} markets, found {len(markets)}")
            markets += page
        return {market.id: market for market in markets}

    async def rules(self, *, block: int | None = None) -> LiquidationRules:
        """Read the exchange-wide rules of liquidation."""
        return self._views.rules(await self._view("rules", block=block))

    async def pools(self, *, block: int | None = None) -> Pools:
        """Read the exchange's pools, the vault's balance and whether withdrawals are open."""
        return Pools(**self._views.funds_view(await self._view("funds", block=block)))

    # --- plumbing ---------------------------------------------------------------------------

    async def _view(self, name: str, *arguments: Any, block: int | None = None) -> bytes:  # noqa: ANN401
        return await self._contract.view(self._calls.call(name, *arguments), block)

    async def _number(self, name: str, *arguments: Any, block: int | None = None) -> int:  # noqa: ANN401
        return one_word(await self._view(name, *arguments, block=block))

    async def _address(self, name: str) -> bytes:
        raw = await self._view(name)
        if len(raw) != 32:
            raise UndecodableError(f"expected an address, found {len(raw)} bytes")
        address: bytes = self._address_word(raw)[0]
        return address
