"""What the attacks did, as JSON for machines and as two tables for people."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from drills.attacks.outcome import Alarm, Harm, Move, Outcome
from drills.attacks.play import Ground
from risk.units import ATOMS_PER_USD, QuoteAtoms, div_trunc

PPM_PER_PERCENT: Final = 10_000
MINUTE: Final = 60
HOUR: Final = 3_600
HEADER: Final = (
    "scenario",
    "mark, at most",
    "index, at most",
    "mark at the end of the attack",
    "back within 10 bp after",
    "wrongly liquidatable",
    "late",
    "attacker's loss in the book",
)


def as_report(ground: Ground, outcomes: Sequence[Outcome]) -> dict[str, object]:
    """Give everything that was measured, in ppm, seconds and whole USD (rounded toward zero)."""
    return {
        "seed": ground.seed,
        "accounts": ground.crowd.count,
        "open_interest_usd": _usd(ground.crowd.open_interest),
        "scenarios": [_scenario(outcome) for outcome in outcomes],
    }


def as_markdown(report: Mapping[str, Any]) -> list[str]:
    """Write a report as people read it."""
    scenarios: Sequence[Mapping[str, Any]] = report["scenarios"]
    played = (
        f"{report['accounts']:,} accounts, open interest {report['open_interest_usd']:,} USD,"
        f" seed {report['seed']}. Distances are from the same history without the attack."
    )
    lines = [
        played,
        "",
        _row(HEADER),
        _row(["---"] * len(HEADER)),
    ]
    lines += [_row(_cells(each)) for each in scenarios]
    lines += ["", _row(("scenario", "what alarmed, how long after the start")), _row(["---"] * 2)]
    lines += [_row((each["name"], _alarms_text(each["alarms"]))) for each in scenarios]
    return lines


def _scenario(outcome: Outcome) -> dict[str, object]:
    scenario = outcome.scenario
    return {
        "name": scenario.name,
        "words": scenario.words,
        "start_seconds": scenario.start,
        "stop_seconds": scenario.stop,
        "mark": _move(outcome.mark),
        "index": _move(outcome.index),
        "mark_at_stop_ppm": outcome.mark_at_stop,
        "back_after_seconds": outcome.back_after,
        "wrongly_liquidatable": _harm(outcome.wronged),
        "late": _harm(outcome.late),
        "attacker_lost_usd": None if outcome.cost is None else _usd(outcome.cost),
        "participant_weights_ppm": dict(outcome.weights),
        "alarms": [_alarm(each) for each in outcome.alarms],
    }


def _move(move: Move) -> dict[str, int]:
    return {"ppm": move.distance, "after_seconds": move.after}


def _harm(harm: Harm) -> dict[str, int]:
    return {
        "accounts": harm.accounts,
        "usd": _usd(harm.notional),
        "open_interest_ppm": harm.share,
    }


def _alarm(alarm: Alarm) -> dict[str, object]:
    return {"signal": alarm.signal, "after_seconds": alarm.after, "seconds": alarm.seconds}


def _usd(amount: QuoteAtoms) -> int:
    return div_trunc(amount, ATOMS_PER_USD)


def _cells(scenario: Mapping[str, Any]) -> Sequence[str]:
    back, lost = scenario["back_after_seconds"], scenario["attacker_lost_usd"]
    return (
        scenario["name"],
        _move_text(scenario["mark"]),
        _move_text(scenario["index"]),
        _percent(scenario["mark_at_stop_ppm"]),
        "not in what was played" if back is None else span(back),
        _harm_text(scenario["wrongly_liquidatable"]),
        _harm_text(scenario["late"]),
        "-" if lost is None else f"{lost:,} USD",
    )


def _move_text(move: Mapping[str, int]) -> str:
    return f"{_percent(move['ppm'])} after {span(move['after_seconds'])}" if move["ppm"] else "0"


def _percent(ppm: int) -> str:
    return f"{ppm / PPM_PER_PERCENT:+.3f} %" if ppm else "0"


def _harm_text(harm: Mapping[str, int]) -> str:
    if not harm["accounts"]:
        return "0"
    share = harm["open_interest_ppm"] / PPM_PER_PERCENT
    return f"{harm['accounts']:,}: {harm['usd']:,} USD, {share:.2f} % of OI"


def _alarms_text(alarms: Sequence[Mapping[str, Any]]) -> str:
    return (
        "; ".join(
            f"{each['signal']} at {span(each['after_seconds'])} for {span(each['seconds'])}"
            for each in alarms
        )
        or "**nothing**"
    )


def span(seconds: int) -> str:
    """Write a span as people read it: `45 s`, `12 min`, `5 h 10 min`."""
    if seconds < 3 * MINUTE:
        return f"{seconds} s"
    hours, rest = divmod(seconds, HOUR)
    minutes, left = divmod(rest, MINUTE)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {left:02d} s"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
