"""A real exchange on a real node, a solvency monitor over it, and hands that do harm."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry

from monitors.solvency import SolvencyMonitor
from monitors.solvency_metrics import SolvencyMetrics
from monitors.solvency_trail import SolvencySettings
from risk.solvency_finding import Finding, Invariant, Verdict
from risk.solvency_rules import Approved, SolvencyRules
from risk.units import Seconds
from runtime.clock import SystemClock
from runtime.rpc.endpoint import Endpoint
from runtime.rpc.http import RpcHttp
from tests.anvil import Anvil, JsonRpc, running_anvil
from tests.venues.exchange.activity import Activity
from tests.venues.exchange.contracts.harness import ROLES, Chain, Exchange
from venues.exchange.abi import load_abi
from venues.exchange.solvency_reads import ReadSettings, SolvencyReads

RULES: Final = SolvencyRules(wait_blocks=10**6, price_age=Seconds(10**6))
_RICH: Final = hex(10**20)


def raw(address: str) -> bytes:
    return bytes.fromhex(address[2:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """A node with an exchange on which people trade."""

    anvil: Anvil
    exchange: Exchange
    activity: Activity

    def steal(self, atoms: int, *, to: str) -> None:
        """Move tokens out of the vault past the contract, as a forged signature would."""
        self.as_anybody(
            self.exchange.address,
            self.exchange.token,
            self.exchange.token_abi.call_data("transfer", to, atoms),
        )

    def as_anybody(self, who: str, to: str, data: str) -> None:
        """Transact as any address."""
        rpc = self.exchange.chain.rpc
        rpc.call("anvil_impersonateAccount", who)
        rpc.call("anvil_setBalance", who, _RICH)
        self.exchange.chain.transact({"from": who, "to": to, "data": data})

    def approved(self) -> Approved:
        """What the owner of this exchange answers for."""
        actors = self.exchange.chain.actors
        return Approved(
            owner=raw(actors["owner"]),
            roles={role: raw(actors[role]) for role in ROLES},
            token=raw(self.exchange.token),
        )


@contextmanager
def running_town(seed: int = 7, steps: int = 40) -> Iterator[Town]:
    """Let people trade for a while on a fresh node."""
    with running_anvil(accounts=12) as anvil, JsonRpc(anvil.http_url) as rpc:
        exchange = Exchange(Chain(rpc))
        activity = Activity(exchange, seed=seed)
        activity.set_up()
        activity.run(steps)
        yield Town(anvil=anvil, exchange=exchange, activity=activity)


@dataclass(slots=True)
class Watched:
    """A monitor over a town, moved by the test."""

    town: Town
    monitor: SolvencyMonitor
    reads: SolvencyReads
    registry: CollectorRegistry

    def finding(self, invariant: Invariant) -> Finding:
        return self.monitor.finding(invariant)

    def broken(self) -> dict[Invariant, Finding]:
        """Give the breaches by invariant."""
        return {
            each.invariant: each for each in self.monitor.findings if each.verdict is Verdict.BREACH
        }

    def doubtful(self) -> dict[Invariant, Finding]:
        """Give all that does not hold."""
        return {each.invariant: each for each in self.monitor.findings if not each.holds}

    def gauge(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"bellkeeper_solvency_{name}", labels)


@asynccontextmanager
async def watching(
    town: Town, *, rules: SolvencyRules = RULES, approved: Approved | None = None, url: str = ""
) -> AsyncIterator[Watched]:
    """Open a monitor that has read everything twice, with a look in between."""
    endpoint = Endpoint(name="node", http_url=url or town.anvil.http_url)
    registry = CollectorRegistry()
    async with RpcHttp(endpoint) as http:
        reads = SolvencyReads(
            http,
            address=raw(town.exchange.address),
            abi=load_abi(),
            clock=SystemClock(),
            settings=ReadSettings(pages_per_second=1_000.0, page_accounts=3),
        )
        monitor = SolvencyMonitor(
            reads,
            approved=approved or town.approved(),
            rules=rules,
            settings=SolvencySettings(accounts_seconds=600.0),
            metrics=SolvencyMetrics.create(registry, rules),
            clock=SystemClock(),
        )
        assert await monitor.read_accounts()
        town.exchange.fund(town.activity.accounts[0], 1)
        assert await monitor.look()
        assert await monitor.read_accounts()
        yield Watched(town=town, monitor=monitor, reads=reads, registry=registry)
