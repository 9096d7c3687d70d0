"""Each reason to refuse a quote has its boundary, and no participant decides alone."""

from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.participant_quotes import (
    LeftOut,
    Quote,
    QuoteRules,
    QuoteVerdict,
    judge_claim,
    judge_prices,
    judge_quote,
    standing_price,
)
from risk.units import Ppm, PriceE8, Seconds
from tests.builders import NOW, price

RULES: Final = QuoteRules(
    max_deviation=Ppm(50_000),
    max_spread=Ppm(10_000),
    longest_life=Seconds(60),
    future_tolerance=Seconds(2),
    minimum=2,
)
QUOTE: Final = Quote(
    participant="firm",
    symbol="NVDA",
    bid=price(100),
    ask=price("100.5"),
    size=1,
    sequence=7,
    issued_at=NOW,
    expires_at=Seconds(NOW + 60),
)

REFERENCE: Final = price(100)


def judge(
    before: int | None = 6, reference: PriceE8 | None = REFERENCE, now: int = NOW, **facts: Any
) -> QuoteVerdict:
    quote = replace(QUOTE, **facts)
    return judge_quote(quote, before, reference, Seconds(now), RULES)


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        ({}, QuoteVerdict.ACCEPTED),
        ({"before": None, "sequence": 0}, QuoteVerdict.ACCEPTED),
        ({"before": 7}, QuoteVerdict.OLD_SEQUENCE),
        ({"before": 8}, QuoteVerdict.OLD_SEQUENCE),
        ({"now": NOW - 2}, QuoteVerdict.ACCEPTED),
        ({"now": NOW - 3}, QuoteVerdict.FUTURE),
        ({"now": NOW + 59}, QuoteVerdict.ACCEPTED),
        ({"now": NOW + 60}, QuoteVerdict.EXPIRED),
        ({"now": NOW - 2, "expires_at": NOW}, QuoteVerdict.EXPIRED),
        ({"now": NOW - 2, "expires_at": NOW - 1}, QuoteVerdict.EXPIRED),
        ({"now": NOW - 2, "expires_at": NOW + 1}, QuoteVerdict.ACCEPTED),
        ({"expires_at": NOW + 61}, QuoteVerdict.TOO_LONG_LIVED),
        ({"bid": 0}, QuoteVerdict.NOT_POSITIVE),
        ({"bid": -1, "ask": 0}, QuoteVerdict.NOT_POSITIVE),
        ({"size": 0}, QuoteVerdict.NOT_POSITIVE),
        ({"ask": price(100)}, QuoteVerdict.ACCEPTED),
        ({"ask": price(100) - 1}, QuoteVerdict.CROSSED),
        ({"ask": price(101)}, QuoteVerdict.ACCEPTED),
        ({"ask": price(101) + 1}, QuoteVerdict.TOO_WIDE),
        ({"reference": None}, QuoteVerdict.NO_REFERENCE),
        ({"reference": PriceE8(0)}, QuoteVerdict.NO_REFERENCE),
        ({"bid": price("104.5"), "ask": price(105)}, QuoteVerdict.ACCEPTED),
        ({"bid": price("104.5"), "ask": price(105) + 1}, QuoteVerdict.TOO_FAR),
        ({"bid": price(95), "ask": price("95.5")}, QuoteVerdict.ACCEPTED),
        ({"bid": price(95) - 1, "ask": price("95.5")}, QuoteVerdict.TOO_FAR),
    ],
)
def test_each_rule_holds_to_its_boundary(facts: dict[str, Any], verdict: QuoteVerdict) -> None:
    assert judge(**facts) is verdict


def test_the_first_reason_wins_in_the_order_of_the_verdicts() -> None:
    reasons: list[tuple[dict[str, Any], QuoteVerdict]] = [
        ({"before": 7}, QuoteVerdict.OLD_SEQUENCE),
        ({"issued_at": NOW + 3}, QuoteVerdict.FUTURE),
        ({"expires_at": NOW}, QuoteVerdict.EXPIRED),
        ({"bid": 0}, QuoteVerdict.NOT_POSITIVE),
        ({"reference": None}, QuoteVerdict.NO_REFERENCE),
    ]
    everything: dict[str, Any] = {}
    for facts, verdict in reversed(reasons):
        everything |= facts
        assert judge(**everything) is verdict
    assert [verdict for _, verdict in reasons] == [
        verdict for verdict in QuoteVerdict if verdict in {each for _, each in reasons}
    ]


def test_a_quote_of_two_absurd_sides_around_the_reference_is_no_quote() -> None:
    loose = replace(RULES, max_spread=Ppm(10**9))
    absurd = replace(QUOTE, bid=price(1), ask=price(199))
    assert absurd.mid == price(100)
    assert judge_prices(absurd, price(100), loose) is QuoteVerdict.TOO_FAR


