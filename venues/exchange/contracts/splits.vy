# pragma version 0.4.3
"""
@title Stock splits
@notice Rescales every position by numerator / denominator, account by account in the order of
        the index, while the market stays halted, stale and closed. Quote does not change; the
        rounding dust of the sizes goes to the backstop, so that they still add up to zero.
        Funding stands still from the first step and starts again from zero after the last one.
"""

from . import ledger
from . import markets
from . import numbers
from . import roles
from . import structs
from . import treasury
from . import tuning

uses: ledger
uses: markets
uses: roles
uses: treasury
uses: tuning

event SplitBegun:
    market: indexed(uint256)
    numerator: uint256
    denominator: uint256
    funding_numerator: int256
    funding_time: uint256
    epoch: uint256

event SplitFinished:
    market: indexed(uint256)
    numerator: uint256
    denominator: uint256
    mark: uint256
    index: uint256
    band_low: uint256
    band_high: uint256
    funding_numerator: int256
    funding_time: uint256
    epoch: uint256


@external
def begin_split(
    market: uint256, numerator: uint256, denominator: uint256, expected_epoch: uint256
):
    roles.require_role(roles.CORPORATE)
    epoch: uint256 = tuning.advance(market, roles.CORPORATE, expected_epoch)
    live: markets.Live = markets.live(market)
    tuning.require_steady(live)
    assert live.status == markets.HALTED, "not halted"
    assert min(numerator, denominator) > 0, "bad ratio"
    assert max(numerator, denominator) <= 10**6, "bad ratio"
    limits: structs.Limits = tuning.require_limits(market, tuning.SPLIT)
    tuning.require_inside(convert(numerator * 10**6 // denominator, int256), limits)
    # the new prices must be prices too, or the market would never be valued again
    assert min(live.mark, live.index) * denominator // numerator > 0, "bad price"
    largest: uint256 = max(max(live.mark, live.index), markets.bands[market] & (2**128 - 1))
    assert largest * denominator // numerator <= markets.MAX_PRICE, "bad price"
    tuning.cool(market, tuning.SPLIT, limits.cool_down)
    funding: int256 = markets.accrue(market, live)
    live.is_splitting = True
    markets.set_live(market, live)
    markets.splits[market] = markets.Split(
        numerator=numerator, denominator=denominator, cursor=0, total=0, longs=0
    )
    log SplitBegun(
        market=market,
        numerator=numerator,
        denominator=denominator,
        funding_numerator=funding,
        funding_time=block.timestamp,
        epoch=epoch,
    )


@internal
def _rescale(
    account: uint256, market: uint256, split: markets.Split, funding: int256
) -> (int256, int256):
    """@notice One position; gives its new size and the funding that moved to the pool."""
    held: ledger.Position = ledger.position(account, market)
    if held.size == 0:
        return 0, 0
    owed: int256 = ledger.owed(held, funding)
    cash: int256 = -owed
    size: int256 = numbers.div_trunc(
        held.size * convert(split.numerator, int256), convert(split.denominator, int256)
    )
    after: ledger.Position = ledger.Position(
        size=size, quote=held.quote, funding=0, slice_time=held.slice_time
    )
    if size == 0:
        cash += held.quote
        after = empty(ledger.Position)
    ledger.write(account, market, after, cash)
    return size, owed


@internal
def _finish(market: uint256, split: markets.Split):
    """@notice New prices, funding from zero, and the dust to the backstop."""
    live: markets.Live = markets.live(market)
    live.mark = live.mark * split.denominator // split.numerator
    live.index = live.index * split.denominator // split.numerator
    live.is_splitting = False
    markets.set_live(market, live)
    band: uint256 = markets.bands[market]
    low: uint256 = (band >> 128) * split.denominator // split.numerator
    high: uint256 = (band & (2**128 - 1)) * split.denominator // split.numerator
    markets.bands[market] = (low << 128) | high
    markets.numerators[market] = 0
    markets.set_funding_rate(market, numbers.high_half(markets.rates_and_times[market]))
    longs: int256 = convert(split.longs, int256)
    if split.total != 0:
        held: ledger.Position = ledger.position(ledger.backstop, market)
        fill: ledger.Fill = ledger.fill(held, -split.total, 0, 0)
        ledger.write(ledger.backstop, market, fill.position, fill.cash)
        longs += ledger.long_part(fill.position.size) - ledger.long_part(held.size)
    markets.move_open_interest(
        market, longs - convert(markets.open_interests[market], int256)
    )
    log SplitFinished(
        market=market,
        numerator=split.numerator,
        denominator=split.denominator,
        mark=live.mark,
        index=live.index,
        band_low=low,
        band_high=high,
        funding_numerator=0,
        funding_time=block.timestamp,
        epoch=tuning.epoch[market][roles.CORPORATE],
    )


@external
@nonreentrant
def continue_split(market: uint256, count: uint256):
    """@notice Rescale up to `count` more accounts; the last one finishes the split."""
    roles.require_role(roles.CORPORATE)
    markets.require_known(market)
    live: markets.Live = markets.live(market)
    assert live.is_splitting, "no split"
    split: markets.Split = markets.splits[market]
    funding: int256 = markets.pricing(market).funding
    pool: int256 = 0
    end: uint256 = min(ledger.account_count, split.cursor + min(count, 1024))
    for index: uint256 in range(split.cursor, end, bound=1024):
        size: int256 = 0
        owed: int256 = 0
        size, owed = self._rescale(ledger.account_at[index], market, split, funding)
        split.total += size
        split.longs += convert(ledger.long_part(size), uint256)
        pool += owed
    split.cursor = end
    markets.splits[market] = split
    if end == ledger.account_count:
        self._finish(market, split)
    treasury.move(0, 0, pool, 0)
