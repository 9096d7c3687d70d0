"""Every invariant must notice its own violation, and only its own."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from drills.breaks import Breaks
from drills.chain_events import ChainEvent
from drills.dev_keys import HOUSEKEEPER, KEEPER
from drills.drill.chain_checks import OF_A_WEEKEND, chain_invariants
from drills.final_state import LANE_ADDRESSES, FinalState
from drills.invariants import Findings, check_invariants
from drills.journal_evidence import Evidence
from drills.replay import Replay
from drills.tally import Tally
from risk.margin import Account, Position
from risk.units import MarketId, PriceE8, QuoteAtoms, SizeE8
from tests.builders import (
    NOW,
    make_account,
    make_account_id,
    make_market,
    make_markets,
    make_position,
    make_rules,
    price,
    shares,
    usd,
)

MARKET = make_market(mark=price(200), open_interest=shares(100))
LONG = make_account(usd(5_000), [make_position(shares(100))], number=1)
SHORT = make_account(usd(5_000), [make_position(shares(-100))], number=2)
BACKSTOP = make_account(usd(9_000), number=9)
ACCOUNTS = (LONG, SHORT, BACKSTOP)
IDLE = LANE_ADDRESSES.keys() - {"urgent"}


def replayed(accounts: tuple[Account, ...]) -> Replay:
    replay = Replay(make_markets(MARKET))
    for account in accounts:
        values: dict[str, Any] = {"account": account.id, "collateral": account.collateral}
        events = [("AccountOpened", values), ("CollateralChanged", values)]
        events += [("PositionChanged", {**values, **_values(held)}) for held in account.positions]
        for name, facts in events:
            replay.apply(
                ChainEvent(name=name, values=facts, block=1, timestamp=NOW, transaction="0x")
            )
    return replay


def _values(held: Position) -> dict[str, int]:
    return {name: getattr(held, name) for name in Position.__slots__}


def make_findings() -> Findings:
    return Findings(
        state=FinalState(
            block=99,
            timestamp=NOW,
            accounts=ACCOUNTS,
            markets=make_markets(MARKET),
            funds={
                "insurance_fund": usd(100),
                "fee_pool": usd(7),
                "funding_pool": 0,
                "rewards_owed": usd(3),
            },
            vault_balance=usd(19_110),
            keeper_rewards={KEEPER.lower(): usd(3), HOUSEKEEPER.lower(): 0},
            nonces={"urgent": 2} | dict.fromkeys(IDLE, 0),
        ),
        replay=replayed(ACCOUNTS),
        tally=Tally(
            rewards=Counter({KEEPER.lower(): usd(3)}),
            penalties=usd(5),
            insurance_paid_in=usd(98),
            position_changes=2,
        ),
        breaks=Breaks(),
        evidence=Evidence(
            sent=2, mined=2, replaced=0, failed=0, lane_to_nonces={"urgent": {0: 1, 1: 1}}
        ),
        rules=make_rules(),
        backstop=BACKSTOP.id,
    )


def in_state(**facts: Any) -> Callable[[Findings], Findings]:
    return lambda found: replace(found, state=replace(found.state, **facts))


def in_funds(**facts: int) -> Callable[[Findings], Findings]:
    return lambda found: replace(
        found, state=replace(found.state, funds={**found.state.funds, **facts})
    )


def in_evidence(**facts: Any) -> Callable[[Findings], Findings]:
    return lambda found: replace(found, evidence=replace(found.evidence, **facts))


def in_breaks(**facts: Any) -> Callable[[Findings], Findings]:
    return lambda found: replace(found, breaks=Breaks(**facts))


def with_collateral(account: Account, dollars: int) -> tuple[Account, ...]:
    poorer = replace(account, collateral=usd(dollars))
    return tuple(poorer if other.id == account.id else other for other in ACCOUNTS)


def with_size(account: Account, size: int) -> tuple[Account, ...]:
    changed = replace(account, positions=(replace(account.positions[0], size=SizeE8(size)),))
    return tuple(changed if other.id == account.id else other for other in ACCOUNTS)


def broken(found: Findings) -> set[str]:
    return {name for name, holds in check_invariants(found).items() if not holds}


def test_all_hold_when_all_is_well() -> None:
    assert broken(make_findings()) == set()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("sizes_sum_to_zero", in_state(accounts=with_size(SHORT, -shares(100) - 1))),
        (
            "open_interest_is_the_sum_of_longs",
            in_state(markets=make_markets(replace(MARKET, open_interest=SizeE8(1)))),
        ),
        ("ledger_equals_vault_balance", in_state(vault_balance=usd(19_110) - 1)),
        ("ledger_equals_vault_balance", in_state(vault_balance=usd(19_110) + 1)),
        ("funding_dust_is_bounded", in_funds(funding_pool=-1)),
        ("funding_dust_is_bounded", in_funds(funding_pool=5)),
        ("nobody_is_left_to_liquidate", in_state(accounts=with_collateral(LONG, 499))),
        ("nobody_is_bankrupt", in_state(accounts=with_collateral(LONG, -1))),
        ("rewards_equal_events", in_state(keeper_rewards={KEEPER.lower(): usd(3) + 1})),
        ("rewards_equal_events", in_funds(rewards_owed=usd(3) - 1)),
        ("insurance_fund_equals_events", in_funds(insurance_fund=usd(100) + 1)),
        ("bad_debt_is_covered", in_funds(insurance_fund=-1)),
        ("events_rebuild_the_state", in_state(accounts=with_collateral(LONG, 5_001))),
        (
            "events_rebuild_the_state",
            in_state(markets=make_markets(replace(MARKET, mark=PriceE8(price(200) + 1)))),
        ),
        (
            "each_nonce_is_mined_once",
            in_state(nonces={"urgent": 3} | dict.fromkeys(IDLE, 0)),
        ),
        ("each_nonce_is_mined_once", in_evidence(lane_to_nonces={"urgent": {0: 1, 1: 0}})),
        ("each_nonce_is_mined_once", in_evidence(lane_to_nonces={"urgent": {0: 1, 1: 2}})),
        ("nobody_was_liquidated_in_a_halt", in_breaks(liquidated_in_a_halt=1)),
        ("no_market_is_left_halted", in_breaks(_halted_at={MarketId(0): NOW})),
        ("no_transaction_failed", in_evidence(failed=1)),
    ],
)
def test_each_violation_is_noticed(name: str, change: Callable[[Findings], Findings]) -> None:
    assert name in broken(change(make_findings()))


def test_an_account_at_its_margin_is_not_left_to_liquidate() -> None:
    found = in_state(accounts=with_collateral(LONG, 500))(make_findings())
    assert "nobody_is_left_to_liquidate" not in broken(found)


def test_the_backstop_is_nobodys_to_liquidate() -> None:
    found = in_state(accounts=with_collateral(LONG, 499))(make_findings())
    assert "nobody_is_left_to_liquidate" not in broken(replace(found, backstop=LONG.id))


def test_an_empty_account_that_nobody_heard_of_is_noticed() -> None:
    stranger = Account(id=make_account_id(77), collateral=QuoteAtoms(0))
    found = in_state(accounts=(*ACCOUNTS, stranger))(make_findings())
    assert broken(found) == {"events_rebuild_the_state"}


def test_a_market_that_only_the_chain_knows_holds_no_open_interest() -> None:
    extra = make_market(1, open_interest=SizeE8(0))
    found = make_findings()
    found.replay.markets[MarketId(1)] = extra
    assert broken(in_state(markets=make_markets(MARKET, extra))(found)) == set()


def test_a_scenario_owes_all_but_the_end_of_a_weekend_and_tells_the_figures() -> None:
    halted = in_breaks(_halted_at={MarketId(0): NOW})(make_findings())
    found = {each.name: each for each in chain_invariants(halted)}
    left_out = {name.replace("_", " ") for name in OF_A_WEEKEND}
    assert found.keys() | left_out == {name.replace("_", " ") for name in check_invariants(halted)}
    assert all(each.holds for each in found.values())
    ledger = found["ledger equals vault balance"].found
    assert ledger == "claims of 19,110 USD, 19,110 USD in the vault, block 99"
    reverted = chain_invariants(in_evidence(failed=1)(make_findings()))[-1]
    assert (reverted.holds, reverted.found) == (False, "2 mined of 2 sent, 1 reverted, block 99")
