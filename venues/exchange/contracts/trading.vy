# pragma version 0.4.3
"""
@title Trades, matched off chain
@notice The matcher settles what it matched: zero-sum fills at one price, inside the band and the
        market status, with margin checked on both sides after the fills. A bad trade reverts
        the whole batch with a reason: the matcher can simulate, nobody else is harmed.
        Prices 1e-8 USD, sizes 1e-8 share, fees in parts per million of the notional.
"""

from . import ledger
from . import margin
from . import markets
from . import numbers
from . import roles
from . import structs
from . import treasury

uses: ledger
uses: margin
uses: markets
uses: roles
uses: treasury

MAX_MARKETS_PER_ACCOUNT: constant(uint256) = 16

event TradeSettled:
    market: indexed(uint256)
    taker: uint256
    maker: uint256
    size: int256
    price: uint256
    taker_fee: int256
    maker_fee: int256

# One party of one trade.
struct Side:
    account: uint256
    size: int256
    cash: int256
    fee: int256

struct Settled:
    before: int256      # size
    after: int256
    owed: int256        # funding


@internal
@view
def _require_allowed(trade: structs.Trade, live: markets.Live):
    assert live.status < markets.HALTED, "market closed"
    assert not live.is_splitting, "split in progress"
    assert trade.taker != trade.maker, "self trade"
    assert trade.size != 0 and numbers.magnitude(trade.size) <= markets.MAX_SIZE, "bad size"
    assert trade.price > 0 and trade.price <= markets.MAX_PRICE, "bad price"
    band: uint256 = markets.bands[trade.market]
    if band != 0:
        assert trade.price >= band >> 128, "outside band"
        assert trade.price <= band & (2**128 - 1), "outside band"


@internal
def _fill(market: uint256, funding: int256, side: Side) -> Settled:
    position: ledger.Position = ledger.position(side.account, market)
    if position.size == 0:
        assert ledger.ranks[side.account] != 0, "unknown account"
    fill: ledger.Fill = ledger.fill(position, side.size, side.cash, funding)
    assert numbers.magnitude(fill.position.size) <= markets.MAX_SIZE, "bad size"
    held: uint256 = ledger.write(side.account, market, fill.position, fill.cash - side.fee)
    if position.size == 0 and side.account != ledger.backstop:
        assert numbers.count_bits(held) <= MAX_MARKETS_PER_ACCOUNT, "too many markets"
    return Settled(before=position.size, after=fill.position.size, owed=fill.owed)


@internal
@pure
def _reduces(before: int256, after: int256) -> bool:
    """@notice Smaller on the same side, or flat."""
    if before > 0:
        return after >= 0 and after < before
    return after <= 0 and after > before


@internal
@view
def _check(
    market: uint256, pricing: markets.Pricing, side: Side, settled: Settled, must_reduce: bool
) -> bool:
    """@notice Margin of one side after its fill; tells whether the account is priced."""
    reduces: bool = self._reduces(settled.before, settled.after)
    state: structs.AccountState = margin.state(side.account, not reduces)
    if not reduces:
        assert not must_reduce, "reduce only"
        assert state.is_priced, "stale price"
        least: uint256 = markets.rules[market].min_position_notional
        size: uint256 = numbers.magnitude(settled.after)
        assert numbers.notional(size, pricing.mark) >= least, "below minimum notional"
        assert state.equity >= convert(state.initial_margin, int256), "below initial margin"
        return True
    if state.equity < 0:
        # the state before follows from the state after: only this market and the cash moved
        value_after: int256 = numbers.value(settled.after, pricing.mark)
        value_before: int256 = numbers.value(settled.before, pricing.mark)
        equity_before: int256 = state.equity - (value_after - value_before + side.cash - side.fee)
        margin_after: int256 = convert(state.maintenance_margin, int256)
        margin_before: int256 = margin_after + convert(
            margin.maintenance(market, settled.before, pricing.mark), int256
        ) - convert(margin.maintenance(market, settled.after, pricing.mark), int256)
        assert state.equity * margin_before >= equity_before * margin_after, "worse margin"
    return state.is_priced


@internal
def _settle(trade: structs.Trade) -> (int256, int256):
    """@notice One trade; gives what it adds to the fee pool and to the funding pool."""
    markets.require_known(trade.market)
    live: markets.Live = markets.live(trade.market)
    self._require_allowed(trade, live)
    pricing: markets.Pricing = markets.pricing(trade.market)
    rules: markets.Rules = markets.rules[trade.market]
    notional: int256 = convert(
        numbers.notional(numbers.magnitude(trade.size), trade.price), int256
    )
    cash: int256 = numbers.value(trade.size, trade.price)
    taker: Side = Side(
        account=trade.taker,
        size=trade.size,
        cash=-cash,
        fee=numbers.div_ceil(notional * rules.taker_fee, 10**6),
    )
    maker: Side = Side(
        account=trade.maker,
        size=-trade.size,
        cash=cash,
        fee=numbers.div_ceil(notional * rules.maker_fee, 10**6),
    )
    taken: Settled = self._fill(trade.market, pricing.funding, taker)
    made: Settled = self._fill(trade.market, pricing.funding, maker)
    must_reduce: bool = live.status == markets.REDUCE_ONLY or pricing.is_stale
    priced: bool = self._check(trade.market, pricing, taker, taken, must_reduce)
    priced = self._check(trade.market, pricing, maker, made, must_reduce) and priced
    if not priced:
        assert self._reduces(taken.before, taken.after), "stale price"
        assert self._reduces(made.before, made.after), "stale price"
    longs: int256 = ledger.long_part(taken.after) + ledger.long_part(made.after)
    longs -= ledger.long_part(taken.before) + ledger.long_part(made.before)
    markets.move_open_interest(trade.market, longs)
    if longs > 0:
        worth: uint256 = numbers.notional(markets.open_interests[trade.market], pricing.mark)
        assert worth <= rules.open_interest_cap, "open interest cap"
    log TradeSettled(
        market=trade.market,
        taker=trade.taker,
        maker=trade.maker,
        size=trade.size,
        price=trade.price,
        taker_fee=taker.fee,
        maker_fee=maker.fee,
    )
    return taker.fee + maker.fee, taken.owed + made.owed


@external
@nonreentrant
def settle_trades(trades: DynArray[structs.Trade, 128]):
    roles.require_role(roles.MATCHER)
    fees: int256 = 0
    funding: int256 = 0
    for trade: structs.Trade in trades:
        fee: int256 = 0
        owed: int256 = 0
        fee, owed = self._settle(trade)
        fees += fee
        funding += owed
    treasury.move(0, fees, funding, 0)
