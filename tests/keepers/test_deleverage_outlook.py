"""What is shown of what could come: by market, in metrics and for the command, never an account."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from keepers import cli
from keepers.commands.deleverage import market_lines
from keepers.deleverage.outlook import DeleverageOutlook, OutlookMetrics
from risk.units import MarketId
from runtime.clock import SystemClock
from tests.builders import make_market, price, usd
from tests.keepers.deleverage_rig import View
from tests.risk.deleveraging import bankrupt, three_winners


def make_outlook(view: View) -> tuple[DeleverageOutlook, CollectorRegistry]:
    registry = CollectorRegistry()
    metrics = OutlookMetrics.create(registry)
    made = DeleverageOutlook(view, period_seconds=0.001, metrics=metrics, clock=SystemClock())
    return made, registry


async def look(outlook: DeleverageOutlook) -> Any:
    """Let it go round once."""
    stop = asyncio.Event()
    running = asyncio.create_task(outlook.run(stop))
    for _ in range(5_000):
        if "why" not in outlook.explain():
            break
        await asyncio.sleep(0.001)
    stop.set()
    await running
    return outlook.explain()


async def test_a_market_at_the_edges_of_its_band() -> None:
    """A long of 100 shares with 500 USD of equity at 200 owes 500 USD at 190."""
    banded = make_market(band_low=price(190), band_high=price(210))
    view = View([bankrupt(-usd(500)), *three_winners()], banded)
    outlook, registry = make_outlook(view)
    assert outlook.explain() == {"why": "nothing was looked at yet"}
    told = (await look(outlook))[view.markets[MarketId(0)].symbol]
    low = told["forecast"]["low"]
    assert low == {
        "mark_e8": price(190),
        "accounts": 1,
        "size_atoms": usd(19_000),
        "shortfall_atoms": usd(500),
        "uncovered_atoms": usd(500),
    }
    assert told["forecast"]["high"]["accounts"] == 0
    assert told["queue"]["short"]["accounts"] == [0, 0, 1, 0, 1, 1]
    assert sum(told["queue"]["long"]["accounts"]) == 1
    page = generate_latest(registry).decode()
    assert 'bellkeeper_deleverage_forecast_shortfall_usd{edge="low",market="' in page
    assert "0x" not in page
    text = "\n".join(market_lines("TEST", told))
    assert "low edge of the band, 190.00 USD: 1 accounts in need, 19000.00 USD to be closed" in text
    assert "short  5 (first)" in text


async def test_a_market_without_a_band_has_queues_and_no_forecast() -> None:
    outlook, _ = make_outlook(View(three_winners()))
    (told,) = (await look(outlook)).values()
    assert told["forecast"] == {"low": None, "high": None}
    assert "low edge of the band: none ahead" in "\n".join(market_lines("TEST", told))


async def test_nothing_is_said_of_a_book_that_is_distrusted() -> None:
    view = View(three_winners())
    view.distrust = "the feed lost touch"
    outlook, _ = make_outlook(view)
    stop = asyncio.Event()
    running = asyncio.create_task(outlook.run(stop))
    for _ in range(20):
        await asyncio.sleep(0.001)
    stop.set()
    await running
    assert "why" in outlook.explain()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({}, "to run the duty deleverage, found that it does not"),
        (
            {"deleverage": {"markets": {"why": "nothing was looked at yet"}}},
            "to know the queues, but nothing was looked at yet",
        ),
        ({"deleverage": {"markets": {"NVDA": {}}}}, "one of the markets NVDA, found TSLA"),
    ],
)
def test_the_command_says_in_a_sentence_what_is_missing(
    answer: dict[str, Any],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command, http = "keepers.commands.deleverage", SimpleNamespace(listen="127.0.0.1:1")
    monkeypatch.setattr(
        f"{command}.load_config", lambda _: SimpleNamespace(settings=SimpleNamespace(http=http))
    )
    monkeypatch.setattr(f"{command}.ask_keeper", lambda *_: answer)
    assert cli.main(["deleverage", "queue", "TSLA", "--config", "x.toml"]) == 78
    assert words in capsys.readouterr().err
