"""Every fault of the matrix, with what it does in one sentence and how often one run does it."""

from typing import Final

from tests.faults import (
    cases_chain,
    cases_keepers,
    cases_kill,
    cases_network,
    cases_transactions,
)
from tests.faults.case import Case

_TEN_MINUTES: Final = 600
_STALE: Final = {"expiry": cases_chain.STALE_SECONDS}

CASES: Final = (
    Case(
        name="kill-at-commit",
        what="SIGKILL before, inside and after every commit of the journal, then at any commit",
        play=cases_kill.kill_at_commits,
        times=100,
        stages=2,
    ),
    Case(
        name="kill-any-moment",
        what="SIGKILL from outside within five blocks of a wave",
        play=cases_kill.kill_at_any_moment,
        times=10,
    ),
    Case(
        name="disk-full",
        what="the journal's file may not grow (a limit on file size) from some write of a wave on",
        play=cases_kill.full_disk,
        times=4,
    ),
    Case(
        name="disk-read-only",
        what="a start on a read-only mount",
        play=cases_kill.read_only_disk,
        times=3,
    ),
    Case(
        name="log-torn",
        what="SIGKILL at a commit, then up to three pages cut off the write-ahead log",
        play=cases_kill.torn_log,
        times=12,
    ),
    Case(
        name="reorg",
        what="1 to 20 blocks taken back around our transactions, more if needed to reach final ones",
        play=cases_chain.reorganised,
        times=8,
    ),
    Case(
        name="reorg-while-dead",
        what="the same while the keeper is dead",
        play=cases_chain.reorganised_and_killed,
        times=6,
    ),
    Case(
        name="rollback",
        what="the node goes back to an older state, height and all",
        play=cases_chain.rolled_back,
        times=8,
    ),
    Case(
        name="chain-stops",
        what="no block for five minutes of the chain's clock (a few seconds of ours), stale prices after",
        play=cases_chain.chain_stops,
        times=4,
        market=_STALE,
    ),
    Case(
        name="endpoint-storm",
        what="one endpoint: delay, drop, reorder, duplicate, truncate, HTML, 429, 502, stall, forgotten subscriptions, lies about sends",
        play=cases_network.storm,
        times=8,
    ),
    Case(
        name="lying-sends",
        what="already known, nonce too low, underpriced, or silence in answer to every second send",
        play=cases_network.lying_sends,
        times=12,
    ),
    Case(
        name="endpoint-lost",
        what="the preferred of two endpoints is gone",
        play=cases_network.one_endpoint_lost,
        times=6,
    ),
    Case(
        name="all-endpoints-lost",
        what="both endpoints are gone for one to five seconds with transactions under way",
        play=cases_network.all_endpoints_lost,
        times=6,
    ),
    Case(
        name="endpoint-lags",
        what="the preferred endpoint answers as of 3 to 40 blocks ago",
        play=cases_network.lagging_endpoint,
        times=5,
    ),
    Case(
        name="socket-flaps",
        what="every WebSocket cut 60 times, every 0.3 s on average (ten minutes at a cut in ten seconds, accelerated)",
        play=cases_network.flapping_socket,
        times=60,
    ),
    Case(
        name="base-fee-jumps",
        what="the base fee rises a hundredfold, or above the cap",
        play=cases_transactions.base_fee_jumps,
        times=4,
    ),
    Case(
        name="killed-replacing",
        what="SIGKILL before, inside and after the commit of a replacement",
        play=cases_transactions.base_fee_jumps_and_killed,
        times=6,
    ),
    Case(
        name="stuck-in-pool",
        what="no block until what was sent is replaced",
        play=cases_transactions.pool_is_stuck,
        times=4,
    ),
    Case(
        name="foreign-nonce",
        what="somebody else uses a nonce, of a transaction under way or the next; an operator acknowledges",
        play=cases_transactions.nonce_used_elsewhere,
        times=4,
    ),
    Case(
        name="empty-wallet",
        what="no gas money; topped up once the lane has halted",
        play=cases_transactions.empty_wallet,
        times=4,
    ),
    Case(
        name="market-halted",
        what="the guardian halts the market in the block that the transaction waited for",
        play=cases_transactions.market_halted_under_way,
        times=4,
    ),
    Case(
        name="two-keepers",
        what="two keepers taking turns, on the same accounts",
        play=cases_keepers.two_keepers,
        times=8,
    ),
    Case(
        name="five-keepers",
        what="five keepers taking turns, on the same accounts",
        play=cases_keepers.five_keepers,
        times=5,
    ),
    Case(
        name="five-strangers",
        what="five keepers that know nothing of each other",
        play=cases_keepers.five_strangers,
        times=5,
    ),
    Case(
        name="first-dies",
        what="one of two keepers is killed as a wave comes: the other does its accounts",
        play=cases_keepers.first_dies,
        times=6,
    ),
    Case(
        name="clock-behind",
        what="the chain's clock ten minutes behind ours",
        play=cases_chain.waves_at_another_time,
        times=4,
        ahead=-_TEN_MINUTES,
    ),
    Case(
        name="clock-ahead",
        what="the chain's clock ten minutes ahead of ours",
        play=cases_chain.waves_at_another_time,
        times=4,
        ahead=_TEN_MINUTES,
    ),
    Case(
        name="leap-day",
        what="over midnight into 29 February 2028, on the chain's clock",
        play=cases_chain.waves_at_another_time,
        times=4,
        start=cases_chain.LEAP_DAY,
    ),
    Case(
        name="clocks-forward",
        what="over the hour that New York skips in March 2027",
        play=cases_chain.waves_at_another_time,
        times=4,
        start=cases_chain.CLOCKS_GO_FORWARD,
    ),
    Case(
        name="clocks-back",
        what="into the hour that New York has twice in November 2027",
        play=cases_chain.waves_at_another_time,
        times=4,
        start=cases_chain.CLOCKS_GO_BACK,
    ),
)


def named(names: list[str]) -> list[Case]:
    """Give the cases of these names, in the matrix's order; raises ValueError for another name."""
    known = {case.name for case in CASES}
    if strangers := sorted(set(names) - known):
        raise ValueError(f"expected cases among {', '.join(sorted(known))}, found {strangers}")
    return [case for case in CASES if not names or case.name in names]
