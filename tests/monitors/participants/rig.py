"""A desk with two firms behind its real endpoint, and a firm that signs as any wallet would.

As a program (`python -m tests.monitors.participants.rig FOLDER`) it serves until it is killed.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import aiohttp
from eth_account import Account
from prometheus_client import CollectorRegistry

from keepers.sender.recover import recover_address
from monitors.participants.desk import DeskTools, Participant, QuoteDesk
from monitors.participants.http import PATH, EndpointLimits, QuoteEndpoint
from monitors.participants.metrics import ParticipantMetrics
from monitors.participants.store import ParticipantStore
from monitors.participants.typed_data import domain_separator
from risk.participant_quotes import Quote, QuoteRules, QuoteVerdict
from risk.participant_scores import ScoreRules
from risk.units import Ppm, PriceE8, Seconds
from tests.builders import NOW, price

FIRM_KEY: Final = "0x2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6"
"""Number 9 of the development chain's well-known keys."""
OTHER_KEY: Final = "0xdbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97"
"""Number 8."""
CHAIN_ID: Final = 31_337
EXCHANGE: Final = bytes.fromhex("e7f1725e7734ce288f8367e1bb143e90bb3f0512")
RETENTION: Final = Seconds(14 * 86_400)
RULES: Final = QuoteRules(
    max_deviation=Ppm(100_000),
    max_spread=Ppm(20_000),
    longest_life=Seconds(60),
    future_tolerance=Seconds(2),
    minimum=2,
)
SCORE_RULES: Final = ScoreRules()
FIRM: Final = Participant(
    name="firm",
    address=bytes.fromhex(Account.from_key(FIRM_KEY).address[2:]),
    weight=1,
    markets=frozenset({"NVDA", "AAPL"}),
    quotes_per_second=1.0,
    burst=4,
)
OTHER: Final = replace(
    FIRM, name="other", address=bytes.fromhex(Account.from_key(OTHER_KEY).address[2:])
)
QUOTE: Final = Quote(
    participant="firm",
    symbol="NVDA",
    bid=price("178.20"),
    ask=price("178.30"),
    size=1_000 * 10**8,
    sequence=1,
    issued_at=NOW,
    expires_at=Seconds(NOW + 30),
)
_TYPES: Final = {
    "Quote": [
        {"name": "symbol", "type": "string"},
        {"name": "bid", "type": "int256"},
        {"name": "ask", "type": "int256"},
        {"name": "size", "type": "int256"},
        {"name": "sequence", "type": "uint64"},
        {"name": "issuedAt", "type": "uint64"},
        {"name": "expiresAt", "type": "uint64"},
    ]
}


def typed_data(
    quote: Quote, *, chain_id: int = CHAIN_ID, exchange: bytes = EXCHANGE
) -> tuple[dict[str, object], dict[str, Any], dict[str, object]]:
    """Give the quote as the parts that a wallet's library takes: domain, types, message."""
    domain: dict[str, object] = {
        "name": "Bellkeeper Quotes",
        "version": "1",
        "chainId": chain_id,
        "verifyingContract": "0x" + exchange.hex(),
    }
    message: dict[str, object] = {
        "symbol": quote.symbol,
        "bid": quote.bid,
        "ask": quote.ask,
        "size": quote.size,
        "sequence": quote.sequence,
        "issuedAt": quote.issued_at,
        "expiresAt": quote.expires_at,
    }
    return domain, _TYPES, message


def sign(quote: Quote, key: str = FIRM_KEY, **domain: Any) -> bytes:
    """Sign as a firm would, with a library that is not ours."""
    return bytes(Account.sign_typed_data(key, *typed_data(quote, **domain)).signature)


def decimal(amount: int) -> str:
    """Write an amount in 1e-8 as a firm would."""
    sign_text = "-" if amount < 0 else ""
    return f"{sign_text}{abs(amount) // 10**8}.{abs(amount) % 10**8:08}"


def body_of(quote: Quote, signature: bytes | None = None) -> dict[str, object]:
    """Write a quote as a request's body; signed by the firm unless a signature is given."""
    return {
        "participant": quote.participant,
        "symbol": quote.symbol,
        "bid": decimal(quote.bid),
        "ask": decimal(quote.ask),
        "size": decimal(quote.size),
        "sequence": str(quote.sequence),
        "issued_at": quote.issued_at,
        "expires_at": quote.expires_at,
        "signature": "0x" + (sign(quote) if signature is None else signature).hex(),
    }


