"""Read from the chain what a deployment compares: rules, markets, limits, roles.

Reads go in batches of bounded size and all at `latest`: the deployer is the only writer of what
is compared here.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from risk.guard_rails import Limits
from risk.units import MarketId
from runtime.rpc.errors import RpcError
from venues.exchange.calls import CallEncoder
from venues.exchange.chain import ChainReader, ContractReader
from venues.exchange.deploy_values import Artifact, FoundExchange, WantedExchange
from venues.exchange.page_codec import from_hex
from venues.exchange.views import StructDecoder, ViewDecoder, one_word

BATCH: Final = 40
"""Calls in one request."""


async def batched(
    reader: ChainReader, calls: Sequence[tuple[str, Sequence[object]]]
) -> list[object]:
    """Call all, some at a time; raises the first RpcError among the answers."""
    answers: list[object] = []
    for start in range(0, len(calls), BATCH):
        answers += await reader.batch(calls[start : start + BATCH])
    for answer in answers:
        if isinstance(answer, RpcError):
            raise answer
    return answers


async def has_code(reader: ChainReader, address: bytes) -> bool:
    """Say whether a contract stands at the address."""
    return bool(from_hex(await reader.call("eth_getCode", [f"0x{address.hex()}", "latest"])))


class StateReader:
    """Reads one exchange."""

    def __init__(self, reader: ChainReader, exchange: Artifact, address: bytes) -> None:
        self._contract = ContractReader(reader, address)
        self._encoder = CallEncoder(exchange.abi)
        self._decoder = ViewDecoder(exchange.abi)
        self._limits = StructDecoder(exchange.abi.function("limits").outputs[0])

    async def read(self, wanted: WantedExchange) -> FoundExchange:
        """Read all that the owner sets."""
        call = self._encoder.call
        token, owner, proposed, rules, count = await self._views(
            [call(name) for name in ("token", "owner", "proposed_owner", "rules", "market_count")]
        )
        markets = range(one_word(count))
        views = await self._views([call("market_view", market) for market in markets])
        places = [
            (market, parameter)
            for market, listing in zip(markets, wanted.markets, strict=False)
            for parameter in listing.limits
        ]
        limits = await self._views([call("limits", *place) for place in places])
        holders = list(wanted.roles.values())
        roles = await self._views([call("role_of", holder) for holder in holders])
        return FoundExchange(
            token=token[-20:],
            owner=owner[-20:],
            proposed_owner=proposed[-20:],
            rules=self._decoder.rules(rules),
            markets=tuple(
                self._decoder.market(MarketId(market), raw)
                for market, raw in zip(markets, views, strict=True)
            ),
            limits={
                place: Limits(**self._limits(raw))
                for place, raw in zip(places, limits, strict=True)
            },
            address_to_role={
                holder: one_word(raw) for holder, raw in zip(holders, roles, strict=True)
            },
        )

    async def _views(self, calls: Iterable[bytes]) -> list[bytes]:
        waiting = list(calls)
        answers: list[bytes] = []
        for start in range(0, len(waiting), BATCH):
            answers += await self._contract.views(waiting[start : start + BATCH], None)
        return answers
