"""The price desk over splits and dividends: it goes on where it was, and believes no other basis."""

from dataclasses import replace

from monitors.prices.resumption import earlier_of
from risk.corporate_prices import Rebase
from risk.corporate_values import Ratio
from risk.units import MarketStatus, Seconds
from tests.builders import NOW, price
from tests.monitors.prices.desk_rig import CLOSES, SYMBOL, Rig

TEN = Ratio(numerator=10, denominator=1)


class Busy:
    """A market that is busy with an action."""

    def __init__(self, ratio: Ratio | None = TEN) -> None:
        self.ratio, self.is_on = ratio, True

    def holds_price(self, symbol: str) -> str | None:
        return f"{symbol} is being split" if self.is_on else None

    def ratio_ahead(self, symbol: str) -> Ratio | None:
        assert symbol == SYMBOL
        return self.ratio if self.is_on else None


def carried(rig: Rig) -> dict[str, int]:
    found = rig.why["carried"]
    assert isinstance(found, dict)
    return found


def rebase(rig: Rig, by: Rebase) -> None:
    market = rig.venue.market
    rig.venue.market = replace(market, mark=by.price(market.mark), index=by.price(market.index))
    rig.desk.rebase(rig.venue.market, by)


def test_a_split_neither_refreshes_the_bound_nor_forgets_the_close() -> None:
    rig = Rig()
    rig.run_open("200", CLOSES - 3, CLOSES - 1)
    rig.at(CLOSES + 200)
    before = carried(rig)
    rebase(rig, Rebase(ratio=TEN))
    mark, index, _ = rig.at(CLOSES + 201)
    after = carried(rig)
    assert (mark, index) == (price(20), price(20))
    assert after["close_e8"] == before["close_e8"] // 10
    assert after["reference_e8"] == before["reference_e8"] // 10
    assert after["resets_up"] == before["resets_up"]


def test_a_dividend_moves_close_and_bound_by_its_amount() -> None:
    rig = Rig()
    rig.run_open("200", CLOSES - 3, CLOSES - 1)
    rig.at(CLOSES + 200)
    rebase(rig, Rebase(amount=price(3)))
    _, index, _ = rig.at(CLOSES + 201)
    assert index == price(197)
    assert carried(rig)["close_e8"] == carried(rig)["reference_e8"] == price(197)


def test_more_than_the_price_begins_anew_at_the_venue_s() -> None:
    rig = Rig()
    rig.run_open("200", NOW, NOW + 3)
    rig.venue.market = replace(rig.venue.market, index=price(5))
    rig.desk.rebase(rig.venue.market, Rebase(amount=price(250)))
    assert rig.at(NOW + 4)[1] == price(5)


def test_no_price_is_made_while_the_bases_may_differ_though_sources_are_heard() -> None:
    rig, busy = Rig(), Busy()
    rig.run_open("200", NOW, NOW + 3)
    rig.desk.follow_actions(busy)
    for now in range(NOW + 4, NOW + 10):
        rig.world.say("20", now)
        rig.venue.now = Seconds(now)
        assert rig.desk.fair_prices() == []
    assert rig.desk.suspicion(SYMBOL) is None
    busy.is_on = False
    rebase(rig, Rebase(ratio=TEN))
    # The last word of each may have been of either basis: the next one counts.
    assert rig.at(NOW + 11)[1] == price(20)
    rig.world.say("20.05", NOW + 12)
    assert rig.at(NOW + 12)[1] == price("20.05")


def test_a_split_that_nobody_announced_moves_no_price_until_an_operator_says_so() -> None:
    rig = Rig()
    rig.run_open("200", NOW, NOW + 3)
    for now in range(NOW + 4, NOW + 10):
        rig.world.say("100.3", now)
        rig.venue.now = Seconds(now)
        assert rig.desk.fair_prices() == []
    found = rig.desk.suspicion(SYMBOL)
    assert found is not None
    assert "as after a split 2:1 that nobody announced" in found.why
    assert rig.value("split_suspicions_total", market=SYMBOL) == 1
    rig.desk.lift_suspicion(SYMBOL)
    rig.world.say("100.4", NOW + 10)
    assert rig.at(NOW + 10)[1] == price("100.4")


def test_a_market_that_ended_is_not_suspected() -> None:
    rig = Rig()
    rig.run_open("200", NOW, NOW + 3)
    rig.venue.market = replace(rig.venue.market, status=MarketStatus.SETTLED)
    rig.world.say("20", NOW + 4)
    rig.venue.now = Seconds(NOW + 4)
    rig.desk.fair_prices()
    assert rig.desk.suspicion(SYMBOL) is None


def test_what_an_earlier_life_knew_of_another_basis_is_left_out() -> None:
    rig = Rig()
    rig.run_open("200", CLOSES - 3, CLOSES - 1)
    rig.at(CLOSES + 200)
    next_life = Rig(earlier=earlier_of(rig.why), dollars="20")
    assert next_life.at(CLOSES + 300)[1] == price(20)
