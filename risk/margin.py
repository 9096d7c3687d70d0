"""Margin of one account: what it has, what it must keep.

An account is liquidatable when its equity is strictly below its maintenance margin, both valued at
the mark price (never the index, never the last trade). Mirrors docs/exchange.md section 2 to the
atom; a parity test against the contract says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from risk.market import Market
from risk.units import (
    FUNDING_SCALE,
    AccountId,
    FundingE12,
    MarketId,
    QuoteAtoms,
    Seconds,
    SizeE8,
    div_ceil,
    notional,
    signed_value,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What an account holds in one market.

    `quote` is what it cost (negative for a long), `funding` the market's cumulative funding when
    it was last settled, `slice_time` when the first slice of it was liquidated (0: never).
    """

    market: MarketId
    size: SizeE8
    quote: QuoteAtoms
    funding: FundingE12 = FundingE12(0)
    slice_time: Seconds = Seconds(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One margin account: realised cash and the positions that it carries, by market number."""

    id: AccountId
    collateral: QuoteAtoms
    positions: tuple[Position, ...] = ()

    def position(self, market: MarketId) -> Position | None:
        """Give the account's position in a market, or None."""
        return next((held for held in self.positions if held.market == market), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionState:
    """One position, valued: every intermediate number of the verdict."""

    position: Position
    notional: QuoteAtoms
    value: QuoteAtoms
    funding_owed: QuoteAtoms
    maintenance_margin: QuoteAtoms
    initial_margin: QuoteAtoms
    is_stale: bool

    @property
    def unrealised(self) -> QuoteAtoms:
        """Give what closing at the mark would add to the collateral."""
        return QuoteAtoms(self.value + self.position.quote - self.funding_owed)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginState:
    """What an account has and must keep, valued at one moment of the venue's clock."""

    account: AccountId
    collateral: QuoteAtoms
    equity: QuoteAtoms
    maintenance_margin: QuoteAtoms
    initial_margin: QuoteAtoms
    notional: QuoteAtoms
    is_priced: bool
    positions: tuple[PositionState, ...]

    @property
    def is_liquidatable(self) -> bool:
        """Say whether equity is strictly below maintenance margin; needs fresh prices to act on."""
        return self.equity < self.maintenance_margin

    @property
    def is_bankrupt(self) -> bool:
        """Say whether the account owes more than it has."""
        return self.equity < 0

    @property
    def slack(self) -> QuoteAtoms:
        """Give how far equity is above maintenance margin; negative when liquidatable."""
        return QuoteAtoms(self.equity - self.maintenance_margin)


def funding_owed(position: Position, market: Market, now: Seconds) -> QuoteAtoms:
    """Give what a position owes since it was last settled, rounded up: + is to pay."""
    since = market.funding_index(now) - position.funding
    return QuoteAtoms(div_ceil(position.size * since, FUNDING_SCALE))


def position_state(position: Position, market: Market, now: Seconds) -> PositionState:
    """Value one position at the mark."""
    exposure = notional(position.size, market.mark)
    return PositionState(
        position=position,
        notional=exposure,
        value=signed_value(position.size, market.mark),
        funding_owed=funding_owed(position, market, now),
        maintenance_margin=market.maintenance_margin(exposure),
        initial_margin=market.required_to_open(exposure),
        is_stale=market.is_stale(now),
    )


def margin_state(account: Account, markets: Mapping[MarketId, Market], now: Seconds) -> MarginState:
    """Judge one account at `now`.

    equity = collateral + Σ (value + quote − funding owed); see docs/exchange.md section 2.
    Raises KeyError for a position in a market that `markets` lacks: a broken precondition.
    """
    states = tuple(position_state(held, markets[held.market], now) for held in account.positions)
    return MarginState(
        account=account.id,
        collateral=account.collateral,
        equity=QuoteAtoms(account.collateral + sum(state.unrealised for state in states)),
        maintenance_margin=QuoteAtoms(sum(state.maintenance_margin for state in states)),
        initial_margin=QuoteAtoms(sum(state.initial_margin for state in states)),
        notional=QuoteAtoms(sum(state.notional for state in states)),
        is_priced=not any(state.is_stale for state in states),
        positions=states,
    )
