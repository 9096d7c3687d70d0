"""`bellkeeper run price`: the real program between real-protocol providers and a real exchange."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from config.calendars import load_calendars
from drills import weekend
from drills.anvil import Node, running_node
from drills.dev_keys import PRICER, write_keystore
from drills.price_servers.misbehaviour import MisbehavingScript, Print, Silence
from drills.price_servers.running import PriceServers, ServersPlan, running_price_servers
from drills.price_settings import EXCHANGE_FEEDS, hermes_feed, pro_feeds, write_key
from drills.venue_clock import VenueClock
from drills.weekend_prices import WeekendPrices
from monitors.prices.pyth_hermes import HermesFeed
from risk.units import Seconds
from tests.anvil import Anvil, JsonRpc
from tests.builders import price
from tests.scenarios.keeper import KeeperProcess, command, wait_until, write_profile
from tests.venues.exchange.contracts.harness import Chain, Exchange

SYMBOL = "NVDA"
PLAN = ServersPlan(
    hermes_feeds=(HermesFeed(feed_id=hermes_feed(0), symbol=SYMBOL),),
    pro_feeds=pro_feeds([SYMBOL]),
    pro_hosts=2,
    json_providers=(EXCHANGE_FEEDS,),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """An exchange without a price, providers that open on Friday afternoon, and a keeper."""

    exchange: Exchange
    keeper: KeeperProcess
    script: MisbehavingScript
    clock: VenueClock
    folder: Path

    def mark(self) -> int:
        return int(self.exchange.market()["mark"])

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait; the providers live in this loop, so what blocks runs beside it."""
        await asyncio.to_thread(wait_until, condition, what, 30)

    def is_ready(self) -> bool:
        return bool((self.keeper.page("/readyz") or {}).get("ready"))

    async def ask(self, *arguments: str) -> str:
        answer = await asyncio.to_thread(command, *arguments, "--config", str(self.keeper.profile))
        assert answer.returncode == 0, answer.stderr
        return answer.stdout


def profile_of(folder: Path, node: Node, exchange: str, servers: PriceServers) -> Path:
    """Write a profile with the three kinds of sources that speak over loopback."""
    anvil = Anvil(port=int(node.http_url.rpartition(":")[2]), process_id=0)
    path = write_profile(folder, anvil, exchange)
    key = write_key(folder, servers.api_key)
    pricer = write_keystore(folder, "pricer", PRICER)
    spec = servers.json_quotes[EXCHANGE_FEEDS].spec(SYMBOL, is_socket=True)
    path.write_text(
        path.read_text()
        + f"""
[keys.pricer]
keystore = "{pricer.keystore}"
password_file = "{pricer.password_file}"
[prices]
words_file = "{folder / "words.json"}"
reconnect_most_seconds = 1
[[prices.pyth_hermes]]
name = "hermes"
url = "{servers.hermes.url}"
key_file = "{key}"
feeds = {{ {SYMBOL} = "{hermes_feed(0)}" }}
[[prices.pyth_pro]]
name = "pyth-pro"
urls = {json.dumps(list(servers.pro_urls))}
key_file = "{key}"
feeds = {{ {SYMBOL} = {next(iter(PLAN.pro_feeds))} }}
[[prices.json_sources]]
name = "{EXCHANGE_FEEDS}"
symbol = "{SYMBOL}"
url = "{spec.url}"
price_path = "price"
time_path = "observed_ms"
order_path = "sent_ms"
time_unit = "ms"
kind_path = "type"
kind = "{spec.kind}"
subscribe = '{spec.subscribe}'
key_file = "{key}"
key_header = "{next(iter(spec.headers))}"
"""
    )
    return path


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    with running_node(tmp_path, start=weekend.BEGIN) as node, JsonRpc(node.http_url) as rpc:
        exchange = Exchange(Chain(rpc))
        exchange.create_market(None, symbol=SYMBOL, min_interval=1, clamp=1_000_000, expiry=60)
        clock = VenueClock(node.block_notes, node.legs)
        timeline = next(each.timeline for each in load_calendars() if each.name == "us_equities")
        script = MisbehavingScript(WeekendPrices(starts={SYMBOL: price(180)}, timeline=timeline))
        async with running_price_servers(script, PLAN, now=clock.now) as servers:
            profile = profile_of(tmp_path, node, exchange.address, servers)
            keeper = KeeperProcess(profile, tmp_path / "keeper.log", ("price",))
            try:
                yield Stage(
                    exchange=exchange, keeper=keeper, script=script, clock=clock, folder=tmp_path
                )
            finally:
                keeper.kill()


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
