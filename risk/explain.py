"""The verdict on one account, in words: every number that led to it, and the reason.

For `bellkeeper explain ACCOUNT` and for the pages an operator reads at night. Ordered lines of
label, value and unit; money as exact decimal strings. Judges nothing itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from risk.amounts import money_text, percent_text, price_text, size_text
from risk.liquidation import (
    Carrying,
    CloseCost,
    CloseSize,
    LiquidationCode,
    LiquidationTerms,
    LiquidationVerdict,
)
from risk.margin import MarginState, PositionState
from risk.market import Market
from risk.price_bounds import Direction, PriceBound, Reach, bankruptcy_bound, liquidation_bound
from risk.units import PPM_SCALE, MarketId, Seconds, account_label, div_floor


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One number with its name and unit; the unit is empty for words."""

    label: str
    value: str
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Lines that belong together."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The sentence that matters, then everything behind it."""

    summary: str
    sections: tuple[Section, ...]


def explain(
    state: MarginState, terms: LiquidationTerms, verdicts: Mapping[MarketId, LiquidationVerdict]
) -> Explanation:
    """Explain an account, its positions, and a verdict for each market that has one."""
    sections = [_account_section(state)]
    for held in state.positions:
        market = terms.markets[held.position.market]
        sections.append(_position_section(state, held, market, terms.now))
        verdict = verdicts.get(held.position.market)
        if verdict is not None:
            sections.append(_verdict_section(verdict, market))
    return Explanation(summary=summary(state), sections=tuple(sections))


def summary(state: MarginState) -> str:
    """Say in one sentence how the account stands."""
    who = account_label(state.account)
    has, must = money_text(state.equity), money_text(state.maintenance_margin)
    if not state.is_priced:
        return f"{who} cannot be judged: a market it holds has no fresh price."
    if state.is_bankrupt:
        return f"{who} is bankrupt: it owes {money_text(-state.equity)} USD more than it has."
    if state.is_liquidatable:
        return f"{who} is liquidatable: equity {has} USD is below maintenance margin {must} USD."
    return f"{who} is healthy: equity {has} USD covers maintenance margin {must} USD."


def reason(verdict: LiquidationVerdict) -> str:
    """Say in one sentence why the exchange would answer so."""
    has, must = money_text(verdict.equity), money_text(verdict.maintenance_margin)
    shortfall = money_text(verdict.cost.shortfall if verdict.cost else 0)
    sentences = {
        LiquidationCode.LIQUIDATED: f"Equity {has} USD is below maintenance margin {must} USD: "
        f"{size_text(abs(verdict.closed))} shares would be closed.",
        LiquidationCode.NOT_LIQUIDATABLE: f"Equity {has} USD is not below maintenance margin "
        f"{must} USD.",
        LiquidationCode.NO_POSITION: "The account holds nothing in this market, or is the "
        "backstop.",
        LiquidationCode.STALE_PRICE: "A market that the account holds has no fresh price.",
        LiquidationCode.MARKET_CLOSED: "The market is halted, settled, or being split.",
        LiquidationCode.COOLING_DOWN: f"A slice was just closed and the account is not critical: "
        f"the rest may follow at {verdict.until}.",
        LiquidationCode.UNKNOWN_MARKET: "There is no such market.",
        LiquidationCode.BACKSTOP_FULL: "The backstop cannot take the piece: its cap in this "
        "market, or its own margin.",
        LiquidationCode.DELEVERAGE_NEEDED: f"The shortfall of {shortfall} USD is more than "
        f"insurance fund and backstop can carry.",
        LiquidationCode.EXPIRED: "The transaction came after its deadline.",
    }
    return sentences[verdict.code]


def _account_section(state: MarginState) -> Section:
    return Section(
        title="Account",
        lines=(
            Line(label="account", value=account_label(state.account)),
            Line(label="collateral", value=money_text(state.collateral), unit="USD"),
            Line(label="equity", value=money_text(state.equity), unit="USD"),
            Line(
                label="maintenance margin", value=money_text(state.maintenance_margin), unit="USD"
            ),
            Line(label="initial margin", value=money_text(state.initial_margin), unit="USD"),
            Line(label="notional", value=money_text(state.notional), unit="USD"),
            Line(label="slack", value=money_text(state.slack), unit="USD"),
            Line(label="all prices fresh", value=_yes(holds=state.is_priced)),
            Line(label="liquidatable", value=_yes(holds=state.is_liquidatable)),
            Line(label="bankrupt", value=_yes(holds=state.is_bankrupt)),
        ),
    )


