"""A stage for duties that live on prices: providers on loopback, an exchange, a keeper's profile."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from config.calendars import load_calendars
from config.markets import load_market
from drills import weekend
from drills.anvil import Node, running_node
from drills.dev_keys import BREAKER, GUARDIAN, PRICER, write_keystore
from drills.price_servers.misbehaviour import MisbehavingScript
from drills.price_servers.running import PriceServers, running_price_servers
from drills.price_servers.script import ProviderQuote, ProviderScript
from drills.price_settings import EXCHANGE_FEEDS, PLANS, hermes_feed, write_key
from drills.providers import servers_plan
from drills.venue_clock import VenueClock
from drills.weekend_prices import WeekendPrices
from risk.units import PriceE8, Seconds
from tests.anvil import Anvil, JsonRpc
from tests.builders import price
from tests.scenarios.keeper import KeeperProcess, command, wait_until, write_profile
from tests.venues.exchange.contracts.harness import Chain, Exchange

SYMBOL = "NVDA"
PLAN = servers_plan([SYMBOL])


@dataclass(slots=True)
class Scaled:
    """Honest prices times a factor that a test moves; they go on breathing, as real ones do."""

    honest: ProviderScript
    factor: Fraction = Fraction(1)

    def quote(self, provider: str, symbol: str, at: Seconds) -> ProviderQuote | None:
        told = self.honest.quote(provider, symbol, at)
        return None if told is None else replace(told, price=PriceE8(int(told.price * self.factor)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """An exchange without a price, providers that open on Friday afternoon, and a keeper."""

    exchange: Exchange
    keeper: KeeperProcess
    script: MisbehavingScript
    truth: Scaled
    clock: VenueClock
    folder: Path
    block_producer: int
    """Its process: stopped by a signal, the chain stands still."""

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
    secret = write_key(folder, servers.api_key)
    lanes = {"pricer": PRICER, "breaker": BREAKER, "guardian": GUARDIAN}
    keys = {lane: write_keystore(folder, lane, address) for lane, address in lanes.items()}
    spec = servers.json_quotes[EXCHANGE_FEEDS].spec(SYMBOL, is_socket=True)
    path.write_text(
        path.read_text()
        + "".join(
            f'\n[keys.{lane}]\nkeystore = "{key.keystore}"\npassword_file = "{key.password_file}"'
            for lane, key in keys.items()
        )
        + f"""
[breaker]
orders_file = "{folder / "orders.json"}"
reading_seconds = 0.5
plans_directory = "{PLANS}"
[prices]
words_file = "{folder / "words.json"}"
reconnect_most_seconds = 1
[[prices.pyth_hermes]]
name = "hermes"
url = "{servers.hermes.url}"
key_file = "{secret}"
feeds = {{ {SYMBOL} = "{hermes_feed(0)}" }}
[[prices.pyth_pro]]
name = "pyth-pro"
urls = {json.dumps(list(servers.pro_urls))}
key_file = "{secret}"
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
key_file = "{secret}"
key_header = "{next(iter(spec.headers))}"
"""
    )
    return path


@contextlib.asynccontextmanager
async def price_stage(folder: Path, *duties: str) -> AsyncIterator[Stage]:
    """Set the stage for a keeper of these duties; the test starts it."""
    with running_node(folder, start=weekend.BEGIN) as node, JsonRpc(node.http_url) as rpc:
        exchange = Exchange(Chain(rpc))
        exchange.create_market(None, symbol=SYMBOL, min_interval=1, clamp=1_000_000, expiry=60)
        for parameter, rail in load_market(SYMBOL).limits.rails.items():
            exchange.limit(
                parameter,
                minimum=rail.minimum,
                maximum=rail.maximum,
                largest_step=rail.largest_step,
                cool_down=rail.cool_down,
            )
        clock = VenueClock(node.block_notes, node.legs)
        timeline = next(each.timeline for each in load_calendars() if each.name == "us_equities")
        truth = Scaled(WeekendPrices(starts={SYMBOL: price(180)}, timeline=timeline))
        script = MisbehavingScript(truth)
        async with running_price_servers(script, PLAN, now=clock.now) as servers:
            profile = profile_of(folder, node, exchange.address, servers)
            keeper = KeeperProcess(profile, folder / "keeper.log", duties)
            try:
                yield Stage(
                    exchange=exchange,
                    keeper=keeper,
                    script=script,
                    truth=truth,
                    clock=clock,
                    folder=folder,
                    block_producer=node.block_producer,
                )
            finally:
                keeper.kill()
