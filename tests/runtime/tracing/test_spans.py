"""From a real journal to spans: each phase once, with the times that the journal has."""

import itertools
from pathlib import Path

from runtime.journal import Journal, Purpose
from runtime.tracing.ids import trace_id_of
from runtime.tracing.spans import REVERTED, Span, spans_of
from runtime.tracing.stories import Mark, StoryReader
from tests.runtime.journal.conftest import StepClock
from tests.runtime.tracing.conftest import Signed, draft, finish, intent, mine


def told(path: Path, after: int = 0) -> list[Span]:
    reader = StoryReader(path)
    try:
        chapter = reader.chapter(Mark(id=after))
        stories = [reader.story(number, chapter.upto) for number in chapter.moved]
        return [span for story in stories if story for span in spans_of(story, after=after)]
    finally:
        reader.close()


def lengths(spans: list[Span]) -> dict[str, float]:
    return {span.name: span.end - span.start for span in spans}


def test_a_liquidation_is_one_trace_of_five_phases(
    journal: Journal, path: Path, clock: StepClock, signed: Signed
) -> None:
    finish(journal, clock, signed())
    spans = told(path)
    assert lengths(spans) == {
        "judge": 0.25,
        "sign": 0.5,
        "send": 1,
        "mine": 2,
        "finalise": 4,
        "liquidate TSLA": 7.75,
    }
    root = spans[-1]
    assert {span.trace_id for span in spans} == {trace_id_of(intent().key)}
    assert {span.parent_id for span in spans[:-1]} == {root.span_id}
    assert root.parent_id == ""
    assert len({span.span_id for span in spans}) == len(spans)
    assert root.attributes["bellkeeper.intent.outcome"] == "liquidated"
    assert root.attributes["bellkeeper.transaction.hash"] == "0x0-first"
    assert root.attributes["bellkeeper.gas_used"] == 21_000
    assert {span.error for span in spans} == {None}
    # The phases follow each other without a hole.
    for earlier, later in itertools.pairwise(spans[:-1]):
        assert earlier.end == later.start


def test_a_span_has_the_same_name_however_much_of_the_trace_is_told(
    journal: Journal, path: Path, clock: StepClock, signed: Signed
) -> None:
    made = signed()
    early = told(path)
    assert [span.name for span in early] == ["judge", "sign"]
    finish(journal, clock, made)
    whole = told(path)
    assert {span.span_id for span in early} < {span.span_id for span in whole}
    assert {span.parent_id for span in early} == {whole[-1].span_id}


def test_only_what_ended_later_is_told(
    journal: Journal, path: Path, clock: StepClock, signed: Signed
) -> None:
    made = signed()
    reader = StoryReader(path)
    upto = reader.chapter(Mark()).upto.id
    reader.close()
    assert told(path, after=upto) == []
    mine(journal, clock, made)
    assert [span.name for span in told(path, after=upto)] == ["send", "mine"]


def test_a_replacement_is_an_event_of_the_wait(
    journal: Journal, path: Path, clock: StepClock, signed: Signed
) -> None:
    made = signed()
    journal.sent(made.hash)
    clock.seconds += 1
    dearer = draft(tag="dearer")
    journal.replaced(made.hash, dearer, "not mined for 3 s")
    mine(journal, clock, dearer)
    wait = next(span for span in told(path) if span.name == "mine")
    (event,) = wait.events
    assert (event.name, event.at) == ("transaction_replaced", 1_001.75)
    assert event.attributes["bellkeeper.transaction.hash"] == dearer.hash
    assert "not mined for 3 s" in str(event.attributes["bellkeeper.reason"])
    assert wait.attributes["bellkeeper.attempts"] == 2


def test_what_the_chain_took_back_is_waited_for_again(
    journal: Journal, path: Path, clock: StepClock, signed: Signed
) -> None:
    made = signed()
    mine(journal, clock, made)
    clock.seconds += 1
    journal.reorged(made.hash, "block 8 is gone")
    clock.seconds += 3
    journal.mined(made.hash, block=9, status=1, gas_used=21_000)
    spans = told(path)
    assert [span.name for span in spans] == ["judge", "sign", "send", "mine", "finalise", "mine"]
    assert spans[4].attributes["bellkeeper.reason"] == "block 8 is gone"
    assert spans[5].end - spans[5].start == 3
    assert spans[3].span_id != spans[5].span_id


def test_a_revert_is_an_error_of_the_phase_and_of_the_whole(
    journal: Journal, path: Path, clock: StepClock, signed: Signed
) -> None:
    made = signed()
    mine(journal, clock, made, status=0)
    journal.final(made.hash)
    errors = {span.name: span.error for span in told(path)}
    assert errors["mine"] == REVERTED
    assert errors["liquidate TSLA"] == "reverted"
    assert errors["send"] is None


def test_an_expired_intent_says_so(journal: Journal, path: Path, signed: Signed) -> None:
    made = signed()
    journal.sent(made.hash)
    cancel = draft(tag="cancel", purpose=Purpose.CANCEL_EXPIRED)
    journal.replaced(made.hash, cancel, "it expired")
    journal.mined(cancel.hash, block=9, status=1, gas_used=21_000)
    root = told(path)[-1]
    assert (root.name, root.error) == (
        "liquidate TSLA",
        "it expired; replaced by 0x0-cancel",
    )
    assert root.attributes["bellkeeper.state"] == "expired"


def test_an_intent_that_nothing_was_signed_for_has_a_trace_too(
    journal: Journal, path: Path, clock: StepClock
) -> None:
    journal.plan([intent()])
    clock.seconds += 5
    journal.expired([intent().key], "dry run: nothing was sent")
    assert lengths(told(path)) == {"sign": 5, "liquidate TSLA": 5}
    assert {span.error for span in told(path)} == {None}


def test_a_clock_that_stepped_back_gives_no_negative_time(
    journal: Journal, path: Path, clock: StepClock, signed: Signed
) -> None:
    made = signed()
    clock.seconds -= 100
    finish(journal, clock, made)
    assert all(span.end >= span.start for span in told(path))
