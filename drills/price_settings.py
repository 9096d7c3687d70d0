"""The keeper's settings for a drill, as an operator would write them, for the local providers.

The chain's clock of a drill leaps by minutes from block to block where nothing happens, so everything
that is measured in seconds of that clock is set wider than an operator would: ages, gaps, waits.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from drills.price_servers.running import PriceServers
from monitors.prices.json_source import JsonSpec

LEAP_SECONDS: Final = 900
"""Nothing of the drill's clock is judged more finely than this."""
EXCHANGE_FEEDS: Final = "exchange-feeds"
"""The plain JSON provider."""
PRO_FEEDS: Final = 101
KEY_FILE: Final = "providers.key"
BREAKERS_FILE: Final = Path(__file__).resolve().parent / "breakers.toml"
PLANS: Final = Path(__file__).resolve().parent / "plans"
"""Emergency plans that start by order only: the leaps of a drill's clock are no outages."""


def hermes_feed(place: int) -> str:
    """Give the feed id of the market at a place of the list."""
    return f"{place + 1:064x}"


def pro_feeds(symbols: Sequence[str]) -> dict[int, str]:
    """Give Pyth Pro's feed numbers."""
    return {PRO_FEEDS + place: symbol for place, symbol in enumerate(symbols)}


def write_key(folder: Path, key: str) -> Path:
    """Write the providers' key into a file that only we may read."""
    path = folder / KEY_FILE
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{key}\n")
    return path


def price_settings(
    servers: PriceServers,
    *,
    symbols: Sequence[str],
    book_url: str,
    key_file: Path,
    actions: Path,
    leap_seconds: int = LEAP_SECONDS,
) -> str:
    """Write the sections, in TOML; `leap_seconds` is what the venue's clock may leap in one block."""
    common = {
        "key_file": key_file.name,
        "max_age_seconds": leap_seconds,
        "future_tolerance_seconds": leap_seconds,
    }
    hermes = {symbol: hermes_feed(place) for place, symbol in enumerate(symbols)}
    pro = {symbol: number for number, symbol in pro_feeds(symbols).items()}
    quotes = servers.json_quotes[EXCHANGE_FEEDS]
    sections = [
        # A liquidation's deadline is on the venue's clock too.
        _section("[sender]", {"expiry_seconds": leap_seconds}),
        _section(
            "[breaker]",
            {
                "watches": True,
                "retry_seconds": 30,
                "rules_file": str(BREAKERS_FILE),
                "plans_directory": str(PLANS),
            },
        ),
        _section(
            "[solvency]",
            {
                "watches": True,
                "price_age_seconds": 4 * leap_seconds,
                # The falls of the drill leave accounts below zero, and its clock leaps: both pass.
                "gate_causes": ["vault_gap", "rate", "size", "after_role_change"],
            },
        ),
        _section(
            "[corporate]",
            {
                "watches": True,
                "actions_directory": str(actions),
                "orders_file": str(actions.parent / "corporate-orders.json"),
                "chunk": 512,
            },
        ),
        _section("[prices]", {"reconnect_most_seconds": 2}),
        _section(
            "[prices.quorum]",
            {
                "reduce_only_after_seconds": 2 * leap_seconds,
                "silent_after_seconds": 8 * leap_seconds,
                "recovery_rounds": 2,
            },
        ),
        _section("[prices.jumps]", {"persistence_seconds": leap_seconds}),
        # Nobody quotes as a participant here: the book has all of the pull but the close's.
        _section(
            "[prices.mark]",
            {"external_gap_seconds": leap_seconds, "book_weight": 9, "participants_weight": 0},
        ),
        _section(
            "[prices.book]",
            {
                "url": book_url,
                "stale_after_seconds": leap_seconds,
                "trade_stale_after_seconds": 4 * leap_seconds,
            },
        ),
        _section(
            "[prices.halts]",
            {
                "url": servers.trading_halts.url,
                "underlyings": dict(zip(symbols, symbols, strict=True)),
            },
        ),
        _section(
            "[[prices.pyth_hermes]]",
            {"name": "hermes", "url": servers.hermes.url, **common, "feeds": hermes},
        ),
        _section(
            "[[prices.pyth_pro]]",
            {"name": "pyth-pro", "urls": list(servers.pro_urls), **common, "feeds": pro},
        ),
        *(
            _section(
                "[[prices.json_sources]]",
                _json_source(quotes.spec(symbol, is_socket=True)) | common,
            )
            for symbol in symbols
        ),
    ]
    return "\n".join(sections)


def _json_source(spec: JsonSpec) -> dict[str, object]:
    """Give a source's settings as its server describes itself."""
    paths = {
        "price_path": spec.price_path,
        "time_path": spec.time_path,
        "order_path": spec.order_path,
        "confidence_path": spec.confidence_path,
        "publishers_path": spec.publishers_path,
        "kind_path": spec.kind_path,
    }
    return {
        "name": f"{EXCHANGE_FEEDS}-{spec.symbol.lower()}",
        "provider": EXCHANGE_FEEDS,
        "symbol": spec.symbol,
        "url": spec.url,
        **{key: ".".join(map(str, path or ())) for key, path in paths.items()},
        "kind": spec.kind,
        "time_unit": spec.time_unit.value,
        "subscribe": spec.subscribe,
        "key_header": next(iter(spec.headers)),
    }


def _section(header: str, values: Mapping[str, object]) -> str:
    return "\n".join([header, *(f"{key} = {_value(value)}" for key, value in values.items()), ""])


def _value(value: object) -> str:
    """Write a value; JSON's numbers, texts and lists are TOML's too, its objects are not."""
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{json.dumps(key)} = {_value(inner)}" for key, inner in value.items())
        return f"{{ {pairs} }}"
    return json.dumps(value)
