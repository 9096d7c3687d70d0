"""`bellkeeper incentives show` as an operator sees it, asking a keeper over HTTP."""

import argparse
import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from aiohttp import web

from config.loader import load
from keepers.cli import EXIT_OPERATOR, main
from keepers.commands import incentives
from keepers.duty_choice import duties_to_run
from risk.units import Seconds
from runtime.errors import OperatorError
from tests.monitors.incentives.stage import SYMBOL, Stage, at, sample
from tests.venues.exchange.contracts.harness import usd

SATURDAY = at(21, 12)
PROFILE = """
[network]
name = "test"
chain_id = 31337
endpoints = [{{ name = "node", http_url = "http://127.0.0.1:1", ws_url = "ws://127.0.0.1:1" }}]
[http]
listen = "127.0.0.1:{port}"
[journal]
path = "journal.sqlite"
"""


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    incentives.add_arguments(parser)
    return incentives.run(parser.parse_args(arguments))


async def ask(folder: Path, page: Mapping[str, object], *arguments: str) -> int:
    """Run the command against a keeper that says this."""

    async def status(_request: web.Request) -> web.Response:
        return web.json_response(page)

    app = web.Application()
    app.router.add_get("/status", status)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    profile = folder / "profile.toml"
    profile.write_text(PROFILE.format(port=port))
    try:
        return await asyncio.to_thread(run, "show", "--config", str(profile), *arguments)
    finally:
        await runner.cleanup()


def page_of(stage: Stage) -> dict[str, object]:
    desk = stage.desk
    return {
        "incentives": {
            "budget": desk.explain_budget(),
            "markets": {symbol: desk.explain(symbol) for symbol in desk.symbols},
        }
    }


async def test_tells_levers_reasons_money_and_what_comes_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = Stage(SATURDAY)
    stage.run(Seconds(SATURDAY + 3_600))
    stage.books.sample = sample(stage.venue.now, bid=50_000, ask=90_000, spread=300)
    stage.judge()
    assert await ask(tmp_path, page_of(stage)) == 0
    told = capsys.readouterr().out
    lines = {line.split()[0]: " ".join(line.split()) for line in told.splitlines() if line}
    assert lines["NVDA:"] == "NVDA: weekend"
    assert lines["initial_margin"].startswith("initial_margin 20 % 20 % 20 % as scheduled")
    assert lines["open_interest_cap"].startswith("open_interest_cap 24000000.00 USD")
    assert "bid depth is 50000.00 USD and 200000.00 USD is wanted" in lines["maker_fee"]
    assert lines["measured"] == (
        "measured bids 50000.00, asks 90000.00 USD, spread 0.03 %; wanted 200000.00 USD a side within"
        " 25 bp and a spread of 0.1 %"
    )
    assert lines["budget"].startswith("budget spent 0.00 of 25000.00 USD")
    assert "next ramp   weekend to overnight, 2026-11-23 01:00 UTC to 2026-11-23 01:45 UTC" in told
    assert told.startswith("budget of the week 150000.00 USD: spent 0.00, left 150000.00")


async def test_writes_the_same_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stage = Stage(SATURDAY)
    stage.judge()
    assert await ask(tmp_path, page_of(stage), "--json", "-") == 0
    told = json.loads(capsys.readouterr().out)
    lever = told["markets"][SYMBOL]["levers"]["maker_fee"]
    assert (lever["on_chain_ppm"], lever["scheduled_ppm"], lever["minimum_ppm"]) == (
        -100,
        -200,
        -250,
    )
    assert told["budget"]["left_atoms"] == usd(150_000)


async def test_says_what_is_not_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stage = Stage(SATURDAY)
    stage.count.spending, stage.count.why_unknown = None, "not counted yet"
    stage.judge()
    assert await ask(tmp_path, page_of(stage)) == 0
    told = capsys.readouterr().out
    assert "spent is unknown: not counted yet" in told
    assert "unknown: nobody looks; wanted 200000.00 USD" in told
    stage.rails.known = None
    stage.judge_nothing()
    assert await ask(tmp_path, page_of(stage)) == 0
    assert f"{SYMBOL}: the owner's limits were not read yet" in capsys.readouterr().out


async def test_a_keeper_of_other_duties_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(
        OperatorError, match=r"expected the keeper at .* to run the duty incentives"
    ):
        await ask(tmp_path, {"version": "1"})


async def test_an_unknown_market_is_named_with_those_there_are(tmp_path: Path) -> None:
    stage = Stage(SATURDAY)
    stage.judge()
    with pytest.raises(OperatorError, match="expected one of the markets NVDA, found AAPL"):
        await ask(tmp_path, page_of(stage), "--market", "AAPL")


def test_a_simulation_is_a_drill_with_arguments_of_its_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["incentives", "simulate", "--seeds", "1", "--market", "AAPL"]) == EXIT_OPERATOR
    assert "expected --weekend, found nothing to simulate" in capsys.readouterr().err


def test_without_a_tuners_key_the_duty_does_not_run(tmp_path: Path) -> None:
    profile = tmp_path / "profile.toml"
    profile.write_text(PROFILE.format(port=1) + "[incentives]\nwatches = true\n")
    settings = load(profile, environment={}).settings
    with pytest.raises(OperatorError, match=r"expected \[keys.tuner\] for the duty incentives"):
        duties_to_run(settings, frozenset({"incentives"}))
    with pytest.raises(OperatorError, match=r"expected \[keys.tuner\] for the duty incentives"):
        duties_to_run(settings, frozenset())
