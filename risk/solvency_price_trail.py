"""What marks and open interests did, event by event: the steps, and the corporate actions.

Prices 1e-8 USD, sizes 1e-8 share.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from risk.units import PPM_SCALE, MarketId, Ppm, PriceE8, SizeE8, div_ceil, div_floor


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceStep:
    """The largest step that a mark made in one update."""

    before: PriceE8
    after: PriceE8

    @property
    def size(self) -> Ppm:
        """Give the step in ppm of the price before, rounded up."""
        return Ppm(div_ceil(abs(self.after - self.before) * PPM_SCALE, self.before))


@dataclass(frozen=True, slots=True, kw_only=True)
class CorporateAction:
    """One corporate action that was carried out: what it said and what it did."""

    name: str
    market: MarketId
    mark_before: PriceE8
    mark_after: PriceE8
    wanted_mark: PriceE8
    """What the rules of docs/exchange.md section 8 make of the mark before."""
    open_interest_before: SizeE8
    open_interest_after: SizeE8
    numerator: int = 1
    denominator: int = 1


@dataclass(slots=True)
class _Priced:
    """What is remembered of a market while its events go by."""

    mark: PriceE8 = PriceE8(0)
    open_interest: SizeE8 = SizeE8(0)
    split_mark: PriceE8 = PriceE8(0)
    split_interest: SizeE8 = SizeE8(0)


class PriceTrail:
    """Follows every market from a mark and an open interest on."""

    def __init__(self, marks: Mapping[MarketId, tuple[PriceE8, SizeE8]]) -> None:
        self._markets = {
            # A split may be under way already: its figures are those it began with.
            market: _Priced(mark, interest, split_mark=mark, split_interest=interest)
            for market, (mark, interest) in marks.items()
        }
        self.steps: dict[MarketId, PriceStep] = {}
        """The largest step of each market."""
        self.actions: list[CorporateAction] = []
        self._rules = {
            "PricePublished": self._price_published,
            "OpenInterestChanged": self._open_interest_changed,
            "DividendPaid": self._dividend_paid,
            "SplitBegun": self._split_begun,
            "SplitFinished": self._split_finished,
            "MarketSettled": self._market_settled,
        }

    def add(self, name: str, values: Mapping[str, Any]) -> None:
        """Follow one event; those that move no price are passed over."""
        rule = self._rules.get(name)
        if rule is not None:
            rule(values)

    def _market(self, values: Mapping[str, Any]) -> _Priced:
        return self._markets.setdefault(MarketId(values["market"]), _Priced())

    def _open_interest_changed(self, values: Mapping[str, Any]) -> None:
        self._market(values).open_interest = SizeE8(values["open_interest"])

    def _price_published(self, values: Mapping[str, Any]) -> None:
        held, mark = self._market(values), PriceE8(values["mark"])
        if held.mark > 0:
            step = PriceStep(before=held.mark, after=mark)
            number = MarketId(values["market"])
            known = self.steps.get(number)
            if known is None or step.size > known.size:
                self.steps[number] = step
        held.mark = mark

    def _dividend_paid(self, values: Mapping[str, Any]) -> None:
        held = self._market(values)
        wanted = PriceE8(held.mark - values["amount"])
        self._act("dividend", values, PriceE8(values["mark"]), wanted, held.open_interest)

    def _split_begun(self, values: Mapping[str, Any]) -> None:
        held = self._market(values)
        held.split_mark, held.split_interest = held.mark, held.open_interest

    def _split_finished(self, values: Mapping[str, Any]) -> None:
        held = self._market(values)
        numerator, denominator = values["numerator"], values["denominator"]
        wanted = PriceE8(div_floor(held.split_mark * denominator, numerator))
        mark = PriceE8(values["mark"])
        before = held.split_interest
        self._act("split", values, mark, wanted, before, ratio=(numerator, denominator))

    def _market_settled(self, values: Mapping[str, Any]) -> None:
        held, price = self._market(values), PriceE8(values["price"])
        self._act("settlement", values, price, price, held.open_interest)

    def _act(
        self,
        name: str,
        values: Mapping[str, Any],
        mark: PriceE8,
        wanted: PriceE8,
        interest_before: SizeE8,
        *,
        ratio: tuple[int, int] = (1, 1),
    ) -> None:
        held = self._market(values)
        self.actions.append(
            CorporateAction(
                name=name,
                market=MarketId(values["market"]),
                mark_before=held.mark,
                mark_after=mark,
                wanted_mark=wanted,
                open_interest_before=interest_before,
                open_interest_after=held.open_interest,
                numerator=ratio[0],
                denominator=ratio[1],
            )
        )
        held.mark = mark
