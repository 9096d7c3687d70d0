"""Records of drills that never were: a crash on a Friday night like one that was, a run in which nothing happens."""

from dataclasses import replace
from typing import Final

import numpy as np

from drills.report.record import (
    Act,
    Bucket,
    Cost,
    Deleverage,
    DrillRecord,
    Expectation,
    Ground,
    Invariant,
    Latency,
    LeverCourse,
    MarketCourse,
    Played,
    Quality,
    SourcedFact,
    Totals,
    Variant,
)
from risk.deleverage_rank import RankPolicy
from risk.incentive_terms import Lever
from risk.sessions import Session
from risk.units import MarketStatus, Ppm, PriceE8, QuoteAtoms, Seconds

START: Final = 1_760_108_400
"""Friday 10 October 2025, 11:00 in New York."""
USD: Final = 10**6
CRASH: Final = 22_500
"""Seconds from the start to the crash, 17:15."""
CLOSE: Final = 5 * 3_600
NIGHT: Final = 9 * 3_600


def played(**facts: object) -> Played:
    usual = Played(
        scenario="friday_night",
        title="A Friday night: everything is sold at once",
        story="Tariffs are announced after the close.\nFrom 16:50 on everything falls for forty minutes while the books empty.",
        seed=1,
        accounts=1_620_000,
        ground=Ground.MEMORY,
        variant=Variant.BASE,
        step_seconds=1,
        program_version="0.1.0",
        command="bellkeeper drill friday_night --on memory --accounts 1620000 --seed 1",
        timezone="America/New_York",
    )
    return replace(usual, **facts)  # type: ignore[arg-type]


def crash(*, seconds: int = 12 * 3_600, step: int = 10, **facts: object) -> DrillRecord:
    """Give a run with a crash, halts, liquidations, bad debt and deleverage."""
    count = seconds // step + 1
    offsets = np.arange(count) * step
    buckets = tuple(_bucket(start, start + 60) for start in range(0, seconds, 60))
    markets = tuple(
        _market(symbol, price, depth, offsets, seed)
        for seed, (symbol, price, depth) in enumerate(
            (("IBIT", 68.0, 0.155), ("NVDA", 188.0, 0.06), ("COIN", 371.0, 0.19))
        )
    )
    made = DrillRecord(
        played=played(),
        times=tuple(Seconds(START + each) for each in offsets.tolist()),
        markets=markets,
        buckets=buckets,
        acts=_acts(seconds),
        expectations=(
            Expectation(
                what="the cascade ends by 17:30",
                at=Seconds(START + CRASH + 900),
                happened=True,
                happened_at=Seconds(START + CRASH + 871),
                found="The last of the minutes with more than 100M USD liquidated began at 17:29.",
            ),
        ),
        totals=_totals(buckets),
        invariants=(
            Invariant(name="money is conserved", holds=True, found="1,204,500,000.25 USD at both ends."),
            Invariant(name="no liquidation in a halt", holds=True, found="41,220 were looked at."),
        ),
        facts=(
            SourcedFact(
                at=None, about="btc, USD", text="strays by 45 bp for the square root of an hour",
                quality=Quality.ASSUMPTION, source="2.2 % in 24 hours, as in a calm week",
            ),
            SourcedFact(
                at=Seconds(START + CRASH), about="depth of IBIT, COIN", text="2 % of the usual",
                quality=Quality.SECONDARY, source="example.org/feed/22111099: depth collapsed",
            ),
        ),
        cost=Cost(wall_seconds=1_260, peak_mib=5_300),
    )  # fmt: skip
    return replace(made, **facts)  # type: ignore[arg-type]


def quiet(**facts: object) -> DrillRecord:
    """Give a run of an hour in which nothing happens at all."""
    times = tuple(Seconds(START + each) for each in range(0, 3_601, 60))
    price = PriceE8(100 * 10**8)
    none: tuple[None, ...] = (None,) * len(times)
    course = MarketCourse(
        symbol="SPY",
        value_e8=(price,) * len(times),
        index_e8=none,
        mark_e8=(price,) * len(times),
        band_low_e8=none,
        band_high_e8=none,
        status=(MarketStatus.OPEN,) * len(times),
        session=(Session.WEEKEND,) * len(times),
        depth_usd=none,
        open_interest_usd=none,
    )
    pools = QuoteAtoms(1_000_000 * USD)
    made = DrillRecord(
        played=played(title="A quiet hour", scenario="quiet", accounts=100),
        times=times,
        markets=(course,),
        buckets=(),
        acts=(),
        expectations=(),
        totals=Totals(
            liquidations=0, liquidated_accounts=0, liquidated_atoms=QuoteAtoms(0),
            median_wait_seconds=None, worst_wait_seconds=None, worst_wait_blocks=None,
            still_under_margin=0, bad_debt_atoms=QuoteAtoms(0),
            insurance_before_atoms=pools, insurance_after_atoms=pools,
            backstop_before_atoms=pools, backstop_after_atoms=pools,
            deleverages=(), deleveraged_accounts=0, halts=0, halted_seconds=0,
            restricted_seconds=0, maker_cost_atoms=None,
        ),
        invariants=(),
        facts=(),
    )  # fmt: skip
    return replace(made, **facts)  # type: ignore[arg-type]


