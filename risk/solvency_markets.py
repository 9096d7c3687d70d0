"""The invariants of markets: sizes, waits, prices, and who holds how much."""

from collections.abc import Mapping

from risk.integrity_rules import Action
from risk.market import Market
from risk.solvency_finding import Finding, Invariant, Notes, dollars, unknown
from risk.solvency_rules import Approved, SolvencyRules
from risk.solvency_sheet import BalanceSheet
from risk.units import (
    PPM_SCALE,
    MarketId,
    MarketStatus,
    Ppm,
    PriceE8,
    div_ceil,
    notional,
)


def sizes_balance(sheet: BalanceSheet) -> Finding:
    """Invariant 1: longs equal shorts in every market, and the open interest is their sum.

    A settled market is closed account by account, so only its open interest is compared.
    """
    invariant = Invariant.SIZES_BALANCE
    if sheet.book is None or sheet.markets is None:
        return unknown(invariant, "the accounts or the markets could not be read")
    notes, worst = Notes(), 0
    for number, market in sheet.markets.items():
        sides = sheet.book.sides.get(number)
        if market.is_splitting:
            notes.unknown.append(f"{market.symbol} is in the middle of a split")
            continue
        longs, shorts = (0, 0) if sides is None else (sides.longs, sides.shorts)
        if longs != shorts and not market.is_settled:
            worst = max(worst, abs(longs - shorts))
            notes.breach(
                f"{market.symbol}: longs are {longs} and shorts {shorts} in 1e-8 share",
                Action.HALT,
                market=market.symbol,
            )
        if longs != market.open_interest:
            worst = max(worst, abs(longs - market.open_interest))
            notes.breach(
                f"{market.symbol}: longs are {longs}, but the open interest says"
                f" {market.open_interest} in 1e-8 share",
                Action.HALT,
                market=market.symbol,
            )
    good = f"longs equal shorts in all {len(sheet.markets)} markets"
    return notes.finding(invariant, good, {"largest_difference_e8": worst})


def nobody_waits(sheet: BalanceSheet, rules: SolvencyRules) -> Finding:
    """Invariant 4: nobody who could be liquidated stays under margin for long."""
    invariant = Invariant.NOBODY_WAITS
    if sheet.claims is None:
        return unknown(invariant, "the accounts could not be read")
    waiting = sheet.claims.under_margin
    due = [each for each in waiting if each.may_liquidate]
    oldest = max((sheet.block - each.since_block for each in due), default=0)
    notes = Notes()
    if oldest > rules.wait_blocks:
        late = [each for each in due if sheet.block - each.since_block > rules.wait_blocks]
        notes.breach(
            f"{len(late)} accounts could be liquidated for more than {rules.wait_blocks} blocks,"
            f" the oldest for {oldest}; {sum(each.equity < 0 for each in late)} of them are bankrupt",
            Action.REDUCE_ONLY,
        )
    numbers = {
        "under_margin_accounts": len(waiting),
        "under_margin_notional_atoms": sum(each.notional for each in waiting),
        "liquidatable_accounts": len(due),
        "bankrupt_accounts": sum(each.equity < 0 for each in waiting),
        "oldest_blocks": oldest,
    }
    good = f"{len(waiting)} accounts under margin, {len(due)} liquidatable, the oldest for {oldest} blocks"
    return notes.finding(invariant, good, numbers)


def prices_bounded(sheet: BalanceSheet, approved: Approved, rules: SolvencyRules) -> Finding:
    """Invariant 5: the mark is near the index and inside its band, and moves in clamped steps."""
    invariant = Invariant.PRICES_BOUNDED
    if sheet.markets is None:
        return unknown(invariant, "the markets could not be read")
    notes, largest_step, largest_gap = Notes(), 0, 0
    steps = {} if sheet.flows is None else sheet.flows.steps
    if sheet.flows is None:
        notes.unknown.append("the events that tell the steps of the marks could not be read")
    for number, market in sheet.markets.items():
        _judge_clamp(market, approved, notes)
        step = steps.get(number)
        if step is not None:
            largest_step = max(largest_step, step.size)
            if step.size > max(market.clamp, approved.clamps.get(market.symbol, 0)):
                notes.breach(
                    f"{market.symbol}: the mark went from {step.before} to {step.after} in one"
                    f" update, {step.size} ppm, where {market.clamp} are allowed",
                    Action.HALT,
                    market=market.symbol,
                )
        if market.is_settled or market.is_splitting or min(market.mark, market.index) == 0:
            continue
        gap = _distance(market.mark, market.index)
        largest_gap = max(largest_gap, gap)
        if gap > rules.mark_index:
            notes.breach(
                f"{market.symbol}: the mark {market.mark} is {gap} ppm from the index"
                f" {market.index}, where {rules.mark_index} are allowed",
                Action.REDUCE_ONLY,
                market=market.symbol,
            )
        if market.band_high > 0 and not market.band_low <= market.mark <= market.band_high:
            notes.breach(
                f"{market.symbol}: the mark {market.mark} is outside its band",
                Action.HALT,
                market=market.symbol,
            )
    good = f"marks are within {largest_gap} ppm of their indexes, steps within {largest_step} ppm"
    numbers = {"largest_step_ppm": largest_step, "largest_mark_index_ppm": largest_gap}
    return notes.finding(invariant, good, numbers)


