"""How far a corporate action has come, for tests that begin there."""

from risk.corporate_state import (
    Stage,
)
from risk.corporate_values import ActionKind, CorporateAction
from tests.risk.corporate_world import (
    EFFECTIVE,
    World,
    agreed,
    make_action,
)

SPLIT = make_action()
DIVIDEND = make_action(ActionKind.CASH_DIVIDEND)
RENAMING = make_action(ActionKind.SYMBOL_CHANGE)
MERGER = make_action(ActionKind.CASH_MERGER)


def halted(action: CorporateAction = SPLIT, **facts: object) -> World:
    """Bring an agreed action to its moment, halted, with the last price from before."""
    world = World(agreement=agreed(action), **facts)  # type: ignore[arg-type]
    world.at(EFFECTIVE - 10).price_comes("200")
    world.until(Stage.HALTED)
    world.turn()
    return world.at(EFFECTIVE)


def applied(action: CorporateAction = SPLIT) -> World:
    """Bring an action to the exchange."""
    world = halted(action)
    world.until(Stage.APPLIED)
    return world


def verified(action: CorporateAction = SPLIT, dollars: str = "100") -> World:
    """Bring an action to its first price, and have the sums checked."""
    world = applied(action)
    world.now += 60
    world.price_comes(dollars)
    world.until(Stage.VERIFIED)
    return world
