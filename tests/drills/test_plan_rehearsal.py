"""An emergency plan played on a fork of a real chain with the real exchange on it."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.loader import load
from config.plans import load_plan
from config.settings import Settings
from drills.plan_fork import without_secrets
from drills.plan_rehearsal import rehearse
from keepers.commands import plan
from runtime.errors import OperatorError
from tests.anvil import JsonRpc, free_port, running_anvil
from tests.venues.exchange.contracts.harness import (
    BAND,
    LIMIT,
    REDUCE_ONLY,
    STATUS,
    Chain,
    Exchange,
    price,
)

SHIPPED = Path("config/plans")
TESTED = """
description = "A test."
markets = ["ALL"]

[[steps]]
action = "tighter_band"
half_width_ppm = {width}
hold_seconds = 20
most_seconds = 60

[[steps]]
action = "halt"
most_seconds = 60

[[returns]]
inverse = "lift_halt"
clear_seconds = {pause}

[[returns]]
inverse = "lift_band"
clear_seconds = 20
"""


@pytest.fixture(scope="module")
def origin() -> Iterator[tuple[Exchange, str]]:
    """Run the chain that is forked: two markets at 100 dollars with guard rails as shipped."""
    with running_anvil(accounts=12) as anvil, JsonRpc(anvil.http_url) as rpc:
        exchange = Exchange(Chain(rpc))
        for market, symbol in enumerate(("AAPL", "WTI")):
            exchange.create_market(symbol=symbol)
            exchange.limit(
                BAND, market, minimum=5_000, maximum=250_000, largest_step=100_000, cool_down=5
            )
            exchange.limit(STATUS, market, minimum=0, maximum=3, cool_down=10)
        exchange.chain.advance(100)
        yield exchange, anvil.http_url


@pytest.fixture
def exchange(origin: tuple[Exchange, str]) -> Iterator[Exchange]:
    """Give the exchange as it was deployed."""
    snapshot = origin[0].chain.snapshot()
    yield origin[0]
    origin[0].chain.restore(snapshot)


@pytest.fixture
def url(origin: tuple[Exchange, str]) -> str:
    """Give where the chain is."""
    return origin[1]


def profile(folder: Path, exchange: Exchange, url: str, **changed: Any) -> Settings:
    """Write and read a profile of the chain; `changed` replaces what it says."""
    facts = {
        "chain_id": 31337,
        "address": exchange.address,
        "guardian": exchange.chain.actors["guardian"],
        "breaker": exchange.chain.actors["breaker"],
    } | changed
    roles = "\n".join(
        f'{name} = "{facts[name]}"' for name in ("guardian", "breaker") if facts[name]
    )
    path = folder / "profile.toml"
    path.write_text(
        f"""
