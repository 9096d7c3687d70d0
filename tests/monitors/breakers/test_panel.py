"""The panel joins all machines into what each market ought to be, over restarts too."""

import pytest

from risk.integrity_rules import Action, Cause
from risk.precedence import Machine
from risk.units import MarketStatus, Seconds
from risk.withdrawal_gate import GateCause
from tests.builders import price
from tests.monitors.breakers.world import NVDA, SPY, Proven, World


def test_a_quiet_market_is_open_with_its_luld_band() -> None:
    world = World()
    world.run(5)
    assert world.status() is MarketStatus.OPEN
    wanted = world.panel.wanted()[NVDA]
    assert wanted.band is not None
    assert (wanted.band.low, wanted.band.high) == (price(95), price(105))
    assert world.why()["band_stage"] == "normal"


def test_a_fall_to_the_band_limits_pauses_and_reopens_by_rule() -> None:
    world = World()
    world.run(5)
    world.obey()
    seen = world.run(2, NVDA=90)
    assert seen[-1] is MarketStatus.LIMIT
    assert world.venue.markets[NVDA].mark == price(95)
    world.obey()
    assert world.run(16, NVDA=90)[-1] is MarketStatus.HALTED
    assert "paused" in str(world.why()["why"])
    assert world.status(SPY) is MarketStatus.OPEN
    # Paused for five minutes; then good prices are counted, and trading returns.
    for _ in range(320):
        world.obey()
        world.venue.tick(NVDA=94)
        world.panel.wanted()
    assert world.status() is MarketStatus.OPEN
    assert world.count("trips_total", machine="band", cause="none") == 2


def test_the_whole_market_pauses_with_the_index() -> None:
    world = World()
    world.run(5)
    seen = world.run(3, SPY=92.9)
    assert seen[-1] is MarketStatus.HALTED
    assert world.why()["by"] == "market_wide"
    assert "level 1" in str(world.why()["why"])


@pytest.mark.parametrize(
    ("facts", "cause", "status"),
    [
        ({"solvency_gap": 10**9}, Cause.SOLVENCY_BREACH, MarketStatus.HALTED),
        ({"roles_changed": 1}, Cause.ROLE_CHANGED, MarketStatus.HALTED),
        ({"head_age": Seconds(600)}, Cause.CHAIN_STALLED, MarketStatus.REDUCE_ONLY),
    ],
)
def test_a_doubt_of_the_exchange_reaches_every_market(
    facts: dict[str, object], cause: Cause, status: MarketStatus
) -> None:
    world = World()
    world.run(5)
    for name, value in facts.items():
        setattr(world.slow, name, value)
    world.run(400)
    assert world.status() >= status
    assert world.status(SPY) >= status
    causes = world.why()["causes"]
    assert isinstance(causes, list)
    assert cause.value in {each["cause"] for each in causes}


def test_a_breach_closes_withdrawals_and_clears_by_no_rule() -> None:
    world = World()
    world.run(5)
    world.slow.solvency_gap = 10**9
    world.run(600)
    assert world.panel.wanted()[NVDA].closes_withdrawals
    world.slow.solvency_gap = 0
    assert world.run(2_000)[-1] is MarketStatus.HALTED


def proven_world() -> tuple[World, Proven]:
    world, proof = World(), Proven()
    world.proof = proof
    world.restart()
    world.run(5)
    return world, proof


def test_a_proof_of_risk_restricts_its_market_alone_and_lets_go_by_rule() -> None:
    world, proof = proven_world()
    proof.asked["NVDA"] = Action.REDUCE_ONLY
    proof.revision += 1
    # At once: the clock has not moved since the last step.
    assert world.status() is MarketStatus.REDUCE_ONLY
    assert world.status(SPY) is MarketStatus.OPEN
    proof.asked.clear()
    assert world.run(200)[-1] is MarketStatus.OPEN


