"""Every write that is planned is one that the exchange takes, and the levers arrive or go home."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.guard_rails import Limits, Parameter
from risk.incentive_write import (
    funding_rate,
    lawful_changes,
    plan_write,
    value_on_chain,
    wanted_parameters,
)
from risk.units import MarketStatus, PpbPerHour, Ppm, Seconds
from tests.builders import NOW, make_market, usd
from tests.risk.incentive_world import WEEKDAY, WEEKEND, Tuner

P = Parameter
LIMITS = {
    P.INITIAL_MARGIN: Limits(minimum=25_000, maximum=500_000, largest_step=25_000, cool_down=Seconds(300)),
    P.FUNDING_RATE: Limits(minimum=-500_000, maximum=500_000, largest_step=100_000, cool_down=Seconds(300)),
    P.TAKER_FEE: Limits(minimum=100, maximum=2_000, largest_step=250, cool_down=Seconds(300)),
    P.MAKER_FEE: Limits(minimum=-250, maximum=500, largest_step=100, cool_down=Seconds(300)),
    P.OPEN_INTEREST_CAP: Limits(
        minimum=usd(1_000_000), maximum=usd(100_000_000), largest_step=usd(25_000_000), cool_down=Seconds(300)
    ),
}  # fmt: skip
MARKET = make_market(maker_fee=Ppm(-50), open_interest_cap=usd(50_000_000))
HOME = wanted_parameters(WEEKDAY, base_rate=PpbPerHour(10_000), skew=None)


def tuner(**facts: object) -> Tuner:
    return Tuner(market=replace(MARKET, **facts), limits=dict(LIMITS))  # type: ignore[arg-type]


def drive(exchange: Tuner, wanted: dict[P, int], *, most: int = 60) -> list[tuple[P, int]]:
    """Send what is planned, ten seconds apart, until nothing is left to write."""
    sent: list[tuple[P, int]] = []
    now = NOW
    for _ in range(most * 40):
        write = plan_write(exchange.market, wanted, exchange.state(), now=now)
        if write.change is not None:
            exchange.set_parameter(write.change.parameter, write.change.value, now)
            sent.append((write.change.parameter, write.change.value))
        elif write.why == "every parameter is as wanted":
            return sent
        now = Seconds(now + 10)
    return sent


@pytest.mark.parametrize(
    ("multiplier", "slope", "skew", "rate"),
    [
        (1_000_000, 0, 0, 12_345),
        (500_000, 0, 0, 6_172),
        (2_000_000, 100_000, 250_000, 24_690 + 25_000),
        (0, 100_000, -333_333, -33_333),
        (1_000_000, 100_000, None, 12_345),
        (10**12, 0, 0, 10**9),
    ],
)
def test_the_rate_is_the_scaled_base_and_what_the_skew_adds(
    multiplier: int, slope: int, skew: int | None, rate: int
) -> None:
    given_rate = funding_rate(
        PpbPerHour(12_345),
        multiplier=Ppm(multiplier),
        slope=PpbPerHour(slope),
        skew=None if skew is None else Ppm(skew),
    )
    assert given_rate == rate


def test_both_directions_of_a_rate_round_toward_nothing() -> None:
    rate = funding_rate(PpbPerHour(-3), multiplier=Ppm(500_000), slope=PpbPerHour(0), skew=None)
    assert rate == -1


def test_what_is_stricter_goes_first_and_one_at_a_time() -> None:
    exchange = tuner(maker_fee=Ppm(-100))
    wanted = {
        P.INITIAL_MARGIN: 60_000,
        P.FUNDING_RATE: 5_000,
        P.TAKER_FEE: 450,
        P.MAKER_FEE: -80,
        P.OPEN_INTEREST_CAP: usd(40_000_000),
    }
    assert [parameter for parameter, _ in drive(exchange, wanted)] == [
        P.MAKER_FEE,
        P.OPEN_INTEREST_CAP,
        P.INITIAL_MARGIN,
        P.FUNDING_RATE,
        P.TAKER_FEE,
    ]


def test_the_taker_fee_rises_before_the_maker_fee_falls_and_falls_after_it_rose() -> None:
    exchange = tuner(taker_fee=Ppm(100), maker_fee=Ppm(-100))
    up = drive(exchange, {P.TAKER_FEE: 250, P.MAKER_FEE: -250})
    assert up == [(P.TAKER_FEE, 250), (P.MAKER_FEE, -200), (P.MAKER_FEE, -250)]
    # Down again, the taker fee goes only as far as the rebate leaves it.
    down = drive(exchange, {P.TAKER_FEE: 100, P.MAKER_FEE: -100})
    assert down[0] == (P.MAKER_FEE, -150)
    assert down[-1] == (P.TAKER_FEE, 100)
    assert P.TAKER_FEE in dict(down[:-1])


def test_a_far_value_is_reached_by_the_owners_steps() -> None:
    exchange = tuner()
    sent = drive(exchange, {P.INITIAL_MARGIN: 110_000})
    assert sent == [(P.INITIAL_MARGIN, each) for each in (75_000, 100_000, 110_000)]


@pytest.mark.parametrize(
    ("facts", "wanted", "why"),
    [
        ({"status": MarketStatus.SETTLED}, 60_000, "settled"),
        ({"is_splitting": True}, 60_000, "being split"),
        ({}, 50_000, "every parameter is as wanted"),
        ({"initial_margin": Ppm(500_000)}, 600_000, "as near as the limits let it"),
        ({"initial_margin": Ppm(600_000)}, 500_000, "one step does not bring it in"),
        # The owner's least is 25,000: from 20,000 on the way to 21,000 it would go too far.
        ({"initial_margin": Ppm(20_000)}, 21_000, "can come no nearer"),
    ],
)
def test_says_why_nothing_is_written(facts: dict[str, object], wanted: int, why: str) -> None:
    exchange = tuner(**facts)
    write = plan_write(exchange.market, {P.INITIAL_MARGIN: wanted}, exchange.state(), now=NOW)
    assert write.change is None
    assert why in write.why


def test_waits_for_the_write_in_flight_and_for_the_cool_down() -> None:
    exchange = tuner()
    wanted = {P.INITIAL_MARGIN: 110_000}
    flying = plan_write(exchange.market, wanted, exchange.state(is_in_flight=True), now=NOW)
    assert (flying.change, flying.why) == (None, "a write of this market has yet to land")
    exchange.set_parameter(P.INITIAL_MARGIN, 75_000, NOW)
    early = plan_write(exchange.market, wanted, exchange.state(), now=Seconds(NOW + 299))
    assert (early.change, early.why) == (None, "initial margin may be written again in 1 s")
    assert plan_write(exchange.market, wanted, exchange.state(), now=Seconds(NOW + 300)).change


def test_without_limits_there_are_no_writes() -> None:
    for limits in (
        {},
        {P.INITIAL_MARGIN: Limits(minimum=0, maximum=0, largest_step=0, cool_down=Seconds(0))},
    ):
        exchange = Tuner(market=MARKET, limits=limits)
        write = plan_write(MARKET, {P.INITIAL_MARGIN: 60_000}, exchange.state(), now=NOW)
        assert write.change is None
        assert "the owner set no limits" in write.why


def test_what_is_near_enough_is_left_and_home_is_exact() -> None:
    exchange = tuner()
    near = {P.INITIAL_MARGIN: 50_999}
    assert (
        lawful_changes(
            MARKET, near, exchange.state(), now=NOW, tolerances={P.INITIAL_MARGIN: 1_000}
        )[0]
        == ()
    )
    assert lawful_changes(MARKET, near, exchange.state(), now=NOW)[0][0].value == 50_999


def test_the_margin_stays_above_maintenance_and_another_dutys_parameter_is_refused() -> None:
    exchange = tuner()
    exchange.limits[P.INITIAL_MARGIN] = Limits(
        minimum=0, maximum=10**6, largest_step=10**6, cool_down=Seconds(0)
    )
    assert drive(exchange, {P.INITIAL_MARGIN: 1})[:1] == [(P.INITIAL_MARGIN, 25_000)]
    with pytest.raises(ValueError, match="expected a parameter of the tuner, found BAND"):
        value_on_chain(MARKET, P.BAND)


FEES = st.integers(-1_000, 2_000)
STEPS = st.integers(1, 600)


@st.composite
def limits_of(draw: st.DrawFn, low: int, high: int) -> Limits:
    """Any limits within which something lies."""
    first, second = sorted((draw(st.integers(low, high)), draw(st.integers(low, high))))
    return Limits(
        minimum=first,
        maximum=second,
        largest_step=draw(st.integers(0, max(1, (high - low) // 3))),
        cool_down=Seconds(draw(st.integers(0, 100))),
    )


RANGES = {
    P.INITIAL_MARGIN: (0, 10**6),
    P.FUNDING_RATE: (-(10**9) - 5, 10**9 + 5),
    P.TAKER_FEE: (-1_000, 2_000),
    P.MAKER_FEE: (-1_000, 2_000),
    P.OPEN_INTEREST_CAP: (-5, usd(100)),
}


@st.composite
def exchanges(draw: st.DrawFn) -> Tuner:
    """Any market within the exchange's own rules, under any limits of an owner."""
    taker = draw(FEES)
    maker = draw(st.integers(-taker, 2_000)) if taker >= -2_000 else 0
    market = make_market(
        initial_margin=Ppm(draw(st.integers(25_000, 10**6))),
        funding_rate=PpbPerHour(draw(st.integers(-(10**9), 10**9))),
        taker_fee=Ppm(taker),
        maker_fee=Ppm(maker),
        open_interest_cap=draw(st.integers(0, usd(100))),
    )
    return Tuner(
        market=market,
        limits={parameter: draw(limits_of(*RANGES[parameter])) for parameter in RANGES},
    )


