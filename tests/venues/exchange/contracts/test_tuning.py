"""Guard rails: epochs, limits, steps, cool-downs, bands, statuses, the guardian."""

import pytest

from tests.venues.exchange.contracts.harness import (
    BAND,
    FUNDING_RATE,
    HALTED,
    INITIAL_MARGIN,
    LIMIT,
    MAKER_FEE,
    OPEN,
    OPEN_INTEREST_CAP,
    REDUCE_ONLY,
    ROLES,
    SETTLED,
    STATUS,
    TAKER_FEE,
    Exchange,
    Refused,
    price,
)

FIELD = {
    INITIAL_MARGIN: "initial_margin",
    FUNDING_RATE: "funding_rate",
    TAKER_FEE: "taker_fee",
    MAKER_FEE: "maker_fee",
    OPEN_INTEREST_CAP: "open_interest_cap",
}


def tune(exchange: Exchange, parameter: int, value: int, epoch: int | None = None) -> None:
    """Write a parameter at the current epoch, unless told another."""
    if epoch is None:
        epoch = exchange.view("epoch", 0, ROLES["tuner"])
    exchange.send("tuner", "set_parameter", 0, parameter, value, epoch)


def set_band(exchange: Exchange, low: float | str, high: float | str) -> None:
    epoch = exchange.view("epoch", 0, ROLES["breaker"])
    exchange.send("breaker", "set_band", 0, price(low), price(high), epoch)


def set_status(exchange: Exchange, status: int) -> None:
    epoch = exchange.view("epoch", 0, ROLES["breaker"])
    exchange.send("breaker", "set_status", 0, status, epoch)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        (INITIAL_MARGIN, 123_456),
        (FUNDING_RATE, -5_000),
        (TAKER_FEE, 700),
        (MAKER_FEE, 300),
        (OPEN_INTEREST_CAP, 42),
    ],
)
def test_each_parameter_is_written_and_reported(
    exchange: Exchange, parameter: int, value: int
) -> None:
    exchange.limit(parameter)
    receipt = exchange.send("tuner", "set_parameter", 0, parameter, value, 0)
    assert exchange.market()[FIELD[parameter]] == value
    assert exchange.view("epoch", 0, ROLES["tuner"]) == 1
    event = receipt.only("ParameterChanged")
    assert (event["parameter"], event["value"], event["epoch"]) == (parameter, value, 1)


@pytest.mark.parametrize("parameter", list(FIELD))
def test_without_limits_there_are_no_writes(exchange: Exchange, parameter: int) -> None:
    with pytest.raises(Refused, match="no limits"):
        tune(exchange, parameter, 100_000)
    exchange.limit(parameter, minimum=5, maximum=4)
    with pytest.raises(Refused, match="no limits"):
        tune(exchange, parameter, 100_000)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (90_000, None),
        (110_000, None),
        (89_999, "step too large"),
        (110_001, "step too large"),
        (80_000, "step too large"),
        (79_999, "outside limits"),
        (150_001, "outside limits"),
    ],
)
def test_limits_and_steps(exchange: Exchange, value: int, reason: str | None) -> None:
    exchange.limit(INITIAL_MARGIN, minimum=80_000, maximum=150_000, largest_step=10_000)
    if reason is None:
        tune(exchange, INITIAL_MARGIN, value)
        assert exchange.market()["initial_margin"] == value
    else:
        with pytest.raises(Refused, match=reason):
            tune(exchange, INITIAL_MARGIN, value)


def test_a_stale_writer_is_refused(exchange: Exchange) -> None:
    exchange.limit(TAKER_FEE)
    tune(exchange, TAKER_FEE, 1)
    for epoch in (0, 2):
        with pytest.raises(Refused, match="stale epoch"):
            tune(exchange, TAKER_FEE, 2, epoch)
    exchange.limit(MAKER_FEE)
    with pytest.raises(Refused, match="stale epoch"):
        tune(exchange, MAKER_FEE, 2, 0)  # the epoch is the duty's, not the parameter's
    tune(exchange, MAKER_FEE, 2, 1)
    assert exchange.view("epoch", 0, ROLES["breaker"]) == 0


