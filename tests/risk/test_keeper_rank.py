"""Turns of keepers that do not talk: every keeper computes the same order, and the orders are fair."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from risk.keeper_rank import keeper_rank, turn_block
from risk.units import AccountId

addresses = st.binary(min_size=20, max_size=20)
accounts = st.integers(0, 2**256 - 1).map(AccountId)


@given(accounts, st.sets(addresses, min_size=1, max_size=8))
def test_every_keeper_has_another_rank(account: AccountId, keepers: set[bytes]) -> None:
    ranks = sorted(keeper_rank(account, each, keepers - {each}) for each in keepers)
    assert ranks == list(range(len(keepers)))
    assert ranks == sorted(keeper_rank(account, each, keepers) for each in keepers)


@given(accounts, st.sets(addresses, min_size=2, max_size=8))
def test_when_the_first_is_gone_the_others_keep_their_order(
    account: AccountId, keepers: set[bytes]
) -> None:
    order = sorted(keepers, key=lambda each: keeper_rank(account, each, keepers))
    left = set(order[1:])
    assert sorted(left, key=lambda each: keeper_rank(account, each, left)) == order[1:]


def test_accounts_are_shared_out_evenly() -> None:
    keepers = {bytes([number]) * 20 for number in range(5)}
    firsts = Counter(
        each
        for number in range(5_000)
        for each in keepers
        if keeper_rank(AccountId(number), each, keepers) == 0
    )
    assert firsts.total() == 5_000
    # A fair share is 1,000 with a deviation of 28; no keeper is off by six of them.
    assert all(830 < count < 1_170 for count in firsts.values())


def test_a_lone_keeper_acts_at_once_and_each_further_rank_a_delay_later() -> None:
    assert keeper_rank(AccountId(1), b"\x01" * 20, ()) == 0
    assert [turn_block(100, rank, 5) for rank in range(3)] == [100, 105, 110]
