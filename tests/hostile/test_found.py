"""What the fuzzing found, each as it was found: the shortest input, and what it must lead to now."""

import json
from pathlib import Path

import pytest

from config.corporate_sources import read_published
from config.loader import load
from config.toml import read_toml
from keepers.sender.chain import block_of, checked_receipt
from monitors.corporate.memory import HEARD_KEY, ActionMemory
from monitors.prices.http import shown
from runtime.errors import OperatorError, TransientError
from runtime.rpc.answers import LONGEST_PAUSE_SECONDS, batch_results, error_of, rate_limited
from runtime.rpc.errors import BadAnswer, RateLimited
from tests.hostile.strategies import nested
from tests.venues.exchange.logs import ABI
from venues.exchange.chain import head_of, log_entries
from venues.exchange.event_values import EventReader
from venues.exchange.events import LogDecoder
from venues.exchange.fold import MarketFold
from venues.exchange.receipts import logs_of
from venues.exchange.slicers import UndecodableError

ADDRESS = "0x" + "e7" * 20
DEEP = nested(990)


def test_a_batch_whose_ids_cannot_be_keys_lacks_its_answers() -> None:
    answers = [
        {"id": [1], "result": "0x1"},
        {"id": {}, "result": "0x2"},
        {"id": 2, "result": "0x3"},
    ]
    first, second = batch_results(answers, ["a", "b"], first_id=1, endpoint="alpha")
    assert isinstance(first, BadAnswer)
    assert second == "0x3"


@pytest.mark.parametrize("error", [DEEP, {"message": DEEP}, {"message": "a\nb" * 9_000}])
def test_an_error_of_any_depth_and_length_is_a_short_line(error: object) -> None:
    sentence = str(error_of(error, endpoint="alpha", method="eth_call"))
    assert len(sentence) < 1_200
    assert "\n" not in sentence


@pytest.mark.parametrize("seconds", ["9" * 400, "99999999", "301.5"])
def test_no_endpoint_sends_us_away_for_longer_than_minutes(seconds: str) -> None:
    error = rate_limited(f"slow down, retry in {seconds}s", endpoint="alpha", method="eth_call")
    assert isinstance(error, RateLimited)
    assert error.retry_after_seconds == LONGEST_PAUSE_SECONDS


@pytest.mark.parametrize("time", ["0x" + "f" * 64, hex(10**11), "0x" + "f" * 4_000])
def test_a_block_of_a_time_that_no_calendar_has_is_refused(time: str) -> None:
    with pytest.raises(UndecodableError):
        head_of({"number": "0x1", "timestamp": time})


@pytest.mark.parametrize("number", [hex(2**63), "0x-1", "0x_1", " 0x1", "0x١"])
def test_a_block_number_that_no_chain_reaches_is_refused(number: str) -> None:
    with pytest.raises(UndecodableError):
        head_of({"number": number, "timestamp": "0x1"})


@pytest.mark.parametrize("logs", [None, {}, ["0x"], [None], [DEEP]])
def test_what_is_no_list_of_logs_is_refused(logs: object) -> None:
    with pytest.raises(UndecodableError):
        log_entries(logs)


@pytest.mark.parametrize("topics", [None, [], [None], [["0x1"]], {}])
def test_a_log_of_ours_without_a_topic_is_refused(topics: object) -> None:
    with pytest.raises(UndecodableError):
        list(logs_of({"logs": [{"address": ADDRESS, "topics": topics, "data": "0x"}]}, ADDRESS))


def test_a_topic_with_a_line_break_stays_on_its_line() -> None:
    log = {
        "address": ADDRESS,
        "topics": ["\n"],
        "data": "0x",
        "blockNumber": "0x1",
        "logIndex": "0x0",
    }
    for read in (LogDecoder(ABI, MarketFold()).decode, lambda log: EventReader(ABI).read([log])):
        with pytest.raises(UndecodableError) as caught:
            read(log)
        assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "facts",
    [
        {"status": None}, {"gasUsed": "lots"}, {"blockNumber": "0x" + "f" * 17}, {"logs": None},
        {"logs": [{"address": ADDRESS, "topics": [7], "data": "0x"}]}, {"logs": [DEEP]},
    ],
)  # fmt: skip
def test_a_receipt_that_makes_no_sense_is_asked_for_again(facts: dict[str, object]) -> None:
    receipt = {"blockNumber": "0x1", "status": "0x1", "gasUsed": "0x1", "logs": []}
    assert checked_receipt(receipt) is receipt
    with pytest.raises(TransientError):
        checked_receipt(receipt | facts)


@pytest.mark.parametrize("block", [None, "0x1", {}, {"number": None}, {"number": "0x1"}])
def test_a_block_that_makes_no_sense_is_asked_for_again(block: object) -> None:
    with pytest.raises(TransientError):
        block_of(block)


@pytest.mark.parametrize("said", [DEEP, "x" * 10**6, "a\nb", {"a": DEEP}])
def test_a_providers_words_are_one_short_line(said: object) -> None:
    assert len(shown(said)) <= 200
    assert "\n" not in shown(said)


@pytest.mark.parametrize("rate", ["1e999999999", "1e99999999999", "-1e999999999"])
def test_a_ratio_of_a_billion_digits_is_named_and_not_computed(rate: str) -> None:
    entry = {"symbol": "NVDA", "new_rate": rate, "old_rate": "1", "ex_date": "2030-06-10"}
    table = {
        "corporate_actions": {
            "forward_splits": [entry],
            "stock_dividends": [entry | {"rate": rate}],
        }
    }
    found = read_published("alpaca", json.dumps(table), frozenset({"NVDA"}))
    assert found.rows == ()
    assert len(found.left_out) == 2


@pytest.mark.parametrize(
    "text",
    ["a = " + "1" * 5_000, "a = " + "[" * 1_100, "a = " + "{ a = " * 400, "a = \ud800"],
    ids=["digits", "lists", "tables", "surrogate"],
)
def test_toml_that_python_gives_up_on_is_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "file.toml"
    path.write_bytes(text.encode(errors="surrogatepass"))
    with pytest.raises(OperatorError, match="must be TOML"):
        read_toml(path)


@pytest.mark.parametrize("line", ['name = "\\n"', '"a\\nb" = 3', '"\\u001b[2J" = 3'])
def test_a_value_or_key_with_a_line_break_stays_on_its_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "profile.toml"
    path.write_text(f"[network]\n{line}\n")
    with pytest.raises(OperatorError) as caught:
        load(path, environment={})
    assert str(caught.value).isprintable()


class _Notes:
    def noted(self, key: str) -> str | None:
        return "null" if key == HEARD_KEY else None

    def note(self, key: str, value: str) -> None:
        raise AssertionError((key, value))


def test_a_note_of_another_make_is_told_in_a_sentence() -> None:
    with pytest.raises(OperatorError, match="in this program's make"):
        ActionMemory(_Notes())
