"""From a profile to orders and plans: what cannot be followed is refused at the start, in a sentence."""

import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from config.breakers import load_breakers
from config.loader import load
from config.plans import PLANS_DIRECTORY
from config.settings import Settings
from keepers.admin.market_orders import give_order
from keepers.duties.breaker_orders import BreakerOrders, open_breaker_orders
from monitors.operator_orders import OrderKind
from risk.integrity_rules import Cause
from risk.precedence import Machine
from runtime.clock import SystemClock
from runtime.errors import OperatorError
from runtime.journal import Journal
from tests.builders import NOW
from tests.config.bad_input import NETWORK

BOTH = ("breaker", "guardian")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal.open(tmp_path / "journal.sqlite", SystemClock())
    yield journal
    journal.close()


def settings_of(folder: Path, breaker: str = "") -> Settings:
    path = folder / "profile.toml"
    path.write_text(f"{NETWORK}\n[breaker]\n{breaker}\n")
    return load(path, environment={}).settings


def opened(
    settings: Settings,
    journal: Journal,
    lanes: Collection[str] = BOTH,
    blind: Collection[Cause] = (),
) -> BreakerOrders:
    return open_breaker_orders(
        settings,
        load_breakers(),
        symbols=("NVDA", "SPY"),
        lanes=lanes,
        blind=blind,
        journal=journal,
        registry=CollectorRegistry(),
    )


def test_the_shipped_plans_run_without_a_file_of_orders(tmp_path: Path, journal: Journal) -> None:
    orders = opened(settings_of(tmp_path), journal)
    assert set(orders.desk.explain_plans()) == {
        path.stem for path in PLANS_DIRECTORY.glob("*.toml")
    }
    assert orders.workers() == {}


def test_a_file_of_orders_is_read_at_the_start_and_watched(
    tmp_path: Path, journal: Journal
) -> None:
    path = tmp_path / "orders.json"
    give_order(path, OrderKind.HALT, "NVDA", "drill")
    orders = opened(settings_of(tmp_path, f'orders_file = "{path}"'), journal)
    assert set(orders.workers()) == {"breaker_orders"}
    assert orders.desk.heard("NVDA", NOW, after=0).wishes[Machine.OPERATOR].status.name == "HALTED"
    assert orders.desk.heard("SPY", NOW, after=0).wishes == {}
    woken: list[bool] = []
    orders.on_read(lambda: woken.append(True))
    give_order(path, OrderKind.RESUME, "NVDA", "drill")
    assert orders.file is not None
    orders.file.read()
    assert woken == [True]


@pytest.mark.parametrize(
    ("lanes", "lacking"), [(("breaker",), "[keys.guardian]"), (("guardian",), "[keys.breaker]")]
)
def test_plans_without_their_key_are_refused(
    tmp_path: Path, journal: Journal, lanes: tuple[str, ...], lacking: str
) -> None:
    with pytest.raises(OperatorError) as caught:
        opened(settings_of(tmp_path), journal, lanes)
    assert f"expected {lacking} for the emergency plan" in str(caught.value)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path, journal: Journal) -> None:
    settings = settings_of(tmp_path, f'plans_directory = "{tmp_path / "plan"}"')
    with pytest.raises(OperatorError, match="expected a folder of emergency plans at"):
        opened(settings, journal)


def test_an_empty_folder_is_no_plan_and_needs_no_key(tmp_path: Path, journal: Journal) -> None:
    (tmp_path / "plans").mkdir()
    settings = settings_of(tmp_path, f'plans_directory = "{tmp_path / "plans"}"')
    assert opened(settings, journal, ("guardian",)).desk.explain_plans() == {}


def test_a_plan_that_asks_for_what_nobody_knows_is_refused(
    tmp_path: Path, journal: Journal
) -> None:
    folder = tmp_path / "plans"
    folder.mkdir()
    text = (PLANS_DIRECTORY / "chain_outage.toml").read_text()
    (folder / "chain_outage.toml").write_text(text.replace("head_age_seconds", "moon_phase"))
    settings = settings_of(tmp_path, f'plans_directory = "{folder}"')
    with pytest.raises(OperatorError, match="chain_outage"):
        opened(settings, journal)


def test_what_of_a_plan_can_do_nothing_here_is_told(tmp_path: Path, journal: Journal) -> None:
    folder = tmp_path / "plans"
    folder.mkdir()
    shutil.copy(PLANS_DIRECTORY / "oracle_outage.toml", folder)
    path = folder / "oracle_outage.toml"
    path.write_text(path.read_text().replace('["ALL"]', '["NVDA", "TSLA"]'))
    settings = settings_of(tmp_path, f'plans_directory = "{folder}"')
    with capture_logs() as lines:
        opened(settings, journal, blind=[Cause.PRICE_STALE])
    assert [(line["event"], line.get("facts") or line.get("markets")) for line in lines] == [
        ("plan_is_blind_to", ["price_age_seconds"]),
        ("plan_names_markets_not_watched", ["TSLA"]),
    ]
