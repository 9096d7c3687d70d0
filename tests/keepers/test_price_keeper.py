"""The price keeper's wiring: what is due is published once, and each answer is written down."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from keepers.price.keeper import NOT_MINED, UNANSWERED, PriceKeeper, PriceLimits
from keepers.price.metrics import PriceMetrics
from keepers.price.outcome import PriceCycle
from keepers.price.view import PublishedOutcome
from keepers.sender import Refusal, Result, Sender, ShadowSender
from risk.market import Market
from risk.price_publication import FairPrice, PriceCode, PublicationRules
from risk.price_support import Rung
from risk.units import MarketId, Ppm, Seconds
from runtime.clock import SystemClock
from runtime.journal import Journal
from tests.builders import NOW, make_market, price
from tests.fakes import FakeSender
from venues.port import Call, PriceOutcome

SYMBOLS = ("AAPL", "NVDA")


class View:
    """Two markets, published a while ago, and what their prices ought to be."""

    def __init__(self) -> None:
        self.distrust: str | None = None
        self.now = NOW
        self.markets: Mapping[MarketId, Market] = {
            MarketId(number): replace(
                make_market(),
                id=MarketId(number),
                symbol=symbol,
                updated_at=Seconds(NOW - 3),
                price_timestamp=Seconds(NOW - 3),
            )
            for number, symbol in enumerate(SYMBOLS)
        }
        self.rung = Rung.FULL

    def fair_prices(self) -> Sequence[FairPrice]:
        return [
            FairPrice(
                market=market,
                mark=price(200),
                index=price(200),
                timestamp=self.now,
                rung=self.rung,
            )
            for market in self.markets
        ]

    def why(self, market: MarketId) -> Mapping[str, object]:
        assert market in self.markets
        return {"sources": 3}


class Venue:
    """Remembers what it was asked to encode; reads what the test put into the receipt."""

    def __init__(self) -> None:
        self.batches: list[list[FairPrice]] = []

    def publish_call(self, prices: Sequence[FairPrice], *, gas: int) -> Call:
        self.batches.append(list(prices))
        return Call(to=b"\x01" * 20, data=b"\x02" * 4, gas=gas)

    def price_outcomes(self, receipt: Mapping[str, object]) -> list[PriceOutcome]:
        results = receipt["results"]
        assert isinstance(results, list)
        return results


class Notes:
    """Where outcomes are written."""

    def __init__(self) -> None:
        self.settled: dict[str, str] = {}

    def settle_all(self, outcomes: Iterable[PublishedOutcome]) -> None:
        self.settled |= {key.split("|")[1]: outcome for key, outcome, _ in outcomes}


class Rig:
    """A keeper between fakes."""

    def __init__(self, sender: Sender | None = None) -> None:
        self.view, self.venue, self.notes = View(), Venue(), Notes()
        self.sender = FakeSender()
        self.registry = CollectorRegistry()
        self.keeper = PriceKeeper(
            view=self.view,
            venue=self.venue,
            sender=sender or self.sender,
            journal=self.notes,
            limits=PriceLimits(
                rules=PublicationRules(interval=Seconds(3), early_move=Ppm(1_000)),
                gas_base=100_000,
                gas_per_price=50_000,
            ),
            metrics=PriceMetrics.create(self.registry),
            clock=SystemClock(),
        )

    def count(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"bellkeeper_{name}", labels)


def answer(market: int, code: PriceCode = PriceCode.ACCEPTED) -> PriceOutcome:
    return PriceOutcome(market=MarketId(market), code=code, mark=price(200))


async def test_publishes_all_markets_that_are_due_in_one_transaction() -> None:
    rig = Rig()
    assert await rig.keeper.run_once() is PriceCycle.PUBLISHED
    ((intents, call),) = rig.sender.taken
    assert [intent.market for intent in intents] == ["AAPL", "NVDA"]
    assert [intent.payload["why"] for intent in intents] == [{"sources": 3}] * 2
    assert call.gas == 200_000
    assert rig.count("prices_sent_total") == 2


async def test_waits_for_the_answer_before_it_publishes_again() -> None:
    rig = Rig()
    await rig.keeper.run_once()
    rig.view.now = Seconds(NOW + 3)
    assert await rig.keeper.run_once() is PriceCycle.BUSY
    rig.sender.tell(0, Result.MINED, answer(0), answer(1, PriceCode.TOO_SOON))
    assert rig.notes.settled == {"AAPL": "accepted", "NVDA": "too_soon"}
    assert rig.count("price_answers_total", code="accepted") == 1
    assert rig.count("price_answers_total", code="too_soon") == 1
    assert rig.count("price_publish_latency_seconds_count") == 1
    assert await rig.keeper.run_once() is PriceCycle.PUBLISHED


@pytest.mark.parametrize("result", [Result.EXPIRED, Result.REVERTED, Result.CANCELLED])
async def test_prices_that_were_not_mined_are_written_down_and_newer_ones_follow(
    result: Result,
) -> None:
    rig = Rig()
    await rig.keeper.run_once()
    rig.sender.tell(0, result)
    assert rig.notes.settled == dict.fromkeys(SYMBOLS, NOT_MINED)
    assert rig.count("prices_not_mined_total") == 2
    rig.view.now = Seconds(NOW + 1)
    assert await rig.keeper.run_once() is PriceCycle.PUBLISHED


async def test_a_receipt_that_lacks_a_price_says_so() -> None:
    rig = Rig()
    await rig.keeper.run_once()
    rig.sender.tell(0, Result.MINED, answer(1))
    assert rig.notes.settled == {"AAPL": UNANSWERED, "NVDA": "accepted"}


async def test_prices_of_an_earlier_life_are_settled_too() -> None:
    before, after = Rig(), Rig()
    await before.keeper.run_once()
    after.sender.taken = before.sender.taken
    after.sender.tell(0, Result.MINED, answer(0), answer(1))
    assert after.notes.settled == dict.fromkeys(SYMBOLS, "accepted")
    assert after.count("price_publish_latency_seconds_count") == 0


async def test_what_is_mined_again_or_final_changes_nothing() -> None:
    rig = Rig()
    await rig.keeper.run_once()
    rig.sender.tell(0, Result.TAKEN_BACK)
    rig.sender.tell(0, Result.FINAL)
    assert rig.notes.settled == {}
    assert await rig.keeper.run_once() is PriceCycle.BUSY


async def test_a_refusal_leaves_the_way_free() -> None:
    rig = Rig()
    rig.sender.refusal = Refusal.LANE_FULL
    assert await rig.keeper.run_once() is PriceCycle.REFUSED
    rig.sender.refusal = None
    assert await rig.keeper.run_once() is PriceCycle.PUBLISHED


async def test_publishes_nothing_on_a_state_that_is_not_trusted() -> None:
    rig = Rig()
    rig.view.distrust = "the feed lost touch"
    assert await rig.keeper.run_once() is PriceCycle.DISTRUSTED
    assert rig.venue.batches == []


async def test_a_price_that_nothing_supports_is_not_published() -> None:
    rig = Rig()
    rig.view.rung = Rung.SILENT
    assert await rig.keeper.run_once() is PriceCycle.IDLE
    assert rig.count("price_silent_markets", reason="unsupported") == 2


async def test_a_batch_expires_with_the_shortest_expiry_of_its_markets() -> None:
    rig = Rig()
    short = replace(rig.view.markets[MarketId(1)], expiry=Seconds(20))
    rig.view.markets = {**rig.view.markets, MarketId(1): short}
    await rig.keeper.run_once()
    assert {intent.expires_at for intent in rig.sender.taken[0][0]} == {NOW + 20}


async def test_a_dry_run_never_waits_for_an_answer(tmp_path: Path) -> None:
    clock = SystemClock()
    journal = Journal.open(tmp_path / "journal.sqlite", clock)
    rig = Rig(ShadowSender("price", journal=journal, clock=clock))
    assert await rig.keeper.run_once() is PriceCycle.PUBLISHED
    rig.view.now = Seconds(NOW + 1)
    assert await rig.keeper.run_once() is PriceCycle.PUBLISHED
    assert len(journal.intents()) == 4
    assert rig.count("prices_not_mined_total") == 0
    journal.close()