def test_the_claim_alone_is_judged_without_prices() -> None:
    assert judge_claim(replace(QUOTE, bid=PriceE8(0)), 6, NOW, RULES) is QuoteVerdict.ACCEPTED


@pytest.mark.parametrize(
    "facts",
    [
        {"minimum": 0},
        {"longest_life": 0},
        {"future_tolerance": -1},
        {"max_deviation": 0},
        {"max_deviation": 1_000_000},
        {"max_spread": 0},
    ],
)
def test_rules_that_cannot_stand_are_refused(facts: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^expected "):
        replace(RULES, **facts)


def said(participant: str, mid: int | str, **facts: Any) -> Quote:
    """Give a quote of a mid with a spread of 2 cents."""
    middle = price(mid)
    sides = {"bid": PriceE8(middle - 10**6), "ask": PriceE8(middle + 10**6)}
    return replace(QUOTE, participant=participant, **(sides | facts))


def test_the_price_is_the_weighted_median_of_the_mids() -> None:
    quotes = [said("one", 100), said("two", 101), said("three", 110)]
    found = standing_price(quotes, {"one": 3, "two": 2, "three": 2}, NOW, RULES)
    assert found.price == price(101)
    assert found.weights == (("one", 3), ("three", 2), ("two", 2))
    assert found.confidence == price("9.01")
    assert found.left_out == ()


def test_a_half_cent_of_an_atom_is_rounded_down_once() -> None:
    quotes = [
        replace(QUOTE, participant="one", bid=PriceE8(10), ask=PriceE8(11)),
        replace(QUOTE, participant="two", bid=PriceE8(11), ask=PriceE8(12)),
    ]
    assert standing_price(quotes, {"one": 1, "two": 1}, NOW, RULES).price == 11


def test_too_few_give_no_price_and_say_who_was_left_out() -> None:
    quotes = [said("one", 100), said("two", 101, expires_at=NOW), said("three", 102)]
    found = standing_price(quotes, {"one": 1, "two": 1}, NOW, RULES)
    assert found.price is None
    assert found.weights == ()
    assert found.left_out == (("three", LeftOut.NO_WEIGHT), ("two", LeftOut.EXPIRED))


def test_a_participant_speaks_once_with_its_newest_quote() -> None:
    quotes = [said("one", 104, sequence=9), said("one", 100, sequence=8), said("two", 104)]
    found = standing_price(quotes, {"one": 1, "two": 1}, NOW, RULES)
    assert found.price == price(104)
    alone = [said("one", 100, sequence=number) for number in range(5)]
    assert standing_price(alone, {"one": 1}, NOW, RULES).price is None


def test_a_newer_quote_that_expired_does_not_bring_the_older_one_back() -> None:
    quotes = [said("one", 100), said("one", 101, sequence=9, expires_at=NOW), said("two", 104)]
    assert standing_price(quotes, {"one": 1, "two": 1}, NOW, RULES).price is None


def test_the_heaviest_weighs_no_more_than_all_others_together() -> None:
    quotes = [said("giant", 120), said("one", 100), said("two", 102)]
    found = standing_price(quotes, {"giant": 100, "one": 1, "two": 1}, NOW, RULES)
    assert dict(found.weights)["giant"] == 2
    assert found.price == price(111)


def test_alone_it_may_speak_only_where_one_is_enough() -> None:
    found = standing_price([said("one", 100)], {"one": 5}, NOW, replace(RULES, minimum=1))
    assert found.price == price(100)


def test_quotes_of_two_markets_are_not_mixed() -> None:
    quotes = [said("one", 100), said("two", 100, symbol="AAPL")]
    with pytest.raises(ValueError, match="expected quotes of one market, found AAPL, NVDA"):
        standing_price(quotes, {"one": 1, "two": 1}, NOW, RULES)


crowds = st.lists(
    st.tuples(st.integers(1, 10**12), st.integers(0, 10**6), st.integers(0, 9)), max_size=7
)


@given(crowd=crowds, data=st.data())
def test_the_price_lies_among_the_mids_and_the_order_does_not_matter(
    crowd: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    quotes = [
        replace(QUOTE, participant=f"p{place}", bid=PriceE8(bid), ask=PriceE8(bid + spread))
        for place, (bid, spread, _) in enumerate(crowd)
    ]
    weights = {f"p{place}": weight for place, (_, _, weight) in enumerate(crowd)}
    found = standing_price(quotes, weights, NOW, RULES)
    assert found == standing_price(data.draw(st.permutations(quotes)), weights, NOW, RULES)
    heard = [quote for quote in quotes if weights[quote.participant]]
    assert (found.price is None) is (len(heard) < RULES.minimum)
    if found.price is not None:
        mids = [quote.mid for quote in heard]
        assert min(mids) <= found.price <= max(mids)
        used = [weight for _, weight in found.weights]
        assert max(used) * 2 <= sum(used)
