"""What the charts of flows show, in a sentence each, from the figures."""

from collections.abc import Callable, Sequence
from typing import Final

from drills.report.record import Bucket, DrillRecord
from drills.report.words import clock, lasted, many, money, percent, ratio, took
from risk.deleverage_rank import RankPolicy
from risk.units import Seconds

POLICY_WORDS: Final = {
    RankPolicy.PROFIT_LEVERAGE: "by profit and leverage",
    RankPolicy.PRO_RATA: "pro rata",
}


def liquidation_sentence(record: DrillRecord) -> str:
    """Tell how much was liquidated, the worst bucket, and the longest wait."""
    totals, zone = record.totals, record.played.timezone
    if not totals.liquidations:
        return "Nothing was liquidated."
    told = (
        f"{money(totals.liquidated_atoms)} of {many(totals.liquidated_accounts, 'account')} were liquidated"
        f" in {many(totals.liquidations, 'step')}"
    )
    worst = max(record.buckets, key=lambda each: each.liquidated_atoms, default=None)
    if worst is not None and worst.liquidated_atoms:
        share = percent(worst.liquidated_atoms, totals.liquidated_atoms)
        told += (
            f", {money(worst.liquidated_atoms)} or {share} of it in the {length_words(worst)} from"
            f" {clock(worst.start, zone)}"
        )
    return f"{told}; {wait_words(record)}."


def wait_words(record: DrillRecord) -> str:
    """Say who waited longest, and when."""
    totals = record.totals
    if totals.worst_wait_seconds is None and not totals.liquidations:
        return "no account waited to be liquidated"
    if totals.worst_wait_seconds is None:
        return "how long accounts waited was not measured"
    if totals.worst_wait_seconds == 0:
        return "no account that was due waited a whole second"
    told = f"the longest wait of an account that was due was {lasted(totals.worst_wait_seconds)}"
    if totals.worst_wait_blocks is not None:
        told += f" ({many(totals.worst_wait_blocks, 'block')})"
    waited = [each for each in record.buckets if each.worst_wait_seconds]
    if waited:
        worst = max(waited, key=lambda each: each.worst_wait_seconds or 0)
        told += f", at {clock(worst.start, record.played.timezone)}"
    if totals.median_wait_seconds is not None:
        told += f", and half of them waited {lasted(totals.median_wait_seconds)} or less"
    return told


def loss_sentence(record: DrillRecord) -> str:
    """Tell the bad debt, and what the pools had before and after."""
    totals = record.totals
    debt = totals.bad_debt_atoms
    told = (
        f"Liquidated accounts owed {money(debt)} beyond what they had"
        if debt
        else "No liquidated account owed more than it had"
    )
    return (
        f"{told}; the insurance fund {_moved(totals.insurance_before_atoms, totals.insurance_after_atoms)},"
        f" the backstop {_moved(totals.backstop_before_atoms, totals.backstop_after_atoms)}."
    )


def _moved(before: int, after: int) -> str:
    if before == after:
        return f"stayed at {money(before)}"
    way = "grew" if after > before else "shrank"
    return f"{way} by {money(abs(after - before))} to {money(after)}"


def deleverage_sentence(record: DrillRecord, others: Sequence[DrillRecord]) -> str:
    """Tell under each policy what was needed, closed and given up."""
    told = []
    for policy, of in policies_played(record, others).items():
        summed = next((each for each in of.totals.deleverages if each.policy is policy), None)
        if summed is None or not (summed.need_atoms or summed.closed_atoms):
            continue
        haircut = summed.haircut_over_need_ppm
        times = (
            ""
            if haircut is None
            else f", {ratio(haircut)} times the need given up (1.00 is the least)"
        )
        told.append(
            f"{POLICY_WORDS[policy]}, {money(summed.need_atoms)} needed,"
            f" {money(summed.closed_atoms)} closed on each side{times}"
        )
    if not told:
        return (
            "The pools could pay for everything: nobody was asked to give up a part of a position."
        )
    return f"Deleverage {'; '.join(told)}."


def policies_played(
    record: DrillRecord, others: Sequence[DrillRecord]
) -> dict[RankPolicy, DrillRecord]:
    """Give for each policy of deleverage the first record that has it, the base case before others."""
    found: dict[RankPolicy, DrillRecord] = {}
    for each in (record, *others):
        for summed in each.totals.deleverages:
            found.setdefault(summed.policy, each)
    return found or {RankPolicy.PROFIT_LEVERAGE: record}


def keeper_sentence(record: DrillRecord) -> str:
    """Tell the slowest bucket, and the largest backlog."""
    zone = record.played.timezone
    timed = [each for each in record.buckets if each.latency.p99_ms is not None]
    told = "No liquidation was timed"
    if timed:
        worst = max(timed, key=_p99)
        told = (
            f"In the slowest {length_words(worst)}, from {clock(worst.start, zone)}, 99 % of liquidations"
            f" came within {took(_p99(worst))} of the account being due"
        )
    fullest = max(record.buckets, key=lambda each: each.most_under_margin, default=None)
    if fullest is None or not fullest.most_under_margin:
        return f"{told}; no account was under its margin at any look."
    return (
        f"{told}; at most {many(fullest.most_under_margin, 'account')} were under margin at one time"
        f" ({clock(fullest.start, zone)}), and at most"
        f" {max(each.most_liquidatable for each in record.buckets):,} could be liquidated by the exchange's"
        " rules."
    )


def _p99(bucket: Bucket) -> int:
    return bucket.latency.p99_ms or 0


def bucket_words(record: DrillRecord) -> str:
    """Say how long buckets are: `minute`, `5 min`, `bucket of 1 min to 15 min`."""
    lengths = {each.stop - each.start for each in record.buckets}
    if not lengths:
        return "bucket"
    if len(lengths) > 1:
        return f"bucket of {lasted(min(lengths))} to {lasted(max(lengths))}"
    return length_words(record.buckets[0])


def length_words(bucket: Bucket) -> str:
    """Say how long one bucket is: `minute`, `5 min`."""
    seconds = bucket.stop - bucket.start
    return {1: "second", 60: "minute", 3_600: "hour"}.get(seconds, lasted(seconds))


def hour_sentence(name: str, record: DrillRecord, hour: tuple[Seconds, Seconds]) -> str:
    """Tell an hour of the chart of that name."""
    zone = record.played.timezone
    inside = [each for each in record.buckets if hour[0] <= each.start < hour[1]]
    span = f"From {clock(hour[0], zone)} to {clock(hour[1], zone)}"
    match name:
        case "liquidations":
            part, whole = _sum(inside, _liquidated), _sum(record.buckets, _liquidated)
            told = f"{money(part)} were liquidated, {percent(part, whole)} of the run's"
        case "losses":
            part = _sum(inside, lambda each: each.bad_debt_atoms)
            told = f"{money(part)} of bad debt came up" if part else "no bad debt came up"
        case "deleverage":
            closed = sum(one.closed_atoms for each in inside for one in each.deleverages)
            told = f"{money(closed)} were closed on each side in this run"
        case _:
            slowest = max(inside, key=_p99, default=None)
            if slowest is None or slowest.latency.p99_ms is None:
                return f"{span}, no liquidation was timed."
            told = (
                f"99 % of liquidations came within {took(_p99(slowest))} in the slowest"
                f" {length_words(slowest)}"
            )
    return f"{span}, {told}."


def _liquidated(bucket: Bucket) -> int:
    return bucket.liquidated_atoms


def _sum(buckets: Sequence[Bucket], read: Callable[[Bucket], int]) -> int:
    return sum(read(each) for each in buckets)
