"""Who waits, what the exchange lacks, and whether the feed is in step: parts of the first board."""

from typing import Final

from deploy.monitoring.alert import Board
from deploy.monitoring.dashboards.panels import (
    Color,
    Kind,
    Panel,
    Target,
    Unit,
    above,
    one,
)
from deploy.monitoring.dashboards.queries import worst
from deploy.monitoring.dashboards.states import INVARIANT
from deploy.monitoring.objectives import AUDIT_LAG_BLOCKS, INSURANCE_FALL_RATIO, LIQUIDATION_BLOCKS

_FUND: Final = "max(bellkeeper_insurance_fund_usd)"

BACKLOG: Final = (
    Panel(
        key="under_margin",
        title="Accounts under margin",
        text="Accounts that may be liquidated, and those among them that the rules excuse. Rising and not excused: look at lanes and prices on the board of liquidations.",
        unit=Unit.COUNT,
        targets=(
            Target(expr=worst("bellkeeper_accounts_under_margin"), legend="under margin"),
            Target(
                expr="max(sum by (instance) (bellkeeper_liquidation_accounts_skipped))",
                legend="left alone by the last plan",
            ),
            Target(expr=worst("bellkeeper_liquidation_accounts_stuck"), legend="stuck"),
        ),
        width=8,
        runbooks=("LiquidationBacklog", "AccountsStuck"),
        boards=(Board.LIQUIDATIONS,),
    ),
    Panel(
        key="waiting",
        title="Longest wait",
        text=f"Blocks for which the account under margin that waits longest has waited. Red from {LIQUIDATION_BLOCKS} on: see why it is skipped; if no rule excuses it, the keeper does not get through.",
        kind=Kind.STAT,
        unit=Unit.BLOCKS,
        targets=one(worst("bellkeeper_liquidation_oldest_waiting_blocks"), "waiting"),
        limits=above(LIQUIDATION_BLOCKS),
        width=4,
        decimals=0,
        runbooks=("LiquidationBacklog",),
        boards=(Board.LIQUIDATIONS,),
    ),
    Panel(
        key="in_need",
        title="To be deleveraged",
        text="Bankrupt positions that insurance fund and backstop cannot carry. Red: winners are about to be closed; see whether the deleverager acts.",
        kind=Kind.STAT,
        unit=Unit.COUNT,
        targets=one(worst("bellkeeper_deleverage_positions_in_need"), "positions"),
        limits=above(1),
        width=4,
        runbooks=("DeleverageNeeded", "DeleverageBlocked"),
        boards=(Board.LIQUIDATIONS,),
    ),
)

MONEY: Final = (
    Panel(
        key="invariants",
        title="What must hold",
        text="The worst that any keeper knows of each invariant of the exchange's money and roles. Red: money or a role is not as it must be, follow the runbook at once; orange: nobody could prove it lately.",
        kind=Kind.STATES,
        unit=Unit.STATE,
        targets=one(
            "min by (invariant) (bellkeeper_solvency_invariant)",
            "{{invariant}}",
        ),
        words=INVARIANT,
        limits=((Color.DOUBT, None), (Color.BAD, 0), (Color.GOOD, 1)),
        width=8,
        runbooks=("SolvencyBreach", "RoleChanged", "SolvencyUnproven"),
    ),
    Panel(
        key="bad_debt",
        title="Bad debt",
        text="What bankrupt accounts owe. Red: somebody was not liquidated in time; see whether the fund covers it.",
        kind=Kind.STAT,
        unit=Unit.USD,
        targets=one(worst("bellkeeper_solvency_bad_debt_usd"), "owed"),
        # A cent: the alert fires above nothing.
        limits=above(0.01),
        width=3,
        runbooks=("BadDebt",),
        boards=(Board.LIQUIDATIONS,),
    ),
    Panel(
        key="fund_fall",
        title="Insurance fund, lost in 1 h",
        text=f"Share of the insurance fund that went in the last hour. Red from {INSURANCE_FALL_RATIO:.0%} on: find the market whose bankruptcies it pays, or the owner's withdrawal.",
        kind=Kind.STAT,
        unit=Unit.SHARE,
        targets=one(
            f"1 - {_FUND} / (max(max_over_time(bellkeeper_insurance_fund_usd[1h])) > 0)\nor vector(0)",
            "lost",
        ),
        limits=above(INSURANCE_FALL_RATIO),
        width=3,
        decimals=1,
        runbooks=("InsuranceFundFalling",),
    ),
)

FEED: Final = (
    Panel(
        key="audit",
        title="Audit behind",
        text=f"Sealed blocks that wait for their audit on the worst keeper. Red from {AUDIT_LAG_BLOCKS} on: the endpoints are slow, and a lost log would be found late.",
        kind=Kind.STAT,
        unit=Unit.BLOCKS,
        targets=one(worst("bellkeeper_feed_audit_lag_blocks"), "behind"),
        limits=above(AUDIT_LAG_BLOCKS),
        width=3,
        decimals=0,
        runbooks=("AuditBudgetBurning",),
        boards=(Board.KEEPER,),
    ),
    Panel(
        key="lanes",
        title="Lanes that stand",
        text="Keys' queues that sign nothing new. Red: that duty does nothing at all; a foreign nonce means that somebody else uses the key.",
        kind=Kind.STAT,
        unit=Unit.COUNT,
        targets=one("sum(max by (instance, lane) (bellkeeper_sender_halted))", "halted"),
        limits=above(1),
        width=3,
        runbooks=("LaneHalted", "ForeignNonce"),
        boards=(Board.KEEPER,),
    ),
    Panel(
        key="breakers_behind",
        title="Markets too free",
        text="Markets that a breaker wants stricter than the chain has them. Red: the keeper cannot write; restrict by hand.",
        kind=Kind.STAT,
        unit=Unit.COUNT,
        targets=one(
            "sum(max by (market) (bellkeeper_breaker_wanted_status) > bool max by (market) (bellkeeper_breaker_chain_status))",
            "too free",
        ),
        limits=above(1),
        width=4,
        runbooks=("BreakerNotApplied",),
        boards=(Board.MARKET,),
    ),
)
