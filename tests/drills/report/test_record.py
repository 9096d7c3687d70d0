"""The record of a drill as a file: read back exactly, or refused in one sentence."""

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drills.report.record import DrillRecord, Variant
from drills.report.record_file import from_json, read_record, to_json, write_record
from risk.units import MarketStatus, PriceE8, Seconds
from runtime.errors import OperatorError
from tests.drills.report.values import crash, quiet, variants

SMALL = crash(seconds=7_200, step=600)


@pytest.mark.parametrize("record", [crash(step=120), quiet(), *variants(SMALL)], ids=str)
def test_a_record_is_read_back_as_it_was_written(record: DrillRecord) -> None:
    text = to_json(record)
    again = from_json(text, name="x")
    assert again == record
    assert to_json(again) == text


@settings(max_examples=30, deadline=None)
@given(
    prices=st.lists(st.integers(1, 2**62), min_size=1, max_size=8),
    texts=st.tuples(st.text(max_size=20), st.text(max_size=20)),
    variant=st.sampled_from(Variant),
    status=st.sampled_from(MarketStatus),
)
def test_any_price_and_any_text_comes_back(
    prices: list[int], texts: tuple[str, str], variant: Variant, status: MarketStatus
) -> None:
    usual = quiet()
    count = len(prices)
    marks = tuple(PriceE8(each) for each in prices)
    market = replace(
        usual.markets[0], value_e8=marks, mark_e8=marks, index_e8=(None, *marks[1:]),
        band_low_e8=(None,) * count, band_high_e8=marks, status=(status,) * count,
        session=usual.markets[0].session[:1] * count, depth_usd=(7,) * count,
        open_interest_usd=(None,) * count,
    )  # fmt: skip
    record = replace(
        usual,
        times=tuple(Seconds(1_760_000_000 + place) for place in range(count)),
        markets=(market,),
        played=replace(usual.played, title=texts[0], story=texts[1], variant=variant),
    )
    assert from_json(to_json(record), name="x") == record


def test_keys_are_the_fields_and_money_is_whole_numbers() -> None:
    told = json.loads(to_json(SMALL))
    assert list(told) == [each.name for each in fields(DrillRecord)]
    assert told["format"] == 1
    assert told["markets"][0]["mark_e8"][0] == SMALL.markets[0].mark_e8[0]
    assert told["totals"]["bad_debt_atoms"] == SMALL.totals.bad_debt_atoms
    assert told["played"]["variant"] == "base"
    assert told["markets"][0]["status"][0] == 0


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        pytest.param(("format",), 2, "format.*found 2", id="another format"),
        pytest.param(("played", "seed"), "1", "played.seed.*found '1'", id="text for a number"),
        pytest.param(("played", "variant"), "none", "played.variant", id="unknown variant"),
        pytest.param(("totals", "halts"), 1.5, "totals.halts.*found 1.5", id="half a halt"),
        pytest.param(("times",), [], "the whole file.*one time on its axis", id="no axis"),
        pytest.param(("times",), [5, 4], "in order of time", id="time goes back"),
    ],
)
def test_what_is_no_record_is_refused_with_the_file_the_key_and_what_was_found(
    path: tuple[str, ...], value: object, said: str
) -> None:
    told = json.loads(to_json(quiet()))
    place = told
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(OperatorError, match=said) as refused:
        from_json(json.dumps(told), name="mine.json")
    assert "mine.json" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_key_and_no_json_at_all_are_refused(tmp_path: Path) -> None:
    told = json.loads(to_json(quiet()))
    del told["totals"]["halts"]
    with pytest.raises(OperatorError, match=r"totals\.halts"):
        from_json(json.dumps(told), name="x")
    with pytest.raises(OperatorError, match="the whole file"):
        from_json("{", name="x")
    with pytest.raises(OperatorError, match="cannot be read"):
        read_record(tmp_path / "none.json")


def test_a_record_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    write_record(SMALL, path)
    assert read_record(path) == SMALL
    assert [each.name for each in tmp_path.iterdir()] == ["one.json"]
    with pytest.raises(OperatorError, match="name a folder that may be written"):
        write_record(SMALL, tmp_path / "no" / "one.json")


def test_columns_buckets_and_acts_that_do_not_fit_are_refused() -> None:
    market = SMALL.markets[0]
    with pytest.raises(ValueError, match=r"mark_e8 of IBIT must have a value for each of the 13"):
        replace(SMALL, markets=(replace(market, mark_e8=market.mark_e8[1:]),))
    short = replace(market.levers[0], values=())
    with pytest.raises(ValueError, match="maker_fee of IBIT"):
        replace(SMALL, markets=(replace(market, levers=(short,)),))
    with pytest.raises(ValueError, match="each of its markets once"):
        replace(SMALL, markets=(market, market))
    with pytest.raises(ValueError, match="must not overlap"):
        replace(SMALL, buckets=(SMALL.buckets[0], SMALL.buckets[0]))
    with pytest.raises(ValueError, match="must end after it begins"):
        replace(SMALL, buckets=(replace(SMALL.buckets[0], stop=SMALL.buckets[0].start),))
    stray = replace(SMALL.acts[0], symbol="GONE")
    with pytest.raises(ValueError, match="'GONE'"):
        replace(SMALL, acts=(stray,))


def test_a_broken_invariant_or_a_missed_fact_makes_a_run_failed() -> None:
    base = crash(seconds=7_200, step=600)
    assert not base.has_failed
    assert replace(base, invariants=(replace(base.invariants[0], holds=False),)).has_failed
    missed = replace(base.expectations[0], happened=False)
    assert replace(base, expectations=(missed,)).has_failed
