"""`bellkeeper run price`: the real program between real-protocol providers and a real exchange."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from drills.price_servers.misbehaviour import Print, Silence
from drills.price_settings import EXCHANGE_FEEDS
from risk.units import Seconds
from tests.builders import price
from tests.scenarios.keeper import KeeperProcess, command
from tests.scenarios.price_stage import SYMBOL, Stage, price_stage


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with price_stage(tmp_path, "price") as stage:
        yield stage


async def test_prices_a_market_and_tells_why(stage: Stage) -> None:
    stage.keeper.start()
    await stage.until(stage.is_ready, "the keeper is ready")
    await stage.until(lambda: stage.mark() > 0, "the market has a price")
    assert stage.mark() == pytest.approx(price(180), rel=2e-3)
    first = stage.exchange.market()["price_timestamp"]
    await stage.until(
        lambda: stage.exchange.market()["price_timestamp"] >= first + 3, "it is published again"
    )

    told = await stage.ask("explain-price", SYMBOL)
    assert told.startswith("NVDA: mark 1")
    assert "external: outside markets trade" in told
    for source in ("hermes", "pyth-pro", EXCHANGE_FEEDS):
        (line,) = [line for line in told.splitlines() if line.strip().startswith(f"{source} ")]
        assert " valid " in line
    published = await stage.ask("explain-price", SYMBOL, "--published")
    assert "published for venue time" in published
    assert "pyth-pro" in published
    assert "external: outside markets trade" in await stage.ask("status")
    assert "prices-key" not in stage.keeper.log.read_text()

    # Killed without a word, it goes on from the price that the exchange holds.
    stage.keeper.kill()
    stage.keeper.start()
    last = stage.exchange.market()["price_timestamp"]
    await stage.until(
        lambda: stage.exchange.market()["price_timestamp"] > last, "the next life publishes"
    )
    assert await asyncio.to_thread(stage.keeper.terminate) == 0


async def test_a_far_price_of_two_waits_for_an_operators_word(stage: Stage) -> None:
    stage.keeper.start()
    await stage.until(lambda: stage.mark() > 0, "the market has a price")
    now = stage.clock.now()
    stop = Seconds(now + 86_400)
    stage.script.add(Silence(provider="hermes", start=now, stop=stop))
    for provider in ("pyth_pro", EXCHANGE_FEEDS):
        stage.script.add(Print(provider=provider, price=price(240), start=now, stop=stop))

    def explained() -> dict[str, object]:
        answer = stage.keeper.page(f"/prices/{SYMBOL}")
        assert isinstance(answer, dict)
        return answer

    await stage.until(lambda: explained().get("jump") == "refused", "the far price is refused")
    assert stage.mark() < price(190)
    said = await stage.ask(
        "vouch", SYMBOL, "--low", "235", "--high", "245", "--reason", "seen on every terminal"
    )
    assert "NVDA: prices from 235 to 245 USD are vouched for" in said
    await stage.until(lambda: stage.mark() == price(240), "the vouched price is published")
    assert explained()["jump"] in {"by_operator", "small"}
    assert "seen on every terminal" in stage.keeper.log.read_text()


async def test_a_dry_run_prices_and_sends_nothing(stage: Stage) -> None:
    dry = KeeperProcess(stage.keeper.profile, stage.folder / "dry.log", ("price", "--dry-run"))
    dry.start()
    try:
        await stage.until(
            lambda: "published 1 prices" in dry.log.read_text(), "the dry run would publish"
        )
        assert stage.mark() == 0
    finally:
        assert await asyncio.to_thread(dry.terminate) == 0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("providers.key", "other.key"), "the key file of hermes"),
        (('symbol = "NVDA"', 'symbol = "NOPE"'), "expected a file"),
        (('name = "pyth-pro"', 'name = "hermes"'), "its own name"),
        (("[keys.pricer]", "[keys.housekeeping]"), "expected [keys.pricer]"),
    ],
    ids=["key", "market", "name", "lane"],
)
async def test_what_is_wrong_is_one_sentence(
    stage: Stage, change: tuple[str, str], sentence: str
) -> None:
    profile = stage.keeper.profile
    profile.write_text(profile.read_text().replace(*change))
    answer = await asyncio.to_thread(command, "run", "price", "--config", str(profile))
    assert answer.returncode == 78
    assert sentence in answer.stderr
    assert answer.stderr.count("\n") == 1