def variants(base: DrillRecord) -> list[DrillRecord]:
    """Give a run of each variant: worse or better than the base in a few figures."""
    totals = base.totals
    changed = {
        Variant.NO_BREAKERS: replace(
            totals, bad_debt_atoms=QuoteAtoms(44_000_000 * USD), halts=0, halted_seconds=0,
            restricted_seconds=0, liquidated_atoms=QuoteAtoms(totals.liquidated_atoms + 3_100_000_000 * USD),
        ),
        Variant.NO_INCENTIVES: replace(totals, maker_cost_atoms=None, worst_wait_seconds=67),
        Variant.FROZEN_CLOSE: replace(totals, bad_debt_atoms=QuoteAtoms(80_000_000 * USD)),
        Variant.FULL_LIQUIDATION: replace(totals, liquidated_accounts=1_700_001),
        Variant.PRO_RATA: replace(
            totals, deleverages=(replace(totals.deleverages[0], policy=RankPolicy.PRO_RATA),),
            deleveraged_accounts=48_337,
        ),
    }  # fmt: skip
    return [
        replace(
            base,
            played=replace(base.played, variant=variant),
            totals=summed,
            buckets=_under(base.buckets, RankPolicy.PRO_RATA)
            if variant is Variant.PRO_RATA
            else base.buckets,
        )
        for variant, summed in changed.items()
    ]


def _under(buckets: tuple[Bucket, ...], policy: RankPolicy) -> tuple[Bucket, ...]:
    return tuple(
        replace(each, deleverages=tuple(replace(one, policy=policy) for one in each.deleverages))
        for each in buckets
    )


def _market(
    symbol: str, price: float, depth: float, offsets: np.ndarray, seed: int
) -> MarketCourse:
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.standard_normal(len(offsets))) * 3e-4 * np.sqrt((offsets[1] or 1) / 10)
    fell = np.clip((offsets - CRASH + 1_500) / 1_800, 0, 1)
    back = np.clip((offsets - CRASH - 300) / 600, 0, 1)
    value = price * np.exp(0.15 * walk - depth * fell**3 + depth * 0.5 * back)
    mark = np.convolve(np.pad(value, (4, 0), mode="edge"), np.ones(5) / 5, mode="valid")
    mark = mark * np.where((offsets > CRASH) & (offsets < CRASH + 300), 1 - depth * 0.08, 1.0)
    units = [PriceE8(round(each * 1e8)) for each in value.tolist()]
    marks = [PriceE8(round(each * 1e8)) for each in mark.tolist()]
    outside = offsets < NIGHT
    reference = np.maximum.accumulate(np.where(offsets % 300 == 0, np.arange(len(offsets)), 0))
    held = mark[reference]
    status = [_status(each) for each in offsets.tolist()]
    return MarketCourse(
        symbol=symbol,
        value_e8=tuple(units),
        index_e8=tuple(each if is_on else None for each, is_on in zip(units, outside.tolist(), strict=True)),
        mark_e8=tuple(marks),
        band_low_e8=tuple(PriceE8(round(each * 0.93e8)) for each in held.tolist()),
        band_high_e8=tuple(PriceE8(round(each * 1.07e8)) for each in held.tolist()),
        status=tuple(status),
        session=tuple(_session(each) for each in offsets.tolist()),
        depth_usd=tuple(2_000_000 for _ in marks),
        open_interest_usd=tuple(900_000_000 for _ in marks),
        levers=(LeverCourse(lever=Lever.MAKER_FEE, values=(-50,) * len(marks)),),
    )  # fmt: skip


def _session(offset: int) -> Session:
    if offset < CLOSE:
        return Session.REGULAR
    return Session.POST if offset < NIGHT else Session.WEEKEND


def _status(offset: int) -> MarketStatus:
    after = offset - CRASH
    if 0 <= after < 300:
        return MarketStatus.HALTED
    if -120 <= after < 0 or 300 <= after < 420:
        return MarketStatus.LIMIT
    return MarketStatus.REDUCE_ONLY if 420 <= after < 2_400 else MarketStatus.OPEN


