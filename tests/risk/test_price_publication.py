"""A price is published when it is due, and each that is not has its reason."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.market import Market
from risk.price_publication import (
    MOST_PRICES,
    FairPrice,
    PublicationRules,
    Silence,
    forecast,
    plan_publication,
    why_silent,
)
from risk.price_support import Rung
from risk.units import MarketId, MarketStatus, Ppm, PriceE8, Seconds
from tests.builders import NOW, make_market, price

RULES = PublicationRules(interval=Seconds(3), early_move=Ppm(1_000))
HELD = make_market(
    mark=price(200),
    index=price(200),
    updated_at=Seconds(NOW - 3),
    price_timestamp=Seconds(NOW - 3),
    min_interval=Seconds(1),
)


def fair(mark: str = "200", **facts: object) -> FairPrice:
    base = FairPrice(
        market=MarketId(0), mark=price(mark), index=price(200), timestamp=NOW, rung=Rung.FULL
    )
    return replace(base, **facts)


@pytest.mark.parametrize(
    ("market", "wish", "silence"),
    [
        ({}, {}, None),
        ({}, {"rung": Rung.WIDENED}, None),
        ({}, {"rung": Rung.REDUCE_ONLY}, None),
        ({"status": MarketStatus.HALTED}, {}, None),
        ({"status": MarketStatus.SETTLED}, {}, Silence.CLOSED),
        ({"is_splitting": True}, {}, Silence.CLOSED),
        ({}, {"rung": Rung.SILENT}, Silence.UNSUPPORTED),
        ({}, {"index": PriceE8(0)}, Silence.NO_PRICE),
        ({}, {"mark": PriceE8(-1)}, Silence.NO_PRICE),
        ({}, {"mark": PriceE8(10**15 + 1)}, Silence.NO_PRICE),
        ({}, {"timestamp": Seconds(NOW + 1)}, Silence.FUTURE_DATED),
        ({}, {"timestamp": Seconds(NOW - 4)}, Silence.BACKWARDS),
        ({"price_timestamp": Seconds(0)}, {"timestamp": Seconds(NOW - 61)}, Silence.EXPIRED),
        ({"price_timestamp": Seconds(0)}, {"timestamp": Seconds(NOW - 60)}, None),
        ({"updated_at": NOW}, {"mark": price(150)}, Silence.TOO_SOON),
        ({"updated_at": Seconds(NOW - 2)}, {}, Silence.NOT_DUE),
        ({"updated_at": Seconds(NOW - 2)}, {"mark": price("200.20")}, Silence.NOT_DUE),
        ({"updated_at": Seconds(NOW - 2)}, {"mark": price("200.21")}, None),
        ({"updated_at": Seconds(NOW - 2)}, {"mark": price("199.79")}, None),
        ({"updated_at": Seconds(NOW - 2)}, {"index": price("199.79")}, None),
    ],
)
def test_gives_the_first_reason_for_silence(
    market: dict[str, object], wish: dict[str, object], silence: Silence | None
) -> None:
    assert why_silent(replace(HELD, **market), replace(fair(), **wish), NOW, RULES) is silence


def test_a_move_larger_than_the_clamp_is_published_early_too() -> None:
    rules = PublicationRules(interval=Seconds(3), early_move=Ppm(20_000))
    recent = replace(HELD, updated_at=Seconds(NOW - 2))
    assert why_silent(recent, fair("205"), NOW, rules) is None


def test_a_mark_that_the_band_holds_is_not_repeated_early() -> None:
    held = replace(HELD, updated_at=Seconds(NOW - 2), band_low=price(190), band_high=price(200))
    assert why_silent(held, fair("220"), NOW, RULES) is Silence.NOT_DUE
    assert why_silent(held, fair("199"), NOW, RULES) is None


def test_an_unknown_market_is_told_and_the_others_go() -> None:
    plan = plan_publication(
        {MarketId(0): HELD}, [fair(), fair(market=MarketId(9))], now=NOW, rules=RULES
    )
    assert [each.market for each in plan.prices] == [0]
    assert plan.silences == ((MarketId(9), Silence.UNKNOWN_MARKET),)


def test_the_longest_silent_markets_go_first_and_the_rest_wait() -> None:
    markets = {
        MarketId(number): replace(HELD, id=MarketId(number), updated_at=Seconds(NOW - 3 - number))
        for number in range(70)
    }
    wishes = [fair(market=market) for market in markets]
    plan = plan_publication(markets, wishes, now=NOW, rules=RULES)
    assert [each.market for each in plan.prices] == list(range(69, 69 - MOST_PRICES, -1))
    assert plan.silences == tuple((MarketId(left), Silence.BATCH_FULL) for left in range(6))


@pytest.mark.parametrize(
    ("market", "wish", "mark"),
    [
        ({}, "200.50", "200.50"),
        ({}, "250", "201"),
        ({}, "10", "199"),
        ({"mark": PriceE8(0)}, "10", "10"),
        ({"band_low": price(150), "band_high": price("200.25")}, "250", "200.25"),
        ({"band_low": price("199.75"), "band_high": price(250)}, "10", "199.75"),
    ],
)
def test_forecasts_what_the_exchange_will_hold(
    market: dict[str, object], wish: str, mark: str
) -> None:
    assert forecast(replace(HELD, **market), fair(wish)).mark == price(mark)


@given(
    wait=st.integers(0, 100),
    age=st.integers(-5, 100),
    mark=st.integers(-1, 400_00000000),
    rung=st.sampled_from(Rung),
)
def test_what_is_published_the_exchange_accepts(wait: int, age: int, mark: int, rung: Rung) -> None:
    market = replace(HELD, updated_at=Seconds(NOW - wait))
    wish = fair(mark="200", rung=rung, timestamp=Seconds(NOW - age))
    wish = replace(wish, mark=PriceE8(mark))
    if why_silent(market, wish, NOW, RULES) is None:
        assert _refusals(market, wish) == []


def _refusals(market: Market, wish: FairPrice) -> list[str]:
    """Give the refusals of docs/exchange.md section 3 that hold, written out once more."""
    refusals = {
        "closed": market.is_settled or market.is_splitting,
        "zero": min(wish.mark, wish.index) <= 0,
        "future": wish.timestamp > NOW,
        "backwards": wish.timestamp < market.price_timestamp,
        "expired": NOW - wish.timestamp > market.expiry,
        "too soon": NOW - market.updated_at < market.min_interval,
    }
    return [name for name, holds in refusals.items() if holds]
