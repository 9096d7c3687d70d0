"""Read all accounts at one sealed block, page by page, several pages in flight.

Each page says at which block it was taken; one from another block is refused. The size of a page
adapts to what the endpoint bears: half after a refusal, a quarter more after a success, never
again as large as what was refused since the last snapshot. A block that the node has pruned
meanwhile ends the reading: it starts again at a newer one.
"""

import asyncio
import re
from dataclasses import dataclass
from typing import Final

from risk.columns import AccountColumns
from risk.units import AccountId
from runtime.errors import TransientError
from runtime.rpc.errors import RpcError, RpcTransient
from venues.exchange.abi import Abi
from venues.exchange.chain import ContractReader
from venues.exchange.encoding import encode_call
from venues.exchange.metrics import FeedMetrics
from venues.exchange.page_codec import Page, decode_page
from venues.exchange.slicers import UndecodableError

MOST_ROWS: Final = 128
"""Accounts that `account_rows` takes at once."""
_ATTEMPTS: Final = 4
_PAUSE_SECONDS: Final = 0.05
_GONE: Final = re.compile(
    r"missing trie node|state .{0,40}(?:not available|pruned|unavailable)|pruned|historical state"
    r"|(?:block|header) (?:.{0,30} )?not found|unknown block|block out of range",
    re.IGNORECASE,
)
_BLOCK_OUT_OF_RANGE: Final = -32019


class StateGoneError(TransientError):
    """The endpoint does not hold the pinned block: start again at a newer one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSettings:
    """How to page; sizes in accounts."""

    first_size: int = 200
    most: int = 512
    """The contract gives no more in one page."""
    in_flight: int = 8


class PageSize:
    """What the endpoint bears, learnt from its refusals."""

    def __init__(self, settings: PageSettings) -> None:
        self._most = settings.most
        self._refused: int | None = None
        self.now = min(settings.first_size, settings.most)

    def begin(self) -> None:
        """Let a new snapshot try larger pages again."""
        self._refused = None

    def grow(self) -> None:
        """Take a quarter more, short of what was refused."""
        limit = self._most if self._refused is None else max(1, self._refused - 1)
        self.now = max(self.now, min(limit, self.now + max(1, self.now // 4)))

    def shrink(self, refused: int) -> bool:
        """Take half of what was refused; False when nothing smaller is left to try."""
        if refused <= 1:
            return False
        self._refused = min(refused, self._refused or refused)
        self.now = max(1, min(self.now, refused // 2))
        return True


class PageReader:
    """Read pages of accounts of one exchange."""

    def __init__(
        self,
        contract: ContractReader,
        abi: Abi,
        *,
        metrics: FeedMetrics,
        settings: PageSettings | None = None,
    ) -> None:
        self._contract = contract
        self._page = abi.function("accounts_page")
        self._rows = abi.function("account_rows")
        self._settings = settings or PageSettings()
        self._metrics = metrics
        self.size = PageSize(self._settings)

    async def all(self, block: int, count: int) -> list[AccountColumns]:
        """Read the first `count` accounts, in order, as they were at `block`.

        Raises StateGoneError when the block is gone, TransientError when the endpoint keeps
        failing, UndecodableError for bytes that are no page.
        """
        self.size.begin()
        pages: dict[int, AccountColumns] = {}
        cursor = 0

        async def read_pieces() -> None:
            nonlocal cursor
            while cursor < count:
                start = cursor
                cursor = end = min(count, start + self.size.now)
                while start < end:
                    page = await self._one(block, start, end - start)
                    if not start < page.next <= end:
                        raise UndecodableError(
                            f"expected a page to end after {start} and by {end}, found {page.next}"
                        )
                    pages[start] = page.accounts
                    start = page.next

        try:
            async with asyncio.TaskGroup() as group:
                for number in range(self._settings.in_flight):
                    group.create_task(read_pieces(), name=f"page-reader-{number}")
        except ExceptionGroup as errors:
            # All readers fail for the same kind of reason; one sentence is what a person needs.
            raise errors.exceptions[0] from errors
        return [pages[start] for start in sorted(pages)]

    async def rows(self, block: int, accounts: list[AccountId]) -> AccountColumns:
        """Re-read up to 128 chosen accounts as they were at `block`."""
        data = encode_call(self._rows, [accounts])
        return (await self._read(block, data)).accounts

    async def _one(self, block: int, start: int, count: int) -> Page:
        """Read one page, of fewer accounts than asked for if the endpoint bears no more."""
        while True:
            asked = min(count, self.size.now)
            try:
                page = await self._read(block, encode_call(self._page, [start, asked]))
            except RpcTransient:
                raise
            except RpcError as error:
                if not self.size.shrink(asked):
                    raise TransientError(
                        f"expected a page of one account, found {error}"
                    ) from error
                self._metrics.page_size.set(self.size.now)
                continue
            if asked >= self.size.now:
                self.size.grow()
                self._metrics.page_size.set(self.size.now)
            return page

    async def _read(self, block: int, data: bytes) -> Page:
        for attempt in range(_ATTEMPTS):
            is_last = attempt == _ATTEMPTS - 1
            try:
                page = decode_page(await self._contract.view(data, block))
            except RpcError as error:
                if error.code == _BLOCK_OUT_OF_RANGE or _GONE.search(error.message):
                    # A freshly sealed block may not have reached every server of an endpoint.
                    if is_last:
                        raise StateGoneError(f"block {block} is gone: {error}") from error
                elif is_last or not isinstance(error, RpcTransient):
                    raise
            else:
                if page.block_number == block:
                    self._metrics.pages_read.inc()
                    return page
                if is_last:
                    raise StateGoneError(
                        f"expected a page of block {block}, found one of {page.block_number}"
                    )
            await asyncio.sleep(_PAUSE_SECONDS * 2**attempt)
        raise AssertionError("the last attempt returns or raises")
