"""What each action does. Those that are written into a file are done in the same way by a command."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from config.settings import Settings
from keepers.admin.corporate_orders import order_action
from keepers.admin.market_orders import (
    check_market,
    chosen_plan,
    give_order,
    known_markets,
    orders_file,
    plans_of,
    told,
)
from keepers.admin.pauses import LanePauses
from keepers.admin.terms import MINUTES, Action, AdminRequest
from keepers.admin.vouching import USUAL_MINUTES, vouch
from monitors.corporate.orders import ActionOrderKind
from monitors.operator_orders import OrderKind
from runtime.errors import OperatorError
from runtime.log_level import LEVELS, set_log_level

_MARKET_ORDERS: Final = {
    Action.HALT: OrderKind.HALT,
    Action.REDUCE_ONLY: OrderKind.REDUCE_ONLY,
    Action.RESUME: OrderKind.RESUME,
}
_PLAN_ORDERS: Final = {
    Action.PLAN_START: OrderKind.PLAN_START,
    Action.PLAN_STOP: OrderKind.PLAN_STOP,
}
_ACTION_ORDERS: Final = {
    Action.APPROVE_ACTION: ActionOrderKind.APPROVE,
    Action.ABORT_ACTION: ActionOrderKind.ABORT,
    Action.RESUME_ACTION: ActionOrderKind.RESUME,
}
BY_FILE: Final = frozenset({*_MARKET_ORDERS, *_PLAN_ORDERS, *_ACTION_ORDERS, Action.VOUCH})
"""Actions that a file carries to the keeper: they can be ordered while it does not run."""


def do_by_file(settings: Settings, request: AdminRequest, *, by: str | None = None) -> str:
    """Write what was ordered, in the name of who runs this or of `by`; tell it in words.

    Blocks on the disk, and for a short while on another writer. Raises OperatorError.
    """
    action, reason = request.action, request.reason
    if action in _MARKET_ORDERS:
        path, market = orders_file(settings), request.text("market")
        check_market(market, known_markets(settings))
        return told(give_order(path, _MARKET_ORDERS[action], market, reason, by=by))
    if action in _PLAN_ORDERS:
        path = orders_file(settings)
        plan = chosen_plan(plans_of(None, settings), request.text("plan"))
        return told(give_order(path, _PLAN_ORDERS[action], plan.name, reason, by=by))
    if action in _ACTION_ORDERS:
        kind, source = _ACTION_ORDERS[action], request.fields.get("source")
        return order_action(
            settings,
            kind,
            request.text("action"),
            reason=reason,
            source=None if source is None else str(source),
            by=by,
        )
    if action is not Action.VOUCH:
        raise ValueError(f"expected an action that a file carries, found {action}")
    return vouch(
        settings,
        request.text("market"),
        low=request.text("low"),
        high=request.text("high"),
        minutes=int(request.fields.get(MINUTES, USUAL_MINUTES)),
        reason=reason,
        by=by,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Deeds:
    """What the running process can do when asked."""

    settings: Settings
    pauses: LanePauses
    resync: Callable[[str], None]

    async def do(self, request: AdminRequest, by: str) -> str:
        """Do it; tell in words what was done. Raises OperatorError for what cannot be done."""
        if request.action in BY_FILE:
            # In a thread: files and their locks are no matter of the loop that liquidates.
            return await asyncio.to_thread(do_by_file, self.settings, request, by=by)
        if request.action is Action.PAUSE_LANE:
            return self.pauses.pause(request.text("lane"), by=by, reason=request.reason)
        if request.action is Action.RESUME_LANE:
            return self.pauses.resume(request.text("lane"))
        if request.action is Action.RESYNC:
            self.resync(f"{by} asked for a resync: {request.reason}")
            return "the feed begins anew; nothing is acted on until its snapshot is there"
        return self._set_level(request.text("level"))

    def _set_level(self, level: str) -> str:
        if level not in LEVELS:
            raise OperatorError(
                f"expected a level among {', '.join(LEVELS)}, found {level}: correct it"
            )
        set_log_level(level)
        return f"lines from {level} on are written; after a restart, from {self.settings.log.level}"
