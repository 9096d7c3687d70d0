"""A stage for corporate actions: positions on a real exchange, and files that tell of an action ahead."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

from drills.dev_keys import CORPORATE, write_keystore
from drills.price_servers.script import ProviderQuote, ProviderScript
from drills.weekend import ZONE, Leg
from risk.units import MarketStatus, PriceE8, Seconds
from tests.scenarios.price_stage import SYMBOL, Stage, price_stage
from tests.venues.exchange.contracts.codec import Event
from tests.venues.exchange.contracts.harness import Exchange

DUTIES = ("liquidation", "price", "breaker", "corporate")
PACE = 30.0
"""Venue seconds in one of ours, once everything is set up."""
AHEAD = 75
"""Venue seconds from then to the action's moment, or up to a minute more."""
LONGS = ((1, 250), (2, 300), (3, 1_000))
"""Subaccounts with their collateral in USD: the first has little left."""
SHORT = 9
KNOBS = """
[corporate]
actions_directory = "{folder}"
orders_file = "{orders}"
arm_lead_seconds = 70
notice_seconds = 140
halt_lead_seconds = 30
dividend_halt_lead_seconds = 20
same_dividend_seconds = 3600
chunk = 1
retry_seconds = 2
"""


@dataclass(slots=True)
class Rebased:
    """Prices that change their meaning at a moment."""

    honest: ProviderScript
    at: Seconds
    ratio: Fraction = Fraction(1)
    less: int = 0

    def quote(self, provider: str, symbol: str, at: Seconds) -> ProviderQuote | None:
        told = self.honest.quote(provider, symbol, at)
        if told is None or at < self.at:
            return told
        return replace(told, price=PriceE8(int(told.price * self.ratio) - self.less))


@dataclass(frozen=True, slots=True, kw_only=True)
class CorporateStage:
    """The stage, and what a test does on it."""

    stage: Stage
    actions: Path

    @property
    def exchange(self) -> Exchange:
        return self.stage.exchange

    def status(self) -> MarketStatus:
        return MarketStatus(self.exchange.market()["status"])

    def account(self, number: int) -> int:
        return self.exchange.account(number)

    async def open(self) -> None:
        """Start the keeper, wait for its price, and open the positions."""
        self.stage.keeper.start()
        await self.stage.until(
            lambda: self.exchange.market()["band_low"] > 0, "the market has a band"
        )
        dollars = self.stage.mark() / 10**8
        self.exchange.fund(self.exchange.backstop, 1_000_000)
        self.exchange.fund(self.account(SHORT), 100_000)
        for number, collateral in LONGS:
            self.exchange.fund(self.account(number), collateral)
            self.exchange.trade(self.account(number), self.account(SHORT), 10, at=f"{dollars:.2f}")

    def set_out(self) -> Seconds:
        """Let the clock go faster; give the next full minute that is far enough ahead."""
        now = self.stage.clock.now()
        self.stage.clock.set_out([Leg(until=Seconds(now + 7_200), pace=PACE, name="faster")])
        return Seconds((now + AHEAD + 59) // 60 * 60)

    def rebase_prices(self, at: Seconds, ratio: Fraction = Fraction(1), less: int = 0) -> None:
        truth = self.stage.truth
        truth.honest = Rebased(truth.honest, at, ratio, less)

    def tell(self, at: Seconds, row: str, *providers: str) -> None:
        """Write what publishers tell: one file each."""
        local = datetime.fromtimestamp(at, tz=UTC).astimezone(ZONE)
        for provider in providers:
            text = (
                f'timezone = "America/New_York"\nprovider = "{provider}"\n'
                f"heard_at = 2026-11-19T12:00:00Z\n[[action]]\n"
                f'symbol = "{SYMBOL}"\nex_date = {local:%Y-%m-%d}\ntime = "{local:%H:%M}"\n{row}\n'
            )
            beside = self.actions / f".{provider}.new"
            beside.write_text(text)
            beside.replace(self.actions / f"{provider}.toml")

    def actions_told(self) -> dict[str, Any]:
        page = self.stage.keeper.page("/status") or {}
        found: dict[str, Any] = page.get("corporate", {}).get("actions", {})
        return found

    def stages(self) -> set[str]:
        return {each["stage"] for each in self.actions_told().values()}

    def log(self) -> str:
        return self.stage.keeper.log.read_text()

    def events(self, *names: str) -> list[Event]:
        """Give the exchange's events of these names, in order."""
        newest = int(self.exchange.chain.rpc.call("eth_blockNumber"), 16)
        found = self.exchange.logs(self.exchange.first_block, newest)
        return [event for event in found if event.name in names]

    def equities(self, mark: int) -> list[int]:
        """Reckon every account's equity at a mark from what it holds, in atoms; funding is zero here."""
        found = []
        for number in (*(number for number, _ in LONGS), SHORT):
            collateral, positions = self.exchange.rows(self.account(number))
            held = positions[0]
            assert held["funding"] == 0
            found.append(collateral + held["quote"] + held["size"] * mark // 10**10)
        return found

    def sizes(self) -> list[int]:
        return [int(self.exchange.position(self.account(number))["size"]) for number, _ in LONGS]


@contextlib.asynccontextmanager
async def corporate_stage(folder: Path) -> AsyncIterator[CorporateStage]:
    """Set the stage for a keeper of all duties that a corporate action needs."""
    async with price_stage(folder, *DUTIES) as stage:
        actions = folder / "actions"
        actions.mkdir()
        key = write_keystore(folder, "corporate", CORPORATE)
        profile = stage.keeper.profile
        profile.write_text(
            profile.read_text().replace("[sender]", "[sender]\nexpiry_seconds = 120")
            + f'\n[keys.corporate]\nkeystore = "{key.keystore}"\n'
            + f'password_file = "{key.password_file}"\n'
            + KNOBS.format(folder=actions, orders=folder / "action-orders.json")
        )
        yield CorporateStage(stage=stage, actions=actions)
