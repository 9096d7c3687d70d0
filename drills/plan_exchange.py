"""Carry out an emergency plan's wishes on a forked exchange, and tell what the exchange said.

Who may do what is the exchange's to judge: the guardian restricts and closes withdrawals, the breaker
draws bands and makes a market less strict, the owner opens withdrawals.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from drills.plan_fork import ForkedExchange
from risk.amounts import price_text
from risk.emergency_state import PlanDecision
from risk.guard_rails import Parameter
from risk.market import Market
from risk.precedence import BandEdges, Machine, Standing, Wanted, Wish, combined
from risk.units import PPM_SCALE, MarketStatus, PriceE8, div_floor
from venues.exchange.readings import Role

MOST_BAND_MOVES: Final = 64
_COOLING: Final = "cooling down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actors:
    """Addresses that hold the roles; empty where the plan needs none."""

    breaker: str
    guardian: str


class PlanActor:
    """Does what a plan wishes, on top of what it found."""

    def __init__(
        self,
        fork: ForkedExchange,
        actors: Actors,
        found: Mapping[str, Market],
        say: Callable[[str], None],
    ) -> None:
        self._fork = fork
        self._actors = actors
        self._found = dict(found)
        self._say = say
        self._were_open = True
        self.refused: list[str] = []
        """What the exchange refused for good."""

    @property
    def market_count(self) -> int:
        """How many markets the plan is about."""
        return len(self._found)

    async def begin(self) -> None:
        """Remember whether withdrawals were open."""
        self._were_open = (await self._fork.venue.pools()).withdrawals_open

    async def carry_out(self, decision: PlanDecision) -> None:
        """Bring every market, and the withdrawals, to where the plan wants them."""
        is_open = (await self._fork.venue.pools()).withdrawals_open
        if is_open and any(wish.closes_withdrawals for wish in decision.wishes.values()):
            await self._send("withdrawals", "guardian", "close_withdrawals")
        for symbol, wish in decision.wishes.items():
            await self._bring(self._found[symbol], wish)
        if decision.owner_does and self._were_open and not is_open:
            self._say(f"  the owner is told: {decision.owner_does}")
            await self._send("withdrawals", "owner", "open_withdrawals")

    async def differences(self) -> list[str]:
        """Tell what is not as it was found."""
        told: list[str] = []
        for symbol, found in self._found.items():
            now = await self._fork.market(found.id)
            if now.status is not found.status:
                told.append(f"{symbol} was {found.status.name} and is {now.status.name}")
            if _band(now) != _band(found):
                told.append(f"{symbol} had {_written(found)} and has {_written(now)}")
        is_open = (await self._fork.venue.pools()).withdrawals_open
        if is_open != self._were_open:
            was, now_is = ("open", "closed") if self._were_open else ("closed", "open")
            told.append(f"withdrawals were {was} and are {now_is}")
        return told

    async def _bring(self, found: Market, wish: Wish) -> None:
        wanted = _wanted(found, wish)
        now = await self._fork.market(found.id)
        if wanted.status is now.status and wanted.band == _band(now):
            self._say(f"  {found.symbol}: nothing to do, it is {now.status.name}")
            return
        if wanted.status > now.status:
            await self._send(found.symbol, "guardian", "restrict", found.id, int(wanted.status))
        # The band is there before trading returns.
        await self._move_band(found, wanted.band)
        if wanted.status < now.status:
            await self._write(found, Parameter.STATUS, "set_status", int(wanted.status))

    async def _move_band(self, found: Market, target: BandEdges | None) -> None:
        """Move the band, in as many steps as the owner's largest step makes of it."""
        for _ in range(MOST_BAND_MOVES):
            band = _band(await self._fork.market(found.id))
            if band == target:
                return
            limits = await self._fork.limits(found.id, Parameter.BAND)
            after = _toward(band, target, limits.largest_step)
            low, high = (0, 0) if after is None else (after.low, after.high)
            if not await self._write(found, Parameter.BAND, "set_band", low, high):
                return
        self.refused.append(f"{found.symbol}: set_band")
        self._say(f"  {found.symbol}: the band is not there after {MOST_BAND_MOVES} moves")

    async def _write(self, found: Market, parameter: Parameter, name: str, *values: int) -> bool:
        """Write as the breaker; where the exchange cools down, wait and try once more."""
        limits = await self._fork.limits(found.id, parameter)
        return await self._send(
            found.symbol,
            "breaker",
            name,
            found.id,
            *values,
            cool_down=limits.cool_down,
        )

    async def _send(
        self,
        what: str,
        actor: str,
        name: str,
        *arguments: Any,  # noqa: ANN401 - the ABI says what they are
        cool_down: int | None = None,
    ) -> bool:
        """Call as an actor and tell what the exchange said; whether it was mined."""
        waited = ""
        refusal = await self._call(actor, name, arguments)
        if refusal == _COOLING and cool_down is not None:
            await self._fork.let_pass(cool_down)
            waited = f" (was {_COOLING}, {cool_down} s waited)"
            refusal = await self._call(actor, name, arguments)
        shown = ", ".join(_argument(name, value) for value in arguments[1:])
        said = "mined" if refusal is None else f"refused: {refusal}"
        self._say(f"  {what}: {actor} {name}({shown}): {said}{waited}")
        if refusal is not None:
            self.refused.append(f"{what}: {name}: {refusal}")
        return refusal is None

    async def _call(self, actor: str, name: str, arguments: tuple[Any, ...]) -> str | None:
        sender = await self._address(actor)
        if actor == "breaker":
            # All that the breaker may write is about a market, which comes first.
            epoch = await self._fork.venue.epoch(arguments[0], Role.BREAKER)
            return await self._fork.send(sender, name, *arguments, epoch)
        return await self._fork.send(sender, name, *arguments)

    async def _address(self, actor: str) -> str:
        if actor == "owner":
            return f"0x{(await self._fork.venue.owner()).hex()}"
        return self._actors.guardian if actor == "guardian" else self._actors.breaker


def _wanted(found: Market, wish: Wish) -> Wanted:
    """Lay the plan's wish over what was found, which stands for all other breakers."""
    base = Wish(status=found.status, band=_band(found), why="as found")
    return combined(Standing(wishes={Machine.EMERGENCY: wish, Machine.BAND: base}))


def _toward(
    band: BandEdges | None, target: BandEdges | None, largest_step: int
) -> BandEdges | None:
    """Give the farthest band on the way that one write may reach; the step is in ppm of the edge."""
    if band is None or target is None:
        return target
    return BandEdges(
        low=_edge(band.low, target.low, largest_step),
        high=_edge(band.high, target.high, largest_step),
    )


def _edge(old: PriceE8, target: PriceE8, largest_step: int) -> PriceE8:
    reach = div_floor(old * largest_step, PPM_SCALE)
    return PriceE8(min(max(target, old - reach), old + reach))


def _band(market: Market) -> BandEdges | None:
    if market.band_high == 0:
        return None
    return BandEdges(low=market.band_low, high=market.band_high)


def _written(market: Market) -> str:
    band = _band(market)
    if band is None:
        return "no band"
    return f"the band {price_text(band.low)} to {price_text(band.high)}"


def _argument(name: str, value: int) -> str:
    return price_text(value) if name == "set_band" else MarketStatus(value).name
