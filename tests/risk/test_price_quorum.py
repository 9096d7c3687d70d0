"""Independent providers make a price; outliers and quarrels do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.price_quorum import Agreement, QuorumRules, Voice, combine
from risk.units import Ppm, PriceE8
from tests.builders import price

RULES = QuorumRules(wanted=3, minimum=2, max_deviation=Ppm(25_000))


def voice(source: str, dollars: str, *, provider: str = "", weight: int = 1) -> Voice:
    return Voice(
        source=source,
        provider=provider or source,
        price=price(dollars),
        confidence=price("0.05"),
        weight=weight,
    )


def test_three_that_agree_give_their_median_and_their_spread() -> None:
    combined = combine([voice("a", "100"), voice("b", "101"), voice("c", "100.20")], RULES)
    assert combined.agreement is Agreement.FULL
    assert combined.price == price("100.20")
    assert combined.confidence == price("0.80")
    assert combined.kept == ("a", "b", "c")


def test_the_widest_confidence_counts_where_prices_agree() -> None:
    combined = combine([voice(name, "100") for name in "abc"], RULES)
    assert combined.confidence == price("0.05")


def test_one_bad_print_is_an_outlier() -> None:
    combined = combine(
        [voice("a", "100"), voice("b", "100.10"), voice("c", "70"), voice("d", "100.20")], RULES
    )
    assert combined.agreement is Agreement.FULL
    assert combined.price == price("100.10")
    assert combined.outliers == ("c",)


def test_two_of_three_are_a_degraded_price() -> None:
    combined = combine([voice("a", "100"), voice("b", "100"), voice("c", "70")], RULES)
    assert combined.agreement is Agreement.DEGRADED
    assert combined.providers == 2


def test_two_that_disagree_give_no_price() -> None:
    combined = combine([voice("a", "100"), voice("b", "70")], RULES)
    assert (combined.agreement, combined.price) == (Agreement.DISAGREE, None)
    assert combined.outliers == ("a", "b")


@pytest.mark.parametrize("voices", [[], [voice("a", "100")]])
def test_too_few_give_no_price(voices: list[Voice]) -> None:
    assert combine(voices, RULES).agreement is Agreement.TOO_FEW


def test_two_feeds_of_one_provider_count_once() -> None:
    voices = [voice(name, "100", provider="pyth") for name in ("hermes", "pro")]
    assert combine(voices, RULES).agreement is Agreement.TOO_FEW


def test_weight_decides_but_cannot_replace_a_provider() -> None:
    heavy = [voice("a", "100", weight=9), voice("b", "101"), voice("c", "101")]
    assert combine(heavy, RULES).price == price(100)
    assert combine([voice("a", "100", weight=9)], RULES).price is None


VOICES = st.lists(
    st.builds(
        Voice,
        source=st.sampled_from("abcdef"),
        provider=st.sampled_from("xyz"),
        price=st.integers(1, 10**12).map(PriceE8),
        confidence=st.integers(0, 10**8).map(PriceE8),
        weight=st.integers(1, 5),
    ),
    max_size=6,
    unique_by=lambda voice: voice.source,
)


@given(VOICES)
def test_a_price_lies_among_the_kept_and_within_its_confidence_of_each(
    voices: list[Voice],
) -> None:
    combined = combine(voices, RULES)
    by_source = {voice.source: voice for voice in voices}
    if combined.price is None:
        assert combined.kept == ()
        return
    kept = [by_source[source].price for source in combined.kept]
    assert min(kept) <= combined.price <= max(kept)
    assert all(abs(each - combined.price) <= combined.confidence for each in kept)
    assert combined.providers == len({by_source[source].provider for source in combined.kept})
    assert combined.providers >= RULES.minimum
    assert sorted((*combined.kept, *combined.outliers)) == sorted(by_source)


@given(VOICES, st.randoms(use_true_random=False))
def test_the_order_of_voices_does_not_matter(voices: list[Voice], random: object) -> None:
    shuffled = list(voices)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis types it as object
    assert combine(shuffled, RULES) == combine(voices, RULES)


def test_rules_that_cannot_stand_together_are_refused() -> None:
    with pytest.raises(ValueError, match="minimum <= wanted"):
        QuorumRules(wanted=1, minimum=2, max_deviation=Ppm(1))
