"""Read everything at one sealed block: markets, accounts, pools and rules.

All reads name the same block number, and its header is read again at the end: if the hash changed
meanwhile, history was rewritten under our feet and the snapshot is void.
"""

from risk.market import Market
from risk.units import AccountId, MarketId
from runtime.errors import TransientError
from venues.exchange.abi import Abi
from venues.exchange.chain import ContractReader, Head, read_head
from venues.exchange.encoding import encode_call
from venues.exchange.pages import PageReader, StateGoneError
from venues.exchange.slicers import Defect, UndecodableError
from venues.exchange.views import ViewDecoder, one_word
from venues.port import Snapshot

MARKETS_PER_PAGE = 16


class SnapshotReader:
    """Read snapshots of one exchange."""

    def __init__(self, contract: ContractReader, abi: Abi, pages: PageReader) -> None:
        self._contract = contract
        self._abi = abi
        self._views = ViewDecoder(abi)
        self._pages = pages

    async def read(self, head: Head) -> Snapshot:
        """Read the state as of `head`.

        Raises TransientError (StateGoneError among them) when it must be tried again, at a newer
        block; UndecodableError when the contract is not the one that the ABI describes.
        """
        block = head.number
        names = ("account_count", "market_count", "backstop_account", "funds", "rules")
        calls = [encode_call(self._abi.function(name), []) for name in names]
        accounts, markets, backstop, funds, rules = await self._contract.views(calls, block)
        snapshot = Snapshot(
            block=head.ref,
            markets=await self._markets(block, one_word(markets)),
            accounts=await self._pages.all(block, one_word(accounts)),
            funds=self._views.funds(funds),
            rules=self._views.rules(rules),
            backstop_account=AccountId(one_word(backstop)),
        )
        _check_markets(snapshot)
        again = await read_head(self._contract.reader, block)
        if again is None:
            raise StateGoneError(f"expected block {block} to stay, but the endpoint lacks it")
        if again.ref.hash != head.ref.hash and head.ref.hash is not None:
            raise TransientError(f"block {block} was replaced while it was read")
        return snapshot

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


def _check_markets(snapshot: Snapshot) -> None:
    for page in snapshot.accounts:
        held = page.positions.market
        if len(held) and int(held.max()) >= len(snapshot.markets):
            raise UndecodableError(
                f"expected positions in {len(snapshot.markets)} markets,"
                f" found one in market {int(held.max())}",
                Defect.UNKNOWN_MARKET,
            )
