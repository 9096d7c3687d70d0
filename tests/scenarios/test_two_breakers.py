"""Two breaker keepers with keys of their own on one exchange: they agree, and neither undoes the other."""

import asyncio
from fractions import Fraction
from pathlib import Path

from drills.dev_keys import HOUSEKEEPER, KEEPER, write_keystore
from drills.weekend import Leg
from risk.units import MarketStatus, Seconds
from tests.anvil import free_port
from tests.scenarios.keeper import KeeperProcess
from tests.scenarios.price_stage import SYMBOL, Stage, price_stage
from venues.exchange.readings import Role

PACE = 20.0
STANDBY = 60
"""Venue seconds: three of ours, so that a busy machine is no reason to step in."""


def second_keeper(stage: Stage, folder: Path) -> KeeperProcess:
    """Give a keeper with a journal and two keys of its own, which acts only when the first does not."""
    profile = folder / "second.toml"
    text = stage.keeper.profile.read_text()
    for lane, address in {"breaker": KEEPER, "guardian": HOUSEKEEPER}.items():
        own = write_keystore(folder, f"second-{lane}", address)
        for path in (own.keystore, own.password_file):
            assert path is not None
            text = text.replace(str(path.with_name(path.name.removeprefix("second-"))), str(path))
    listen = next(line for line in text.splitlines() if line.startswith("listen"))
    text = text.replace(listen, f'listen = "127.0.0.1:{free_port()}"')
    text = text.replace("journal.sqlite", "second.sqlite")
    text = text.replace("[breaker]\n", f"[breaker]\nstandby_seconds = {STANDBY}\n")
    profile.write_text(text)
    return KeeperProcess(profile, folder / "second.log", ("breaker",))


def statuses_set(stage: Stage) -> list[MarketStatus]:
    """List every status that was set on chain, in order."""
    last = int(stage.exchange.chain.rpc.call("eth_blockNumber"), 16)
    events = stage.exchange.logs(stage.exchange.first_block, last)
    return [MarketStatus(each["status"]) for each in events if each.name == "StatusChanged"]


def band_stage(keeper: KeeperProcess) -> str:
    page = keeper.page("/status")
    return "" if page is None else str(page["breakers"][SYMBOL].get("band_stage"))


async def test_two_instances_agree_and_the_second_takes_over(tmp_path: Path) -> None:
    async with price_stage(tmp_path, "price", "breaker") as stage:
        exchange = stage.exchange
        exchange.send("owner", "grant", KEEPER, int(Role.BREAKER))
        exchange.send("owner", "grant", HOUSEKEEPER, int(Role.GUARDIAN))
        second = second_keeper(stage, tmp_path)
        try:
            await _agree(stage, second)
        finally:
            second.kill()


async def _agree(stage: Stage, second: KeeperProcess) -> None:
    both = (stage.keeper, second)

    def status() -> MarketStatus:
        return MarketStatus(stage.exchange.market()["status"])

    def are_normal() -> bool:
        return all(band_stage(keeper) == "normal" for keeper in both)

    for keeper in both:
        keeper.start()
    await stage.until(are_normal, "both know the opening price")
    await stage.until(lambda: stage.exchange.market()["band_low"] > 0, "the market has a band")
    now = stage.clock.now()
    stage.clock.set_out([Leg(until=Seconds(now + 7_200), pace=PACE, name="faster")])
    stage.truth.factor = Fraction(165, 180)
    await stage.until(lambda: status() is MarketStatus.HALTED, "the market is paused")
    await stage.until(lambda: status() is MarketStatus.OPEN, "the market reopens by rule")
    await stage.until(are_normal, "both let it trade")
    # One limit, one halt, one return: nobody repeated or undid what the other had done.
    once = [MarketStatus.LIMIT, MarketStatus.HALTED, MarketStatus.OPEN]
    assert statuses_set(stage) == once
    assert "somebody else" not in stage.keeper.log.read_text() + second.log.read_text()
    assert "breaker_writes" not in second.log.read_text()

    # The first dies, and the prices with it: the second does by rule what has to be done, after its wait.
    stage.keeper.kill()
    await stage.until(lambda: status() is MarketStatus.REDUCE_ONLY, "no price: reduce-only")
    await stage.until(lambda: status() is MarketStatus.HALTED, "no price for minutes: halted")
    assert "the age of the price is" in second.log.read_text()
    assert await asyncio.to_thread(second.terminate) == 0
