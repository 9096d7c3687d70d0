"""The real program shocks the real book: what it tells is what the trader would owe."""

from tests.scenarios.conftest import Scene
from tests.scenarios.keeper import KeeperProcess, wait_until


def exposed(keeper: KeeperProcess) -> KeeperProcess:
    """Run the solvency duty alone, without a key, looking ten times a second."""
    keeper.options = ("solvency",)
    with keeper.profile.open("a") as profile:
        profile.write("\n[stress]\nperiod_seconds = 0.1\n")
    return keeper


def test_the_gap_of_a_sunday_is_told_with_its_bad_debt(scene: Scene) -> None:
    # Ten shares at 100 dollars with 110 behind them: 15 % lower, 40 are owed that nobody has.
    scene.open_position(1)
    scene.open_position(2, collateral=900)
    keeper = exposed(scene.keeper())
    keeper.start()
    keeper.wait_ready()
    wait_until(
        lambda: "scenarios" in (keeper.page("/status") or {}).get("stress", {}), "it has looked"
    )
    told = keeper.page("/status")["stress"]
    gap = told["scenarios"]["sunday_gap"]
    assert gap["bad_debt_atoms"] == 40 * 10**6
    assert (gap["accounts"], gap["bankrupt_accounts"]) == (1, 1)
    assert gap["liquidated_atoms"] == 850 * 10**6
    assert gap["insurance_left_atoms"] == told["insurance_fund_atoms"] - 40 * 10**6
    assert gap["exhausts_fund"] is False
    # The market has no file, so it falls with all equities; at 30 % the other trader is safe still.
    deepest = told["scenarios"]["equities_down_30_percent"]
    assert deepest["bad_debt_atoms"] == 190 * 10**6
    assert told["worst_by_market"]["TEST"]["move_ppm"] == -300_000
    metrics = keeper.page("/metrics")
    assert 'bellkeeper_stress_bad_debt_usd{scenario="sunday_gap"} 40.0' in metrics
    at = 'market="TEST",move="down_30_percent"'
    assert f"bellkeeper_stress_market_bad_debt_usd{{{at}}} 190.0" in metrics
    assert "sunday gap" in keeper.page("/")
    assert keeper.terminate() == 0