def test_the_cool_down_is_per_parameter(exchange: Exchange) -> None:
    exchange.limit(TAKER_FEE, cool_down=60)
    exchange.limit(MAKER_FEE, cool_down=60)
    tune(exchange, TAKER_FEE, 1)
    tune(exchange, MAKER_FEE, 1)
    exchange.chain.advance(59)
    with pytest.raises(Refused, match="cooling down"):
        tune(exchange, TAKER_FEE, 2)
    exchange.chain.advance(1)
    tune(exchange, TAKER_FEE, 2)
    assert exchange.market()["taker_fee"] == 2


def test_values_that_make_no_sense_are_refused_whatever_the_limits(exchange: Exchange) -> None:
    for parameter in FIELD:
        exchange.limit(parameter)
    for parameter, value, reason in (
        (INITIAL_MARGIN, 49_999, "below maintenance margin"),
        (INITIAL_MARGIN, 1_000_001, "outside limits"),
        (MAKER_FEE, -1, "fees below zero"),
        (TAKER_FEE, 1_000_001, "outside limits"),
        (FUNDING_RATE, 10**9 + 1, "outside limits"),
        (OPEN_INTEREST_CAP, -1, "outside limits"),
        (BAND, 1, "unknown parameter"),
        (0, 1, "unknown parameter"),
    ):
        with pytest.raises(Refused, match=reason):
            tune(exchange, parameter, value)
    tune(exchange, TAKER_FEE, 5)
    tune(exchange, MAKER_FEE, -5)
    with pytest.raises(Refused, match="fees below zero"):
        tune(exchange, TAKER_FEE, 4)


def test_funding_accrues_before_its_rate_changes(exchange: Exchange) -> None:
    exchange.limit(FUNDING_RATE)
    tune(exchange, FUNDING_RATE, 1000)
    exchange.chain.advance(100)
    tune(exchange, FUNDING_RATE, -7)
    exchange.chain.advance(10)
    tune(exchange, FUNDING_RATE, 0)
    view = exchange.market()
    assert view["funding_numerator"] == price(100) * (1000 * 100 - 7 * 10)
    assert view["funding_time"] == exchange.chain.now()


def test_a_band_is_within_its_half_widths(exchange: Exchange) -> None:
    exchange.limit(BAND, minimum=20_000, maximum=100_000)
    for low, high in (("89.99", 105), (95, "110.01"), ("98.1", 105), (95, "101.9")):
        with pytest.raises(Refused, match="outside limits"):
            set_band(exchange, low, high)
    set_band(exchange, 90, 102)
    view = exchange.market()
    assert (view["band_low"], view["band_high"]) == (price(90), price(102))


@pytest.mark.parametrize(("low", "high"), [(101, 105), (95, 99), (0, 105), (95, 0)])
def test_a_band_holds_the_mark(exchange: Exchange, low: float, high: float) -> None:
    exchange.limit(BAND)
    with pytest.raises(Refused, match="mark outside band"):
        set_band(exchange, low, high)


def test_a_band_moves_by_steps_of_its_old_edges(exchange: Exchange) -> None:
    exchange.limit(BAND, largest_step=10_000)
    set_band(exchange, 90, 110)  # no band before: no step to check
    for low, high in (("90.91", 110), ("89.09", 110), (90, "111.11"), (90, "108.89")):
        with pytest.raises(Refused, match="step too large"):
            set_band(exchange, low, high)
    set_band(exchange, "90.9", "108.9")
    assert exchange.market()["band_low"] == price("90.9")


def test_lifting_a_band_waits_for_the_cool_down_only(exchange: Exchange) -> None:
    with pytest.raises(Refused, match="no limits"):
        set_band(exchange, 0, 0)
    exchange.limit(BAND, minimum=10_000, largest_step=1, cool_down=60)
    set_band(exchange, 90, 110)
    with pytest.raises(Refused, match="cooling down"):
        set_band(exchange, 0, 0)
    exchange.chain.advance(60)
    set_band(exchange, 0, 0)
    assert exchange.market()["band_high"] == 0


