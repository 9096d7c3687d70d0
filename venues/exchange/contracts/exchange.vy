# pragma version 0.4.3
"""
@title The exchange
@notice Composes the modules into one contract: accounts with cross margin, perpetual markets,
        liquidation against a backstop, deleverage, corporate actions. The rules are written in
        docs/exchange.md; each module says what it does, its units and how it is guarded.
        Invariant, to the atom: all collateral + all quote + insurance fund + fee pool + funding
        pool + keeper rewards = token balance, and the sizes of a market add up to zero.
        There is no upgrade and no way to stop it but the guardian's halts.
"""

from . import backstop
from . import corporate
from . import custody
from . import deleveraging
from . import ledger
from . import liquidation
from . import liquidation_plan
from . import listing
from . import margin
from . import markets
from . import pricing
from . import roles
from . import splits
from . import structs
from . import trading
from . import treasury
from . import tuning
from . import views

initializes: roles
initializes: markets
initializes: ledger
initializes: treasury[roles := roles]
initializes: margin[ledger := ledger, markets := markets]
initializes: listing[markets := markets, roles := roles]
initializes: pricing[markets := markets, roles := roles]
initializes: tuning[markets := markets, roles := roles]
initializes: custody[ledger := ledger, margin := margin, roles := roles, treasury := treasury]
initializes: backstop[ledger := ledger, margin := margin, markets := markets]
initializes: trading[
    ledger := ledger, margin := margin, markets := markets, roles := roles, treasury := treasury
]
initializes: liquidation_plan[margin := margin, markets := markets, roles := roles]
initializes: liquidation[
    backstop := backstop,
    ledger := ledger,
    liquidation_plan := liquidation_plan,
    margin := margin,
    markets := markets,
    treasury := treasury,
]
initializes: deleveraging[
    backstop := backstop,
    ledger := ledger,
    margin := margin,
    markets := markets,
    roles := roles,
    treasury := treasury,
]
initializes: corporate[
    ledger := ledger, markets := markets, roles := roles, treasury := treasury, tuning := tuning
]
initializes: splits[
    ledger := ledger, markets := markets, roles := roles, treasury := treasury, tuning := tuning
]
initializes: views[ledger := ledger, listing := listing, markets := markets]

exports: roles.__interface__
exports: treasury.__interface__
exports: ledger.__interface__
exports: margin.__interface__
exports: markets.__interface__
exports: listing.__interface__
exports: pricing.__interface__
exports: tuning.__interface__
exports: custody.__interface__
exports: trading.__interface__
exports: liquidation_plan.__interface__
exports: liquidation.__interface__
exports: deleveraging.__interface__
exports: corporate.__interface__
exports: splits.__interface__
exports: views.__interface__


@deploy
def __init__(token: address, owner: address, rules: structs.LiquidationRules):
    assert token.is_contract, "no token"
    roles.__init__(owner)
    treasury.__init__(token)
    ledger.__init__()
    liquidation_plan.__init__(rules)
