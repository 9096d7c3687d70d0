"""/deleverage/OWNER/SUBACCOUNT: where an account's positions stand in the queue, for people and commands."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from aiohttp import web

from monitors.accounts import AccountsMonitor
from risk.deleverage_queue import queue_position
from risk.units import parse_account


def deleverage_routes(monitor: AccountsMonitor) -> Sequence[web.RouteDef]:
    """Make the page; it changes nothing. Each position asked for ranks its side once."""

    async def one(request: web.Request) -> web.Response:
        places = request.match_info
        try:
            account = parse_account(f"{places['owner']}/{places['subaccount']}")
        except ValueError as error:
            return _json({"error": str(error)}, status=404)
        if monitor.distrust is not None:
            return _json({"error": monitor.distrust}, status=503)
        book, pool = monitor.book, monitor.backstop_account
        held = () if book.row(account) is None else book.account(account).positions
        found = (
            queue_position(book, account, position.market, monitor.now, without={pool})
            for position in held
            if account != pool
        )
        positions: list[Mapping[str, Any]] = [
            {
                "market": book.markets[each.market].symbol,
                "side": "long" if each.is_long else "short",
                "bucket": each.bucket,
                "rank": each.rank,
                "count": each.count,
            }
            for each in found
            if each is not None
        ]
        return _json({"positions": positions})

    return [web.get("/deleverage/{owner}/{subaccount}", one)]


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")