def _position_section(
    state: MarginState, held: PositionState, market: Market, now: Seconds
) -> Section:
    position = held.position
    lines = [
        Line(label="size", value=size_text(position.size), unit="shares"),
        Line(label="mark price", value=price_text(market.mark), unit="USD"),
        Line(label="price age", value=str(now - market.price_timestamp), unit="s"),
        Line(label="price fresh", value=_yes(holds=not held.is_stale)),
        Line(label="market status", value=market.status.name),
        Line(label="quote", value=money_text(position.quote), unit="USD"),
        Line(label="value", value=money_text(held.value), unit="USD"),
        Line(label="funding owed", value=money_text(held.funding_owed), unit="USD"),
        Line(label="unrealised", value=money_text(held.unrealised), unit="USD"),
        Line(label="notional", value=money_text(held.notional), unit="USD"),
        Line(label="maintenance margin", value=money_text(held.maintenance_margin), unit="USD"),
        Line(label="initial margin", value=money_text(held.initial_margin), unit="USD"),
    ]
    if not market.is_settled and market.mark > 0 and position.size != 0:
        lines += _bound_lines(
            "liquidation price", liquidation_bound(state, held, market, now), market
        )
        lines += _bound_lines(
            "bankruptcy price", bankruptcy_bound(state, held, market, now), market
        )
    return Section(title=f"Position in {market.symbol}", lines=tuple(lines))


def _bound_lines(label: str, bound: PriceBound, market: Market) -> list[Line]:
    if bound.mark is None:
        words = "none at any price" if bound.reach is Reach.NEVER else "passed at every price"
        return [Line(label=label, value=words)]
    way = "or below" if bound.direction is Direction.FALLING else "or above"
    away = div_floor((bound.mark - market.mark) * PPM_SCALE, market.mark)
    return [
        Line(label=label, value=price_text(bound.mark), unit=f"USD {way}"),
        Line(label=f"distance to {label}", value=percent_text(away), unit="% of the mark"),
    ]


def _verdict_section(verdict: LiquidationVerdict, market: Market) -> Section:
    lines = [
        Line(label="answer", value=verdict.code.value),
        Line(label="reason", value=reason(verdict)),
    ]
    if verdict.until is not None:
        lines.append(Line(label="cooling down until", value=str(verdict.until), unit="Unix s"))
    if verdict.sizing is not None:
        lines += _sizing_lines(verdict.sizing, market)
    if verdict.cost is not None:
        lines += _cost_lines(verdict.cost)
    if verdict.carrying is not None:
        lines += _carrying_lines(verdict.carrying)
        lines += [
            Line(label="equity afterwards", value=money_text(verdict.equity_after), unit="USD"),
            Line(
                label="maintenance margin afterwards",
                value=money_text(verdict.maintenance_margin_after),
                unit="USD",
            ),
        ]
    return Section(title=f"Liquidation in {market.symbol}", lines=tuple(lines))


def _sizing_lines(sizing: CloseSize, market: Market) -> list[Line]:
    return [
        Line(label="critical", value=_yes(holds=sizing.is_critical)),
        Line(label="first slice only", value=_yes(holds=sizing.is_slice)),
        Line(label="allowed", value=size_text(sizing.allowed), unit="shares"),
        Line(label="spread", value=percent_text(sizing.spread), unit="%"),
        Line(label="penalty rate", value=percent_text(market.penalty), unit="%"),
        Line(label="shortage to the buffer", value=money_text(sizing.shortage), unit="USD"),
        Line(label="gain of closing all", value=money_text(sizing.gain), unit="USD"),
        Line(label="needed", value=size_text(sizing.need), unit="shares"),
        Line(label="to close", value=size_text(sizing.close), unit="shares"),
    ]


def _cost_lines(cost: CloseCost) -> list[Line]:
    return [
        Line(label="value at the mark", value=money_text(cost.value), unit="USD"),
        Line(label="notional closed", value=money_text(cost.notional), unit="USD"),
        Line(label="margin freed", value=money_text(cost.freed), unit="USD"),
        Line(label="budget", value=money_text(cost.budget), unit="USD"),
        Line(label="discount", value=money_text(cost.discount), unit="USD"),
        Line(label="penalty", value=money_text(cost.penalty), unit="USD"),
        Line(label="shortfall", value=money_text(cost.shortfall), unit="USD"),
    ]


def _carrying_lines(carrying: Carrying) -> list[Line]:
    return [
        Line(
            label="shortfall from the insurance fund",
            value=money_text(carrying.shortfall_insurance),
            unit="USD",
        ),
        Line(
            label="shortfall from the backstop",
            value=money_text(carrying.shortfall_backstop),
            unit="USD",
        ),
        Line(label="keeper reward", value=money_text(carrying.reward), unit="USD"),
        Line(
            label="of it from the insurance fund",
            value=money_text(carrying.reward_insurance),
            unit="USD",
        ),
        Line(
            label="insurance fund afterwards", value=money_text(carrying.insurance_fund), unit="USD"
        ),
    ]


def _yes(*, holds: bool) -> str:
    return "yes" if holds else "no"
