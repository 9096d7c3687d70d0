# pragma version 0.4.3
"""
@title Pages for readers
@notice Whole pages of accounts, positions and markets in one call, each saying at which block
        it was taken, in rows of a fixed number of words. Positions follow in the order of the
        accounts, within an account in the order of the markets. Reads only.
"""

from . import ledger
from . import listing
from . import markets
from . import numbers
from . import structs

uses: ledger
uses: listing
uses: markets

MAX_ACCOUNTS: constant(uint256) = 512
MAX_POSITIONS: constant(uint256) = 2048


@internal
@view
def _account_row(account: uint256) -> structs.AccountRow:
    word: uint256 = ledger.words[account]
    return structs.AccountRow(
        account=account,
        collateral=numbers.high_half(word),
        position_count=numbers.count_bits(word & ledger.MARKET_BITS),
    )


@internal
@view
def _position_row(account: uint256, market: uint256) -> structs.PositionRow:
    held: ledger.Position = ledger.position(account, market)
    return structs.PositionRow(
        market=market,
        size=held.size,
        quote=held.quote,
        funding=held.funding,
        slice_time=held.slice_time,
    )


@external
@view
def accounts_page(start: uint256, count: uint256) -> structs.Page:
    """@notice By account index; stops early rather than overflow; go on from `next`."""
    page: structs.Page = empty(structs.Page)
    page.block_number = block.number
    page.timestamp = block.timestamp
    end: uint256 = ledger.account_count
    first: uint256 = min(start, end)
    end = min(end, first + min(count, MAX_ACCOUNTS))
    page.next = end
    for index: uint256 in range(first, end, bound=512):
        account: uint256 = ledger.account_at[index]
        row: structs.AccountRow = self._account_row(account)
        if len(page.positions) + row.position_count > MAX_POSITIONS:
            page.next = index
            break
        page.accounts.append(row)
        left: uint256 = ledger.words[account] & ledger.MARKET_BITS
        for i: uint256 in range(128):
            if left == 0:
                break
            page.positions.append(self._position_row(account, numbers.lowest_bit(left)))
            left = left & unsafe_sub(left, 1)
    return page


@external
@view
def account_rows(accounts: DynArray[uint256, 128]) -> structs.Page:
    """@notice Chosen accounts, in the order asked for."""
    page: structs.Page = empty(structs.Page)
    page.block_number = block.number
    page.timestamp = block.timestamp
    for account: uint256 in accounts:
        row: structs.AccountRow = self._account_row(account)
        page.accounts.append(row)
        left: uint256 = ledger.words[account] & ledger.MARKET_BITS
        for i: uint256 in range(128):
            if left == 0:
                break
            page.positions.append(self._position_row(account, numbers.lowest_bit(left)))
            left = left & unsafe_sub(left, 1)
    return page


@internal
@view
def _view(market: uint256) -> structs.MarketView:
    live: markets.Live = markets.live(market)
    rules: markets.Rules = markets.rules[market]
    rate: uint256 = markets.rates_and_times[market]
    band: uint256 = markets.bands[market]
    return structs.MarketView(
        symbol=rules.symbol,
        status=live.status,
        is_splitting=live.is_splitting,
        mark=live.mark,
        index=live.index,
        price_timestamp=live.price_timestamp,
        updated_at=live.updated_at,
        funding_rate=numbers.high_half(rate),
        funding_numerator=markets.numerators[market],
        funding_time=convert(numbers.low_half(rate), uint256),
        band_low=band >> 128,
        band_high=band & (2**128 - 1),
        open_interest=markets.open_interests[market],
        initial_margin=rules.initial_margin,
        taker_fee=rules.taker_fee,
        maker_fee=rules.maker_fee,
        open_interest_cap=rules.open_interest_cap,
        clamp=rules.clamp,
        min_interval=rules.min_interval,
        expiry=live.expiry,
        min_position_notional=rules.min_position_notional,
        slice_threshold=rules.slice_threshold,
        penalty=rules.penalty,
        spread_max=rules.spread_max,
        backstop_cap=rules.backstop_cap,
        tier_count=listing.tier_count(market),
        tiers=listing.tiers(market),
    )


@external
@view
def market_view(market: uint256) -> structs.MarketView:
    markets.require_known(market)
    return self._view(market)


@external
@view
def markets_page(start: uint256, count: uint256) -> DynArray[structs.MarketView, 16]:
    page: DynArray[structs.MarketView, 16] = []
    end: uint256 = markets.market_count
    first: uint256 = min(start, end)
    end = min(end, first + min(count, 16))
    for market: uint256 in range(first, end, bound=16):
        page.append(self._view(market))
    return page


@external
@view
def backstop_account() -> uint256:
    return ledger.backstop
