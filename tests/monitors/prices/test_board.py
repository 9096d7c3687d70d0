"""The board holds the newest word of each source, and counts what it leaves out."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from monitors.prices.board import PriceBoard
from monitors.prices.metrics import SourceMetrics
from monitors.prices.port import FaultKind
from risk.price_report import Micros, PriceReport
from risk.units import Seconds
from tests.builders import NOW, price

REPORT = PriceReport(
    source="hermes",
    symbol="NVDA",
    price=price("178.25"),
    observed_at=NOW,
    order=Micros(NOW * 10**6),
)


def make_board() -> tuple[PriceBoard, CollectorRegistry]:
    registry, sources, symbols = CollectorRegistry(), ["hermes", "streams"], ["AAPL", "NVDA"]
    metrics = SourceMetrics.create(registry, sources=sources, symbols=symbols)
    board = PriceBoard(sources=sources, symbols=symbols, metrics=metrics, venue_now=lambda: NOW)
    return board, registry


def count(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(f"bellkeeper_price_source_{name}", labels)


def test_gives_the_newest_report_of_each_source() -> None:
    board, registry = make_board()
    newer = replace(REPORT, price=price(179), order=Micros(REPORT.order + 1))
    other = replace(REPORT, source="streams")
    for report in (other, REPORT, newer):
        board.on_report(report)
    assert board.reports("NVDA") == (newer, other)
    assert board.reports("AAPL") == ()
    assert count(registry, "price_usd", source="hermes", market="NVDA") == 179
    assert count(registry, "observed_timestamp_seconds", source="hermes", market="NVDA") == NOW


def test_an_older_report_is_left_out_and_counted() -> None:
    board, registry = make_board()
    board.on_report(REPORT)
    board.on_report(replace(REPORT, price=price(1), order=Micros(REPORT.order - 1)))
    assert board.reports("NVDA") == (REPORT,)
    assert count(registry, "out_of_order_total", source="hermes") == 1
    assert count(registry, "reports_total", source="hermes") == 2


def test_a_report_from_the_future_does_not_silence_its_source() -> None:
    board, _ = make_board()
    future = replace(
        REPORT, observed_at=Seconds(NOW + 86_400), order=Micros((NOW + 86_400) * 10**6)
    )
    board.on_report(future)
    assert board.reports("NVDA") == (future,)
    board.on_report(REPORT)
    assert board.reports("NVDA") == (REPORT,)


@given(st.permutations(range(6)))
def test_in_whatever_order_they_come_the_newest_is_held(arrivals: list[int]) -> None:
    board, _ = make_board()
    for place in arrivals:
        board.on_report(replace(REPORT, observed_at=Seconds(place), order=Micros(place)))
    assert [report.order for report in board.reports("NVDA")] == [5]


def test_every_label_is_there_before_the_first_report() -> None:
    _, registry = make_board()
    for kind in FaultKind:
        assert count(registry, "faults_total", source="streams", kind=kind.value) == 0
    assert count(registry, "unknown_symbol_total", source="streams") == 0


def test_a_symbol_that_is_not_listed_is_counted() -> None:
    board, registry = make_board()
    board.on_report(replace(REPORT, symbol="DOGE"))
    assert count(registry, "unknown_symbol_total", source="hermes") == 1
    with pytest.raises(KeyError):
        board.reports("DOGE")


def test_a_dead_source_writes_one_line_until_it_recovers() -> None:
    board, registry = make_board()
    with capture_logs() as lines:
        for _ in range(3):
            board.on_fault("hermes", FaultKind.UNREACHABLE, "expected a connection, found none")
        assert board.faulty_sources() == {"hermes": FaultKind.UNREACHABLE}
        board.on_fault("hermes", FaultKind.RATE_LIMITED, "expected 200, found 429")
        board.on_report(REPORT)
    assert [line["event"] for line in lines] == [
        "price_source_fault",
        "price_source_fault",
        "price_source_recovered",
    ]
    assert board.faulty_sources() == {}
    assert count(registry, "faults_total", source="hermes", kind="unreachable") == 3


def test_a_source_without_a_name_on_the_board_is_a_bug() -> None:
    board, _ = make_board()
    with pytest.raises(ValueError, match=r"expected one of the sources .* found 'stranger'"):
        board.on_report(replace(REPORT, source="stranger"))