def test_a_stricter_status_never_waits(exchange: Exchange) -> None:
    exchange.limit(STATUS, minimum=OPEN, maximum=HALTED, cool_down=60)
    set_status(exchange, LIMIT)
    set_status(exchange, REDUCE_ONLY)
    with pytest.raises(Refused, match="cooling down"):
        set_status(exchange, OPEN)
    with pytest.raises(Refused, match="cooling down"):
        set_status(exchange, REDUCE_ONLY)
    exchange.chain.advance(60)
    set_status(exchange, OPEN)
    assert exchange.market()["status"] == OPEN


def test_a_status_is_within_its_limits(exchange: Exchange) -> None:
    exchange.limit(STATUS, minimum=0, maximum=REDUCE_ONLY)
    with pytest.raises(Refused, match="outside limits"):
        set_status(exchange, HALTED)
    exchange.limit(STATUS, minimum=0, maximum=9)
    with pytest.raises(Refused, match="outside limits"):
        set_status(exchange, SETTLED)


def test_the_guardian_only_makes_stricter(exchange: Exchange) -> None:
    event = exchange.send("guardian", "restrict", 0, REDUCE_ONLY).only("StatusChanged")
    assert (event["status"], event["epoch"]) == (REDUCE_ONLY, 1)
    assert event["by"].lower() == exchange.chain.actors["guardian"]
    for status in (OPEN, LIMIT, REDUCE_ONLY, SETTLED):
        with pytest.raises(Refused, match="not stricter"):
            exchange.send("guardian", "restrict", 0, status)
    exchange.send("guardian", "restrict", 0, HALTED)
    assert exchange.market()["status"] == HALTED


def test_a_resume_that_races_the_guardian_is_refused(exchange: Exchange) -> None:
    exchange.limit(STATUS, maximum=HALTED, cool_down=60)
    seen = exchange.view("epoch", 0, ROLES["breaker"])
    exchange.halt()
    with pytest.raises(Refused, match="stale epoch"):
        exchange.send("breaker", "set_status", 0, OPEN, seen)
    with pytest.raises(Refused, match="cooling down"):
        set_status(exchange, OPEN)


@pytest.mark.parametrize("is_splitting", [True, False])
def test_nothing_is_tuned_during_a_split_or_after_settlement(
    exchange: Exchange, *, is_splitting: bool
) -> None:
    for parameter in range(1, 10):
        exchange.limit(parameter)
    exchange.halt()
    if is_splitting:
        exchange.send("corporate", "begin_split", 0, 2, 1, 0)
    else:
        exchange.send("corporate", "settle_market", 0, price(100), 0)
    reason = "split in progress" if is_splitting else "market settled"
    for write in (
        lambda: tune(exchange, FUNDING_RATE, 5),
        lambda: set_band(exchange, 95, 105),
        lambda: set_status(exchange, OPEN),
        lambda: exchange.send("corporate", "dividend", 0, price(1), 1),
        lambda: exchange.send("corporate", "begin_split", 0, 2, 1, 1),
        lambda: exchange.send("corporate", "settle_market", 0, price(100), 1),
    ):
        with pytest.raises(Refused, match=reason):
            write()


def test_limits_are_shown_and_checked(exchange: Exchange) -> None:
    exchange.limit(3, minimum=-5, maximum=6, largest_step=7, cool_down=8)
    assert exchange.view("limits", 0, 3) == {
        "minimum": -5,
        "maximum": 6,
        "largest_step": 7,
        "cool_down": 8,
    }
    for parameter in (0, 10):
        with pytest.raises(Refused, match="unknown parameter"):
            exchange.limit(parameter)
    with pytest.raises(Refused, match="bad limits"):
        exchange.limit(1, largest_step=-1)