[network]
name = "rehearsed"
chain_id = {facts["chain_id"]}
require_websocket = false
endpoints = [{{ name = "origin", http_url = "{url}" }}]
[exchange]
address = "{facts["address"]}"
[roles]
{roles}
"""
    )
    return load(path, environment={}).settings


def play(folder: Path, settings: Settings, chosen: str | Path) -> tuple[int, list[str]]:
    """Rehearse a plan, shipped or written here."""
    if isinstance(chosen, str):
        path = folder / "tested.toml"
        path.write_text(chosen)
    else:
        path = chosen
    told: list[str] = []
    groups = ("us-equities", "gold", "crypto")
    return rehearse(settings, load_plan(path, groups=groups), told.append), told


@pytest.mark.parametrize("name", sorted(path.stem for path in SHIPPED.glob("*.toml")))
def test_every_shipped_plan_can_be_carried_out_and_leads_back(
    tmp_path: Path, exchange: Exchange, url: str, name: str
) -> None:
    code, told = play(tmp_path, profile(tmp_path, exchange, url), SHIPPED / f"{name}.toml")
    assert code == 0
    assert told[-1] == f"{name} can be carried out, and all 2 markets are back where they were"
    assert not [line for line in told if "refused" in line]
    # Nothing of it reached the chain that was forked.
    assert exchange.market(0)["status"] == 0
    assert exchange.funds()["withdrawals_open"]


def test_each_step_is_what_the_exchange_says(tmp_path: Path, exchange: Exchange, url: str) -> None:
    settings = profile(tmp_path, exchange, url)
    code, told = play(tmp_path, settings, TESTED.format(width=20_000, pause=20))
    assert code == 0
    assert told == [
        f"tested on a fork of rehearsed at block {int(exchange.chain.rpc.call('eth_blockNumber'), 16)}",
        "step 1 of 2, 0 s later: tighter_band",
        "  AAPL: breaker set_band(98.00, 102.00): mined",
        "  WTI: breaker set_band(98.00, 102.00): mined",
        "step 2 of 2, 20 s later: halt",
        "  AAPL: guardian restrict(HALTED): mined",
        "  AAPL: breaker set_band(0.00, 0.00): mined",
        "  WTI: guardian restrict(HALTED): mined",
        "  WTI: breaker set_band(0.00, 0.00): mined",
        "return 1 of 2, 20 s later: lift_halt",
        # The band is there before trading returns.
        "  AAPL: breaker set_band(98.00, 102.00): mined",
        "  AAPL: breaker set_status(OPEN): mined",
        "  WTI: breaker set_band(98.00, 102.00): mined",
        "  WTI: breaker set_status(OPEN): mined",
        "return 2 of 2, 20 s later: lift_band",
        "  AAPL: breaker set_band(0.00, 0.00): mined",
        "  WTI: breaker set_band(0.00, 0.00): mined",
        "tested can be carried out, and all 2 markets are back where they were",
    ]


def test_a_plan_faster_than_the_cool_down_is_told_how_long_it_waits(
    tmp_path: Path, exchange: Exchange, url: str
) -> None:
    settings = profile(tmp_path, exchange, url)
    code, told = play(tmp_path, settings, TESTED.format(width=20_000, pause=7))
    assert code == 0
    assert told[10:12] == [
        "  AAPL: breaker set_band(98.00, 102.00): mined",
        "  AAPL: breaker set_status(OPEN): mined (was cooling down, 10 s waited)",
    ]


def test_what_the_owners_limits_forbid_is_refused(
    tmp_path: Path, exchange: Exchange, url: str
) -> None:
    settings = profile(tmp_path, exchange, url)
    code, told = play(tmp_path, settings, TESTED.format(width=4_000, pause=20))
    assert code == 2
    assert told[2] == "  AAPL: breaker set_band(99.60, 100.40): refused: outside limits"
    # Twice for each of two markets: on the way up, and back.
    assert told[-1] == "tested cannot be carried out: the exchange refused 4 of its calls"


def test_a_key_without_its_role_leaves_markets_shut(
    tmp_path: Path, exchange: Exchange, url: str
) -> None:
    settings = profile(tmp_path, exchange, url, breaker=exchange.chain.actors["stranger"])
    code, told = play(tmp_path, settings, SHIPPED / "oracle_outage.toml")
    assert code == 2
    assert "  AAPL: breaker set_status(REDUCE_ONLY): refused: wrong role" in told
    assert "not back: AAPL was OPEN and is HALTED" in told
    assert told[-1].startswith("oracle_outage cannot be carried out")


def test_what_is_stricter_or_narrower_already_stays_so(
    tmp_path: Path, exchange: Exchange, url: str
) -> None:
    exchange.send("guardian", "restrict", 0, REDUCE_ONLY)
    exchange.send("breaker", "set_band", 0, price(80), price(115), 1)
    exchange.send("breaker", "set_band", 1, price(99), price(101), 0)
    exchange.send("breaker", "set_status", 1, LIMIT, 1)
    exchange.send("guardian", "close_withdrawals")
    exchange.chain.advance(100)
    settings = profile(tmp_path, exchange, url)
    code, told = play(tmp_path, settings, TESTED.format(width=20_000, pause=20))
    assert code == 0
    assert "  AAPL: breaker set_status(REDUCE_ONLY): mined" in told
    assert "  WTI: breaker set_status(LIMIT): mined" in told
    assert "  WTI: nothing to do, it is LIMIT" in told
    # No write may move an edge by more than a tenth: 80 to 98 takes three.
    assert [line for line in told if line.startswith("  AAPL: breaker set_band")][:3] == [
        "  AAPL: breaker set_band(88.00, 103.50): mined",
        "  AAPL: breaker set_band(96.80, 102.00): mined (was cooling down, 5 s waited)",
        "  AAPL: breaker set_band(98.00, 102.00): mined (was cooling down, 5 s waited)",
    ]
    takeover = SHIPPED / "hostile_takeover_of_a_key.toml"
    code, told = play(tmp_path, settings, takeover)
    assert code == 0
    assert not [line for line in told if "withdrawals:" in line]


def test_the_command_rehearses_with_the_profiles_own_plans(
    tmp_path: Path, exchange: Exchange, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    profile(tmp_path, exchange, url)
    file = tmp_path / "profile.toml"
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "tested.toml").write_text(TESTED.format(width=4_000, pause=20))
    file.write_text(file.read_text() + '[breaker]\nplans_directory = "ours"\n')
    parser = argparse.ArgumentParser()
    plan.add_arguments(parser)
    assert plan.run(parser.parse_args(["rehearse", "tested", "--config", str(file)])) == 2
    assert "tested cannot be carried out" in capsys.readouterr().out


def test_a_plan_of_a_group_is_about_its_markets_alone(
    tmp_path: Path, exchange: Exchange, url: str
) -> None:
    text = TESTED.format(width=20_000, pause=20)
    settings = profile(tmp_path, exchange, url)
    equities = text.replace('markets = ["ALL"]', 'group = "us-equities"')
    code, told = play(tmp_path, settings, equities)
    assert code == 0
    assert not [line for line in told if "WTI" in line]
    with pytest.raises(OperatorError, match="markets of the plan tested on this exchange"):
        play(tmp_path, settings, text.replace('"ALL"', '"TSLA"'))


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"guardian": None}, r"\[roles\] guardian for the plan oracle_outage"),
        ({"guardian": None, "breaker": None}, r"\[roles\] guardian and breaker"),
        ({"chain_id": 1}, "expected chain 1 .* found 31337"),
        ({"address": "0x" + "77" * 20}, "found no code there"),
    ],
)
def test_nothing_to_play_on_is_one_sentence(
    tmp_path: Path, exchange: Exchange, url: str, changed: dict[str, Any], sentence: str
) -> None:
    settings = profile(tmp_path, exchange, url, **changed)
    with pytest.raises(OperatorError, match=sentence) as refused:
        play(tmp_path, settings, SHIPPED / "oracle_outage.toml")
    assert "\n" not in str(refused.value)


def test_a_chain_that_does_not_answer_is_told_without_its_secret(
    tmp_path: Path, exchange: Exchange
) -> None:
    gone = f"http://127.0.0.1:{free_port()}/v2/a-secret-that-nobody-may-see"
    settings = profile(tmp_path, exchange, gone)
    with pytest.raises(OperatorError, match="expected anvil to fork") as refused:
        play(tmp_path, settings, SHIPPED / "oracle_outage.toml")
    assert "a-secret" not in str(refused.value)
    assert without_secrets(f"error for url ({gone}), again") == (
        f"error for url ({gone.replace('a-secret-that-nobody-may-see', '***')}), again"
    )
