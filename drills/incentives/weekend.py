"""A weekend of one market in memory, look by look: makers, takers, mark, levers, money.

At each look of a minute the makers quote on what they know, takers trade, the mark is made by
`risk.mark_price` from the outside price or the book, the book is measured, and the policy may write one
parameter. Time is the venue's clock and nothing else; the same seed gives the same weekend.
"""

from dataclasses import dataclass, replace
from random import Random
from typing import Final

from drills.incentives.figures import Played, Sample, SessionFigures
from drills.incentives.policy import DEPTH_PLACE, Arm, Policy
from drills.incentives.setting import IMPACT_NOTIONAL, STEP, Setting, World, closure
from drills.incentives.venue import IncentiveVenue
from drills.maker_model.desk import MarketView
from drills.maker_model.makers import PricedMakers
from drills.maker_model.takers import Takers
from risk.impact_price import impact_prices
from risk.liquidity import BookLiquidity, measure_book, open_interest_skew
from risk.mark_price import BookPrices, MarkInputs, MarkState, next_mark
from risk.session_averages import SessionAverage, SessionAverages
from risk.sessions import Session, SessionTimeline
from risk.units import PPM_SCALE, AccountId, PriceE8, QuoteAtoms, Seconds, div_floor

NOISE_ACCOUNTS: Final = tuple(AccountId(1_000 + number) for number in range(30))
INFORMED: Final = tuple(AccountId(2_000 + number) for number in range(3))
ARBITRAGE: Final = tuple(AccountId(3_000 + number) for number in range(2))
FIRST_MAKER: Final = 1
SAMPLE_EVERY: Final = 600
"""Seconds between two samples for pictures."""


def play(setting: Setting, world: World, arm: Arm) -> Played:
    """Play one weekend."""
    run = _Run(setting, world, arm)
    for now, value in zip(world.path.times, world.path.values, strict=True):
        run.look(Seconds(now), value)
    return run.finish()


@dataclass(slots=True)
class _Tally:
    """Of the session that runs."""

    start: Seconds
    volume: int
    rebates: int
    present: int = 0
    looks: int = 0


