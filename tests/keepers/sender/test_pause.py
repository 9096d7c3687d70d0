"""A lane that an operator paused: nothing new is signed, and what is on its way comes to its end."""

from keepers.sender import Refusal
from tests.keepers.sender.rig import Rig, make_call, make_intent


async def test_a_paused_lane_signs_nothing_new_and_sees_through_what_is_on_its_way(
    rig: Rig,
) -> None:
    await rig.submit(1)
    rig.lane.pause("paused by alice: key rotation")
    assert rig.lane.why_halted == "paused by alice: key rotation"
    assert rig.sample("bellkeeper_sender_halted", reason="paused") == 1
    ticket = await rig.lane.submit([make_intent(2)], make_call(), expires_at=2**40)
    assert (ticket.refusal, ticket.reason) == (
        Refusal.LANE_HALTED,
        "paused by alice: key rotation",
    )
    assert rig.journal.intent(make_intent(2).key) is None
    rig.mine()
    await rig.turn()
    rig.mine(2)
    await rig.turn()
    await rig.turn()
    assert rig.results() == ["mined", "final"]

    rig.lane.unpause()
    assert rig.lane.why_halted == ""
    assert rig.sample("bellkeeper_sender_halted", reason="paused") == 0
    await rig.submit(2)
    rig.mine()
    await rig.turn()
    assert rig.results() == ["mined", "final", "mined"]


async def test_a_paused_lane_still_rebroadcasts_what_a_node_forgot(rig: Rig) -> None:
    tx_hash = await rig.submit()
    rig.rpc.call("anvil_dropTransaction", tx_hash)
    rig.lane.pause("paused by alice: drill")
    await rig.turn(after_seconds=rig.tools.policy.rebroadcast_after_seconds[0])
    assert rig.pool_nonces() == {0: tx_hash}
    rig.mine()
    await rig.turn()
    assert rig.results() == ["mined"]


async def test_a_paused_lane_still_replaces_what_is_stuck_at_its_own_nonce(rig: Rig) -> None:
    first = await rig.submit()
    rig.lane.pause("paused by alice: drill")
    await rig.turn(after_seconds=12.1)
    pool = rig.pool_nonces()
    assert list(pool) == [0]
    assert pool[0] != first
    rig.mine()
    await rig.turn()
    assert rig.results() == ["mined"]


async def test_a_paused_lane_still_uses_up_a_gap_below_what_is_on_its_way(rig: Rig) -> None:
    rig.journal.adopt_nonce("urgent", 1)
    rig.lane._book.next_nonce = 1
    above = await rig.submit()
    rig.lane.pause("paused by alice: drill")
    await rig.turn()
    assert rig.pool_nonces() == {1: above}
    await rig.turn(after_seconds=2.1)
    assert sorted(rig.pool_nonces()) == [0, 1]
    rig.mine()
    await rig.turn()
    assert sorted(rig.results()) == ["cancelled", "mined"]
