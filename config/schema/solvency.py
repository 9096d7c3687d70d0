"""How often the exchange's solvency is proven, where a figure is a breach, and when nothing may leave."""

import re
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, Field

from config.schema.fields import (
    ATOMS_PER_USD,
    PositiveInt,
    Rate,
    Seconds,
    Section,
    Usd,
    WholeSeconds,
    exact_units,
)
from config.schema.markets import PositivePpm
from risk.solvency_rules import SolvencyRules
from risk.units import PPM_SCALE, Ppm, QuoteAtoms
from risk.units import Seconds as VenueSeconds
from risk.withdrawal_gate import GateCause, GateRules

PPM_PER_PERCENT = 10_000
NaturalSeconds = Annotated[int, Field(ge=0, le=31_536_000)]
JumpPpm = Annotated[int, Field(gt=0, lt=1_000_000)]


def _check_hash(value: str) -> str:
    if not re.fullmatch(r"0x[0-9a-fA-F]{64}", value):
        raise ValueError("a hash of 0x and 64 hexadecimal digits")
    return value.lower()


def _check_cause(value: str) -> str:
    known = [each.value for each in GateCause]
    if value not in known:
        raise ValueError(f"one of {', '.join(known)}")
    return value


def _check_gap(value: int) -> int:
    if not 0 < value < PPM_SCALE or value % PPM_PER_PERCENT:
        raise ValueError(f"whole percents above 0 and below 100, each {PPM_PER_PERCENT} ppm")
    return value


CodeHash = Annotated[str, AfterValidator(_check_hash)]
GapPpm = Annotated[int, AfterValidator(_check_gap)]
CauseName = Annotated[str, AfterValidator(_check_cause)]


class Solvency(Section):
    """The solvency duty: it proves twelve invariants at sealed blocks, and needs no key."""

    watches: bool = False
    """Whether `bellkeeper run` without a duty runs this one too. Beside the duty breaker its findings act: the guardian restricts and closes withdrawals as they ask."""

    look_seconds: Seconds = 0.5
    """Pause between looks for a new sealed block."""

    accounts_seconds: Seconds = 10.0
    """Pause between readings of all accounts. The node must keep the state of a block for as long as one takes."""

    pages_per_second: Rate = 50.0
    """Pages of 400 accounts asked for in a second, so that the keeper's own reads never wait."""

    code_hash: CodeHash | None = None
    """Hash (keccak-256) of the exchange's approved code; left out: the contract that this program ships."""

    wait_blocks: PositiveInt = 600
    """Blocks that an account may stay under margin while it could be liquidated."""

    mark_index_ppm: PositivePpm = 100_000
    """Largest distance of a mark from its index."""

    price_age_seconds: WholeSeconds = 60
    """Oldest price of a market that trades."""

    clock_slack_seconds: NaturalSeconds = 0
    """How far in the future a price may lie, against its own block."""

    top_one_ppm: PositivePpm = 500_000
    """Largest part of a side's open interest that one account may hold."""

    top_five_ppm: PositivePpm = 950_000
    """The same of five accounts."""

    herfindahl_ppm: PositivePpm = 400_000
    """Largest Herfindahl index of a side, the sum of its squared shares; 1_000_000 is one holder alone."""

    concentration_floor_usd: Usd = Decimal(1_000_000)
    """Open interest below which nobody asks who holds it."""

    discovery_bound_ppm: JumpPpm = 50_000
    """The jump of all prices that insurance fund and backstop must carry."""

    gaps_ppm: Annotated[tuple[GapPpm, ...], Field(min_length=1, max_length=8, strict=False)] = (
        100_000,
        200_000,
        300_000,
    )
    """Larger jumps, in whole percents, of which the loss is told."""

    gate_causes: Annotated[tuple[CauseName, ...], Field(max_length=8, strict=False)] = tuple(
        each.value for each in GateCause
    )
    """What closes withdrawals. Only the owner opens them again: where that takes long, leave out what passes by itself, as `negative_equity` does."""

    hold_blocks: PositiveInt = 50
    """Blocks that must pass since a cause was last seen, before the gate says that it is over."""

    hold_seconds: NaturalSeconds = 60
    """Seconds that must pass too, on the venue's clock."""

    outage_seconds: WholeSeconds = 300
    """A pause between two blocks that closes the gate."""

    window_seconds: WholeSeconds = 3_600
    """How long a withdrawal counts."""

    most_in_window_ppm: PositivePpm = 200_000
    """Most that may leave in the window, in ppm of what the vault held before it."""

    most_at_once_ppm: PositivePpm = 100_000
    """Most that may leave at once, in ppm of the same."""

    role_watch_seconds: WholeSeconds = 86_400
    """How long after a change of roles less may leave."""

    most_after_role_change_ppm: PositivePpm = 20_000
    """Most that may leave in that time, in ppm of the same."""

    @property
    def rules(self) -> SolvencyRules:
        """Give where a figure is a breach."""
        return SolvencyRules(
            wait_blocks=self.wait_blocks,
            mark_index=Ppm(self.mark_index_ppm),
            price_age=VenueSeconds(self.price_age_seconds),
            clock_slack=VenueSeconds(self.clock_slack_seconds),
            top_one=Ppm(self.top_one_ppm),
            top_five=Ppm(self.top_five_ppm),
            herfindahl=Ppm(self.herfindahl_ppm),
            concentration_floor=QuoteAtoms(
                exact_units(self.concentration_floor_usd, ATOMS_PER_USD)
            ),
            discovery_bound=Ppm(self.discovery_bound_ppm),
            gaps=tuple(map(Ppm, self.gaps_ppm)),
        )

    @property
    def gate_rules(self) -> GateRules:
        """Give when nothing may leave."""
        return GateRules(
            hold_blocks=self.hold_blocks,
            hold_seconds=VenueSeconds(self.hold_seconds),
            outage=VenueSeconds(self.outage_seconds),
            window=VenueSeconds(self.window_seconds),
            most_in_window=Ppm(self.most_in_window_ppm),
            most_at_once=Ppm(self.most_at_once_ppm),
            role_watch=VenueSeconds(self.role_watch_seconds),
            most_after_role_change=Ppm(self.most_after_role_change_ppm),
            causes=frozenset(map(GateCause, self.gate_causes)),
        )

    @property
    def approved_code(self) -> bytes | None:
        """Give the approved code's hash."""
        return None if self.code_hash is None else bytes.fromhex(self.code_hash[2:])
