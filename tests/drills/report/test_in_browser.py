"""The report in real headless Chromium: on a desk and a phone, light and dark, and on paper."""

import base64
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from drills.report.index import index_page, outcome
from drills.report.page import scenario_page
from drills.report.record import Act
from risk.units import MarketStatus, Seconds
from tests.drills.report.values import CRASH, START, crash, quiet, variants
from tests.keepers.page.browser import Tab, open_tab
from tests.keepers.page.test_in_browser import CONTRAST

SCREENS: Final = {"phone": (360, 740), "desk": (1_280, 800)}
LONG: Final = (
    "mark 160.25637502 is at the edge of the discovery bound 160.25637502 to 177.12546712; " * 4
)
BASE: Final = crash(step=120)
FULL: Final = replace(
    BASE,
    acts=(
        *(each for each in BASE.acts if each.at <= START + CRASH),
        Act(
            at=Seconds(START + CRASH + 1), symbol="", who="market-wide", what="halted",
            why=LONG, status=MarketStatus.HALTED,
        ),
    ),
)  # fmt: skip
OUTSIDE: Final = """[...document.querySelectorAll("svg.chart")].flatMap((drawing) => {
  const { width, height } = drawing.viewBox.baseVal;
  if (!drawing.checkVisibility()) { return []; }
  return [...drawing.querySelectorAll("text")].filter((text) => {
    const box = text.getBBox();
    return box.x < -1 || box.y < -1 || box.x + box.width > width + 1 || box.y + box.height > height + 1;
  }).map((text) => text.textContent);
})"""
SMALLEST: Final = """Math.min(...[...document.querySelectorAll("svg.chart text")]
  .filter((text) => text.checkVisibility())
  .map((text) => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a))"""
INKS: Final = """(() => {
  const shade = (text) => {
    const part = (v) => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; };
    const [r, g, b] = text.match(/[\\d.]+/g).map(Number);
    return .2126 * part(r) + .7152 * part(g) + .0722 * part(b);
  };
  const card = shade(getComputedStyle(document.querySelector(".section")).backgroundColor);
  const poor = [];
  for (const path of document.querySelectorAll("svg.chart path")) {
    const style = getComputedStyle(path), name = path.getAttribute("class");
    if (!/ink-(mark|index|value|first|second|loss)|bar-(first|second|loss)/.test(name)) { continue; }
    const light = shade(name.startsWith("bar") ? style.fill : style.stroke);
    const ratio = (Math.max(light, card) + .05) / (Math.min(light, card) + .05);
    if (ratio < 3) { poor.push(`${name} ${ratio.toFixed(2)}`); }
  }
  return poor;
})()"""


@pytest.fixture
async def tab(tmp_path: Path) -> AsyncIterator[Tab]:
    async with open_tab(tmp_path / "profile", scripts=False) as tab:
        yield tab


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    records = [FULL, *variants(BASE)]
    (folder / "page.html").write_text(scenario_page(records), encoding="utf-8")
    (folder / "quiet.html").write_text(scenario_page([quiet()]), encoding="utf-8")
    index = index_page([outcome(records), outcome([quiet()])])
    (folder / "index.html").write_text(index, encoding="utf-8")
    return folder


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", sorted(SCREENS))
@pytest.mark.parametrize("page", ["page", "quiet", "index"])
async def test_it_fits_the_screen_and_can_be_read(
    tab: Tab, folder: Path, page: str, screen: str, scheme: str
) -> None:
    width, height = SCREENS[screen]
    await tab.show((folder / f"{page}.html").as_uri(), width=width, height=height, scheme=scheme)
    assert await tab.value("document.documentElement.scrollWidth") == width
    assert await tab.value(CONTRAST) == []
    assert await tab.value(INKS) == []
    assert tab.complaints == []
    if page != "index":
        assert await tab.value(OUTSIDE) == []
        assert await tab.value(SMALLEST) >= 9


async def test_a_phone_and_a_desk_each_show_their_own_drawings(tab: Tab, folder: Path) -> None:
    shown = 'document.querySelectorAll("svg.chart.{0}").length + " " + [...document.querySelectorAll("svg.chart.{0}")].filter((each) => each.checkVisibility()).length'
    url = (folder / "page.html").as_uri()
    for screen, full, none in (("desk", "wide", "narrow"), ("phone", "narrow", "wide")):
        width, height = SCREENS[screen]
        await tab.show(url, width=width, height=height)
        assert await tab.value(shown.format(full)) == "14 14"
        assert await tab.value(shown.format(none)) == "14 0"


async def test_it_prints_on_landscape_paper(tab: Tab, folder: Path) -> None:
    await tab.show((folder / "page.html").as_uri(), width=1_280, height=800, scheme="dark")
    told = await tab.do("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
    paper = base64.b64decode(told["data"])
    boxes = [
        tuple(map(float, box)) for box in re.findall(rb"MediaBox ?\[0 0 ([\d.]+) ([\d.]+)\]", paper)
    ]
    assert len(boxes) >= 3
    for wide, tall in boxes:
        assert wide == pytest.approx(842, abs=1)
        assert tall == pytest.approx(595, abs=1)
