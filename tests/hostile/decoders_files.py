"""What operators and the risk team write into files, and what a process remembers in its journal."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from shutil import copytree
from typing import Any, Final

import orjson
from hypothesis import strategies as st

from config.breakers import BREAKERS_FILE, load_breakers
from config.calendars import CALENDARS_DIRECTORY, load_calendar, load_calendars
from config.corporate_actions import ACTIONS_DIRECTORY, load_actions, read_actions_file
from config.corporate_sources import READERS as ACTION_FORMS
from config.corporate_sources import read_published as read_actions
from config.event_ics import read_ics
from config.event_sources import EASTERN
from config.event_sources import READERS as EVENT_FORMS
from config.event_sources import read_published as read_events
from config.events import EVENTS_DIRECTORY, load_event_file, load_events
from config.incentives import INCENTIVES_DIRECTORY, load_incentives
from config.loader import PROFILES_DIRECTORY, load, load_roles
from config.markets import EXCHANGE_FILE, MARKETS_DIRECTORY, load_exchange_file, load_market
from config.plans import PLANS_DIRECTORY, load_plan
from config.rulebooks import RULEBOOKS_DIRECTORY, load_rulebook
from config.stress import STRESS_DIRECTORY, load_scenario
from config.toml import read_toml
from drills.scenario.loader import load_scenario as load_drill
from keepers.admin.pauses import parse_pauses
from keepers.admin.record import Record, parse_entry
from keepers.admin.terms import BadRequestError, parse_request
from keepers.secret_files import read_secret
from keepers.sender.local_signer import _unlock
from keepers.tracing import read_headers
from monitors.breakers import memory as breakers
from monitors.corporate.memory import HEARD_KEY, ActionMemory
from monitors.corporate.orders import ActionOrdersError, parse_action_orders, render_action_orders
from monitors.incentives import memory as incentives
from monitors.operator_orders import (
    Order,
    OrderKind,
    OrdersFileError,
    parse_orders,
    render_orders,
    standing_of,
)
from monitors.prices.operator_words import WordsFileError, parse_words
from risk.emergency_state import PlanState
from risk.units import Seconds
from runtime.errors import OperatorError, TransientError
from runtime.http import parse_listen
from runtime.journal import canonical
from runtime.tracing.exporter import _judge
from runtime.tracing.otlp import decode_response
from tests.config.calendars_by_hand import FED, JOBS, WINTER, ics
from tests.config.test_corporate_sources import ALPACA, MARKETS, POLYGON_DIVIDENDS, POLYGON_SPLITS
from tests.hostile.decoder import Decoder, as_file, folder
from tests.hostile.strategies import NASTY, json_bytes, spoilt_bytes, toml_bytes
from tests.monitors.corporate.test_orders import make_order
from tests.runtime.nodes import FakeClock

ROOT: Final = Path(__file__).parents[2]
ORDERS: Final = tuple(
    Order(
        sequence=number, kind=kind, subject="SPY", by="night-desk", reason="news", at=Seconds(1_000)
    )
    for number, kind in enumerate(OrderKind, start=1)
)
WORDS: Final = {
    "words": [
        {"market": "SPY", "low_e8": 1, "high_e8": 9, "until_seconds": 5, "by": "me", "reason": "news"}
    ]
}  # fmt: skip
ACTION_ORDERS: Final = render_action_orders((make_order(1), replace(make_order(2), sequence=2)))
PROFILES: Final = sorted(PROFILES_DIRECTORY.glob("*.toml"))
REQUESTS: Final = (
    {"market": "SPY", "reason": "news"},
    {"market": "SPY", "low": "1", "high": "2", "minutes": 3, "reason": "news"},
    {"level": "debug", "reason": "news"},
)
ENTRY: Final = {
    "sequence": 7,
    "action": "halt",
    "fields": {"market": "SPY", "minutes": 3},
    "reason": "news",
    "by": "night-desk",
    "at_seconds": 1_000,
    "key": "k7",
    "fate": "done",
    "words": "SPY: halted",
}
_OPERATOR: Final = (OperatorError,)


def _one_of(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.toml"))


def _in_place_of(directory: Path, name: str, load_all: Any) -> Any:
    """Load a copy of a shipped folder in which one file is another."""
    copy = folder() / directory.name
    copytree(directory, copy)

    def decode(payload: bytes) -> object:
        (copy / name).write_bytes(payload)
        return load_all(copy)

    return decode


def _text_of(read: Any) -> Any:
    """Let what reads text read bytes, as the commands that import files decode them."""
    return lambda payload: read(payload.decode(errors="replace"))


def _plain(payload: bytes) -> str:
    return payload.decode(errors="replace")


class _Notes:
    """A journal with one note."""

    def __init__(self, key: str, text: str) -> None:
        self._known = {key: text}

    def noted(self, key: str) -> str | None:
        return self._known.get(key)

    def note(self, key: str, value: str) -> None:
        self._known[key] = value


def _request(payload: bytes) -> object:
    body = orjson.loads(payload)
    return [parse_request(action, body) for action in ("halt", "vouch", "log-level", "x")]


def _requests() -> Any:
    return json_bytes(*REQUESTS).filter(_is_object)


def _is_object(payload: bytes) -> bool:
    # What is no object is refused by the listener before.
    try:
        return isinstance(orjson.loads(payload), dict)
    except orjson.JSONDecodeError:
        return False


def _files() -> list[Decoder]:
    plans = partial(load_plan, groups=("us_equities", "equities", "all"))
    loaders: list[tuple[str, Any, list[Path], str]] = [
        ("config.toml:read_toml", read_toml, PROFILES, "file.toml"),
        ("config.loader:load", partial(load, environment={}), PROFILES, "file.toml"),
        ("config.loader:load_roles", load_roles, PROFILES, "file.toml"),
        ("config.calendars:load_calendar", load_calendar, _one_of(CALENDARS_DIRECTORY), "file.toml"),
        ("config.events:load_event_file", load_event_file, _one_of(EVENTS_DIRECTORY), "file.toml"),
        ("config.rulebooks:load_rulebook", load_rulebook, _one_of(RULEBOOKS_DIRECTORY), "file.toml"),
        ("config.plans:load_plan", plans, _one_of(PLANS_DIRECTORY), "file.toml"),
        ("config.breakers:load_breakers", load_breakers, [BREAKERS_FILE], "file.toml"),
        ("config.stress:load_scenario", load_scenario, _one_of(STRESS_DIRECTORY), "file.toml"),
        ("config.markets:load_exchange_file", load_exchange_file, [EXCHANGE_FILE], "file.toml"),
        (
            "config.corporate_actions:read_actions_file",
            read_actions_file,
            _one_of(ACTIONS_DIRECTORY),
            "file.toml",
        ),
        ("drills.scenario.loader:load_scenario", load_drill, _one_of(ROOT / "drills/scenarios"), "x.toml"),
    ]  # fmt: skip
    return [
        Decoder(reads=reads, decode=as_file(read, name), examples=toml_bytes(*paths), errors=_OPERATOR)
        for reads, read, paths, name in loaders
    ]  # fmt: skip


def _folders() -> list[Decoder]:
    market = _one_of(MARKETS_DIRECTORY)[0]
    calendar = CALENDARS_DIRECTORY / "us_equities.toml"
    folders: list[tuple[str, Any, Path, list[Path]]] = [
        ("config.calendars:load_calendars", load_calendars, calendar, [calendar]),
        (
            "config.markets:load_market",
            lambda folder: load_market(market.stem.upper(), folder),
            market,
            _one_of(MARKETS_DIRECTORY),
        ),
        (
            "config.events:load_events",
            load_events,
            EVENTS_DIRECTORY / "own.toml",
            _one_of(EVENTS_DIRECTORY),
        ),
        (
            "config.corporate_actions:load_actions",
            load_actions,
            ACTIONS_DIRECTORY / "own.toml",
            _one_of(ACTIONS_DIRECTORY),
        ),
    ]
    return [
        Decoder(
            reads=reads,
            decode=_in_place_of(path.parent, path.name, read),
            examples=toml_bytes(*paths),
            errors=_OPERATOR,
        )
        for reads, read, path, paths in folders
    ] + [
        Decoder(
            reads="config.incentives:load_incentives",
            decode=_in_place_of(INCENTIVES_DIRECTORY, name, load_incentives),
            examples=toml_bytes(INCENTIVES_DIRECTORY / name),
            errors=_OPERATOR,
            variant=name,
        )
        for name in ("all_markets.toml", "stock.toml")
    ]


def _published() -> list[Decoder]:
    """The files that publishers give, as `actions import` and `events import` read them."""
    events = {
        "bls-ics": [ics(JOBS, WINTER).encode()],
        "bea-ics": [ics(JOBS, WINTER).encode()],
        "fed-json": [FED.encode() if isinstance(FED, str) else json.dumps(FED).encode()],
        "bea-json": [
            b'{"Personal Income and Outlays": {"release_dates": ["2026-12-23T13:30:00+00:00"]}, "t": "x"}'
        ],
        "nasdaq-json": [
            b'{"data": {"asOf": "Mon, Jul 27, 2026", "rows": [{"symbol": "AAPL", "time": "time-pre-market"}]}}'
        ],
        "alpha-vantage-csv": [b"symbol,reportDate,timeOfTheDay\nAAPL,2026-12-10,pre-market\n"],
    }  # fmt: skip
    assert events.keys() == EVENT_FORMS.keys()
    actions = {
        "alpaca": [ALPACA],
        "polygon": [POLYGON_SPLITS, POLYGON_DIVIDENDS],
        "pyth": [
            [
                {
                    "symbol": "Equity.US.NVDA/USD",
                    "corporate_actions": [
                        {
                            "event_type": "SPLIT",
                            "adjustment_factor_numerator": 10,
                            "adjustment_factor_denominator": 1,
                            "activation": {"us_equity_ex_date": {"ex_date": "2030-06-10"}},
                        }
                    ],
                }
            ]
        ],
    }
    assert actions.keys() == ACTION_FORMS.keys()
    return [
        Decoder(
            reads="config.event_sources:read_published",
            decode=_text_of(lambda text, form=form: read_events(form, text, frozenset({"AAPL"}))),
            examples=st.one_of(
                [spoilt_bytes(each) for each in shapes]
                + [json_bytes(json.loads(each)) for each in shapes if form.endswith("json")]
            ),
            errors=(ValueError,),
            variant=form,
        )
        for form, shapes in events.items()
    ] + [
        Decoder(
            reads="config.corporate_sources:read_published",
            decode=_text_of(lambda text, form=form: read_actions(form, text, MARKETS)),
            examples=json_bytes(*shapes),
            errors=(ValueError,),
            variant=form,
        )
        for form, shapes in actions.items()
    ]


def _remembered() -> list[Decoder]:
    """Notes of the journal: what is of another make is nothing, or a sentence."""
    readers: list[tuple[str, Any]] = [
        ("monitors.breakers.memory:read_market", breakers.read_market),
        ("monitors.breakers.memory:read_exchange", breakers.read_exchange),
        ("monitors.breakers.memory:read_plans", breakers.read_plans),
        ("monitors.breakers.memory:read_moves", breakers.read_moves),
        ("monitors.breakers.memory:read_spoken", breakers.read_spoken),
        ("monitors.incentives.memory:read_market", incentives.read_market),
        ("monitors.incentives.memory:read_spending", incentives.read_spending),
    ]
    shapes = [
        json.loads(breakers.plans_text({"p": PlanState()})),
        {"spending": {"week": 1, "spent": 2}, "first_block": 3, "read_to": 4},
        [{"at": 1, "move": "start", "step": 1, "by": "rule", "why": "x"}],
        [{"sequence": 1, "order": "halt", "subject": "SPY", "by": "x", "reason": "y", "at": 2}],
        {"groups": {}, "integrity": {}, "heard": 3},
    ]
    return [
        Decoder(reads=reads, decode=_text_of(read), examples=json_bytes(*shapes))
        for reads, read in readers
    ]


DECODERS: Final = (
    *_files(),
    *_folders(),
    *_published(),
    *_remembered(),
    Decoder(
        reads="config.event_ics:read_ics",
        decode=lambda payload: read_ics(_plain(payload), EASTERN),
        examples=st.sampled_from([ics(JOBS, WINTER).encode()]).flatmap(spoilt_bytes),
        errors=(ValueError,),
    ),
    Decoder(
        reads="monitors.operator_orders:parse_orders",
        decode=lambda payload: standing_of(parse_orders(payload)),
        examples=json_bytes(json.loads(render_orders(ORDERS))),
        errors=(OrdersFileError,),
    ),
    Decoder(
        reads="monitors.corporate.orders:parse_action_orders",
        decode=parse_action_orders,
        examples=json_bytes(json.loads(ACTION_ORDERS)),
        errors=(ActionOrdersError,),
    ),
    Decoder(
        reads="monitors.corporate.memory:ActionMemory.recall",
        decode=lambda raw: ActionMemory(_Notes("corporate/SPY", _plain(raw))).recall("SPY"),
        examples=json_bytes({"actions": {}, "market": None}, {}),
        errors=_OPERATOR,
    ),
    Decoder(
        reads="monitors.corporate.memory:ActionMemory",
        decode=lambda raw: ActionMemory(_Notes(HEARD_KEY, _plain(raw))),
        examples=json_bytes({"1": 5, "2": 7}),
        errors=_OPERATOR,
    ),
    Decoder(
        reads="monitors.prices.operator_words:parse_words",
        decode=parse_words,
        examples=json_bytes(WORDS),
        errors=(WordsFileError,),
    ),
    Decoder(
        reads="keepers.admin.terms:parse_request",
        decode=_request,
        examples=_requests(),
        errors=(BadRequestError,),
    ),
    Decoder(
        reads="keepers.admin.pauses:parse_pauses",
        decode=lambda payload: parse_pauses(_plain(payload)),
        examples=json_bytes({"liquidator": "paused by me: news"}, {}),
        errors=_OPERATOR,
    ),
    Decoder(
        reads="keepers.admin.record:parse_entry",
        decode=lambda payload: parse_entry(_plain(payload)),
        examples=json_bytes(ENTRY, ENTRY | {"key": None}),
        errors=_OPERATOR,
    ),
    Decoder(
        reads="keepers.admin.record:Record",
        decode=lambda payload: Record(_Notes("admin/next", _plain(payload)), FakeClock()),
        examples=spoilt_bytes(b"17"),
        errors=_OPERATOR,
    ),
    Decoder(
        reads="keepers.secret_files:read_secret",
        decode=as_file(lambda path: read_secret(path, "key file"), "secret"),
        examples=spoilt_bytes(b"abcdef0123456789\n"),
        errors=_OPERATOR,
    ),
    Decoder(
        reads="keepers.tracing:read_headers",
        decode=as_file(read_headers, "headers"),
        examples=spoilt_bytes(b"Authorization: Bearer abc\nX-Scope: 1\n"),
        errors=_OPERATOR,
    ),
    Decoder(
        reads="keepers.sender.local_signer:LocalSigner.open",
        decode=as_file(lambda path: str(_unlock(path, path)), "keystore.json"),
        examples=json_bytes(
            {
                "version": 3,
                "crypto": {
                    "cipher": "aes-128-ctr",
                    "cipherparams": {"iv": "ab" * 16},
                    "ciphertext": "cd" * 32,
                    "kdf": "pbkdf2",
                    "kdfparams": {"c": 2, "dklen": 32, "prf": "hmac-sha256", "salt": "ef" * 16},
                    "mac": "01" * 32,
                },
            }
        ),
    ),
    Decoder(
        reads="runtime.http:parse_listen",
        decode=lambda payload: parse_listen(_plain(payload)),
        examples=spoilt_bytes(b"127.0.0.1:9464"),
        errors=_OPERATOR,
    ),
    Decoder(
        reads="runtime.tracing.otlp:decode_response",
        decode=decode_response,
        examples=spoilt_bytes(b"\x0a\x0b\x08\x05\x12\x07refused"),
        errors=(ValueError,),
    ),
    Decoder(
        reads="runtime.tracing.exporter:_judge",
        decode=lambda wait: _judge(429, {"Retry-After": str(wait)}, b""),
        examples=st.one_of(st.sampled_from(NASTY), st.text(), st.just("9" * 8_000)),
        errors=(TransientError,),
    ),
    Decoder(
        reads="runtime.journal.canonical:load",
        decode=lambda payload: canonical.load(_plain(payload)),
        examples=json_bytes({"reason": "x", "wei": 10**30}),
        errors=(ValueError,),
    ),
)
