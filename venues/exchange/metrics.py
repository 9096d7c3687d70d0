"""What a feed tells about itself. Names start with `bellkeeper_feed_`; no label is ever open."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from prometheus_client import CollectorRegistry, Counter, Gauge

from runtime.metrics import counter, gauge
from venues.exchange.slicers import Defect


class ResyncReason(StrEnum):
    """Why a feed took a new snapshot."""

    START = "start"
    GAP = "gap"
    REORG = "reorg"
    DIVERGENCE = "divergence"
    OUT_OF_ORDER = "out_of_order"
    UNDECODABLE = "undecodable"
    STALLED = "stalled"
    UNREADABLE = "unreadable"


class Missing(StrEnum):
    """What became of a log that an audit found and the subscription had not brought."""

    LATE = "late"
    LOST = "lost"


class Audited(StrEnum):
    """What is re-read from the chain now and then."""

    ACCOUNT = "account"
    MARKET = "market"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedMetrics:
    """All collectors of one venue's feed."""

    logs_applied: Counter
    logs_healed: Counter
    logs_duplicate: Counter
    logs_undecodable: Counter
    resyncs: Counter
    divergences: Counter
    reread: Counter
    audit_lag: Gauge
    pages_read: Counter
    page_size: Gauge
    head_block: Gauge
    head_timestamp: Gauge
    snapshot_seconds: Gauge
    is_following: Gauge

    @classmethod
    def create(cls, registry: CollectorRegistry) -> Self:
        """Register all of them, each label combination from the start."""
        return cls(
            logs_applied=counter(
                registry, "bellkeeper_feed_logs_applied_total", "Logs folded into the state."
            ),
            logs_healed=counter(
                registry,
                "bellkeeper_feed_logs_healed_total",
                "Logs that an audit found before the subscription brought them, or instead.",
                {"cause": list(Missing)},
            ),
            logs_duplicate=counter(
                registry, "bellkeeper_feed_logs_duplicate_total", "Logs that came more than once."
            ),
            logs_undecodable=counter(
                registry,
                "bellkeeper_feed_logs_undecodable_total",
                "Logs of the exchange that could not be understood; each leads to a resync.",
                {"defect": list(Defect)},
            ),
            resyncs=counter(
                registry,
                "bellkeeper_feed_resyncs_total",
                "Snapshots taken, by reason.",
                {"reason": list(ResyncReason)},
            ),
            divergences=counter(
                registry,
                "bellkeeper_feed_divergences_total",
                "Accounts or markets re-read from the chain that differ from what is held.",
                {"what": list(Audited)},
            ),
            reread=counter(
                registry,
                "bellkeeper_feed_reread_total",
                "Accounts or markets re-read from the chain and compared with what is held.",
                {"what": list(Audited)},
            ),
            audit_lag=gauge(
                registry,
                "bellkeeper_feed_audit_lag_blocks",
                "Sealed blocks whose logs are not audited yet.",
            ),
            pages_read=counter(
                registry, "bellkeeper_feed_pages_read_total", "Pages of accounts read."
            ),
            page_size=gauge(
                registry, "bellkeeper_feed_page_accounts", "Accounts asked for in one page."
            ),
            head_block=gauge(
                registry, "bellkeeper_feed_head_block", "Number of the newest sealed block seen."
            ),
            head_timestamp=gauge(
                registry,
                "bellkeeper_feed_head_timestamp_seconds",
                "Venue time of the newest sealed block seen; its age is time() minus this.",
            ),
            snapshot_seconds=gauge(
                registry,
                "bellkeeper_feed_snapshot_duration_seconds",
                "How long the last snapshot took to read.",
            ),
            is_following=gauge(
                registry,
                "bellkeeper_feed_following",
                "1 while the state follows the chain, 0 while it is being rebuilt.",
            ),
        )