def _judge_clamp(market: Market, approved: Approved, notes: Notes) -> None:
    clamp = approved.clamps.get(market.symbol)
    if clamp is not None and market.clamp > clamp:
        notes.breach(
            f"{market.symbol}: one update may move the mark by {market.clamp} ppm, where {clamp}"
            " were approved",
            Action.REDUCE_ONLY,
            market=market.symbol,
        )


def prices_timely(
    sheet: BalanceSheet, previous: BalanceSheet | None, rules: SolvencyRules
) -> Finding:
    """Invariant 6: no price lies in the future, none goes back, none is old where trading goes on.

    Where the reader has prices from elsewhere, the index must agree with them.
    """
    invariant = Invariant.PRICES_TIMELY
    if sheet.markets is None:
        return unknown(invariant, "the markets could not be read")
    before: Mapping[MarketId, Market] = {}
    if previous is not None and previous.markets is not None:
        before = previous.markets
    notes, oldest = Notes(), 0
    for number, market in sheet.markets.items():
        if market.is_settled or market.mark == 0:
            continue
        newest = max(market.price_timestamp, market.updated_at)
        if newest > sheet.timestamp + rules.clock_slack:
            notes.breach(
                f"{market.symbol}: its price is of {newest}, but the block of {sheet.timestamp}",
                Action.HALT,
                market=market.symbol,
            )
        known = before.get(number)
        if known is not None and market.price_timestamp < known.price_timestamp:
            notes.breach(
                f"{market.symbol}: the time of its price went back",
                Action.HALT,
                market=market.symbol,
            )
        age = sheet.timestamp - market.price_timestamp
        if market.status < MarketStatus.HALTED and not market.is_splitting:
            oldest = max(oldest, age)
            if age > rules.price_age:
                notes.breach(
                    f"{market.symbol}: its price is {age} s old, where {rules.price_age} are allowed",
                    Action.REDUCE_ONLY,
                    market=market.symbol,
                )
        other = rules.prices.get(number)
        if other is not None and _distance(market.index, other) > rules.mark_index:
            notes.breach(
                f"{market.symbol}: the index is {market.index}, but elsewhere {other}",
                Action.REDUCE_ONLY,
                market=market.symbol,
            )
    return notes.finding(
        invariant, f"the oldest price is {oldest} s old", {"oldest_price_seconds": oldest}
    )


def concentration_bounded(sheet: BalanceSheet, rules: SolvencyRules) -> Finding:
    """Invariant 9: open interest is below its cap, and no few accounts hold most of it."""
    invariant = Invariant.CONCENTRATION_BOUNDED
    if sheet.claims is None or sheet.markets is None:
        return unknown(invariant, "the accounts or the markets could not be read")
    notes, numbers = Notes(), {"largest_share_ppm": 0}
    for number, market in sheet.markets.items():
        held = sheet.claims.markets.get(number)
        if held is None or market.is_settled or market.is_splitting:
            continue
        interest = notional(market.open_interest, market.mark)
        if interest > market.open_interest_cap:
            notes.breach(
                f"{market.symbol}: open interest of {dollars(interest)} is above its cap of"
                f" {dollars(market.open_interest_cap)}",
                Action.TIGHTER_BAND,
                market=market.symbol,
            )
        if interest < rules.concentration_floor:
            continue
        numbers["largest_share_ppm"] = max(numbers["largest_share_ppm"], held.top_one)
        for name, share, most in (
            ("one account holds", held.top_one, rules.top_one),
            ("five accounts hold", held.top_five, rules.top_five),
            ("the Herfindahl index is", held.herfindahl, rules.herfindahl),
        ):
            if share > most:
                notes.breach(
                    f"{market.symbol}: {name} {share} ppm, where {most} are allowed",
                    Action.REDUCE_ONLY,
                    market=market.symbol,
                )
    good = f"the largest share of an open interest is {numbers['largest_share_ppm']} ppm"
    return notes.finding(invariant, good, numbers)


def _distance(price: PriceE8, other: PriceE8) -> Ppm:
    return Ppm(div_ceil(abs(price - other) * PPM_SCALE, other))
