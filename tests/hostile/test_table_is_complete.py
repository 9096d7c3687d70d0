"""Whatever reads what others wrote is in the table of decoders, or here with the reason why not."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

from tests.hostile.table import DECODERS

ROOT = Path(__file__).parents[2]
ROOMS = ("config", "keepers", "monitors", "runtime", "venues")
LOOKS_LIKE_ONE = re.compile(
    r"_?(?:parse|decode|load|read|loads)(?:_\w+)?|from_hex|head_of|\w+_of_log|recall"
)
"""Names under which a reader goes here."""
OUR_OWN = "reads what this process said itself, or a file of this program's own folder"
LOADS_ALL = "takes every file of a folder through a decoder of the table"
HALF = "a part of a decoder of the table, which is fuzzed through it"
HANDS_ON = "reads a file and hands its bytes to a decoder of the table"

NO_DECODERS = {
    "config.events:read_events_file": HALF,
    "config.incentives:_load": HALF,
    "config.markets:_load": HALF,
    "config.markets:load_exchange": LOADS_ALL,
    "config.plans:load_plans": LOADS_ALL,
    "config.rulebooks:load_rulebooks": LOADS_ALL,
    "config.stress:load_scenarios": LOADS_ALL,
    "keepers.admin.opening:read_tokens": HANDS_ON,
    "keepers.commands.reporting:load_config": HANDS_ON,
    "keepers.deleverage.hand:DeleverageHand.recall": OUR_OWN,
    "keepers.duties.corporate:_load": LOADS_ALL,
    "keepers.market_writes:MarketWrites.recall": OUR_OWN,
    "keepers.metrics_catalogue:read_page": OUR_OWN,
    "keepers.page.journal_tail:_read": "tests/hostile/test_journal_files.py spoils its file",
    "keepers.page.journal_tail:read_tail": "tests/hostile/test_journal_files.py spoils its file",
    "monitors.breakers.panel_notes:PanelNotes.recall": HANDS_ON,
    "monitors.corporate.orders:ActionOrders.read": HANDS_ON,
    "monitors.corporate.sources:ActionSources.read": HANDS_ON,
    "monitors.incentives.notes:DeskNotes.recall": HANDS_ON,
    "monitors.operator_orders:OperatorOrders.read": HANDS_ON,
    "monitors.prices.chainlink_reports:_decode_v11": HALF,
    "monitors.prices.chainlink_reports:_decode_v8": HALF,
    "monitors.prices.json_source:_load": HALF,
    "monitors.prices.operator_words:OperatorWords.read": HANDS_ON,
    "runtime.tracing.otlp:_read_varint": HALF,
    "runtime.tracing.tracer:Tracer._read": OUR_OWN,
    "venues.exchange.abi:load_abi": OUR_OWN,
    "venues.exchange.abi:parse_abi": OUR_OWN,
    "venues.exchange.abi:parse_type": OUR_OWN,
    "venues.exchange.deploy_values:load_artifact": OUR_OWN,
}
"""Names that look like a decoder's, each with why it is none."""


def _found() -> Iterator[str]:
    """Give every function and method whose name says that it reads something."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.FunctionDef) and LOOKS_LIKE_ONE.fullmatch(node.name):
                    yield f"{module}:{node.name}"
                if isinstance(node, ast.ClassDef):
                    for inner in node.body:
                        if isinstance(inner, ast.FunctionDef) and LOOKS_LIKE_ONE.fullmatch(
                            inner.name
                        ):
                            yield f"{module}:{node.name}.{inner.name}"


def test_every_name_that_looks_like_a_decoder_is_one_or_says_why_not() -> None:
    known = {decoder.reads for decoder in DECODERS} | NO_DECODERS.keys()
    missing = [name for name in _found() if name not in known]
    assert missing == [], "expected each in a table of tests/hostile/, or in NO_DECODERS"


def test_no_reason_stands_for_a_name_that_is_gone_or_fuzzed() -> None:
    assert set(NO_DECODERS) <= set(_found())
    assert not set(NO_DECODERS) & {decoder.reads for decoder in DECODERS}


def test_every_entry_of_the_table_names_something_that_is_there() -> None:
    for decoder in DECODERS:
        module, _, name = decoder.reads.partition(":")
        found: object = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
        assert callable(found)


def test_every_source_of_prices_has_an_entry() -> None:
    speakers = {
        f"monitors.prices.{path.stem}"
        for path in (ROOT / "monitors/prices").glob("*.py")
        if re.search(r"\b(?:load_json|get_body|listen|EthCall)\b", path.read_text())
    }
    # They carry what others decode.
    speakers -= {
        f"monitors.prices.{name}" for name in ("websocket", "halt_watch", "chainlink_streams")
    }
    assert speakers <= {decoder.reads.partition(":")[0] for decoder in DECODERS}
