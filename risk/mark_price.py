"""The mark and the index of one market, whatever its session.

While outside markets trade, the index is the accepted outside price. When they close, fall silent or
are halted, it starts from the last accepted one and follows the venue's own book and the registered
participants slowly, inside the discovery bound. The mark is the median of three: the index, the index
plus the slow average of the book's distance from it, and the middle of the book; so one of them alone
cannot carry it away. That average is slower while outside markets sleep: two of the three are the
book's, and with the usual 150 s whoever pushes a thin book for minutes would have the mark.
After every gap some outside updates must come before the price is called warm.
Pure: (state, inputs, now) → (state, result). Times are on the venue's clock.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from risk.decay import PPB_SCALE, kept
from risk.discovery_bound import (
    BoundRules,
    BoundState,
    after_price,
    anchored,
    bounded,
    used,
)
from risk.internal_price import ImpactPrices, InternalRules, Voices, next_internal_price
from risk.sessions import EXTERNAL_SESSIONS, Session
from risk.units import PPM_SCALE, Ppm, PriceE8, Seconds, div_floor, div_trunc


class Mode(StrEnum):
    """Where the index comes from."""

    EXTERNAL = "external"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True, kw_only=True)
class BookPrices:
    """The venue's order book as the mark sees it; None where there is nothing."""

    impact: ImpactPrices = field(default_factory=lambda: ImpactPrices(bid=None, ask=None))
    best_bid: PriceE8 | None = None
    best_ask: PriceE8 | None = None
    last_trade: PriceE8 | None = None

    @property
    def mid(self) -> PriceE8 | None:
        """Give the middle of best bid and ask; None for a book that is one-sided or crossed."""
        if self.best_bid is None or self.best_ask is None or self.best_bid > self.best_ask:
            return None
        return PriceE8(div_floor(self.best_bid + self.best_ask, 2))

    @property
    def median(self) -> PriceE8 | None:
        """Give the median of best bid, best ask and last trade; the mid without a trade."""
        if self.mid is None or self.last_trade is None:
            return self.mid
        assert self.best_bid is not None
        assert self.best_ask is not None
        return sorted((self.best_bid, self.best_ask, self.last_trade))[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkInputs:
    """What is known now."""

    session: Session
    external: PriceE8 | None
    """The last accepted outside price, None if there never was one."""
    external_at: Seconds = Seconds(0)
    """When it was accepted."""
    book: BookPrices = field(default_factory=BookPrices)
    participants: PriceE8 | None = None
    """What registered participants quote together, None without enough of them."""
    is_underlying_halted: bool = False
    seconds_since_boundary: Seconds | None = None
    """How long the session lasts already; None when that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkRules:
    """How a market's mark is made."""

    bound: BoundRules
    internal: InternalRules = field(default_factory=InternalRules)
    basis_tau: Seconds = Seconds(150)
    """Time constant of the basis while outside markets trade; Hyperliquid's and trade.xyz's."""
    internal_basis_tau: Seconds = Seconds(1_800)
    """The same while they sleep."""
    external_gap: Seconds = Seconds(30)
    """Longest silence of the outside price in a session that has one."""
    transition_lock: Seconds = Seconds(60)
    """After a session's border: no change from internal to external, and small steps only."""
    locked_step: Ppm = Ppm(2_500)
    """Largest step of an outside index while locked, in ppm."""
    warm_up_updates: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkState:
    """What is carried from one round to the next."""

    index: PriceE8
    close: PriceE8
    """The last outside index: what the internal price started from."""
    bound: BoundState
    basis: int
    """Slow average of book mid − index, in 1e-8 USD; of 0 while there is no book."""
    mode: Mode
    updated_at: Seconds
    external_at: Seconds
    """Time of the last outside price that was followed; one that is only heard does not count."""
    external_updates: int
    """Outside updates since the last gap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkResult:
    """The prices of a round, and what made them."""

    index: PriceE8
    mark: PriceE8
    mode: Mode
    session: Session
    bound_used: Ppm
    is_warming_up: bool
    is_locked: bool
    components: tuple[tuple[str, PriceE8], ...]
    """The prices of which the mark is the median, by name."""
    why: str
    """Why the index comes from where it comes from."""


def next_mark(
    state: MarkState | None, inputs: MarkInputs, *, now: Seconds, rules: MarkRules
) -> tuple[MarkState, MarkResult] | None:
    """Make the mark at `now`; None before the first outside price, when there is nothing to say."""
    is_locked = _is_locked(inputs, rules)
    why_internal = _why_internal(state, inputs, now, rules, is_locked=is_locked)
    if state is None:
        if inputs.external is None or why_internal is not None:
            return None
        state = starting_from(inputs.external, now=now, external_at=inputs.external_at)
    if why_internal is None and inputs.external is not None:
        index = _external_index(state, inputs.external, rules, is_locked=is_locked)
        bound, close = anchored(index), index
        mode, why = Mode.EXTERNAL, "outside markets trade"
        is_update = inputs.external_at > state.external_at
        updates = state.external_updates + is_update if state.mode is mode else 1
    else:
        index = _internal_index(state, inputs, now, rules)
        bound, close = after_price(state.bound, index, rules.bound), state.close
        mode, why, updates = Mode.INTERNAL, why_internal or "", 0
    is_open = inputs.session in EXTERNAL_SESSIONS
    tau = rules.basis_tau if is_open else rules.internal_basis_tau
    basis = _basis(state, inputs.book, index, Seconds(now - state.updated_at), tau)
    components = _components(index, basis, inputs.book)
    after = MarkState(
        index=index,
        close=close,
        bound=bound,
        basis=basis,
        mode=mode,
        updated_at=now,
        external_at=inputs.external_at if mode is Mode.EXTERNAL else state.external_at,
        external_updates=updates,
    )
    result = MarkResult(
        index=index,
        mark=bounded(_middle(components), bound, rules.bound),
        mode=mode,
        session=inputs.session,
        bound_used=used(index, bound, rules.bound),
        is_warming_up=mode is Mode.EXTERNAL and updates < rules.warm_up_updates,
        is_locked=is_locked,
        components=components,
        why=why,
    )
    return after, result


def starting_from(price: PriceE8, *, now: Seconds, external_at: Seconds) -> MarkState:
    """Start with this index: the first outside price, or after a restart what the venue holds.

    The discovery bound begins anew from it, since how much of it was used is not known.
    """
    return MarkState(
        index=price,
        close=price,
        bound=anchored(price),
        basis=0,
        mode=Mode.INTERNAL,
        updated_at=now,
        external_at=external_at,
        external_updates=0,
    )


def rebased(state: MarkState, price: PriceE8) -> MarkState:
    """Start from another price, such as after a split or by an operator's word."""
    return replace(
        state, index=price, close=price, bound=anchored(price), basis=0, external_updates=0
    )


def _is_locked(inputs: MarkInputs, rules: MarkRules) -> bool:
    since = inputs.seconds_since_boundary
    return since is not None and since < rules.transition_lock


def _why_internal(
    state: MarkState | None,
    inputs: MarkInputs,
    now: Seconds,
    rules: MarkRules,
    *,
    is_locked: bool,
) -> str | None:
    """Say why no outside price is followed, or None when it is."""
    if inputs.session not in EXTERNAL_SESSIONS:
        return f"the session is {inputs.session.value}"
    if inputs.is_underlying_halted:
        return "the underlying is halted"
    if inputs.external is None:
        return "no outside price was ever accepted"
    silent_for = now - inputs.external_at
    if silent_for > rules.external_gap:
        return f"no outside price was accepted for {silent_for} s"
    if is_locked and state is not None and state.mode is Mode.INTERNAL:
        return "the session has only begun"
    return None


def _external_index(
    state: MarkState, external: PriceE8, rules: MarkRules, *, is_locked: bool
) -> PriceE8:
    if not is_locked:
        return external
    most = div_floor(state.index * rules.locked_step, PPM_SCALE)
    return PriceE8(min(max(external, state.index - most), state.index + most))


def _internal_index(
    state: MarkState, inputs: MarkInputs, now: Seconds, rules: MarkRules
) -> PriceE8:
    voices = Voices(
        book=inputs.book.impact, participants=inputs.participants, last_close=state.close
    )
    pulled = next_internal_price(
        state.index, voices, elapsed=Seconds(now - state.updated_at), rules=rules.internal
    )
    return bounded(pulled, state.bound, rules.bound)


def _basis(
    state: MarkState, book: BookPrices, index: PriceE8, elapsed: Seconds, tau: Seconds
) -> int:
    """Average the book's distance from the index; without a book it fades to nothing."""
    sample = 0 if book.mid is None else book.mid - index
    left = kept(Seconds(max(0, elapsed)), tau)
    return sample + div_trunc((state.basis - sample) * left, PPB_SCALE)


def _components(index: PriceE8, basis: int, book: BookPrices) -> tuple[tuple[str, PriceE8], ...]:
    """Give what the mark is the median of.

    Without a book it is the index with what is left of the basis: were it the index at once, a book
    that is one-sided for a moment would make the mark leap by the whole basis and back.
    """
    middle, with_basis = book.median, PriceE8(index + basis)
    if middle is None:
        return (("index_and_basis", with_basis),)
    return (("index", index), ("index_and_basis", with_basis), ("book", middle))


def _middle(components: tuple[tuple[str, PriceE8], ...]) -> PriceE8:
    ordered = sorted(price for _, price in components)
    return ordered[len(ordered) >> 1]