class _Run:
    """Everything that moves."""

    def __init__(self, setting: Setting, world: World, arm: Arm) -> None:
        self._setting, self._world, self._arm = setting, world, arm
        first = world.path.values[0]
        market = replace(setting.market, mark=first, index=first)
        self._venue = IncentiveVenue(market, setting.limits, now=setting.start)
        self._policy = Policy(arm=arm, terms=setting.policy)
        self._closed, self._reopened = closure(setting.timeline, setting.start, setting.end)
        # Streams of their own: an arm with more makers draws no other noise traders.
        makers, takers = (
            Random(f"{world.seed} {name}")  # noqa: S311 - a drill must be repeatable
            for name in ("quotes", "orders")
        )
        self._makers = PricedMakers(
            self._venue,
            world.makers,
            owners=[AccountId(FIRST_MAKER + place) for place in range(len(world.makers))],
            terms=setting.model,
            random=makers,
        )
        self._takers = Takers(
            self._venue,
            noise=NOISE_ACCOUNTS,
            informed=INFORMED,
            arbitrage=ARBITRAGE,
            terms=setting.model,
            random=takers,
        )
        self._averages = SessionAverages(distances=len(setting.liquidity.distances), most_gap=STEP)
        self._mark: MarkState | None = None
        self._before_reopening: PriceE8 | None = None
        self._tally = _Tally(setting.start, 0, 0)
        self._figures: list[SessionFigures] = []
        self._samples: list[Sample] = []
        self._most = 0

    def look(self, now: Seconds, value: PriceE8) -> None:
        """Play one look."""
        venue, makers = self._venue, self._makers
        venue.now = now
        session = self._setting.timeline.session_at(now)
        view = self._view(now, session, value)
        volume = venue.totals.volume
        makers.step(view, elapsed=STEP)
        bought = self._takers.step(view, value, elapsed=STEP)
        makers.learn(bought, session)
        self._most = max(self._most, div_floor(venue.totals.volume - volume, STEP))
        self._price(now, session, value)
        liquidity = measure_book(venue.book, venue.market.mark, self._setting.liquidity)
        self._count(now, session, liquidity)
        skew = open_interest_skew(makers.net_size, venue.open_interest)
        self._policy.look(venue, liquidity, skew=skew)
        if (now - self._setting.start) % SAMPLE_EVERY == 0:
            self._samples.append(self._sample(now, liquidity, value))

    def finish(self) -> Played:
        """Close the books."""
        venue, path = self._venue, self._world.path
        self._close_session()
        venue.settle_funding()
        opened, last = path.at(self._reopened), path.at(self._closed - STEP)
        assert self._before_reopening is not None
        return Played(
            arm=self._arm,
            seed=self._world.seed,
            sessions=tuple(self._figures),
            reopening_error=_apart(self._before_reopening, opened),
            gap=_apart(last, opened),
            spent=self._policy.spent,
            most_spent=self._policy.most_spent,
            budget=self._setting.weekly_budget,
            rebates=QuoteAtoms(venue.totals.rebates),
            taker_fees=QuoteAtoms(venue.totals.taker_fees),
            makers_worth=QuoteAtoms(sum(self._makers.worth(path.values[-1]))),
            writes=self._policy.writes,
            most_in_a_second=QuoteAtoms(self._most),
            samples=tuple(self._samples),
        )

    def _view(self, now: Seconds, session: Session, value: PriceE8) -> MarketView:
        if session.has_external_price:
            return MarketView(session=session, seconds_to_reopen=0, heard=value)
        reopens = _next_reopening(self._setting.timeline, now)
        terms, path = self._setting.model, self._world.path
        last = path.at(self._closed - STEP)
        told = path.at(max(self._closed - STEP, now - terms.lead_seconds))
        heard = PriceE8(last + round((told - last) * terms.heard))
        return MarketView(session=session, seconds_to_reopen=reopens - now, heard=heard)

    def _price(self, now: Seconds, session: Session, value: PriceE8) -> None:
        """Make mark and index as the price keeper would, from the outside price or the book."""
        venue = self._venue
        begun = self._setting.timeline.last_boundary(now)
        last_seen = now
        if not session.has_external_price:
            # The last outside price is carried forward; nobody publishes the value.
            last_seen = Seconds(self._closed - STEP)
            value = self._world.path.at(last_seen)
        inputs = MarkInputs(
            session=session,
            external=value,
            external_at=last_seen,
            book=BookPrices(
                impact=impact_prices(
                    bids=venue.book.walk_bids(),
                    asks=venue.book.walk_asks(),
                    notional=IMPACT_NOTIONAL,
                ),
                best_bid=venue.book.best_bid,
                best_ask=venue.book.best_ask,
                last_trade=venue.last_trade,
            ),
            seconds_since_boundary=None if begun is None else Seconds(now - begun.start),
        )
        made = next_mark(self._mark, inputs, now=now, rules=self._setting.mark)
        assert made is not None  # there is an outside price from the start
        self._mark, result = made
        if now < self._reopened:
            self._before_reopening = result.mark
        venue.publish(mark=result.mark, index=result.index)

    def _count(self, now: Seconds, session: Session, liquidity: BookLiquidity) -> None:
        running = self._averages.current
        self._averages.take(now, session, liquidity)
        if running is not None and running.session is not session:
            self._finish_session(self._averages.completed[running.session])
        self._tally.looks += 1
        self._tally.present += self._makers.present

    def _close_session(self) -> None:
        """End the last session: its last look counts until the end."""
        running = self._averages.current
        assert running is not None
        self._averages.take(self._setting.end, Session.UNKNOWN, None)
        self._finish_session(self._averages.completed[running.session])

    def _finish_session(self, average: SessionAverage) -> None:
        tally, totals = self._tally, self._venue.totals
        bid, ask = (side.depth[DEPTH_PLACE].value or 0 for side in (average.bid, average.ask))
        length = max(1, average.end - average.start)
        self._figures.append(
            SessionFigures(
                session=average.session,
                start=average.start,
                end=average.end,
                depth=QuoteAtoms(div_floor(bid + ask, 2)),
                spread=average.quoted_spread.value,
                two_sided_ppm=div_floor(average.quoted_spread.observed * PPM_SCALE, length),
                volume=QuoteAtoms(totals.volume - tally.volume),
                rebates=QuoteAtoms(totals.rebates - tally.rebates),
                makers_milli=div_floor(1_000 * tally.present, max(1, tally.looks)),
            )
        )
        self._tally = _Tally(average.end, totals.volume, totals.rebates)

    def _sample(self, now: Seconds, liquidity: BookLiquidity, value: PriceE8) -> Sample:
        market = self._venue.market
        sides = (liquidity.bid.depth, liquidity.ask.depth)
        depth = sum(0 if side is None else side[DEPTH_PLACE] for side in sides)
        return Sample(
            at=now,
            depth=QuoteAtoms(div_floor(depth, 2)),
            spread=liquidity.quoted_spread,
            rebate=-market.maker_fee,
            taker_fee=market.taker_fee,
            margin=market.initial_margin,
            funding_rate=market.funding_rate,
            spent=self._policy.spent,
            makers=self._makers.present,
            mark=market.mark,
            value=value,
        )


def _next_reopening(timeline: SessionTimeline, now: Seconds) -> Seconds:
    """Give when outside markets trade again; the end of the timeline where they never do."""
    border = timeline.next_boundary(now)
    while border is not None and not border.session.has_external_price:
        border = timeline.next_boundary(border.start)
    return timeline.end if border is None else border.start


def _apart(one: PriceE8, other: PriceE8) -> int:
    """Give how far a price is from another, in ppm of the other, rounded down."""
    return div_floor(abs(one - other) * PPM_SCALE, other)
