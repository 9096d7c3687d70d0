"""The exchange in memory as a venue: calls out, what became of them in, plain reads.

Implements `venues.port.LiquidationVenue`, `DeleverageVenue`, `PriceVenue`, `ControlVenue`, `TuningVenue` and
`CorporateVenue`. Calls carry their request as a value, receipts their changes: nothing is encoded. Reads see
the newest block, whichever is asked for, because there is no other.
"""

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from risk.corporate_writes import Write
from risk.guard_rails import Limits, Parameter
from risk.market import Market
from risk.price_publication import FairPrice
from risk.units import MarketId, MarketStatus, PriceE8, Seconds
from venues.exchange.readings import Pools, Role
from venues.memory.blocks import ANSWERS, call_of, changes_of
from venues.memory.chain import MemoryChain
from venues.memory.draft import RevertedError
from venues.memory.requests import (
    Corporate,
    Deleverage,
    Liquidate,
    MemoryCall,
    Publish,
    Request,
    Restrict,
    SetBand,
    SetParameter,
    SetStatus,
    SetWithdrawals,
)
from venues.memory.state import EXCHANGE_ADDRESS
from venues.port import (
    Call,
    ControlChanged,
    CorporateChanged,
    DeleverageItem,
    DeleverageSettled,
    LiquidationItem,
    LiquidationSettled,
    ParameterChanged,
    PriceOutcome,
)

_NO_LIMITS: Final = Limits(minimum=0, maximum=0, largest_step=0, cool_down=Seconds(0))

Answer = TypeVar("Answer")