@st.composite
def wishes(draw: st.DrawFn) -> dict[P, int]:
    """Any wish, lawful or not."""
    return {parameter: draw(st.integers(*RANGES[parameter])) for parameter in RANGES}


@given(exchange=exchanges(), wanted=wishes(), waits=st.lists(st.integers(0, 150), max_size=25))
def test_the_exchange_takes_every_write_and_each_comes_nearer(
    exchange: Tuner, wanted: dict[P, int], waits: list[int]
) -> None:
    now = NOW
    for wait in waits:
        now = Seconds(now + wait)
        changes, _ = lawful_changes(exchange.market, wanted, exchange.state(), now=now)
        for change in changes:
            # Each of them alone is lawful; the tuner sends one.
            twin = replace(exchange, last=dict(exchange.last))
            twin.set_parameter(change.parameter, change.value, now)
            left = abs(change.wanted - change.value)
            assert left < abs(change.wanted - change.before)
            assert (
                abs(change.value - change.before) <= exchange.limits[change.parameter].largest_step
            )
        if changes:
            exchange.set_parameter(changes[0].parameter, changes[0].value, now)
            assert exchange.market.taker_fee + exchange.market.maker_fee >= 0


@given(
    margin=st.integers(25_000, 500_000),
    rate=st.integers(-500_000, 500_000),
    taker=st.integers(100, 2_000),
    maker=st.integers(-250, 500),
    cap=st.integers(usd(1_000_000), usd(100_000_000)),
)
def test_every_lever_goes_home_from_the_chains_values_alone(
    margin: int, rate: int, taker: int, maker: int, cap: int
) -> None:
    """A keeper that was down all weekend knows nothing of what was written, or when."""
    exchange = tuner(
        initial_margin=Ppm(margin),
        funding_rate=PpbPerHour(rate),
        taker_fee=Ppm(taker),
        maker_fee=Ppm(max(maker, -taker)),
        open_interest_cap=cap,
    )
    drive(exchange, HOME)
    assert {parameter: value_on_chain(exchange.market, parameter) for parameter in HOME} == HOME


def test_a_weekend_there_and_back() -> None:
    exchange = tuner()
    drive(exchange, HOME)
    there = wanted_parameters(
        replace(WEEKEND, funding_multiplier=Ppm(2_000_000), skew_slope=PpbPerHour(100_000)),
        base_rate=PpbPerHour(10_000),
        skew=Ppm(500_000),
    )
    assert there[P.FUNDING_RATE] == 70_000
    sent = drive(exchange, there)
    assert exchange.market.maker_fee == -100
    assert sent[0][0] is P.OPEN_INTEREST_CAP
    drive(exchange, HOME)
    assert exchange.market.initial_margin == WEEKDAY.initial_margin
    assert exchange.market.funding_rate == 10_000
