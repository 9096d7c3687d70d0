"""Nasdaq Trader's RSS of trading halts on loopback: what the script's page shows at this venue time.

Times on the page are New York's, as on the real one, so a rehearsal reads them through the same
conversion as the keeper does in earnest.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from xml.etree import ElementTree as ET

from aiohttp import web

from drills.price_servers.door import Door
from drills.price_servers.script import HaltScript
from drills.price_servers.venue_ticks import VenueTicks
from monitors.prices.trading_halts import EASTERN, TradingHalt
from risk.units import Seconds

NAMESPACE: Final = "http://www.nasdaqtrader.com/"


class TradingHaltsServer:
    """The page of all halts."""

    def __init__(self, script: HaltScript, ticks: VenueTicks) -> None:
        self._script = script
        self._ticks = ticks
        self.door = Door((web.get("/rss.aspx", self._page),))

    @property
    def url(self) -> str:
        """Give the page's address."""
        return f"http://{self.door.address}/rss.aspx?feed=tradehalts"

    async def _page(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("feed") != "tradehalts":
            raise web.HTTPNotFound
        return web.Response(
            body=_rss(self._script.halts(self._ticks.look())), content_type="application/rss+xml"
        )


def _rss(halts: Sequence[TradingHalt]) -> bytes:
    rss = ET.Element("rss", {"version": "2.0", "xmlns:ndaq": NAMESPACE})
    channel = ET.SubElement(rss, "channel")
    ET.SubElement(channel, "title").text = "NASDAQTrader.com"
    ET.SubElement(channel, "ndaq:numItems").text = str(len(halts))
    for halt in halts:
        item = ET.SubElement(channel, "item")
        ET.SubElement(item, "title").text = halt.symbol
        for name, text in _fields(halt).items():
            ET.SubElement(item, f"ndaq:{name}").text = text
    page: bytes = ET.tostring(rss, encoding="utf-8", xml_declaration=True)
    return page


def _fields(halt: TradingHalt) -> dict[str, str]:
    halt_date, halt_time = _eastern(halt.halted_at)
    resume_date, resume_time = ("", "") if halt.resumes_at is None else _eastern(halt.resumes_at)
    return {
        "HaltDate": halt_date,
        "HaltTime": f"{halt_time}.000",
        "IssueSymbol": halt.symbol,
        "IssueName": halt.symbol,
        "Market": "NASDAQ",
        "ReasonCode": halt.reason,
        "PauseThresholdPrice": "",
        "ResumptionDate": resume_date,
        "ResumptionQuoteTime": resume_time,
        "ResumptionTradeTime": resume_time,
    }


def _eastern(moment: Seconds) -> tuple[str, str]:
    there = datetime.fromtimestamp(moment, tz=EASTERN)
    return f"{there:%m/%d/%Y}", f"{there:%H:%M:%S}"