def test_a_proof_of_money_restricts_all_markets_until_an_operator_lets_go() -> None:
    world, proof = proven_world()
    proof.asked_everywhere = Action.HALT
    world.run(2)
    assert world.status(SPY) is world.status() is MarketStatus.HALTED
    assert not world.panel.wanted()[NVDA].closes_withdrawals
    proof.asked_everywhere = Action.NONE
    assert world.run(1_000)[-1] is MarketStatus.HALTED


def test_the_gate_closes_withdrawals_alone_and_its_last_word_stands_over_a_restart() -> None:
    world, proof = proven_world()
    proof.gated(GateCause.RATE)
    wanted = world.panel.wanted()[NVDA]
    assert (wanted.status, wanted.closes_withdrawals) == (MarketStatus.OPEN, True)
    assert wanted.closes_by is Machine.WITHDRAWALS
    proof.gate = None
    world.restart()
    world.run(2)
    assert world.panel.wanted()[NVDA].closes_withdrawals
    proof.gated()
    assert not world.panel.wanted()[NVDA].closes_withdrawals
    # A process without the duty does not close again what the owner has opened.
    proof.gated(GateCause.RATE)
    world.run(1)
    world.proof = None
    world.restart()
    world.run(1)
    assert not world.panel.wanted()[NVDA].closes_withdrawals


def test_a_restart_forgets_neither_a_pause_nor_a_level_nor_a_close() -> None:
    world = World()
    world.run(5)
    world.run(3, SPY=92.9)
    world.obey()
    world.restart()
    world.venue.tick()
    assert world.status() is MarketStatus.HALTED
    assert "level 1" in str(world.why()["why"])
    # The same level does not halt twice on a day: the close and the level are remembered.
    for _ in range(1_000):
        world.venue.tick()
        world.obey()
    assert world.status() is MarketStatus.OPEN
    assert world.run(5, SPY=92.8)[-1] is MarketStatus.OPEN


def test_somebody_elses_halt_is_not_ours_to_lift() -> None:
    world = World()
    world.run(5)
    world.obey()
    world.venue.change(NVDA, status=MarketStatus.HALTED)
    assert world.run(1_000)[-1] is MarketStatus.HALTED
    assert "somebody else set HALTED" in str(world.why()["why"])
    world.restart()
    assert world.run(5)[-1] is MarketStatus.HALTED


def test_our_own_halt_is_lifted_by_rule_after_a_restart() -> None:
    world = World()
    world.run(5)
    world.obey()
    world.run(3, NVDA=90)
    world.obey()
    world.run(16, NVDA=90)
    world.obey()
    world.restart()
    for _ in range(330):
        world.venue.tick(NVDA=94)
        world.obey()
    assert world.status() is MarketStatus.OPEN


def test_off_hours_the_band_is_the_discovery_bound() -> None:
    world = World()
    world.run(5)
    world.venue.tick(23_400)
    world.run(5)
    wanted = world.panel.wanted()[NVDA]
    margin = world.venue.markets[NVDA].initial_margin
    assert world.why()["band_stage"] == "off_hours"
    assert wanted.band is not None
    assert wanted.band.low == price(100) * (10**6 - margin) // 10**6


def test_a_price_that_moves_within_a_second_is_judged_at_once() -> None:
    world = World()
    world.run(5)
    world.obey()
    world.venue.tick(NVDA=99)
    world.panel.wanted()
    world.venue.change(NVDA, mark=price(95))
    assert world.status() is MarketStatus.LIMIT


def test_shows_what_it_wants() -> None:
    world = World()
    world.run(5)
    world.panel.show()
    assert world.count("wanted_status", market="NVDA") == 0
    assert world.count("band_stage", market="NVDA", stage="normal") == 1
    assert world.count("band_distance_ratio", market="NVDA", edge="low") == 0.05


def test_a_market_that_is_not_watched_is_left_alone() -> None:
    world = World()
    world.venue.change(NVDA, symbol="OTHER")
    world.venue.tick()
    assert NVDA not in world.panel.wanted()
    assert world.why()["why"] == "no step was made yet"
