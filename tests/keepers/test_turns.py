"""Taking turns: whose accounts wait, from when, and what begins the wait anew."""

from keepers.liquidation.turns import Turns
from risk.keeper_rank import keeper_rank
from risk.liquidation_values import Skip, SkipReason
from risk.units import AccountId, Seconds

OWN, OTHER = b"\x01" * 20, b"\x02" * 20
NOW = Seconds(1_000)
OURS, THEIRS = (
    next(
        AccountId(number)
        for number in range(1, 100)
        if keeper_rank(AccountId(number), OWN, [OTHER]) == rank
    )
    for rank in (0, 1)
)


def make_turns(*others: bytes) -> Turns:
    return Turns(OWN, others, delay_blocks=5)


def waiting(turns: Turns, block: int, now: Seconds = NOW) -> set[AccountId]:
    return set(turns.waiting([OURS, THEIRS], block=block, now=now))


def test_alone_nobody_waits() -> None:
    assert waiting(make_turns(), 100) == set()
    assert waiting(make_turns(OWN), 100) == set()
    assert waiting(Turns(), 100) == set()


def test_ours_is_done_at_once_and_theirs_after_the_delay() -> None:
    turns = make_turns(OTHER)
    assert waiting(turns, 100) == {THEIRS}
    assert turns.waiting_count == 1
    assert waiting(turns, 104) == {THEIRS}
    assert waiting(turns, 105) == set()
    assert turns.waiting_count == 0


def test_a_result_of_anybody_begins_the_wait_anew() -> None:
    turns = make_turns(OTHER)
    waiting(turns, 100)
    turns.acted_on(THEIRS)
    assert waiting(turns, 105) == {THEIRS}
    assert waiting(turns, 110) == set()


def test_an_account_that_was_healthy_in_between_is_noticed_anew() -> None:
    turns = make_turns(OTHER)
    waiting(turns, 100)
    assert set(turns.waiting([OURS], block=103, now=NOW)) == set()
    assert waiting(turns, 106) == {THEIRS}


def test_the_wait_begins_when_a_cool_down_ends() -> None:
    turns = make_turns(OTHER)
    waiting(turns, 100)
    end = Seconds(NOW + 30)
    turns.note_skips([Skip(account=THEIRS, reason=SkipReason.COOLING_DOWN, until=end)])
    assert waiting(turns, 500, Seconds(end - 1)) == {THEIRS}
    assert waiting(turns, 501, end) == {THEIRS}
    assert waiting(turns, 505, end) == {THEIRS}
    assert waiting(turns, 506, end) == set()


def test_a_chain_that_went_back_does_not_prolong_the_wait() -> None:
    turns = make_turns(OTHER)
    waiting(turns, 100)
    assert waiting(turns, 90) == {THEIRS}
    assert waiting(turns, 95) == set()
