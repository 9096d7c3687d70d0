"""The forecast in slices says what the forecast at once says, and looks at holders only."""

import pytest
from hypothesis import HealthCheck, given, settings

from risk.account_book import AccountBook
from risk.deleverage_forecast import ForecastSurvey, forecast_need
from risk.deleverage_queue import bucket_of, queue, queue_side
from risk.deleverage_rank import RankPolicy, counterparties, in_order
from risk.deleverage_rules import Pools
from risk.units import MarketId, PriceE8
from tests.builders import NOW, make_market, price, usd
from tests.risk.deleveraging import bankrupt, crowds, make_book, make_pools, winner

M0 = MarketId(0)


@pytest.fixture
def _small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("risk.deleverage_forecast.ROWS_PER_SLICE", 3)
    monkeypatch.setattr("risk.deleverage_forecast.JUDGED_PER_SLICE", 1)


@pytest.mark.usefixtures("_small_slices")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(crowds(most_markets=1))
def test_slices_find_what_one_look_finds(found: tuple[AccountBook, Pools]) -> None:
    book, pools = found
    for ppm in (500_000, 900_000, 1_100_000, 2_000_000):
        mark = PriceE8(max(1, book.markets[M0].mark * ppm // 10**6))
        survey = ForecastSurvey(book, pools, NOW, market=M0, mark=mark)
        while survey.advance():
            pass
        assert survey.result() == forecast_need(book, pools, NOW, market=M0, mark=mark)


@pytest.mark.usefixtures("_small_slices")
def test_a_slice_is_small_and_who_holds_nothing_there_is_not_looked_at() -> None:
    longs = [bankrupt(-usd(500), number=number) for number in range(1, 8)]
    book = make_book(longs, make_market(), make_market(1))
    survey = ForecastSurvey(book, make_pools(), NOW, market=M0, mark=price(190))
    slices = 1
    while survey.advance():
        slices += 1
    # Three slices of rows, then seven of one bankrupt each.
    assert slices == 3 + 7
    assert survey.result().account_count == 7
    elsewhere = ForecastSurvey(book, make_pools(), NOW, market=MarketId(1), mark=price(190))
    assert not elsewhere.advance()
    assert elsewhere.result().account_count == 0


def test_the_fifths_of_a_side_are_those_of_its_ranks() -> None:
    for count in range(1, 14):
        shorts = [winner(-(10**8) * number, number=number) for number in range(1, count + 1)]
        book = make_book(shorts)
        side = queue_side(book, M0, NOW, is_long=False)
        line = in_order(
            counterparties(book, M0, NOW, is_long=False), RankPolicy.PROFIT_LEVERAGE
        ).size.tolist()
        counts, sizes = [0] * 6, [0] * 6
        for rank, size in enumerate(line):
            counts[bucket_of(rank, count)] += 1
            sizes[bucket_of(rank, count)] += size
        assert (list(side.counts), list(side.sizes)) == (counts, sizes)
        assert queue(book, M0, NOW)[1] == side
