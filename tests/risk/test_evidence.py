"""A decision can be judged again from what was kept of it."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from risk.evidence import evidence, judge_again, summary
from risk.liquidation import judge_liquidation
from risk.margin import margin_state
from risk.units import MarketId
from tests.builders import (
    NOW,
    make_account,
    make_market,
    make_position,
    make_terms,
    price,
    shares,
    usd,
)


@given(
    collateral=st.integers(usd(-500), usd(2_000)),
    long=st.integers(1, shares(100)),
    short=st.integers(1, shares(10)),
    mark=st.integers(price(100), price(250)),
    funding=st.integers(-(10**22), 10**22),
)
def test_the_same_verdict_comes_out_of_the_evidence(
    collateral: int, long: int, short: int, mark: int, funding: int
) -> None:
    account = make_account(collateral, [make_position(long), make_position(-short, market=1)])
    terms = make_terms(
        make_market(mark=mark, funding_numerator=funding), make_market(1), base_fee_wei=7
    )
    verdict = judge_liquidation(margin_state(account, terms.markets, NOW), MarketId(0), terms)
    kept = orjson.loads(orjson.dumps(evidence(account, verdict, terms)))
    assert summary(judge_again(kept)) == summary(verdict) == kept["verdict"]
