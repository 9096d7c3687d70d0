"""The deleverage duty: what a profile says reaches the keeper, and what it lacks is one sentence."""

from pathlib import Path
from typing import Any

import pytest

from config.schema.deleverage import Deleverage
from config.settings import Settings
from keepers.duties.deleverage import deleverage_rules
from keepers.duty_choice import DELEVERAGE, duties_to_run
from keepers.lanes import DELEVERAGER, LANE_FUNCTIONS, LANE_ROLES
from risk.deleverage_rank import RankPolicy
from risk.deleverage_values import DeleverageLimits
from runtime.errors import OperatorError
from tests.builders import usd
from venues.exchange.abi import load_abi
from venues.exchange.readings import Role

KEY = {"remote_signer_url": "http://127.0.0.1:9000", "address": "0x" + "11" * 20}


def make_settings(*, has_key: bool = True, **knobs: Any) -> Settings:
    endpoint = {"name": "node", "http_url": "http://127.0.0.1:1", "ws_url": "ws://127.0.0.1:1"}
    return Settings.model_validate(
        {
            "network": {"name": "test", "chain_id": 1, "endpoints": [endpoint]},
            "keys": {"deleverager": KEY} if has_key else {},
            "deleverage": knobs,
            "journal": {"path": Path("journal.sqlite")},
        },
        strict=False,
    )


def test_what_the_profile_says_reaches_the_keeper_in_its_units() -> None:
    rules = deleverage_rules(
        make_settings(
            policy="pro_rata",
            max_items_per_transaction=7,
            step_notional_usd="2.5",
            smallest_share_usd=3,
            max_refusals=9,
            most_accounts_judged=11,
            standby_seconds=4,
            max_gas_per_transaction=600_000,
        )
    )
    assert rules.policy is RankPolicy.PRO_RATA
    assert rules.limits == DeleverageLimits(
        max_items=7, max_notional=usd("2.5"), smallest_share=usd(3), max_refusals=9
    )
    assert (rules.most_judged, rules.standby_seconds, rules.max_gas) == (11, 4, 600_000)
    assert rules.expiry_seconds == 30


def test_the_policies_of_the_profile_are_those_of_the_planner() -> None:
    names = Deleverage.model_fields["policy"].annotation
    assert set(getattr(names, "__args__", ())) == {policy.value for policy in RankPolicy}


def test_the_duty_needs_its_key_and_runs_by_itself_only_where_it_is_wanted() -> None:
    with pytest.raises(OperatorError, match=r"expected \[keys.deleverager\] for the duty"):
        duties_to_run(make_settings(has_key=False), frozenset({DELEVERAGE}))
    assert duties_to_run(make_settings(), frozenset({DELEVERAGE})) == {DELEVERAGE}
    assert DELEVERAGE not in duties_to_run(make_settings(), frozenset())
    assert DELEVERAGE in duties_to_run(make_settings(watches=True), frozenset())


def test_its_key_may_deleverage_and_nothing_else() -> None:
    assert LANE_FUNCTIONS[DELEVERAGER] == ("deleverage",)
    assert load_abi().function("deleverage").selector
    assert LANE_ROLES[DELEVERAGER] is Role.DELEVERAGER
