"""What we ship is right: profiles, markets, rules, and the generated page."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from config.document import PAGE, document
from config.loader import PROFILES_DIRECTORY, load, shipped_profile
from config.markets import MARKETS_DIRECTORY, load_exchange, load_market
from config.problems import section_of
from config.schema.markets import ExchangeFile, MarketFile
from config.settings import Settings
from risk.guard_rails import Parameter
from risk.market import make_tiers

DEMO = ("AAPL", "NVDA", "TSLA", "COIN", "SPY", "QQQ", "IBIT", "GLD")


@pytest.mark.parametrize(
    ("name", "chain_id"), [("devnet", 31337), ("testnet", 6343), ("mainnet", 4326)]
)
def test_a_shipped_profile_loads(name: str, chain_id: int) -> None:
    settings = load(shipped_profile(name), environment={}).settings
    assert settings.network.chain_id == chain_id
    assert settings.exchange.address is None
    assert settings.network.endpoints[0].ws_url is not None


def test_every_shipped_profile_is_tested_above() -> None:
    assert {path.stem for path in PROFILES_DIRECTORY.glob("*.toml")} == {
        "devnet",
        "mainnet",
        "testnet",
    }


@pytest.mark.parametrize(
    "path", sorted(MARKETS_DIRECTORY.glob("*.toml")), ids=lambda path: path.stem
)
def test_a_shipped_market_loads_with_limits_for_every_parameter(path: Path) -> None:
    market = load_market(path.stem.upper())
    assert set(market.limits.rails) == set(Parameter)
    assert make_tiers(market.tier_pairs)
    assert market.price.expiry_seconds == 60
    assert market.liquidation.slice_threshold_usd == 100_000


def test_the_exchange_lists_the_demo_first_and_every_market_once() -> None:
    plan = load_exchange()
    symbols = tuple(market.symbol for market in plan.markets)
    assert symbols[:8] == DEMO
    assert {path.stem.upper() for path in MARKETS_DIRECTORY.glob("*.toml")} == set(symbols)
    assert {"ETHA", "WTI", "TBILL"} <= set(symbols)


def test_the_rules_are_those_of_the_design() -> None:
    rules = load_exchange().rules
    assert (rules.slice, rules.cool_down, rules.slice_memory) == (200_000, 30, 600)
    assert (rules.critical_margin, rules.buffer) == (500_000, 1_020_000)


def test_the_generated_page_is_fresh() -> None:
    assert document() == PAGE.read_text(encoding="utf-8"), "run `make docs`"


def test_no_field_of_the_schema_has_two_bounds_of_one_kind() -> None:
    # pydantic keeps the first and drops the second without a word.
    for model in (Settings, MarketFile, ExchangeFile):
        for where, field in _fields(model):
            kinds = [
                kind
                for part in field.metadata
                for kind in ("gt", "ge", "lt", "le")
                if hasattr(part, kind)
            ]
            assert len(kinds) == len(set(kinds)), where


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        yield f"{model.__name__}.{name}", field
        inner = section_of(field.annotation)
        if inner is not None:
            yield from _fields(inner)