def _bucket(start: int, stop: int) -> Bucket:
    near = max(0.0, 1 - abs(start - CRASH) / 1_500)
    liquidated = QuoteAtoms(round(3_210_000_000 * near**6) * USD)
    share = near**6
    deleverages = ()
    if share > 0.5:
        deleverages = (
            Deleverage(
                policy=RankPolicy.PROFIT_LEVERAGE,
                need_atoms=QuoteAtoms(3_000_000 * USD),
                closed_atoms=QuoteAtoms(round(210_000_000 * share) * USD),
                haircut_over_need_ppm=Ppm(1_000_001),
            ),
        )
    lost = max(0, start - CRASH + 900) if start < CRASH + 900 else 1_800
    return Bucket(
        start=Seconds(START + start),
        stop=Seconds(START + stop),
        liquidations=round(268_000 * share),
        liquidated_atoms=liquidated,
        worst_wait_seconds=round(42 * near**2) if near else None,
        worst_wait_blocks=round(420 * near**2) if near else None,
        most_under_margin=round(61_000 * share),
        most_liquidatable=round(44_000 * share),
        insurance_fund_atoms=QuoteAtoms((40_000_000 - 18_000 * lost) * USD),
        backstop_equity_atoms=QuoteAtoms((120_000_000 - 41_000 * lost) * USD),
        bad_debt_atoms=QuoteAtoms(round(2_400_000 * share) * USD if share > 0.3 else 0),
        latency=Latency(
            planned=round(268_000 * share),
            p50_ms=round(300 + 900 * near) if share > 0.001 else None,
            p99_ms=round(900 + 40_000 * near**4) if share > 0.001 else None,
        ),
        deleverages=deleverages,
    )


def _acts(seconds: int) -> tuple[Act, ...]:
    found = [
        Act(
            at=Seconds(START + at), symbol="NVDA", who="band", what="band moved",
            why="the five-minute mean moved by 1.2 %, from 188.10 to 185.84",
        )
        for at in range(300, seconds, 300)
    ]  # fmt: skip
    steps = (
        (-120, MarketStatus.LIMIT, "limit state", "mark 57.20 is at the lower edge of its band"),
        (0, MarketStatus.HALTED, "halted", "15 s in the limit state: a pause of five minutes"),
        (300, MarketStatus.LIMIT, "reopened", "the pause is over: 20 fresh prices seen"),
        (420, MarketStatus.REDUCE_ONLY, "reduce-only", "sources disagree by 2.1 %, 1.0 % allowed"),
        (2_400, MarketStatus.OPEN, "opened", "sources agree within 0.2 % for ten minutes"),
    )
    found += [
        Act(at=Seconds(START + CRASH + at), symbol=symbol, who="band", what=what, why=why, status=status)
        for at, status, what, why in steps
        if CRASH + at < seconds
        for symbol in ("IBIT", "NVDA", "COIN")
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda each: each.at))


def _totals(buckets: tuple[Bucket, ...]) -> Totals:
    deleverages = [one for each in buckets for one in each.deleverages]
    return Totals(
        liquidations=sum(each.liquidations for each in buckets),
        liquidated_accounts=1_612_000,
        liquidated_atoms=QuoteAtoms(sum(each.liquidated_atoms for each in buckets)),
        median_wait_seconds=2,
        worst_wait_seconds=max((each.worst_wait_seconds or 0 for each in buckets), default=None),
        worst_wait_blocks=420,
        still_under_margin=0,
        bad_debt_atoms=QuoteAtoms(sum(each.bad_debt_atoms for each in buckets)),
        insurance_before_atoms=QuoteAtoms(40_000_000 * USD),
        insurance_after_atoms=QuoteAtoms(7_600_000 * USD),
        backstop_before_atoms=QuoteAtoms(120_000_000 * USD),
        backstop_after_atoms=QuoteAtoms(46_200_000 * USD),
        deleverages=(
            Deleverage(
                policy=RankPolicy.PROFIT_LEVERAGE,
                need_atoms=QuoteAtoms(sum(each.need_atoms for each in deleverages)),
                closed_atoms=QuoteAtoms(sum(each.closed_atoms for each in deleverages)),
                haircut_over_need_ppm=Ppm(1_000_001) if deleverages else None,
            ),
        ),
        deleveraged_accounts=23_865,
        halts=3,
        halted_seconds=900,
        restricted_seconds=6_660,
        maker_cost_atoms=QuoteAtoms(184_000 * USD),
    )