class MemoryVenue:
    """What the duties ask of the exchange in memory."""

    def __init__(self, chain: MemoryChain) -> None:
        self._chain = chain

    # --- calls out -------------------------------------------------------------------------------

    def liquidation_call(
        self, items: Sequence[LiquidationItem], *, deadline: Seconds, gas: int
    ) -> Call:
        """Wrap a batch; the exchange refuses it by itself after `deadline`."""
        return _call(Liquidate(items=tuple(items), deadline=deadline), gas)

    def deleverage_call(self, items: Sequence[DeleverageItem], *, gas: int) -> Call:
        """Wrap a batch; each item is judged where the ones before left off."""
        return _call(Deleverage(items=tuple(items)), gas)

    def publish_call(self, prices: Sequence[FairPrice], *, gas: int) -> Call:
        """Wrap a batch of prices."""
        return _call(Publish(prices=tuple(prices)), gas)

    def band_call(
        self, market: MarketId, low: PriceE8, high: PriceE8, *, epoch: int, gas: int
    ) -> Call:
        """Wrap the breaker's new band."""
        return _call(SetBand(market=market, low=low, high=high, expected_epoch=epoch), gas)

    def status_call(self, market: MarketId, status: MarketStatus, *, epoch: int, gas: int) -> Call:
        """Wrap the breaker's new status."""
        return _call(SetStatus(market=market, status=int(status), expected_epoch=epoch), gas)

    def restrict_call(self, market: MarketId, status: MarketStatus, *, gas: int) -> Call:
        """Wrap the guardian's stricter status."""
        return _call(Restrict(market=market, status=int(status)), gas)

    def close_withdrawals_call(self, *, gas: int) -> Call:
        """Wrap the guardian's close of withdrawals."""
        return _call(SetWithdrawals(is_open=False), gas)

    def parameter_call(
        self, market: MarketId, parameter: Parameter, value: int, *, epoch: int, gas: int
    ) -> Call:
        """Wrap the tuner's new value."""
        request = SetParameter(
            market=market, parameter=int(parameter), value=value, expected_epoch=epoch
        )
        return _call(request, gas)

    def corporate_call(self, market: MarketId, write: Write, *, gas: int) -> Call:
        """Wrap a corporate write."""
        return _call(Corporate(market=market, write=write), gas)

    # --- what became of them ---------------------------------------------------------------------

    def settled_items(self, receipt: Mapping[str, object]) -> list[LiquidationSettled]:
        """Give what became of each item, in the order of the batch."""
        return [each for each in changes_of(receipt) if isinstance(each, LiquidationSettled)]

    def deleverage_outcomes(self, receipt: Mapping[str, object]) -> list[DeleverageSettled]:
        """Give what became of each item, in the order of the batch."""
        return [each for each in changes_of(receipt) if isinstance(each, DeleverageSettled)]

    def price_outcomes(self, receipt: Mapping[str, object]) -> list[PriceOutcome]:
        """Give what became of each price, in the order of the batch."""
        return _answers(receipt, PriceOutcome)

    def control_changes(self, receipt: Mapping[str, object]) -> list[ControlChanged]:
        """Give what a breaker's or guardian's call changed."""
        return _answers(receipt, ControlChanged)

    def parameter_changes(self, receipt: Mapping[str, object]) -> list[ParameterChanged]:
        """Give what a tuner's call changed."""
        return _answers(receipt, ParameterChanged)

    def corporate_changes(self, receipt: Mapping[str, object]) -> list[CorporateChanged]:
        """Give what a corporate call changed; none for a step in between."""
        return _answers(receipt, CorporateChanged)

    # --- reads -----------------------------------------------------------------------------------

    async def breaker_epochs(self, markets: Sequence[MarketId]) -> dict[MarketId, int]:
        """Give the epoch that the breaker's next write must expect, market by market."""
        return {market: self._epoch(market, Role.BREAKER) for market in markets}

    async def tuner_epochs(self, markets: Sequence[MarketId]) -> dict[MarketId, int]:
        """Give the epoch that the tuner's next write must expect, market by market."""
        return {market: self._epoch(market, Role.TUNER) for market in markets}

    async def corporate_state(
        self,
        market: MarketId,
        *,
        block: int,  # noqa: ARG002 - there is but one
    ) -> tuple[Market, int]:
        """Give a market and the epoch that the next corporate write must expect."""
        return self._chain.exchange.state.markets[market], self._epoch(market, Role.CORPORATE)

    async def all_limits(self, market: MarketId) -> dict[Parameter, Limits]:
        """Give the owner's limits of every parameter of a market."""
        limits = self._chain.exchange.state.limits
        return {each: limits.get((market, each), _NO_LIMITS) for each in Parameter}

    async def refusal(
        self,
        call: Call,
        *,
        sender: bytes,
        block: int,  # noqa: ARG002 - there is but one
    ) -> str | None:
        """Give the reason for which the exchange would refuse a call now; None: it would not."""
        chain, request = self._chain, call_of(call).request
        try:
            chain.exchange.draft(
                request, caller=sender, now=chain.now, base_fee_wei=chain.base_fee_wei
            )
        except RevertedError as error:
            return error.reason
        return None

    # --- the breaker's facts ---------------------------------------------------------------------

    def limits(self, market: MarketId, parameter: Parameter) -> Limits | None:
        """Give the owner's limits of a parameter of a market."""
        return self._chain.exchange.state.limits.get((market, parameter), _NO_LIMITS)

    @property
    def withdrawals_open(self) -> bool:
        """Whether anything may leave the exchange."""
        return self._chain.exchange.state.withdrawals_open

    def pools(self) -> Pools:
        """Give the pools, and what the vault holds if nothing is lost."""
        state, money = self._chain.exchange.state, self._chain.exchange.money()
        return Pools(
            insurance_fund=state.funds.insurance_fund,
            fee_pool=state.funds.fee_pool,
            funding_pool=state.funds.funding_pool,
            rewards_owed=state.funds.rewards_owed,
            vault_balance=money,
            withdrawals_open=state.withdrawals_open,
        )

    def _epoch(self, market: MarketId, role: Role) -> int:
        return self._chain.exchange.state.epochs.get((market, role), 0)


def _call(request: Request, gas: int) -> MemoryCall:
    name = type(request).__name__.encode()
    return MemoryCall(to=EXCHANGE_ADDRESS, data=name, gas=gas, request=request)


def _answers(receipt: Mapping[str, object], kind: type[Answer]) -> list[Answer]:
    answers = receipt.get(ANSWERS)
    if not isinstance(answers, tuple):
        raise TypeError("expected a receipt of the chain in memory, found one without answers")
    return [each for each in answers if isinstance(each, kind)]
