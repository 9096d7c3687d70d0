"""Prices and the writes of the duties: parameters, bands, statuses, withdrawals."""

from typing import assert_never

from risk.exchange_reverts import Revert
from risk.guard_rails import Parameter
from risk.guarded_writes import restrict_status, write_band, write_parameter, write_status
from risk.market import Market
from risk.price_acceptance import accept_price, price_code
from risk.price_publication import PriceCode
from risk.units import MarketId, MarketStatus
from venues.exchange.readings import Role
from venues.memory.draft import Draft, RevertedError
from venues.memory.gates import guard_of, note_write, require_owner, require_role
from venues.memory.requests import (
    Publish,
    Restrict,
    SetBand,
    SetParameter,
    SetStatus,
    SetWithdrawals,
)
from venues.port import ControlChanged, ParameterChanged, PriceOutcome

_NO_BLOCK = 0
"""A block's number is filled in when the call's receipt is written."""


def publish(draft: Draft, request: Publish) -> None:
    """Take prices, each by itself; one that is refused is told with its code."""
    require_role(draft, Role.PRICER)
    for price in request.prices:
        market = market_of(draft, price.market)
        code = price_code(market, price, draft.now)
        held = price.mark
        if code is PriceCode.ACCEPTED and market is not None:
            after = accept_price(market, price, draft.now)
            draft.set_market(after, is_price_only=True)
            held = after.mark
        else:
            draft.tell(
                "PriceRefused",
                market=price.market,
                code=int(code),
                mark=price.mark,
                timestamp=price.timestamp,
            )
        draft.answers.append(PriceOutcome(market=price.market, code=code, mark=held))


def set_parameter(draft: Draft, request: SetParameter) -> None:
    """Set a parameter of the tuner's; raises RevertedError."""
    require_role(draft, Role.TUNER)
    guard = guard_of(draft, request.market, Role.TUNER, request.parameter, request.expected_epoch)
    market = market_of(draft, request.market)
    after = write_parameter(market, request.parameter, request.value, guard)
    draft.set_market(unreverted(after))
    epoch = guard.epoch + 1
    note_write(draft, request.market, Role.TUNER, Parameter(request.parameter), epoch)
    draft.answers.append(
        ParameterChanged(
            market=request.market,
            parameter=Parameter(request.parameter),
            value=request.value,
            epoch=epoch,
            block=_NO_BLOCK,
        )
    )


def set_control(draft: Draft, request: SetBand | SetStatus | Restrict) -> None:
    """Set a band or a status of the breaker's, or a stricter one of the guardian's.

    Raises RevertedError.
    """
    number = request.market
    market = market_of(draft, number)
    require_role(draft, Role.GUARDIAN if isinstance(request, Restrict) else Role.BREAKER)
    parameter = Parameter.BAND if isinstance(request, SetBand) else Parameter.STATUS
    expected = -1 if isinstance(request, Restrict) else request.expected_epoch
    guard = guard_of(draft, number, Role.BREAKER, parameter, expected)
    match request:
        case SetBand():
            after = write_band(market, request.low, request.high, guard)
        case SetStatus():
            after = write_status(market, request.status, guard)
        case Restrict():
            after = restrict_status(market, request.status)
        case _:
            assert_never(request)
    changed = unreverted(after)
    draft.set_market(changed)
    epoch = guard.epoch + 1
    note_write(draft, number, Role.BREAKER, parameter, epoch)
    is_band = isinstance(request, SetBand)
    draft.answers.append(
        ControlChanged(
            market=number,
            epoch=epoch,
            block=_NO_BLOCK,
            status=None if is_band else MarketStatus(changed.status),
            band=(changed.band_low, changed.band_high) if is_band else None,
        )
    )


def set_withdrawals(draft: Draft, request: SetWithdrawals) -> None:
    """Close withdrawals (the guardian) or open them again (the owner); raises RevertedError."""
    if request.is_open:
        require_owner(draft)
    else:
        require_role(draft, Role.GUARDIAN)
    state = draft.state
    draft.later(lambda: setattr(state, "withdrawals_open", request.is_open))
    draft.tell("WithdrawalsChanged", is_open=request.is_open)


def market_of(draft: Draft, number: MarketId) -> Market | None:
    """Give a market, or None for one that the exchange lacks."""
    return draft.markets.get(number)


def unreverted(after: Market | Revert) -> Market:
    """Give the market after a write; raises RevertedError for a refusal."""
    if isinstance(after, Revert):
        raise RevertedError(after)
    return after
