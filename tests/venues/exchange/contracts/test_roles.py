"""Who may do what: each role its own duty, and none of the others'."""

from typing import Any

import pytest

from tests.venues.exchange.contracts.harness import (
    ACTORS,
    ROLES,
    Exchange,
    Refused,
    make_config,
    make_rules,
)

DUTIES: dict[str, tuple[str, tuple[Any, ...]]] = {
    "publish": ("pricer", ([],)),
    "settle_trades": ("matcher", ([],)),
    "deleverage": ("deleverager", ([],)),
    "set_parameter": ("tuner", (0, 1, 0, 0)),
    "set_band": ("breaker", (0, 0, 0, 0)),
    "set_status": ("breaker", (0, 0, 0)),
    "restrict": ("guardian", (0, 1)),
    "close_withdrawals": ("guardian", ()),
    "dividend": ("corporate", (0, 1, 0)),
    "begin_split": ("corporate", (0, 2, 1, 0)),
    "continue_split": ("corporate", (0, 1)),
    "settle_market": ("corporate", (0, 1, 0)),
    "open_withdrawals": ("owner", ()),
    "grant": ("owner", ("0x" + "11" * 20, 1)),
    "revoke": ("owner", ("0x" + "11" * 20,)),
    "propose_owner": ("owner", ("0x" + "11" * 20,)),
    "create_market": ("owner", (make_config(),)),
    "set_tiers": ("owner", (0, [0], [1])),
    "set_price_rules": ("owner", (0, 1, 1, 1)),
    "set_market_rules": ("owner", (0, 1, 1, 1, 1, 1)),
    "set_limits": ("owner", (0, 1, (0, 0, 0, 0))),
    "set_liquidation_rules": ("owner", (make_rules(),)),
    "withdraw_fees": ("owner", ("0x" + "11" * 20, 0)),
    "withdraw_backstop": ("owner", ("0x" + "11" * 20, 1)),
}
FREE = {
    "accept_owner",
    "claim_rewards",
    "close_settled",
    "cover_losses",
    "deposit",
    "deposit_for",
    "deposit_many",
    "fund_insurance",
    "liquidate",
    "transfer",
    "withdraw",
}


def reason(exchange: Exchange, actor: str, name: str, arguments: tuple[Any, ...]) -> str | None:
    """Try a call; give the reason of the refusal."""
    try:
        exchange.view(name, *arguments, actor=actor)
    except Refused as refused:
        return str(refused)
    return None


@pytest.mark.parametrize("name", DUTIES)
def test_a_duty_belongs_to_one_role(exchange: Exchange, name: str) -> None:
    entitled, arguments = DUTIES[name]
    for actor in ACTORS:
        told = reason(exchange, actor, name, arguments)
        assert (told == "wrong role") == (actor != entitled), f"{actor}: {told}"


def test_every_function_that_writes_is_in_the_matrix(exchange: Exchange) -> None:
    writing = {
        name
        for name, item in exchange.abi.functions.items()
        if item["stateMutability"] not in {"view", "pure"}
    }
    assert writing == set(DUTIES) | FREE


def test_the_roles_are_granted_as_numbered(exchange: Exchange) -> None:
    for name, role in ROLES.items():
        assert exchange.view("role_of", exchange.chain.actors[name]) == role
    assert exchange.view("role_of", exchange.chain.actors["owner"]) == 0


@pytest.mark.parametrize("role", [0, 8])
def test_unknown_roles_are_refused(exchange: Exchange, role: int) -> None:
    with pytest.raises(Refused, match="unknown role"):
        exchange.send("owner", "grant", exchange.chain.actors["stranger"], role)


def test_one_address_holds_one_role_at_most(exchange: Exchange) -> None:
    with pytest.raises(Refused, match="has a role"):
        exchange.send("owner", "grant", exchange.chain.actors["pricer"], 3)


def test_the_owner_holds_no_role(exchange: Exchange) -> None:
    with pytest.raises(Refused, match="bad address"):
        exchange.send("owner", "grant", exchange.chain.actors["owner"], 1)
    with pytest.raises(Refused, match="has a role"):
        exchange.send("owner", "propose_owner", exchange.chain.actors["pricer"])


def test_a_proposed_owner_cannot_be_given_a_role_meanwhile(exchange: Exchange) -> None:
    heir = exchange.chain.actors["stranger"]
    exchange.send("owner", "propose_owner", heir)
    with pytest.raises(Refused, match="bad address"):
        exchange.send("owner", "grant", heir, 1)


def test_a_revoked_role_is_gone_and_can_be_given_to_another(exchange: Exchange) -> None:
    old, new = exchange.chain.actors["pricer"], exchange.chain.actors["stranger"]
    event = exchange.send("owner", "revoke", old).only("RoleChanged")
    assert event["role"] == 0
    assert reason(exchange, "pricer", "publish", ([],)) == "wrong role"
    exchange.send("owner", "grant", new, ROLES["pricer"])
    assert reason(exchange, "stranger", "publish", ([],)) is None


def test_ownership_moves_in_two_steps(exchange: Exchange) -> None:
    heir = exchange.chain.actors["stranger"]
    exchange.send("owner", "propose_owner", heir)
    assert exchange.view("owner").lower() == exchange.chain.actors["owner"]
    with pytest.raises(Refused, match="wrong role"):
        exchange.send("trader", "accept_owner")
    exchange.send("stranger", "accept_owner")
    assert exchange.view("owner").lower() == heir
    with pytest.raises(Refused, match="wrong role"):
        exchange.send("owner", "open_withdrawals")
    with pytest.raises(Refused, match="wrong role"):
        exchange.send("stranger", "accept_owner")
