"""The explanation of a price as people read it: every input, weight and rejection, then the mark."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from keepers.commands.reporting import columns

PRICE_DIGITS: Final = 8
PPM_DIGITS: Final = 6
NOTHING: Final = "–"


def explanation_lines(symbol: str, why: Mapping[str, Any]) -> list[str]:
    """Write an explanation (`monitors.prices.explanation`) as lines of text."""
    if "sources" not in why:
        return [f"{symbol}: {why.get('why', 'nothing is known')}"]
    lines = [_headline(symbol, why), ""]
    lines += columns(
        [("sources", "verdict", "price", "off by", "age", "weight", "provider"), *_sources(why)]
    )
    lines += ["", *columns(_judgement(why)), "", *columns(_mark(why))]
    return [line.rstrip() for line in lines]


def _headline(symbol: str, why: Mapping[str, Any]) -> str:
    mark = _usd(why.get("mark_e8"))
    if why.get("mark_e8") is None:
        return f"{symbol}: no price: {why['why']}"
    return f"{symbol}: mark {mark}, index {_usd(why['index_e8'])} USD, {why['mode']}: {why['why']}"


def _sources(why: Mapping[str, Any]) -> Sequence[Sequence[str]]:
    return [
        (
            f"  {each['source']}",
            str(each["verdict"]),
            _usd(each.get("price_e8")),
            _percent(each.get("deviation_ppm")),
            _seconds(each.get("age_seconds")),
            str(each["weight"]),
            str(each["provider"]),
        )
        for each in why["sources"]
    ]


def _judgement(why: Mapping[str, Any]) -> Sequence[Sequence[str]]:
    session = why["session"]
    if why["session_disputed"]:
        session = f"{session}, DISPUTED (the calendar says {why['calendar_session']})"
    elif why["calendar_session"] != session:
        session = f"{session} (the calendar says {why['calendar_session']})"
    since = _seconds(why["seconds_since_boundary"])
    return [
        ("session", f"{session}, since {since}"),
        ("underlying", "HALTED" if why["underlying_halted"] else "not halted"),
        ("agreement", f"{why['agreement']}, {why['providers']} providers"),
        ("together", f"{_usd(why['combined_e8'])} ± {_usd(why['confidence_e8'])}"),
        ("jump", why["jump"] or NOTHING),
        ("accepted", _usd(why["accepted_e8"])),
        ("support", f"{why['rung']}, {why['inputs_behind']} inputs"),
    ]


def _mark(why: Mapping[str, Any]) -> Sequence[Sequence[str]]:
    book = why["book"]
    rows = [
        ("book", f"{_usd(book['best_bid_e8'])} / {_usd(book['best_ask_e8'])}"),
        ("impact", f"{_usd(book['impact_bid_e8'])} / {_usd(book['impact_ask_e8'])}"),
        ("last trade", _usd(book["last_trade_e8"])),
        ("participants", _usd(why["participants_e8"])),
    ]
    if why.get("mark_e8") is None:
        return rows
    carried = why["carried"]
    resets = f"{carried['resets_up']} up, {carried['resets_down']} down"
    return [
        *rows,
        ("last close", _usd(carried["close_e8"])),
        ("average basis", _usd(carried["basis_e8"])),
        (
            "bound",
            f"{_percent(why['bound_used_ppm'])} used, around {_usd(carried['reference_e8'])}, resets {resets}",
        ),
        *((f"median of {name}", _usd(price)) for name, price in why["mark_is_median_of"].items()),
        ("mark", _usd(why["mark_e8"])),
        ("state", ", ".join(_flags(why)) or "steady"),
    ]


def _flags(why: Mapping[str, Any]) -> Sequence[str]:
    named = {"warming_up": "warming up", "locked": "locked after a border"}
    return [words for name, words in named.items() if why[name]]


def _usd(value: object) -> str:
    """Write 1e-8 USD exactly, without trailing zeros beyond the cent."""
    if not isinstance(value, int):
        return NOTHING
    sign, digits = "-" * (value < 0), f"{abs(value):0{PRICE_DIGITS + 1}d}"
    whole, part = digits[:-PRICE_DIGITS], digits[-PRICE_DIGITS:].rstrip("0")
    return f"{sign}{whole}.{part:0<2}"


def _percent(ppm: object) -> str:
    return f"{ppm / 10**4:.3f} %" if isinstance(ppm, int) else NOTHING


def _seconds(seconds: object) -> str:
    return f"{seconds} s" if isinstance(seconds, int) else NOTHING
