"""The feed on a real node: what it folded is what the chain holds, whatever the transport does."""

import asyncio

from tests.venues.exchange.activity import Town
from tests.venues.exchange.following import following


async def test_folds_a_busy_exchange_into_exactly_what_the_chain_holds(town: Town) -> None:
    async with following(
        town.exchange, http_url=town.anvil.http_url, ws_url=town.anvil.websocket_url
    ) as seen:
        await asyncio.to_thread(town.activity.run, 80)
        await asyncio.to_thread(town.activity.band, 1)
        await seen.require_equal()
        assert seen.sink.interruptions == []
        assert len(seen.sink.snapshots) == 1
        assert seen.count("logs_healed_total", cause="lost") == 0
