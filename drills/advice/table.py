"""The report for people, in Markdown: margins in percent, bad debt in bp of open interest."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

Values = Mapping[str, Any]

_PPM_PER_PERCENT: Final = 10_000
_TITLES: Final = {
    "initial": "initial margin",
    "maintenance": "maintenance margin",
    "weekend": "weekend margin",
    "closure": "closures alone",
    "bound": "discovery bound",
}


def as_markdown(report: Values) -> list[str]:
    """Write the report."""
    target = report["target"]
    lines = [
        f"# Advice, seed {report['seed']}, {report['draws']} draws",
        "",
        (
            f"Target: at most {target['bad_debt_bp']:g} bp a year of open interest that is all at the largest"
            f" leverage; a fresh account bankrupt in at most {target['closure_chance']:.2%} of closures."
        ),
        "Intervals: 5th to 95th percentile of years drawn with replacement. A dash: none below 100 %.",
        "",
        *_advice_table(report["classes"]),
    ]
    lines += [f"- {name}: nothing is advised, {why}." for name, why in report["no_advice"].items()]
    for name, values in report["classes"].items():
        lines += ["", f"## {name}", "", *_class(values)]
    return lines


def _advice_table(classes: Values) -> list[str]:
    head = ["class", "gaps", *_TITLES.values(), "weekend leverage", "out of sample, bp a year"]
    rows = []
    for name, values in classes.items():
        cells = [_with_interval(values, figure) for figure in _TITLES]
        checks = [each for each in values["checks"] if each["name"].startswith("from ")]
        shown = f"{_bp(checks[0]['bad_debt_bp'])} {checks[0]['name']}" if checks else "–"
        gaps = sum(each["count"] for each in values["gaps"].values())
        weekend = values["advice"]["weekend"]
        rows.append([name, f"{gaps:,}", *cells, _leverage(weekend), shown])
    return [*_table(head, rows), ""]


def _class(values: Values) -> list[str]:
    shapes = {name: values["intervals"][f"{name}_shape"] for name in values["tails"]}
    lines = [*_series(values), "", *_gaps(values), ""]
    for name, tail in values["tails"].items():
        lines.append(_tail(name, tail, shapes[name]))
    calm = values["without_event_nights"]
    lines += [
        (
            f"- A pause in a liquidation moves the price by {_share(values['pause_move'])}: maintenance of at"
            f" least {_share(values['least_maintenance'])}."
        ),
    ]
    if values["gaps"]["night"]["count"]:
        lines.append(
            f"- Without the four wildest nights of each market and year (hindsight): initial"
            f" {_percent(calm['initial'])}, maintenance {_percent(calm['maintenance'])}."
        )
    lines += [
        "",
        "Bad debt by initial margin (weekends alike), bp a year, happened / expected by the tails:",
        "",
        *_frontier(values),
        "",
        "Not seen when advised (bp a year; of a crisis, in all of its window):",
        "",
    ]
    if values["checks"]:
        lines += _checks(values["checks"])
    else:
        lines.append("Nothing could be advised on the rest of the data, so nothing was played.")
    if missing := values["crises_without_data"]:
        lines += ["", f"No data to play: {', '.join(missing)}."]
    if values["shipped"]:
        lines += ["", "Shipped, on the same gaps:", "", *_shipped(values["shipped"])]
    return lines


def _series(values: Values) -> list[str]:
    said = []
    for each in values["series"]:
        left_out = each["years_left_out"]
        without = f", without {_years(left_out)} (opens are no opens)" if left_out else ""
        if not each["is_check"]:
            kind = ", closes only" if each["closes_only"] else ""
            said.append(f"{each['name']} {each['first']} to {each['last']}{kind}{without}")
    stand_ins = [each["name"] for each in values["series"] if each["is_check"]]
    text = f"{'; '.join(said)}. {values['years']} years of one market together."
    if stand_ins:
        text += f" For crises only: {len(stand_ins)} series of closes."
    return [text]


def _years(years: Sequence[int]) -> str:
    """Write years as 2000 to 2006, or one by one where some between them are missing."""
    first, last = years[0], years[-1]
    if len(years) > 2 and last - first == len(years) - 1:
        return f"{first} to {last}"
    return ", ".join(str(year) for year in years)


def _gaps(values: Values) -> list[str]:
    rows = []
    named = {**values["gaps"], "session, open to farthest": values["session_excursion"]}
    for name, shares in named.items():
        if shares["count"]:
            quantiles = [_share(share) for key, share in shares.items() if key != "count"]
            rows.append([name, f"{shares['count']:,}", *quantiles])
    return _table(["gap", "number", "median", "95 %", "99 %", "99.9 %", "largest"], rows)


def _tail(name: str, tail: Values | None, interval: Values) -> str:
    if tail is None:
        return f"- Tail of a {name}: too few for one."
    shown = f"{_number(interval['low'])} to {_number(interval['high'])}"
    return (
        f"- Tail of a {name}: beyond {_share(tail['threshold'])} ({tail['excesses']} of them), shape"
        f" {tail['shape']:.2f} ({shown}), scale {_share(tail['scale'])}; one in a thousand"
        f" {_share(tail['one_in_a_thousand'])}, once in the return years"
        f" {_share(tail['in_return_years'])}."
    )


def _frontier(values: Values) -> list[str]:
    frontier = values["frontier"]
    row = [f"{_bp(each['happened_bp'])} / {_bp(each['expected_bp'])}" for each in frontier.values()]
    return _table([_percent(int(margin)) for margin in frontier], [row])


def _checks(checks: Sequence[Values]) -> list[str]:
    head = ["played", "initial / maintenance / weekend", "gaps (markets)", "bad debt, bp"]
    head += ["within a year's target", "fresh bankrupt, of closures", "largest gap"]
    rows = []
    for each in checks:
        advice = each["advice"]
        margins = " / ".join(
            _percent(advice[name]) for name in ("initial", "maintenance", "weekend")
        )
        name = f"{each['name']}, closes only" if each["closes_only"] else each["name"]
        rows.append(
            [
                name,
                margins,
                f"{each['gaps']:,} ({each['markets']})",
                _bp(each["bad_debt_bp"]),
                "yes" if each["holds"] else "**no**",
                f"{each['fresh_bankruptcies']} of {each['closures']}",
                f"{each['worst']:+.1%} {each['worst_name']} {each['worst_day']}",
            ]
        )
    return _table(head, rows)


def _shipped(shipped: Sequence[Values]) -> list[str]:
    head = ["market", "initial (missing)", "maintenance (missing)", "weekend (missing)"]
    head += ["bound (beyond advice)", "bp a year, happened / expected", "in a crisis, bp"]
    rows = []
    for each in shipped:
        crises = ", ".join(f"{name}: {debt:g}" for name, debt in each["crises_bp"].items())
        beyond = each["bound_beyond"]
        rows.append(
            [
                each["symbol"],
                *(
                    f"{_percent(each[name])} ({_percent(each[f'{name}_short'])})"
                    for name in ("initial", "maintenance", "weekend")
                ),
                f"{_percent(each['bound'])} ({'–' if beyond is None else f'{round(beyond / _PPM_PER_PERCENT, 2):+g} %'})",
                f"{_bp(each['happened_bp'])} / {_bp(each['expected_bp'])}",
                crises or "–",
            ]
        )
    return _table(head, rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]


def _with_interval(values: Values, figure: str) -> str:
    interval = values["intervals"][figure]
    advised = _percent(values["advice"][figure])
    return f"{advised} ({_percent(interval['low'])} to {_percent(interval['high'])})"


def _percent(ppm: int | None) -> str:
    return "–" if ppm is None else f"{round(ppm / _PPM_PER_PERCENT, 2):g} %"


def _share(share: float) -> str:
    return f"{share * 100:.2f} %"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _bp(value: float) -> str:
    return f"{value:,.1f}"


def _leverage(margin: int | None) -> str:
    return "–" if margin is None else f"{1_000_000 / margin:.1f}x"
