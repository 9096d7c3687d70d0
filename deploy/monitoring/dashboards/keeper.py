"""Keeper: does the process turn, does it follow the chain, do its keys' queues move."""

from typing import Final

from deploy.monitoring.alert import JOB, Board
from deploy.monitoring.dashboards.keeper_parts import JOURNAL, LANES, RPC
from deploy.monitoring.dashboards.panels import (
    Dashboard,
    Kind,
    Panel,
    Row,
    Target,
    Unit,
    Variable,
    above,
    one,
)
from deploy.monitoring.dashboards.queries import INSTANCE, SPAN, buckets, pace, quantile
from deploy.monitoring.dashboards.states import yes_no
from deploy.monitoring.objectives import AUDIT_LAG_BLOCKS, LOOP_LAG_SECONDS, NOT_CYCLING_SECONDS
from deploy.monitoring.promql import CONTRACT, known_samples

_CYCLE_SUFFIX: Final = "_last_cycle_timestamp_seconds"
_LAG: Final = "bellkeeper_event_loop_lag_seconds"


def _by_instance(expr: str) -> tuple[Target, ...]:
    return one(expr, "{{instance}}")


def _cycle_ages() -> tuple[Target, ...]:
    """Ask every duty that stamps its cycles; for one that has not cycled yet, since the process began."""
    names = sorted(
        name for name in known_samples(CONTRACT.read_text()) if name.endswith(_CYCLE_SUFFIX)
    )
    return tuple(
        Target(
            expr=(
                f"time() - (\n  {name}{{{INSTANCE}}} > 0\n"
                f"  or {name}{{{INSTANCE}}} * 0 + process_start_time_seconds{{{INSTANCE}}}\n)"
            ),
            legend=f"{{{{instance}}}} {name.removeprefix('bellkeeper_').removesuffix(_CYCLE_SUFFIX)}",
        )
        for name in names
    )


_PROCESS: Final = Row(
    title="Process",
    height=7,
    panels=(
        Panel(
            key="up",
            title="Answers",
            text="Whether Prometheus could read the keeper's page.",
            kind=Kind.STATES,
            unit=Unit.STATE,
            targets=_by_instance(f'up{{job="{JOB}", {INSTANCE}}}'),
            words=yes_no("up", "DOWN", good=True),
            runbooks=("KeeperDown",),
        ),
        Panel(
            key="uptime",
            title="Running since",
            text="How long the process has run; a saw-tooth is a keeper that restarts.",
            unit=Unit.SECONDS,
            targets=_by_instance(f'time() - process_start_time_seconds{{job="{JOB}", {INSTANCE}}}'),
            runbooks=("KeeperRestarting",),
        ),
        Panel(
            key="cycles",
            title="Since the last cycle",
            text=f"Time since each duty ended a cycle, or since the process began; from {NOT_CYCLING_SECONDS} s on it hangs.",
            unit=Unit.SECONDS,
            targets=_cycle_ages(),
            limits=above(NOT_CYCLING_SECONDS),
            runbooks=("KeeperNotCycling",),
        ),
        Panel(
            key="loop_lag",
            title="Event loop, 99 in 100 within",
            text="How late the event loop wakes a sleeper, which is what every message waits at least.",
            unit=Unit.SECONDS,
            targets=_by_instance(quantile(0.99, _LAG, INSTANCE, by="instance")),
            limits=above(LOOP_LAG_SECONDS),
            runbooks=("EventLoopBlocked",),
        ),
        Panel(
            key="loop_lag_map",
            title="Event loop",
            text="The same as counts in each stretch of lateness.",
            kind=Kind.HEATMAP,
            unit=Unit.SECONDS,
            targets=buckets(_LAG, INSTANCE),
        ),
        Panel(
            key="cpu",
            title="Processor",
            text="Share of one processor that the process uses.",
            unit=Unit.SHARE,
            targets=_by_instance(f"rate(process_cpu_seconds_total{{{INSTANCE}}}[{SPAN}])"),
        ),
        Panel(
            key="memory",
            title="Memory",
            text="Resident memory of the process.",
            unit=Unit.BYTES,
            targets=_by_instance(f"process_resident_memory_bytes{{{INSTANCE}}}"),
        ),
        Panel(
            key="files",
            title="Open files",
            text="File descriptors in use, as a share of what the process may open.",
            unit=Unit.SHARE,
            targets=_by_instance(f"process_open_fds{{{INSTANCE}}} / process_max_fds{{{INSTANCE}}}"),
            limits=above(0.8),
        ),
        Panel(
            key="book",
            title="Held in the book",
            text="Accounts and positions that the keeper holds.",
            unit=Unit.COUNT,
            targets=(
                Target(expr=f"bellkeeper_accounts{{{INSTANCE}}}", legend="{{instance}} accounts"),
                Target(expr=f"bellkeeper_positions{{{INSTANCE}}}", legend="{{instance}} positions"),
            ),
        ),
    ),
)

