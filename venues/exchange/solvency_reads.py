"""What an auditor reads of the exchange, with nothing of the keeper's account book in it.

Every read names one sealed block. The vault's balance is asked of the token itself, the code of the
node, the roles of the contract and of its whole history: an address that was granted a role shows
even if nobody approved it. Pages of accounts are paced, so that the keeper's own reads never wait.
"""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from eth_hash.auto import keccak
from prometheus_client import CollectorRegistry

from risk.columns import AccountColumns
from risk.market import Market
from risk.solvency_flows import Event
from risk.solvency_sheet import Authority, BlockFacts, CodeFacts, TokenFacts, VaultPools
from risk.units import AccountId, MarketId, QuoteAtoms
from runtime.clock import Clock
from runtime.errors import TransientError
from runtime.rpc.errors import RpcError, RpcTransient
from venues.exchange.abi import Abi
from venues.exchange.chain import ChainReader, ContractReader, Head, read_head, read_sealed_head
from venues.exchange.encoding import encode_call
from venues.exchange.event_values import EventReader
from venues.exchange.ledger import FeedInterruptedError
from venues.exchange.log_reader import LogReader, LogSettings
from venues.exchange.metrics import FeedMetrics
from venues.exchange.paced_reader import PacedReader
from venues.exchange.page_codec import from_hex
from venues.exchange.pages import PageReader, PageSettings
from venues.exchange.readings import Role
from venues.exchange.shipped_code import ShippedCode
from venues.exchange.slicers import UndecodableError
from venues.exchange.snapshot import MARKETS_PER_PAGE
from venues.exchange.views import ViewDecoder, one_word
from venues.port import BlockRef

PROXY_SLOT: Final = int.from_bytes(keccak(b"eip1967.proxy.implementation"), "big") - 1
"""Where a proxy by EIP-1967 keeps the address of its code."""
_BALANCE_OF: Final = bytes.fromhex("70a08231")
_DECIMALS: Final = bytes.fromhex("313ce567")
_ROLE_CHANGED: Final = "RoleChanged"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSettings:
    """How hard to ask."""

    pages_per_second: float = 50.0
    pages_in_flight: int = 2
    page_accounts: int = 400
    gas: int | None = None
    """Gas limit of views; None leaves it to the node."""
    logs: LogSettings = LogSettings()