@dataclass
class World:
    """What the desk sees of the outside; a test moves it."""

    venue_time: Seconds = NOW
    seconds: float = 1_000.0
    references: dict[str, PriceE8] = field(
        default_factory=lambda: {"NVDA": price(178), "AAPL": price(200)}
    )
    recovered: int = 0
    """How often a signature was recovered: the expensive part."""

    def now(self) -> float:
        return self.seconds

    def monotonic(self) -> float:
        return self.seconds

    def recover(self, digest: bytes, signature: bytes) -> bytes:
        self.recovered += 1
        return recover_address(digest, signature)


@dataclass
class Desk:
    """A desk and what it was made of."""

    desk: QuoteDesk
    store: ParticipantStore
    metrics: ParticipantMetrics
    registry: CollectorRegistry
    world: World

    def take(self, quote: Quote, signature: bytes | None = None) -> QuoteVerdict:
        """Hand a quote in, signed by its participant unless a signature is given."""
        key = OTHER_KEY if quote.participant == "other" else FIRM_KEY
        return self.desk.take(quote, sign(quote, key) if signature is None else signature)

    def count(self, participant: str, verdict: QuoteVerdict) -> float | None:
        labels = {"participant": participant, "verdict": verdict.value}
        return self.registry.get_sample_value("bellkeeper_participant_quotes_total", labels)


@contextlib.contextmanager
def open_desk(
    folder: Path, world: World | None = None, participants: tuple[Participant, ...] = (FIRM, OTHER)
) -> Iterator[Desk]:
    """Open a desk on the store in a folder, as a start of the daemon would."""
    world = world or World()
    registry = CollectorRegistry()
    metrics = ParticipantMetrics.create(
        registry, participants=[each.name for each in participants], symbols=["NVDA", "AAPL"]
    )
    with ParticipantStore(folder / "quotes.sqlite", retention=RETENTION) as store:
        tools = DeskTools(
            store=store,
            metrics=metrics,
            recover=world.recover,
            reference=world.references.get,
            venue_now=lambda: world.venue_time,
            clock=world,
        )
        desk = QuoteDesk(
            participants,
            separator=domain_separator(chain_id=CHAIN_ID, exchange=EXCHANGE),
            rules=RULES,
            score_rules=SCORE_RULES,
            tools=tools,
        )
        yield Desk(desk=desk, store=store, metrics=metrics, registry=registry, world=world)


@contextlib.asynccontextmanager
async def serving(desk: Desk, limits: EndpointLimits | None = None) -> AsyncIterator[QuoteEndpoint]:
    """Serve a desk on loopback; at the end stop it and let its failure through."""
    endpoint = QuoteEndpoint("127.0.0.1", 0, desk=desk.desk, metrics=desk.metrics, limits=limits)
    stop = asyncio.Event()
    task = asyncio.create_task(endpoint.run(stop))
    started = asyncio.create_task(endpoint.started.wait())
    await asyncio.wait({task, started}, return_when=asyncio.FIRST_COMPLETED)
    started.cancel()
    try:
        if task.done():
            await task
        yield endpoint
    finally:
        stop.set()
        await task


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the endpoint answered."""

    status: int
    verdict: str
    detail: str
    headers: dict[str, str]


async def post(port: int, body: object) -> Answer:
    """Post a body (an object as JSON, bytes as they are) as a firm would."""
    sent: dict[str, Any] = {"data": body} if isinstance(body, bytes) else {"json": body}
    url = f"http://127.0.0.1:{port}{PATH}"
    async with aiohttp.ClientSession() as session, session.post(url, **sent) as response:
        told = await response.json()
        return Answer(
            status=response.status,
            verdict=told["verdict"],
            detail=told["detail"],
            headers=dict(response.headers),
        )


async def _serve_until_killed(folder: Path) -> None:
    with open_desk(folder) as desk:
        async with serving(desk) as endpoint:
            print(endpoint.port, flush=True)
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve_until_killed(Path(sys.argv[1])))
