"""`bellkeeper events`: the dated events that tighten markets, and the import of published calendars.

`import` reads a file that the operator has downloaded; nothing here goes near a network.
"""

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from config.event_import import ImportResult, import_events, write_events
from config.event_sources import READERS
from config.events import EVENTS_DIRECTORY, load_events
from config.markets import MARKETS_DIRECTORY, load_market
from config.schema.events import EventRow
from keepers.commands.reporting import add_json_argument, columns, write_report
from runtime.clock import SystemClock
from runtime.errors import OperatorError

EARNINGS_CLASS: Final = "stock"
HEADINGS: Final = ("UTC", "kind", "market", "file", "name")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    importer = verbs.add_parser("import", help="bring a downloaded calendar into a file of events")
    importer.add_argument(
        "--format", dest="form", choices=sorted(READERS), required=True, help="what was downloaded"
    )
    importer.add_argument(
        "--from", dest="source", type=Path, required=True, metavar="FILE", help="the download"
    )
    importer.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="the file of events to write (TOML)"
    )
    add_json_argument(importer)
    lister = verbs.add_parser("list", help="print the events that hold and are not over")
    lister.add_argument(
        "--events",
        type=Path,
        default=EVENTS_DIRECTORY,
        metavar="DIR",
        help="files of events (those that are shipped)",
    )
    add_json_argument(lister)


def run(arguments: argparse.Namespace) -> int:
    """Import or list; give the exit code."""
    return _import(arguments) if arguments.verb == "import" else _list(arguments)


def _import(arguments: argparse.Namespace) -> int:
    result = import_events(
        form=arguments.form,
        source=arguments.source,
        out=arguments.out,
        symbols=_stock_symbols(),
    )
    write_events(arguments.out, result.rows, form=arguments.form, source=arguments.source)
    write_report(arguments, _import_report(arguments, result), _import_text(arguments, result))
    return 0


def _stock_symbols() -> frozenset[str]:
    """Give the markets whose underlying publishes earnings."""
    markets = [load_market(path.stem.upper()) for path in sorted(MARKETS_DIRECTORY.glob("*.toml"))]
    return frozenset(each.symbol for each in markets if each.asset_class == EARNINGS_CLASS)


def _import_text(arguments: argparse.Namespace, result: ImportResult) -> list[str]:
    sections = (
        ("added", result.added),
        ("changed", result.changed),
        ("gone", result.gone),
        ("overruled by a file of your own", result.overruled),
    )
    text = [f"{arguments.out}: {len(result.rows)} events"]
    for title, rows in sections:
        if rows:
            text += [f"{title}:", *(f"  {_words(row)}" for row in rows)]
    if not (result.added or result.changed or result.gone):
        text.append("nothing is different")
    return text


def _import_report(arguments: argparse.Namespace, result: ImportResult) -> dict[str, object]:
    return {
        "format": arguments.form,
        "file": str(arguments.out),
        "events": len(result.rows),
        "added": _rows(result.added),
        "changed": _rows(result.changed),
        "gone": _rows(result.gone),
        "overruled": _rows(result.overruled),
    }


def _words(row: EventRow) -> str:
    when = row.time or (row.part or "").replace("_", " ")
    return " ".join(
        each for each in (row.day.isoformat(), when, row.kind, row.symbol, row.name) if each
    )


def _rows(rows: Sequence[EventRow]) -> list[dict[str, object]]:
    return [row.model_dump(mode="json", exclude={"is_cancelled"}) for row in rows]


def _list(arguments: argparse.Namespace) -> int:
    if not arguments.events.is_dir():
        raise OperatorError(
            f"expected a folder of files of events at {arguments.events}, found none: correct --events"
        )
    now = int(SystemClock().now())
    ahead = [each for each in load_events(arguments.events) if each.event.stop >= now]
    table = [HEADINGS]
    report: list[dict[str, object]] = []
    for dated in ahead:
        event = dated.event
        begins = f"{datetime.fromtimestamp(event.start, tz=UTC):%Y-%m-%d %H:%M}"
        if event.stop > event.start:
            begins += f" to {datetime.fromtimestamp(event.stop, tz=UTC):%d %H:%M}"
        who = event.symbol or "all it touches"
        table.append((begins, event.kind.value, who, dated.file.name, event.name))
        report.append(
            {
                "start_seconds": event.start,
                "stop_seconds": event.stop,
                "kind": event.kind.value,
                "symbol": event.symbol or None,
                "name": event.name,
                "file": dated.file.name,
                "is_imported": dated.is_imported,
            }
        )
    text = columns(table) if ahead else ["no event is ahead"]
    write_report(arguments, {"events": report}, [line.rstrip() for line in text])
    return 0
