"""The schema of the configuration: every knob, its unit, its default and the rules between knobs.

Parsed once, by `config.loader`, at the composition root; values are handed down from there.
`docs/configuration.md` is generated from this schema by `python -m config.document`.
"""

import itertools

from pydantic import Field, model_validator

from config.schema.admin import Admin, AdminToken
from config.schema.breaker import Breaker
from config.schema.corporate import Corporate
from config.schema.deleverage import Deleverage
from config.schema.duties import Audit, Liquidation
from config.schema.fields import Section
from config.schema.incentive_settings import Incentives
from config.schema.keys import Keys, LaneKey, Sender
from config.schema.network import Endpoint, Exchange, Network, Roles
from config.schema.notify import Notify
from config.schema.prices import Prices
from config.schema.process import Http, Journal, Log, Supervision
from config.schema.solvency import Solvency
from config.schema.stress import Stress
from config.schema.tracing import Tracing

__all__ = [
    "Admin",
    "AdminToken",
    "Audit",
    "Breaker",
    "Corporate",
    "Deleverage",
    "Endpoint",
    "Exchange",
    "Http",
    "Incentives",
    "Journal",
    "Keys",
    "LaneKey",
    "Liquidation",
    "Log",
    "Network",
    "Notify",
    "Prices",
    "Roles",
    "Sender",
    "Settings",
    "Solvency",
    "Stress",
    "Supervision",
    "Tracing",
]


class Settings(Section):
    """The whole configuration, checked and frozen."""

    network: Network
    """The chain and the servers that speak for it."""

    exchange: Exchange = Field(default_factory=Exchange)
    """The exchange's contract."""

    roles: Roles = Field(default_factory=Roles)
    """Who holds the exchange's roles."""

    keys: Keys = Field(default_factory=Keys)
    """Who signs, per lane."""

    sender: Sender = Field(default_factory=Sender)
    """How transactions are carried."""

    liquidation: Liquidation = Field(default_factory=Liquidation)
    """How accounts are liquidated."""

    prices: Prices = Field(default_factory=Prices)
    """How prices are made and published."""

    breaker: Breaker = Field(default_factory=Breaker)
    """How bands are drawn and markets halted."""

    incentives: Incentives = Field(default_factory=Incentives)
    """How levers follow the sessions, and what makers are paid."""

    solvency: Solvency = Field(default_factory=Solvency)
    """How the exchange's solvency is proven, and when nothing may leave it."""

    stress: Stress = Field(default_factory=Stress)
    """What the live book is shocked with."""

    corporate: Corporate = Field(default_factory=Corporate)
    """How corporate actions are believed, made and verified."""

    deleverage: Deleverage = Field(default_factory=Deleverage)
    """How the last resort is taken."""

    audit: Audit = Field(default_factory=Audit)
    """How the book is checked against the chain."""

    journal: Journal = Field(default_factory=Journal)
    """Where plans and outcomes are kept."""

    http: Http = Field(default_factory=Http)
    """Where the process shows itself."""

    admin: Admin = Field(default_factory=Admin)
    """Who may change it while it runs."""

    notify: Notify = Field(default_factory=Notify)
    """Who is told what happens."""

    log: Log = Field(default_factory=Log)
    """What the process says."""

    tracing: Tracing = Field(default_factory=Tracing)
    """Where the traces of intents go."""

    supervision: Supervision = Field(default_factory=Supervision)
    """How the process ends."""

    @model_validator(mode="after")
    def _check_together(self) -> "Settings":
        batches, window = self.liquidation.max_batches_in_flight, self.sender.max_in_flight
        if batches > window:
            raise ValueError(
                f"`liquidation.max_batches_in_flight` ({batches}) must be at most "
                f"`sender.max_in_flight` ({window}): lower the first or raise the second"
            )
        _check_lanes_apart(self.keys)
        return self


def _check_lanes_apart(keys: Keys) -> None:
    """Refuse one key for two lanes: each would take the other's nonces."""
    lanes = [(name, lane) for name, lane in keys if lane is not None]
    for (one, first), (other, second) in itertools.combinations(lanes, 2):
        for knob in ("keystore", "address"):
            shared = getattr(first, knob)
            if shared is not None and shared == getattr(second, knob):
                raise ValueError(
                    f"`keys.{one}.{knob}` and `keys.{other}.{knob}` must differ, but both are "
                    f"{shared}: two lanes on one key would take each other's nonces"
                )
