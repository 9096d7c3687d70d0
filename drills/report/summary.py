"""What a risk committee reads first: a verdict, and a paragraph in words made from the figures."""

from dataclasses import dataclass
from enum import StrEnum

from drills.report.flow_sentences import deleverage_sentence, wait_words
from drills.report.price_charts import seconds_by_status
from drills.report.record import DrillRecord, Ground, MarketCourse
from drills.report.words import begun, clock, dated, lasted, listed, many, money, percent
from risk.units import MarketStatus


class Verdict(StrEnum):
    """How a run ended; its value is the class of the page's style."""

    HELD = "safe"
    COST = "guarded"
    UNCHECKED = "unknown"
    FAILED = "danger"


VERDICT_WORDS = {
    Verdict.HELD: "Held",
    Verdict.COST: "Held at a cost",
    Verdict.UNCHECKED: "Not checked",
    Verdict.FAILED: "Failed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A verdict with its reason."""

    verdict: Verdict
    sentence: str


def judged(record: DrillRecord) -> Judged:
    """Judge a run: failed where an invariant broke or something stated did not happen; at a cost where others paid.

    Where no invariant was checked nothing is called held.
    """
    broken = [f"{each.name} did not hold" for each in record.invariants if not each.holds]
    broken += [f"{each.what} did not happen" for each in record.expectations if not each.happened]
    if broken:
        return Judged(verdict=Verdict.FAILED, sentence=f"{begun('; '.join(broken))}.")
    totals = record.totals
    costs = []
    if totals.bad_debt_atoms:
        costs.append(f"{money(totals.bad_debt_atoms)} of bad debt")
    closed = sum(each.closed_atoms for each in totals.deleverages[:1])
    if closed:
        costs.append(f"{money(closed)} closed by deleverage")
    if totals.backstop_after_atoms < 0:
        costs.append(f"a backstop that owes {money(-totals.backstop_after_atoms)}")
    if totals.still_under_margin:
        costs.append(f"{many(totals.still_under_margin, 'account')} left under margin at the end")
    checked = _checked(len(record.invariants))
    if not record.invariants:
        cost = (
            listed(costs) if costs else "no bad debt, no deleverage, no account left under margin"
        )
        return Judged(verdict=Verdict.UNCHECKED, sentence=f"{begun(checked)}; {cost}.")
    if costs:
        return Judged(verdict=Verdict.COST, sentence=f"{begun(listed(costs))}; {checked}.")
    return Judged(
        verdict=Verdict.HELD,
        sentence=f"No bad debt, no deleverage, no account left under margin; {checked}.",
    )


def _checked(count: int) -> str:
    if not count:
        return "no invariant was checked"
    return f"every invariant held ({count:,} checked)"


def summary(record: DrillRecord) -> list[str]:
    """Give the paragraph, a sentence or two for each question: what happened, what it cost, who waited, what breakers did, what failed."""
    return [
        _happened(record),
        _cost(record),
        f"{begun(wait_words(record))}.",
        _breakers(record),
        _failed(record),
    ]


def _happened(record: DrillRecord) -> str:
    played, zone = record.played, record.played.timezone
    where = "on a chain" if played.ground is Ground.CHAIN else "in memory"
    told = (
        f"{many(played.accounts, 'account')} in {many(len(record.markets), 'market')}, played {where} from"
        f" {dated(record.times[0], zone)} to {dated(record.times[-1], zone)}"
    )
    market, place, fall = deepest_fall(record)
    if fall == 0:
        return f"{told}: no mark fell."
    return (
        f"{told}: the deepest fall of a mark was that of {market.symbol}, by"
        f" {percent(fall, max(market.mark_e8[: place + 1]))} from its highest before,"
        f" reached on {clock(record.times[place], zone)}."
    )


def deepest_fall(record: DrillRecord) -> tuple[MarketCourse, int, int]:
    """Give the market whose mark fell most from its highest before, the place of the low, and the fall in 1e-8 USD."""
    worst: tuple[float, MarketCourse, int, int] = (0.0, record.markets[0], 0, 0)
    for market in record.markets:
        highest = 0
        for place, mark in enumerate(market.mark_e8):
            highest = max(highest, mark)
            part = (highest - mark) / highest if highest else 0.0
            if part > worst[0]:
                worst = (part, market, place, highest - mark)
    return worst[1:]


def _cost(record: DrillRecord) -> str:
    totals = record.totals
    if not totals.liquidations:
        told = "Nothing was liquidated"
    else:
        told = (
            f"{money(totals.liquidated_atoms)} of {many(totals.liquidated_accounts, 'account')} were"
            " liquidated"
        )
    debt = f"bad debt {money(totals.bad_debt_atoms)}" if totals.bad_debt_atoms else "no bad debt"
    pools = listed(
        [
            _change(
                "the insurance fund", totals.insurance_before_atoms, totals.insurance_after_atoms
            ),
            _change("the backstop", totals.backstop_before_atoms, totals.backstop_after_atoms),
        ]
    )
    makers = ""
    if totals.maker_cost_atoms is not None:
        makers = f", and makers cost {money(totals.maker_cost_atoms)} beyond weekday terms"
    return f"{told}, with {debt}; {pools}{makers}. {deleverage_sentence(record, ())}"


def _change(pool: str, before: int, after: int) -> str:
    if before == after:
        return f"{pool} stayed as it was"
    changed = (
        f"lost {money(before - after)}" if before > after else f"gained {money(after - before)}"
    )
    return f"{pool} {changed}" if after >= 0 else f"{pool} {changed} and owes {money(-after)}"


def _breakers(record: DrillRecord) -> str:
    if not record.acts:
        return "No breaker acted."
    totals = record.totals
    by_who: dict[str, int] = {}
    for act in record.acts:
        by_who[act.who] = by_who.get(act.who, 0) + 1
    who = listed([f"{name} {count:,}" for name, count in sorted(by_who.items())])
    told = f"Breakers acted {many(len(record.acts), 'time')} ({who})"
    if not totals.halts and not totals.restricted_seconds:
        return f"{told}; no market was restricted or halted."
    parts = []
    if totals.halts:
        halted = [
            market.symbol
            for market in record.markets
            if MarketStatus.HALTED.name.lower() in seconds_by_status(record, market)
        ]
        named = f" ({', '.join(halted)})" if halted else ""
        parts.append(
            f"{many(totals.halts, 'halt')}{named} lasted {lasted(totals.halted_seconds)}, all markets added"
        )
    if totals.restricted_seconds:
        parts.append(
            f"markets were in limit or reduce-only for {lasted(totals.restricted_seconds)}, all added"
        )
    return f"{told}: {'; '.join(parts)}."


def _failed(record: DrillRecord) -> str:
    broken = [each for each in record.invariants if not each.holds]
    missed = [each for each in record.expectations if not each.happened]
    met = len(record.expectations) - len(missed)
    if not broken and not missed:
        stated = (
            f", and {'everything' if met > 1 else 'the one thing'} that the scenario states happened here too"
            if met
            else ""
        )
        checked = _checked(len(record.invariants))
        return f"{'Nothing failed: ' + checked if record.invariants else begun(checked)}{stated}."
    told = [f"{each.name}: {each.found}" for each in broken]
    told += [f"{each.what}: {each.found}" for each in missed]
    return f"Failed: {' '.join(told)}"
