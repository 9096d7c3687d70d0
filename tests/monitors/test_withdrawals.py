"""What leaves is counted in a window, and watched more closely after a role changed."""

from typing import Any

from prometheus_client import CollectorRegistry

from monitors.withdrawals import WithdrawalMetrics, WithdrawalWatch, withdrawal_of
from risk.solvency_flows import DEPOSIT, WITHDRAWAL, Event
from risk.units import QuoteAtoms, Seconds
from risk.withdrawal_gate import GateCause, GateDecision, GateRules
from tests.builders import NOW, make_account_id, usd

KEEPER = b"\x09" * 20


def event(name: str, **values: Any) -> Event:
    return Event(name=name, values=values, block=1)


def withdrawn(amount: int) -> Event:
    return event("CollateralChanged", account=make_account_id(5), delta=-amount, reason=WITHDRAWAL)


class Desk:
    """A watch and the blocks that a test shows it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.watch = WithdrawalWatch(GateRules(), WithdrawalMetrics.create(self.registry))
        self.block = 100

    def see(self, *events: Event, at: int = 0, **facts: Any) -> GateDecision:
        self.block += 1
        shown = {"vault": usd(1_000_000), "gap": 0, "bankrupt_accounts": 0, "outage": Seconds(1)}
        return self.watch.on_block(
            events, block=self.block, now=Seconds(NOW + at), **(shown | facts)
        )

    def gauge(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"bellkeeper_withdrawal{name}", labels)


def test_every_door_is_watched() -> None:
    fees = event("FeesWithdrawn", to=KEEPER, amount=7)
    rewards = event("RewardsClaimed", keeper=KEEPER, amount=8)
    deposit = event("CollateralChanged", account=1, delta=9, reason=DEPOSIT)
    found = [withdrawal_of(each, NOW) for each in (withdrawn(6), fees, rewards, deposit)]
    assert [each and each.amount for each in found] == [6, 7, 8, None]
    assert [each.to for each in found if each] == [
        f"0x{5:040x}/0",
        f"0x{KEEPER.hex()}",
        f"0x{KEEPER.hex()}",
    ]


def test_many_small_ones_add_up_within_the_window_only() -> None:
    desk = Desk()
    for hour in range(3):
        assert not desk.see(withdrawn(usd(90_000)), at=hour * 4_000).should_close
    assert desk.gauge("s_window_usd") == 90_000
    assert not desk.see(withdrawn(usd(90_000)), at=8_500).should_close
    decision = desk.see(withdrawn(usd(90_000)), at=8_600)
    assert decision.seen_now == (GateCause.RATE,)
    assert desk.gauge("s_window_usd") == 270_000
    assert desk.gauge("_gate_closed") == 1
    assert desk.gauge("_gate_cause", cause="rate") == 1
    assert desk.gauge("_gate_cause", cause="size") == 0


def test_what_leaves_after_a_role_change_is_too_much_sooner() -> None:
    desk = Desk()
    assert not desk.see(withdrawn(usd(30_000))).should_close
    granted = event("RoleChanged", who=KEEPER, role=1)
    assert not desk.see(granted, withdrawn(usd(20_000)), at=10).should_close
    assert desk.see(withdrawn(usd(2_000)), at=20).seen_now == (GateCause.AFTER_ROLE_CHANGE,)


def test_a_vault_that_could_not_be_read_is_no_share_of_anything() -> None:
    decision = Desk().see(withdrawn(usd(900_000)), vault=None)
    assert not decision.should_close


def test_the_vault_before_the_withdrawal_is_the_whole() -> None:
    # 100,000 of 1,000,000 is the edge, and holds: 900,000 are left.
    assert not Desk().see(withdrawn(usd(100_000)), vault=QuoteAtoms(usd(900_000))).should_close
    assert Desk().see(withdrawn(usd(100_000) + 2), vault=QuoteAtoms(usd(900_000))).should_close