class SolvencyReads:
    """Reads of one exchange. Each raises RpcError or TransientError, whatever went wrong."""

    def __init__(
        self,
        reader: ChainReader,
        *,
        address: bytes,
        abi: Abi,
        clock: Clock,
        settings: ReadSettings | None = None,
    ) -> None:
        settings = settings or ReadSettings()
        self._reader, self._abi, self._settings = reader, abi, settings
        self._contract = ContractReader(reader, address, settings.gas)
        self._views = ViewDecoder(abi)
        self._events = EventReader(abi)
        self._logs = LogReader(self._contract, settings.logs)
        self._pages = PageReader(
            ContractReader(
                PacedReader(
                    reader,
                    per_second=settings.pages_per_second,
                    burst=settings.pages_in_flight,
                    clock=clock,
                ),
                address,
                settings.gas,
            ),
            abi,
            # The feed has these series already; ours would only be confused with them.
            metrics=FeedMetrics.create(CollectorRegistry()),
            settings=PageSettings(
                first_size=settings.page_accounts, in_flight=settings.pages_in_flight
            ),
        )
        self._quote: ContractReader | None = None
        self._shipped = ShippedCode()

    async def head(self, block: int | None = None) -> BlockRef:
        """Read the newest sealed head, or that of a block."""
        with _one_kind_of_error():
            if block is None:
                return (await read_sealed_head(self._reader)).ref
            head = await read_head(self._reader, block)
        if head is None:
            raise TransientError(f"expected block {block}, but the server does not have it")
        return head.ref

    async def backstop(self) -> AccountId:
        """Read which account is the backstop's."""
        with _one_kind_of_error():
            return AccountId(one_word(await self._view("backstop_account", None)))

    async def facts(self, block: int) -> BlockFacts:
        """Read pools, vault and all markets."""
        with _one_kind_of_error():
            return await self._facts(block)

    async def _facts(self, block: int) -> BlockFacts:
        token = await self._quote_token()
        holder = self._contract.address.rjust(32, b"\0")
        balance = one_word(await token.view(_BALANCE_OF + holder, block))
        names = ("funds", "market_count", "account_count")
        funds, markets, accounts = await self._contract.views(
            [encode_call(self._abi.function(name), []) for name in names], block
        )
        view = self._views.funds_view(funds)
        pockets = ("insurance_fund", "fee_pool", "funding_pool", "rewards_owed")
        return BlockFacts(
            pools=VaultPools(
                **{name: QuoteAtoms(view[name]) for name in pockets},
                vault_balance=QuoteAtoms(balance),
                withdrawals_open=view["withdrawals_open"],
            ),
            markets=await self._markets(block, one_word(markets)),
            account_count=one_word(accounts),
        )

    async def accounts(self, block: int, count: int) -> list[AccountColumns]:
        """Read the first `count` accounts as they were at `block`, in pages, paced."""
        with _one_kind_of_error():
            return await self._pages.all(block, count)

    async def events(self, first: int, last: BlockRef) -> list[Event]:
        """Read every event of blocks `first` to `last`, in the order of the chain."""
        with _one_kind_of_error():
            return self._events.read(await self._logs.read(first, Head(ref=last, parent=None)))

    async def granted(self, first: int, last: int) -> set[bytes]:
        """Give everybody who was granted a role in blocks `first` to `last`."""
        with _one_kind_of_error():
            return await self._granted(first, last)

    async def _granted(self, first: int, last: int) -> set[bytes]:
        topic = f"0x{self._abi.event(_ROLE_CHANGED).topic.hex()}"
        holders: set[bytes] = set()
        window = self._settings.logs.most_window
        while first <= last:
            to = min(last, first + window - 1)
            wanted = {
                "address": self._contract.address_text,
                "fromBlock": hex(first),
                "toBlock": hex(to),
                "topics": [topic],
            }
            try:
                logs = await self._reader.call("eth_getLogs", [wanted])
            except RpcTransient:
                raise
            except RpcError:
                if to == first:
                    raise
                window = max(1, (to - first + 1) // 2)
                continue
            holders |= roles_in(self._events.read(logs))
            first = to + 1
        return holders

    async def authority(self, block: int, suspects: Iterable[bytes]) -> Authority:
        """Read the owner and the role of each of `suspects`."""
        with _one_kind_of_error():
            return await self._authority(block, suspects)

    async def _authority(self, block: int, suspects: Iterable[bytes]) -> Authority:
        holders = sorted(set(suspects))
        role_of = self._abi.function("role_of")
        calls = [encode_call(self._abi.function("owner"), [])]
        calls += [encode_call(self._abi.function("proposed_owner"), [])]
        calls += [encode_call(role_of, [holder]) for holder in holders]
        owner, proposed, *roles = await self._contract.views(calls, block)
        named = {
            holder: Role(one_word(raw)).name.lower()
            for holder, raw in zip(holders, roles, strict=True)
            if one_word(raw) != Role.NONE
        }
        return Authority(
            owner=owner[-20:],
            proposed_owner=proposed[-20:] if any(proposed) else None,
            roles=named,
        )

    async def code(self, block: int) -> CodeFacts:
        """Read which code acts at the exchange's address, of the node: a false one is not asked."""
        address = self._contract.address_text
        with _one_kind_of_error():
            code = from_hex(await self._reader.call("eth_getCode", [address, hex(block)]))
            place = [address, hex(PROXY_SLOT), hex(block)]
            implementation = from_hex(await self._reader.call("eth_getStorageAt", place))[-20:]
        return CodeFacts(
            code_hash=keccak(code),
            is_shipped_code=self._shipped.is_in(code),
            implementation=implementation if any(implementation) else None,
        )

    async def token(self, block: int) -> TokenFacts:
        """Read which token the exchange holds, its decimals and its code."""
        with _one_kind_of_error():
            return await self._token(block)

    async def _token(self, block: int) -> TokenFacts:
        token = await self._quote_token()
        code = await self._reader.call("eth_getCode", [token.address_text, hex(block)])
        return TokenFacts(
            address=token.address,
            decimals=one_word(await token.view(_DECIMALS, block)),
            code_hash=keccak(from_hex(code)),
        )

    async def _quote_token(self) -> ContractReader:
        if self._quote is None:
            # An immutable of the contract: it never changes, whatever the block.
            raw = await self._view("token", None)
            self._quote = ContractReader(self._reader, raw[-20:])
        return self._quote

    async def _view(self, name: str, block: int | None) -> bytes:
        return await self._contract.view(encode_call(self._abi.function(name), []), block)

    async def _markets(self, block: int, count: int) -> dict[MarketId, Market]:
        page = self._abi.function("markets_page")
        starts = range(0, count, MARKETS_PER_PAGE)
        calls = [encode_call(page, [start, MARKETS_PER_PAGE]) for start in starts]
        answers = await self._contract.views(calls, block) if calls else []
        markets = [
            market
            for start, raw in zip(starts, answers, strict=True)
            for market in self._views.markets(MarketId(start), raw)
        ]
        if len(markets) != count:
            raise UndecodableError(f"expected {count} markets, found {len(markets)}")
        return {market.id: market for market in markets}


@contextlib.contextmanager
def _one_kind_of_error() -> Iterator[None]:
    """Say of bytes that make no sense, and of history that changed, that nothing could be read."""
    try:
        yield
    except (ValueError, FeedInterruptedError, KeyError) as error:
        raise TransientError(f"the exchange could not be read: {error}") from error


def roles_in(events: Iterable[Event]) -> set[bytes]:
    """Give everybody whose role an event changed."""
    return {event.values["who"] for event in events if event.name == _ROLE_CHANGED}
