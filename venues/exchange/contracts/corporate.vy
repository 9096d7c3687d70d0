# pragma version 0.4.3
"""
@title Cash dividends and the end of a market
@notice A dividend moves through the funding index, so that longs receive what shorts pay while
        mark and index fall by the amount: no equity jumps. A settled market has one last price;
        anyone may then turn its positions into cash. Prices and amounts 1e-8 USD per share.
        Guarded by role, epoch, limits in ppm of the mark, and a halt before a settlement.
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

event DividendPaid:
    market: indexed(uint256)
    amount: uint256
    mark: uint256
    index: uint256
    funding_numerator: int256
    funding_time: uint256
    epoch: uint256

event MarketSettled:
    market: indexed(uint256)
    price: uint256
    funding_numerator: int256
    funding_time: uint256
    epoch: uint256


@external
def dividend(market: uint256, amount: uint256, expected_epoch: uint256):
    roles.require_role(roles.CORPORATE)
    epoch: uint256 = tuning.advance(market, roles.CORPORATE, expected_epoch)
    live: markets.Live = markets.live(market)
    tuning.require_steady(live)
    assert amount > 0 and amount < live.mark and amount < live.index, "outside limits"
    limits: structs.Limits = tuning.require_limits(market, tuning.DIVIDEND)
    tuning.require_inside(convert(amount * 10**6 // live.mark, int256), limits)
    tuning.cool(market, tuning.DIVIDEND, limits.cool_down)
    numerator: int256 = markets.accrue(market, live)
    # price (1e-8) to funding (1e-12), times the scale of the numerator
    numerator -= convert(amount, int256) * 10**4 * markets.FUNDING_SCALE
    markets.numerators[market] = numerator
    live.mark -= amount
    live.index -= amount
    # below the band the next price would jump back into it
    assert live.mark >= markets.bands[market] >> 128, "mark outside band"
    markets.set_live(market, live)
    log DividendPaid(
        market=market,
        amount=amount,
        mark=live.mark,
        index=live.index,
        funding_numerator=numerator,
        funding_time=block.timestamp,
        epoch=epoch,
    )


@external
def settle_market(market: uint256, price: uint256, expected_epoch: uint256):
    """@notice Final: the market is valued at this price from now on and asks for no margin."""
    roles.require_role(roles.CORPORATE)
    epoch: uint256 = tuning.advance(market, roles.CORPORATE, expected_epoch)
    live: markets.Live = markets.live(market)
    tuning.require_steady(live)
    assert live.status == markets.HALTED, "not halted"
    assert price > 0 and price <= markets.MAX_PRICE, "bad price"
    assert (max(price, live.mark) - min(price, live.mark)) * 10 <= live.mark, "outside limits"
    numerator: int256 = markets.accrue(market, live)
    markets.set_funding_rate(market, 0)
    markets.bands[market] = 0
    live.mark = price
    live.index = price
    live.price_timestamp = block.timestamp
    live.updated_at = block.timestamp
    live.status = markets.SETTLED
    markets.set_live(market, live)
    log MarketSettled(
        market=market,
        price=price,
        funding_numerator=numerator,
        funding_time=block.timestamp,
        epoch=epoch,
    )


@internal
def _close(account: uint256, market: uint256, pricing: markets.Pricing) -> (int256, int256):
    """@notice One position to cash; gives the long size it frees and what the pool gains."""
    held: ledger.Position = ledger.position(account, market)
    if held.size == 0:
        return 0, 0
    value: int256 = numbers.value(held.size, pricing.mark)
    fill: ledger.Fill = ledger.fill(held, -held.size, value, pricing.funding)
    ledger.write(account, market, fill.position, fill.cash)
    return ledger.long_part(held.size), fill.owed - value


@external
@nonreentrant
def close_settled(market: uint256, accounts: DynArray[uint256, 128]):
    """@notice Anyone may tidy up; equity does not change."""
    markets.require_known(market)
    pricing: markets.Pricing = markets.pricing(market)
    assert pricing.is_settled, "not settled"
    longs: int256 = 0
    pool: int256 = 0
    for account: uint256 in accounts:
        freed: int256 = 0
        gained: int256 = 0
        freed, gained = self._close(account, market, pricing)
        longs += freed
        pool += gained
    markets.move_open_interest(market, -longs)
    treasury.move(0, 0, pool, 0)


@external
@nonreentrant
def cover_losses(accounts: DynArray[uint256, 128]):
    """
    @notice Anyone may have the insurance fund pay, as far as it goes, for accounts that hold
            nothing any more and owe: what a settlement price below bankruptcy left behind.
    """
    before: int256 = treasury.insurance_fund()
    fund: int256 = before
    for account: uint256 in accounts:
        word: uint256 = ledger.words[account]
        debt: int256 = -numbers.high_half(word)
        if debt > 0 and word & ledger.MARKET_BITS == 0:
            paid: int256 = min(debt, fund)
            if paid > 0:
                fund -= paid
                ledger.change_collateral(account, paid, ledger.OTHER)
    treasury.move(fund - before, 0, 0, 0)