_FEED: Final = Row(
    title="Feed",
    height=7,
    panels=(
        Panel(
            key="trusted",
            title="State",
            text="Whether what the keeper holds may be acted on.",
            kind=Kind.STATES,
            unit=Unit.STATE,
            targets=_by_instance(f"bellkeeper_state_trusted{{{INSTANCE}}}"),
            words=yes_no("trusted", "NOT TRUSTED", good=True),
            runbooks=("StateNotTrusted",),
        ),
        Panel(
            key="head",
            title="Blocks",
            text="Newest sealed block seen, and newest block applied: the lines lie on each other while the keeper is in step.",
            unit=Unit.BLOCKS,
            targets=(
                Target(
                    expr=f"bellkeeper_feed_head_block{{{INSTANCE}}}", legend="{{instance}} seen"
                ),
                Target(
                    expr=f"bellkeeper_applied_block_number{{{INSTANCE}}}",
                    legend="{{instance}} applied",
                ),
            ),
            runbooks=("ChainStalled",),
        ),
        Panel(
            key="audit_lag",
            title="Audit behind",
            text="Sealed blocks whose logs are not audited yet.",
            unit=Unit.BLOCKS,
            targets=_by_instance(f"bellkeeper_feed_audit_lag_blocks{{{INSTANCE}}}"),
            limits=above(AUDIT_LAG_BLOCKS),
            runbooks=("AuditBudgetBurning",),
        ),
        Panel(
            key="resyncs",
            title="Resyncs, last 15 min",
            text="Snapshots taken in the last quarter of an hour, by reason; more than 3 besides starts make a ticket.",
            unit=Unit.COUNT,
            targets=one(
                f"sum by (instance, reason) (increase(bellkeeper_feed_resyncs_total{{{INSTANCE}}}[15m]))",
                "{{instance}} {{reason}}",
            ),
            runbooks=("ResyncLoop",),
        ),
        Panel(
            key="logs",
            title="Logs",
            text="Logs applied in a second, and those that came late, twice, or could not be read.",
            unit=Unit.PER_SECOND,
            targets=tuple(
                Target(
                    expr=f"sum by (instance) (rate(bellkeeper_feed_logs_{what}_total{{{INSTANCE}}}[{SPAN}]))",
                    legend=f"{{{{instance}}}} {what}",
                )
                for what in ("applied", "duplicate", "healed", "undecodable")
            ),
            runbooks=("LogsLost",),
        ),
        Panel(
            key="divergences",
            title="Divergences, last hour",
            text="Accounts or markets whose re-reading differed from what was held, in the last hour.",
            kind=Kind.STAT,
            unit=Unit.COUNT,
            targets=one(
                f"sum by (what) (increase(bellkeeper_feed_divergences_total{{{INSTANCE}}}[1h]))",
                "{{what}}",
            ),
            limits=above(1),
            decimals=0,
            runbooks=("FeedDiverged",),
        ),
    ),
)

_SOURCES: Final = Row(
    title="Price sources",
    height=7,
    panels=(
        Panel(
            key="reports",
            title="Reports",
            text="Reports taken from each price source in a second.",
            unit=Unit.PER_SECOND,
            targets=pace("bellkeeper_price_source_reports_total", "source", INSTANCE),
            width=12,
        ),
        Panel(
            key="faults",
            title="Faults",
            text="Faults of each price source in a second, by kind.",
            unit=Unit.PER_SECOND,
            targets=pace("bellkeeper_price_source_faults_total", "source, kind", INSTANCE),
            width=12,
            runbooks=("PriceSourceLost",),
        ),
    ),
)

KEEPER: Final = Dashboard(
    board=Board.KEEPER,
    title="Keeper",
    text="Whether a keeper's process turns and follows the chain, and whether its keys' queues, endpoints and sources work.",
    rows=(_PROCESS, _FEED, RPC, LANES, JOURNAL, _SOURCES),
    variables=(Variable.INSTANCE,),
)
