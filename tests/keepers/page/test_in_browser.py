"""The page in real headless Chromium: on a phone and a wall, light and dark, with and without script."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from risk.units import MarketId, MarketStatus
from tests.keepers.page.browser import Tab, open_tab
from tests.keepers.page.serving import Shown, serving
from tests.keepers.page.values import HALTED, LIQUIDATED, NVDA, SPY, backlog, facts, health, heat

SCREENS: Final = {"phone": (360, 740), "tablet": (768, 1_024), "wall": (1_920, 1_080)}
LONG: Final = (
    "mark 160.25637502 is at the edge of the discovery bound 160.25637502 to 177.12546712 " * 3
)
FULL: Final = facts(
    markets=[
        replace(NVDA, status=MarketStatus.HALTED, breaker=LONG, doubt="warming up", is_stale=True),
        replace(SPY, symbol="A-SYMBOL-AS-LONG-AS-NO-VENUE-HAS", id=MarketId(1)),
    ],
    heat=heat(
        nvda_longs=(5, 5_000, 50_000, 500_000, 5_000_000, 50_000_000, 500_000_000),
        nvda_shorts=(999_900_000_000,) * 7,
    ),
    actions=[replace(LIQUIDATED, why=LONG), HALTED] * 6,
    backlog=backlog(under_margin=3, waiting_blocks=900, skipped={"cooling_down": 1}),
    health=health(workers={f"source_exchange-feeds-{number}": True for number in range(40)}),
    not_ready={"prices": LONG},
)
CONTRAST: Final = """(() => {
  const shade = (text) => {
    const [r, g, b, a] = text.match(/[\\d.]+/g).map(Number);
    const part = (v) => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; };
    return { light: .2126 * part(r) + .7152 * part(g) + .0722 * part(b), alpha: a ?? 1 };
  };
  const ground = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const found = shade(getComputedStyle(at).backgroundColor);
      if (found.alpha === 1) { return found.light; }
    }
    return 1;
  };
  const poor = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = texts.nextNode(); text !== null; text = texts.nextNode()) {
    const element = text.parentElement;
    if (!text.nodeValue.trim() || !element.checkVisibility()) { continue; }
    const [one, other] = [shade(getComputedStyle(element).color).light, ground(element)];
    const ratio = (Math.max(one, other) + .05) / (Math.min(one, other) + .05);
    if (ratio < 4.5) { poor.push(`${element.className}: ${text.nodeValue} ${ratio.toFixed(2)}`); }
  }
  return poor;
})()"""
LIVE: Final = """new Promise((live) => {
  const look = () => document.getElementById("link").textContent === "live"
    ? live(true) : setTimeout(look, 20);
  look();
})"""


def until(condition: str) -> str:
    """Write a promise that is kept once a condition holds."""
    return f"new Promise((done) => {{ const look = () => ({condition}) ? done(true) : setTimeout(look, 20); look(); }})"


@pytest.fixture
async def tab(tmp_path: Path) -> AsyncIterator[Tab]:
    async with open_tab(tmp_path) as tab:
        yield tab


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", sorted(SCREENS))
async def test_it_fits_the_screen_can_be_read_and_breaks_no_rule_of_its_policy(
    tab: Tab, screen: str, scheme: str
) -> None:
    width, height = SCREENS[screen]
    async with serving(Shown()) as shown:
        shown.facts = FULL
        await tab.show(shown.url, width=width, height=height, scheme=scheme)
        await tab.value(LIVE)
        assert await tab.value("document.documentElement.scrollWidth") == width
        assert await tab.value(CONTRAST) == []
        assert await tab.value("matchMedia('(prefers-color-scheme: dark)').matches") == (
            scheme == "dark"
        )
    assert tab.complaints == []


async def test_what_changes_is_put_in_place_and_the_reader_keeps_focus_and_what_is_open(
    tab: Tab,
) -> None:
    async with serving(Shown()) as shown:
        await tab.show(shown.url, width=1_280, height=900)
        await tab.value(LIVE)
        await tab.value(
            "(() => { const s = document.querySelector('summary'); s.focus(); s.click(); })()"
        )
        shown.facts = facts(
            markets=[replace(NVDA, status=MarketStatus.HALTED, breaker="paused <b>now</b>")],
            health=health(workers={"feed": True, "liquidation": True, "price": True}),
        )
        await tab.value(until("document.getElementById('answer').textContent.includes('paused')"))
        await tab.value(until("document.querySelector('summary').textContent.startsWith('3 of 3')"))
        assert await tab.value("document.activeElement.localName") == "summary"
        assert await tab.value("document.querySelector('details').open")
        assert await tab.value("document.querySelectorAll('.markets tbody tr').length") == 1
        assert await tab.value("document.querySelector('.markets .sentence').innerHTML") == (
            "paused &lt;b&gt;now&lt;/b&gt;"
        )
    assert tab.complaints == []


async def test_the_keyboard_comes_first_to_the_way_past_the_links_and_the_focus_is_seen(
    tab: Tab,
) -> None:
    async with serving(Shown()) as shown:
        await tab.show(shown.url, width=1_280, height=900)
        for kind in ("keyDown", "keyUp"):
            await tab.do(
                "Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9
            )
        assert await tab.value("document.activeElement.textContent") == "Skip to the markets"
        assert await tab.value("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        assert await tab.value("document.activeElement.getBoundingClientRect().left >= 0")


async def test_a_stream_that_ends_is_said_at_once_to_be_old_news(tab: Tab) -> None:
    async with serving(Shown()) as shown:
        await tab.show(shown.url, width=1_280, height=900)
        await tab.value(LIVE)
        shown.stop.set()
        await tab.value(until("events.readyState !== EventSource.OPEN"))
        # The page's own clock goes on without news for longer than it lets pass.
        await tab.value("(() => { const now = Date.now(); Date.now = () => now + 60000; })()")
        await tab.value(until("document.body.classList.contains('old')"))
        told = await tab.value("document.getElementById('link').textContent")
    assert told.startswith("no news for ")


async def test_without_script_all_is_there_and_the_page_comes_anew(tmp_path: Path) -> None:
    async with open_tab(tmp_path, scripts=False) as tab, serving(Shown()) as shown:
        await tab.show(shown.url, width=360, height=740)
        told = await tab.do("DOM.getDocument", depth=0)
        root = told["root"]["nodeId"]
        html = (await tab.do("DOM.getOuterHTML", nodeId=root))["outerHTML"]
        assert "Yes: 2 markets open" in html
        assert "148.2348" in html
        found = await tab.do("DOM.querySelector", nodeId=root, selector="noscript meta")
        assert found["nodeId"], "with script switched off the browser reads what noscript holds"
        before = shown.gathered
        shown.facts = facts(network="elsewhere")
        while shown.gathered == before:
            await tab.do("Runtime.evaluate", expression="0")
    assert tab.complaints == []
