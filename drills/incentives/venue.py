"""A venue in memory for drills of incentives: one market, its book, its money to the atom.

Trades are matched by `drills.matching_engine` and settled as the exchange settles them: notional
rounded up, each fee rounded up, a negative maker fee is a rebate; taker fee + maker fee may never be
below 0. The tuner's writes are checked as on chain: the owner's limits, largest step and cool-down.
Funding accrues on the index, is settled for each account when asked, and what rounding leaves over
stays in the pool: cash, fees and pool always sum to what they began with.
Not modelled: margin calls and liquidations. Who trades here has collateral enough.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from drills.matching_engine import BookChange, MatchingEngine, Side, Trade
from monitors.incentives.terms import TUNED
from risk.guard_rails import Limits, Parameter
from risk.incentive_budget import SettledTrade
from risk.incentive_write import LARGEST_CAP, LARGEST_FUNDING_RATE, TunerState, value_on_chain
from risk.market import Market
from risk.order_book import OrderBook
from risk.units import (
    NOTIONAL_SCALE,
    PPM_SCALE,
    AccountId,
    FundingE12,
    PpbPerHour,
    Ppm,
    PriceE8,
    QuoteAtoms,
    Seconds,
    SizeE8,
    div_ceil,
    div_floor,
    notional,
)

FUNDING_SCALE: Final = 10**14
"""Size in 1e-8 share times the funding of one share in 1e-12 USD, in quote atoms."""


class RefusedWriteError(Exception):
    """What the exchange would revert with."""


@dataclass(slots=True)
class Holding:
    """What one account has at the venue."""

    size: SizeE8 = SizeE8(0)
    cash: QuoteAtoms = QuoteAtoms(0)
    """Payments for sizes, fees and funding since the start; no collateral."""
    funding: FundingE12 = FundingE12(0)
    """The market's funding index when it was settled last."""


@dataclass(slots=True)
class Totals:
    """What passed since the start, in atoms."""

    volume: int = 0
    trades: int = 0
    taker_fees: int = 0
    maker_fees: int = 0
    """Signed: rebates count below 0."""
    rebates: int = 0
    """What makers were paid, from 0 on."""
    funding_pool: int = 0
    by_maker: dict[AccountId, int] = field(default_factory=lambda: defaultdict(int))
    """Rebates by who was paid them."""


