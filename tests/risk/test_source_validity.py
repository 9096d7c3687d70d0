"""Every documented hazard of a feed has its reason, and the first reason wins."""

from dataclasses import replace

import pytest

from risk.price_report import Micros, PriceReport
from risk.sessions import Session
from risk.source_validity import (
    FRESH_MEMORY,
    SourceMemory,
    SourceRules,
    Validity,
    distrust,
    judge_report,
)
from risk.units import PriceE8, Seconds
from tests.builders import NOW, price

RULES = SourceRules(max_age=Seconds(10), min_publishers=3)
REPORT = PriceReport(
    source="hermes",
    symbol="NVDA",
    price=price(178),
    confidence=price("0.10"),
    observed_at=NOW,
    order=Micros(NOW * 10**6),
    publishers=5,
    session=Session.REGULAR,
    lowest=price("0.01"),
    highest=price(10_000),
)


def judge(
    report: PriceReport,
    memory: SourceMemory = FRESH_MEMORY,
    *,
    session: Session = Session.REGULAR,
    now: int = NOW,
) -> tuple[Validity, SourceMemory]:
    return judge_report(report, memory, session=session, now=Seconds(now), rules=RULES)


def later(report: PriceReport, seconds: int, **facts: object) -> PriceReport:
    return replace(
        report,
        observed_at=Seconds(report.observed_at + seconds),
        order=Micros(report.order + seconds * 10**6),
        **facts,
    )


@pytest.mark.parametrize(
    ("facts", "validity"),
    [
        ({}, Validity.VALID),
        ({"price": PriceE8(0)}, Validity.NON_POSITIVE),
        ({"price": PriceE8(-1)}, Validity.NON_POSITIVE),
        ({"observed_at": Seconds(NOW + 1)}, Validity.VALID),
        ({"observed_at": Seconds(NOW + 2)}, Validity.FUTURE_DATED),
        ({"price": price("0.01"), "confidence": PriceE8(0)}, Validity.AT_BOUND),
        ({"price": price(10_000)}, Validity.AT_BOUND),
        ({"lowest": PriceE8(0), "highest": PriceE8(0)}, Validity.VALID),
        ({"confidence": price("3.56")}, Validity.VALID),
        ({"confidence": price("3.57")}, Validity.TOO_UNCERTAIN),
        ({"observed_at": Seconds(NOW - 10)}, Validity.VALID),
        ({"observed_at": Seconds(NOW - 11)}, Validity.STALE),
        ({"publishers": 2}, Validity.INSUFFICIENT_DATA),
        ({"publishers": None}, Validity.VALID),
        ({"session": None}, Validity.VALID),
        ({"session": Session.POST}, Validity.VALID),
        ({"session": Session.WEEKEND}, Validity.WRONG_SESSION),
        ({"session": Session.UNKNOWN}, Validity.WRONG_SESSION),
        ({"price": PriceE8(0), "observed_at": Seconds(NOW + 99)}, Validity.NON_POSITIVE),
    ],
)
def test_gives_the_first_reason(facts: dict[str, object], validity: Validity) -> None:
    assert judge(replace(REPORT, **facts))[0] is validity


def test_a_zero_mid_with_a_fresh_timestamp_is_refused_and_spoils_nothing() -> None:
    _, memory = judge(REPORT)
    validity, memory = judge(later(REPORT, 1, price=PriceE8(0)), memory, now=NOW + 1)
    assert validity is Validity.NON_POSITIVE
    assert judge(later(REPORT, 2), memory, now=NOW + 2)[0] is Validity.VALID


def test_a_price_that_is_carried_forward_grows_stale_though_messages_are_new() -> None:
    _, memory = judge(REPORT)
    carried = replace(REPORT, order=Micros(REPORT.order + 60 * 10**6))
    assert judge(carried, memory, now=NOW + 60)[0] is Validity.STALE


@pytest.mark.parametrize(
    ("session", "validity"),
    [
        (Session.REGULAR, Validity.UNCHANGED),
        (Session.OVERNIGHT, Validity.VALID),
        (Session.PRE, Validity.VALID),
    ],
)
def test_a_repeated_close_is_refused_while_the_underlying_trades(
    session: Session, validity: Validity
) -> None:
    memory = FRESH_MEMORY
    for second in range(0, 122, 2):
        last, memory = judge(later(REPORT, second), memory, session=session, now=NOW + second)
        assert second > 120 or last is Validity.VALID
    last, memory = judge(later(REPORT, 122), memory, session=session, now=NOW + 122)
    assert last is validity
    moved = later(REPORT, 124, price=price(179))
    assert judge(moved, memory, session=session, now=NOW + 124)[0] is Validity.VALID


def test_after_a_split_the_old_close_is_refused_until_another_price_was_told() -> None:
    _, memory = judge(REPORT)
    memory = distrust(memory)
    for second in (1, 2):
        validity, memory = judge(later(REPORT, second), memory, now=NOW + second)
        assert validity is Validity.UNCHANGED
    # A tenth of the old price: no longer too volatile, since the old one is forgotten.
    after = later(REPORT, 3, price=price("17.8"))
    validity, memory = judge(after, memory, now=NOW + 3)
    assert validity is Validity.VALID
    validity, _ = judge(later(after, 1), memory, now=NOW + 4)
    assert validity is Validity.VALID


def test_the_old_close_that_comes_back_after_a_split_is_too_volatile() -> None:
    _, memory = judge(REPORT)
    _, memory = judge(later(REPORT, 1, price=price("17.8")), distrust(memory), now=NOW + 1)
    assert judge(later(REPORT, 2), memory, now=NOW + 2)[0] is Validity.TOO_VOLATILE


def test_an_older_report_is_refused_and_the_newer_one_remembered() -> None:
    _, memory = judge(REPORT)
    validity, memory = judge(replace(REPORT, order=Micros(REPORT.order - 1)), memory)
    assert validity is Validity.OUT_OF_ORDER
    assert memory.order == REPORT.order


def test_a_report_from_the_future_does_not_order_those_after_it() -> None:
    validity, memory = judge(later(REPORT, 10**6, price=price(179)))
    assert validity is Validity.FUTURE_DATED
    assert judge(REPORT, memory)[0] is Validity.VALID


@pytest.mark.parametrize(
    ("dollars", "validity"),
    [
        (890, Validity.VALID),
        (891, Validity.TOO_VOLATILE),
        (36, Validity.VALID),
        (35, Validity.TOO_VOLATILE),
    ],
)
def test_more_than_five_times_or_a_fifth_is_too_volatile(dollars: int, validity: Validity) -> None:
    _, memory = judge(REPORT)
    assert judge(later(REPORT, 1, price=price(dollars)), memory, now=NOW + 1)[0] is validity
