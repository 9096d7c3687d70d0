"""What the owner sets, and the vault's own pockets: roles, limits, market rules, insurance, fees, rewards."""

from dataclasses import replace

from risk.exchange_reverts import Revert
from risk.guard_rails import Parameter
from risk.units import PPM_SCALE, Ppm, QuoteAtoms
from venues.exchange.readings import Role
from venues.memory.draft import Draft, RevertedError
from venues.memory.gates import require_owner
from venues.memory.requests import (
    ClaimRewards,
    FundInsurance,
    Grant,
    SetLimits,
    SetMarketRules,
    WithdrawFees,
)
from venues.memory.writing import market_of

_NOBODY = bytes(20)


def grant(draft: Draft, request: Grant) -> None:
    """Give an address a role, or take it away; raises RevertedError."""
    require_owner(draft)
    state, holder, role = draft.state, request.holder, request.role
    if role is not Role.NONE:
        if holder in {_NOBODY, state.owner}:
            raise RevertedError("bad address")
        if state.roles.get(holder, Role.NONE) is not Role.NONE:
            raise RevertedError("has a role")
    draft.later(lambda: state.roles.update({holder: role}))
    draft.tell("RoleChanged", who=holder, role=int(role))


def set_limits(draft: Draft, request: SetLimits) -> None:
    """Set the limits of a parameter; raises RevertedError."""
    require_owner(draft)
    if request.market not in draft.markets:
        raise RevertedError(Revert.UNKNOWN_MARKET)
    if request.parameter not in Parameter.__members__.values():
        raise RevertedError(Revert.UNKNOWN_PARAMETER)
    limits = request.limits
    if limits.largest_step < 0:
        raise RevertedError(Revert.BAD_LIMITS)
    key = (request.market, Parameter(request.parameter))
    held = draft.state.limits
    draft.later(lambda: held.update({key: limits}))
    draft.tell(
        "LimitsChanged",
        market=request.market,
        parameter=request.parameter,
        minimum=limits.minimum,
        maximum=limits.maximum,
        largest_step=limits.largest_step,
        cool_down=limits.cool_down,
    )


def set_market_rules(draft: Draft, request: SetMarketRules) -> None:
    """Set the owner's rules of a market; raises RevertedError."""
    require_owner(draft)
    market = market_of(draft, request.market)
    if market is None:
        raise RevertedError(Revert.UNKNOWN_MARKET)
    if max(request.penalty, request.spread_max) > PPM_SCALE:
        raise RevertedError("bad rates")
    draft.set_market(
        replace(
            market,
            min_position_notional=request.min_position_notional,
            slice_threshold=request.slice_threshold,
            penalty=Ppm(request.penalty),
            spread_max=Ppm(request.spread_max),
            backstop_cap=request.backstop_cap,
        )
    )


def fund_insurance(draft: Draft, request: FundInsurance) -> None:
    """Pay into the insurance fund; raises RevertedError."""
    if request.amount <= 0:
        raise RevertedError(Revert.ZERO_AMOUNT)
    draft.move_pools(insurance=request.amount)
    draft.tell("InsuranceFunded", payer=draft.caller, amount=request.amount)


def claim_rewards(draft: Draft, _request: ClaimRewards) -> None:
    """Pay out what a keeper earned."""
    rewards, caller = draft.state.keeper_rewards, draft.caller
    amount = rewards.get(caller, QuoteAtoms(0))
    if amount == 0:
        return
    draft.later(lambda: rewards.update({caller: QuoteAtoms(0)}))
    draft.move_pools(rewards=-amount)
    draft.tell("RewardsClaimed", keeper=caller, amount=amount)


def withdraw_fees(draft: Draft, request: WithdrawFees) -> None:
    """Take fees out of their pool; raises RevertedError."""
    require_owner(draft)
    if request.to == _NOBODY:
        raise RevertedError("bad address")
    if draft.funds.fee_pool < request.amount:
        raise RevertedError(Revert.MORE_THAN_THE_POOL)
    draft.move_pools(fees=-request.amount)
    draft.tell("FeesWithdrawn", to=request.to, amount=request.amount)
