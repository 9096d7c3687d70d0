"""/prices and /prices/MARKET: every fair price with all that made it, for people and commands."""

from collections.abc import Sequence

import orjson
from aiohttp import web

from monitors.prices.desk import PriceDesk


def price_routes(desk: PriceDesk) -> Sequence[web.RouteDef]:
    """Make the pages of a price desk; they change nothing."""

    async def every(_request: web.Request) -> web.Response:
        return _json({symbol: desk.explain(symbol) for symbol in desk.symbols})

    async def one(request: web.Request) -> web.Response:
        symbol = request.match_info["symbol"]
        if symbol not in desk.symbols:
            return _json(
                {"error": f"expected one of {', '.join(desk.symbols)}, found another market"},
                status=404,
            )
        return _json(desk.explain(symbol))

    return [web.get("/prices", every), web.get("/prices/{symbol}", one)]


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")