class IncentiveVenue:
    """One market; `now` is moved by whoever drives it."""

    def __init__(self, market: Market, limits: Mapping[Parameter, Limits], *, now: Seconds) -> None:
        self.now = now
        self.market = market
        self.book = OrderBook()
        self.last_trade: PriceE8 | None = None
        self.holdings: defaultdict[AccountId, Holding] = defaultdict(self._new_holding)
        self.totals = Totals()
        self.settled: list[SettledTrade] = []
        """Trades since `drain`."""
        self._limits = limits
        self._last_written: dict[Parameter, Seconds] = {}
        self.engine = MatchingEngine(market.symbol, now_ms=lambda: self.now * 1_000)
        self.engine.subscribe(self._hear)

    @property
    def tuner(self) -> TunerState:
        """Give what the exchange holds the tuner to; a write lands before the next look."""
        return TunerState(
            limits=self._limits, last_written=dict(self._last_written), is_in_flight=False
        )

    @property
    def open_interest(self) -> SizeE8:
        """Give the sum of all longs."""
        return SizeE8(sum(max(0, each.size) for each in self.holdings.values()))

    def take(self, owner: AccountId, side: Side, price: PriceE8, size: SizeE8) -> SizeE8:
        """Trade at `price` or better at once and give what was filled; what is left is gone.

        An order that could grow the open interest beyond the cap is refused whole.
        """
        sign = 1 if side is Side.BUY else -1
        held = self.holdings[owner].size
        grows = abs(held + sign * size) > abs(held)
        if grows:
            reached = notional(SizeE8(self.open_interest + size), self.market.mark)
            if reached > self.market.open_interest_cap:
                return SizeE8(0)
        placed = self.engine.limit(owner, side, price, size)
        if placed.resting:
            self.engine.cancel(placed.order)
        return placed.filled

    def drain(self) -> list[SettledTrade]:
        """Give the trades since the last call, in order."""
        trades, self.settled = self.settled, []
        return trades

    def set_parameter(self, parameter: Parameter, value: int) -> None:
        """Write a parameter as the tuner does; raises RefusedWriteError as the exchange reverts."""
        if parameter not in TUNED:
            raise RefusedWriteError(f"the tuner may not write {parameter.name}")
        limits = self._limits.get(parameter)
        if limits is None or limits.maximum < limits.minimum:
            raise RefusedWriteError("no limits")
        if not limits.minimum <= value <= limits.maximum:
            raise RefusedWriteError("outside limits")
        if abs(value - value_on_chain(self.market, parameter)) > limits.largest_step:
            raise RefusedWriteError("step too large")
        written = self._last_written.get(parameter)
        if written is not None and self.now < written + limits.cool_down:
            raise RefusedWriteError("cooling down")
        self.market = self._written(parameter, value)
        self._last_written[parameter] = self.now

    def publish(self, *, mark: PriceE8, index: PriceE8) -> None:
        """Set both prices; funding until now has accrued on the index that held until now."""
        self.market = replace(
            self._accrued(), mark=mark, index=index, price_timestamp=self.now, updated_at=self.now
        )

    def settle_funding(self) -> None:
        """Let every account pay or receive what its position owes, rounded up; the rest is pool."""
        index = self.market.funding_index(self.now)
        for each in self.holdings.values():
            owed = div_ceil(each.size * (index - each.funding), FUNDING_SCALE)
            each.funding = index
            each.cash = QuoteAtoms(each.cash - owed)
            self.totals.funding_pool += owed

    def _new_holding(self) -> Holding:
        return Holding(funding=self.market.funding_index(self.now))

    def _accrued(self) -> Market:
        market = self.market
        accrued = market.funding_rate * market.index * (self.now - market.funding_time)
        numerator = market.funding_numerator + accrued
        return replace(market, funding_numerator=numerator, funding_time=self.now)

    def _written(self, parameter: Parameter, value: int) -> Market:
        market = self.market
        match parameter:
            case Parameter.INITIAL_MARGIN if market.tiers[0].rate <= value <= PPM_SCALE:
                return replace(market, initial_margin=Ppm(value))
            case Parameter.OPEN_INTEREST_CAP if 0 <= value <= LARGEST_CAP:
                return replace(market, open_interest_cap=QuoteAtoms(value))
            case Parameter.FUNDING_RATE if abs(value) <= LARGEST_FUNDING_RATE:
                return replace(self._accrued(), funding_rate=PpbPerHour(value))
            case Parameter.TAKER_FEE if max(0, -market.maker_fee) <= value <= PPM_SCALE:
                return replace(market, taker_fee=Ppm(value))
            case Parameter.MAKER_FEE if -market.taker_fee <= value <= PPM_SCALE:
                return replace(market, maker_fee=Ppm(value))
            case _:
                raise RefusedWriteError(f"{parameter.name} outside of what the exchange allows")

    def _hear(self, event: Trade | BookChange) -> None:
        if isinstance(event, BookChange):
            self.book.apply(bids=event.bids, asks=event.asks)
            return
        self.last_trade = event.price
        exposure = notional(event.size, event.price)
        taker_fee = div_ceil(exposure * self.market.taker_fee, PPM_SCALE)
        maker_fee = div_ceil(exposure * self.market.maker_fee, PPM_SCALE)
        signed = event.size if event.side is Side.BUY else -event.size
        paid = div_floor(signed * event.price, NOTIONAL_SCALE)
        self._fill(event.taker, signed, -paid - taker_fee)
        self._fill(event.maker, -signed, paid - maker_fee)
        totals = self.totals
        totals.volume += exposure
        totals.trades += 1
        totals.taker_fees += taker_fee
        totals.maker_fees += maker_fee
        totals.rebates += max(0, -maker_fee)
        totals.by_maker[event.maker] += max(0, -maker_fee)
        self.settled.append(
            SettledTrade(
                block=event.sequence,
                log_index=0,
                time=self.now,
                market=self.market.id,
                size=event.size,
                price=event.price,
                maker_fee=QuoteAtoms(maker_fee),
            )
        )

    def _fill(self, owner: AccountId, size: int, cash: int) -> None:
        each = self.holdings[owner]
        index = self.market.funding_index(self.now)
        owed = div_ceil(each.size * (index - each.funding), FUNDING_SCALE)
        each.funding = index
        each.size = SizeE8(each.size + size)
        each.cash = QuoteAtoms(each.cash + cash - owed)
        self.totals.funding_pool += owed
