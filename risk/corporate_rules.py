"""The figures by which corporate actions are believed, halted for, verified and resumed after."""

from dataclasses import dataclass

from risk.units import PPM_SCALE, Ppm, Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class CorporateRules:
    """How careful to be. Raises ValueError for figures that cannot stand together."""

    least_sources: int = 2
    same_action: Seconds = Seconds(10 * 86_400)
    """Two tellings of one action differ by at most this; farther apart they are two actions."""
    same_dividend: Seconds = Seconds(3 * 86_400)
    """The same for dividends, of which some funds pay one a week."""
    notice: Seconds = Seconds(2 * 86_400)
    """So long before its moment an action that is not agreed on is an alarm."""
    arm_lead: Seconds = Seconds(86_400)
    """So long before its moment an agreed action is armed: what the exchange would refuse is known a
    day ahead."""
    halt_lead: Seconds = Seconds(900)
    """So long before its moment the market is halted."""
    dividend_halt_lead: Seconds = Seconds(60)
    """The same for a dividend, which is one write."""
    chunk: int = 256
    """Accounts rescaled in one write; the exchange takes at most 1024."""
    apply_wait: Seconds = Seconds(600)
    """Writes that take longer are an alarm."""
    first_price_wait: Seconds = Seconds(4 * 86_400)
    """A first price that takes longer is an alarm; a long weekend is not."""
    tolerance: Ppm = Ppm(100_000)
    """How far the first price may lie from what the last one before is worth now."""
    warm_up: int = 3
    """Prices in a row, within the tolerance, that must follow before trading returns."""
    taken_up_for: Seconds = Seconds(3 * 86_400)
    """An action first heard of so long after its moment is history, and not ours to apply."""

    def __post_init__(self) -> None:
        if self.least_sources < 2 or self.warm_up < 1:
            raise ValueError(
                "expected at least 2 sources and 1 price of warm-up, found"
                f" {self.least_sources} and {self.warm_up}"
            )
        if not 1 <= self.chunk <= 1_024:
            raise ValueError(f"expected 1 to 1024 accounts in a chunk, found {self.chunk}")
        if not 0 < self.tolerance < PPM_SCALE:
            raise ValueError(f"expected a tolerance within 0 to 10^6 ppm, found {self.tolerance}")
        leads = (self.dividend_halt_lead, self.halt_lead, self.arm_lead)
        if not 0 <= leads[0] <= leads[1] <= leads[2] <= self.notice:
            raise ValueError(
                "expected 0 <= dividend_halt_lead <= halt_lead <= arm_lead <= notice, found"
                f" {leads[0]}, {leads[1]}, {leads[2]} and {self.notice}"
            )
