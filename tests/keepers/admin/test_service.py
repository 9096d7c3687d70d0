"""Actions as they are taken: on record before they take effect, once for each key, told with their outcome."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from config.loader import load
from config.settings import Settings
from keepers.admin.deeds import Deeds
from keepers.admin.pauses import LanePauses
from keepers.admin.record import PLACES, Entry, Fate, Record, recent
from keepers.admin.service import AdminActions
from keepers.admin.terms import AdminRequest, parse_request
from monitors.corporate.orders import ActionOrderKind, parse_action_orders
from monitors.operator_orders import ALL, OrderKind, parse_orders
from monitors.prices.operator_words import parse_words
from runtime.admin_listener import AdminAnswer, AdminCall, Verdict
from runtime.errors import OperatorError
from runtime.journal import Journal, JournalReader
from tests.runtime.nodes import FakeClock

PROFILE = """
extends = "devnet"
[breaker]
orders_file = "orders.json"
[corporate]
orders_file = "action_orders.json"
actions_directory = "actions"
[prices]
words_file = "words.json"
[[prices.json_sources]]
name = "exchange"
symbol = "NVDA"
url = "http://127.0.0.1:9/last"
price_path = "last"
time_path = "time"
time_unit = "ms"
"""
BY = "alice (uid 1000, pid 7)"


class Lane:
    """A lane, as far as a pause goes."""

    def __init__(self) -> None:
        self.why = ""

    def pause(self, reason: str) -> None:
        self.why = reason

    def unpause(self) -> None:
        self.why = ""


class Desk:
    """The service on a real journal."""

    def __init__(self, settings: Settings, journal: Journal) -> None:
        self.settings, self.journal = settings, journal
        self.lane = Lane()
        self.resyncs: list[str] = []
        self.on_resync: Callable[[str], None] = self.resyncs.append
        self.told: list[Entry] = []
        self.actions = self.opened()

    def opened(self) -> AdminActions:
        """Open it, as a start of the process does."""
        pauses = LanePauses({"urgent": self.lane}, self.journal)
        return AdminActions(
            deeds=Deeds(settings=self.settings, pauses=pauses, resync=self.on_resync),
            record=Record(self.journal, FakeClock()),
            tell=self.told.append,
        )

    async def ask(
        self, name: str, /, *, key: str | None = None, reason: str = "drill", **fields: object
    ) -> AdminAnswer:
        body = {**fields, "reason": reason}
        call = AdminCall(action=name, body=body, by=BY, idempotency_key=key)
        return await self.actions.act(call)

    @property
    def orders(self) -> tuple[Any, ...]:
        path = self.settings.breaker.orders_file
        assert path is not None
        return parse_orders(path.read_bytes()) if path.exists() else ()


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    path = tmp_path / "keeper.toml"
    (tmp_path / "actions").mkdir()
    path.write_text(PROFILE)
    return path


@pytest.fixture
def desk(tmp_path: Path, profile: Path) -> Iterator[Desk]:
    journal = Journal.open(tmp_path / "journal.sqlite", FakeClock())
    yield Desk(load(profile, environment={}).settings, journal)
    journal.close()


def write_action(folder: Path) -> None:
    (folder / "alpaca.toml").write_text(
        'timezone = "America/New_York"\nprovider = "alpaca"\nheard_at = 2199-06-01T12:00:00Z\n'
        '[[action]]\nkind = "split"\nsymbol = "NVDA"\nex_date = 2199-06-10\nratio = "10:1"\n'
    )


def error_of(answer: AdminAnswer) -> str:
    return str(answer.body["error"])


async def test_an_order_is_written_in_the_name_of_who_asked(desk: Desk) -> None:
    answer = await desk.ask("halt", market=ALL)
    (order,) = desk.orders
    assert (order.kind, order.subject, order.by, order.reason) == (
        OrderKind.HALT,
        ALL,
        BY,
        "drill",
    )
    assert (answer.verdict, answer.status) == (Verdict.DONE, 200)
    assert (
        answer.body["words"]
        == f"order {order.sequence}: all markets: to be halted, by {BY} (drill)"
    )
    (entry,) = desk.told
    assert (entry.action, entry.fields, entry.by, entry.fate) == (
        "halt",
        {"market": ALL},
        BY,
        Fate.DONE,
    )


async def test_it_is_on_record_before_it_takes_effect(desk: Desk, tmp_path: Path) -> None:
    seen: list[Entry] = []

    def resync(_why: str) -> None:
        with JournalReader.open_to_read(tmp_path / "journal.sqlite") as journal:
            seen.extend(recent(journal, 10))

    desk.on_resync = resync
    desk.actions = desk.opened()
    assert (await desk.ask("resync", reason="what is held looks wrong")).status == 200
    (entry,) = seen
    assert (entry.action, entry.by, entry.reason, entry.fate) == (
        "resync",
        BY,
        "what is held looks wrong",
        Fate.ASKED,
    )
    assert recent(desk.journal, 10)[0].fate is Fate.DONE


async def test_what_cannot_be_done_is_on_record_too(desk: Desk) -> None:
    answer = await desk.ask("halt", market="NDVA")
    assert (answer.verdict, answer.status) == (Verdict.REFUSED, 409)
    assert "found NDVA: correct the symbol" in error_of(answer)
    assert desk.orders == ()
    assert [entry.fate for entry in recent(desk.journal, 10)] == [Fate.REFUSED]


async def test_what_is_not_understood_is_not_on_record(desk: Desk) -> None:
    for action, fields in (("halt", {}), ("stop", {}), ("resync", {"market": "NVDA"})):
        assert (await desk.ask(action, **fields)).status == 400
    assert (await desk.ask("halt", market=ALL, reason=" ")).status == 400
    assert (await desk.ask("halt", market=ALL, key="a b")).status == 400
    assert recent(desk.journal, 10) == []
    assert desk.told == []


async def test_a_key_is_obeyed_once(desk: Desk) -> None:
    first = await desk.ask("halt", market=ALL, key="one")
    await desk.ask("resume", market=ALL)
    again = await desk.ask("halt", market=ALL, key="one")
    assert again.verdict is Verdict.REPLAYED
    assert (again.body["words"], again.body["replayed"]) == (first.body["words"], True)
    assert first.body["replayed"] is False
    # The resumption stands: what was replayed was answered, not done again.
    assert [order.kind for order in desk.orders] == [OrderKind.RESUME]
    assert len(desk.told) == 2


async def test_a_key_is_obeyed_once_over_restarts(desk: Desk) -> None:
    await desk.ask("resync", key="one")
    desk.actions = desk.opened()
    assert (await desk.ask("resync", key="one")).verdict is Verdict.REPLAYED
    assert len(desk.resyncs) == 1


async def test_a_refusal_is_replayed_as_a_refusal(desk: Desk) -> None:
    first = await desk.ask("resume-lane", lane="urgent", key="one")
    again = await desk.ask("resume-lane", lane="urgent", key="one")
    assert (first.status, again.status) == (409, 409)
    assert error_of(again) == error_of(first)


@pytest.mark.parametrize("other", [{"market": "NVDA"}, {"market": ALL, "reason": "another reason"}])
async def test_a_key_of_another_request_is_refused(desk: Desk, other: dict[str, str]) -> None:
    await desk.ask("halt", market=ALL, key="one")
    answer = await desk.ask("halt", key="one", **other)
    assert answer.status == 422
    assert "use a key once" in error_of(answer)
    assert len(desk.orders) == 1


async def test_what_a_crash_cut_short_is_said_to_be_unknown(desk: Desk) -> None:
    request = parse_request("halt", {"market": ALL, "reason": "drill"})
    desk.actions.record.begin(request, by=BY, key="one")
    desk.actions = desk.opened()
    assert recent(desk.journal, 1)[0].fate is Fate.CUT_SHORT
    answer = await desk.ask("halt", market=ALL, key="one")
    assert answer.status == 409
    assert "ask again with a new key" in error_of(answer)
    assert desk.orders == ()
    assert (await desk.ask("halt", market=ALL, key="two")).status == 200


async def test_a_bug_is_on_record_and_raised(desk: Desk) -> None:
    def broken(_why: str) -> None:
        raise ValueError("a bug")

    desk.on_resync = broken
    desk.actions = desk.opened()
    with pytest.raises(ValueError, match="a bug"):
        await desk.ask("resync")
    assert recent(desk.journal, 1)[0].fate is Fate.FAILED
    # The turn was given back.
    assert (await desk.ask("pause-lane", lane="urgent")).status == 200


async def test_a_pause_outlives_the_process(desk: Desk) -> None:
    answer = await desk.ask("pause-lane", lane="urgent", reason="key rotation")
    assert "signs nothing new until resume-lane" in str(answer.body["words"])
    assert desk.lane.why == f"paused by {BY}: key rotation"
    desk.lane = Lane()
    desk.actions = desk.opened()
    assert desk.lane.why == f"paused by {BY}: key rotation"
    assert (await desk.ask("resume-lane", lane="urgent")).status == 200
    assert desk.lane.why == ""
    desk.lane = Lane()
    desk.opened()
    assert desk.lane.why == ""


async def test_a_pause_of_a_lane_that_does_not_run_here_is_kept(desk: Desk) -> None:
    await desk.ask("pause-lane", lane="urgent")
    assert LanePauses({}, desk.journal) is not None
    LanePauses({"urgent": desk.lane, "pricer": (pricer := Lane())}, desk.journal).pause(
        "pricer", by=BY, reason="x"
    )
    lane = Lane()
    LanePauses({"urgent": lane}, desk.journal)
    assert lane.why
    assert pricer.why


async def test_lanes_that_are_none_and_levels_that_are_none_are_one_sentence(desk: Desk) -> None:
    assert "a lane of this process (urgent), found tuner" in error_of(
        await desk.ask("pause-lane", lane="tuner")
    )
    assert "urgent is not paused" in error_of(await desk.ask("resume-lane", lane="urgent"))
    assert "debug, info, warning, error, found loud" in error_of(
        await desk.ask("log-level", level="loud")
    )


async def test_plans_are_started_and_stopped(desk: Desk) -> None:
    assert (await desk.ask("plan-start", plan="chain_outage")).status == 200
    assert (await desk.ask("plan-stop", plan="chain_outage")).status == 200
    assert [order.kind for order in desk.orders] == [OrderKind.PLAN_STOP]
    assert "found rain: correct the name" in error_of(await desk.ask("plan-start", plan="rain"))


async def test_corporate_actions_are_approved_aborted_and_resumed(
    desk: Desk, tmp_path: Path
) -> None:
    write_action(tmp_path / "actions")
    key = "NVDA split 2199-06-10"
    for action, kind in (
        ("approve-action", ActionOrderKind.APPROVE),
        ("abort-action", ActionOrderKind.ABORT),
        ("resume-action", ActionOrderKind.RESUME),
    ):
        assert (await desk.ask(action, action=key, key=None)).status == 200
        orders = parse_action_orders((tmp_path / "action_orders.json").read_bytes())
        assert (orders[-1].kind, orders[-1].key, orders[-1].by) == (kind, key, BY)
    answer = await desk.ask("approve-action", action=key, source="reuters")
    assert "expected --source among alpaca, found reuters" in error_of(answer)


async def test_a_price_is_vouched_for_in_the_name_of_who_asked(desk: Desk, tmp_path: Path) -> None:
    limits: dict[str, Any] = {"market": "NVDA", "low": "235", "high": "245.5"}
    assert (await desk.ask("vouch", **limits, minutes=30)).status == 200
    (word,) = parse_words((tmp_path / "words.json").read_bytes())
    assert (word.market, word.by, word.reason) == ("NVDA", BY, "drill")
    assert (word.word.low, word.word.high) == (235 * 10**8, 245 * 10**8 + 5 * 10**7)
    assert "--minutes from 1 to 240, found 241" in error_of(
        await desk.ask("vouch", **limits, minutes=241)
    )
    assert "swap them" in error_of(await desk.ask("vouch", market="NVDA", low="2", high="1"))


async def test_the_listing_has_every_action_and_the_newest_first(desk: Desk) -> None:
    await desk.ask("halt", market=ALL)
    await desk.ask("resync")
    told: Any = desk.actions.describe()
    assert {each["action"] for each in told["actions"]} >= {"halt", "vouch", "resync", "log-level"}
    assert [each["action"] for each in told["recent"]] == ["resync", "halt"]


def test_the_record_forgets_the_oldest_and_keeps_counting(desk: Desk) -> None:
    record = Record(desk.journal, FakeClock())
    request: AdminRequest = parse_request("resync", {"reason": "drill"})
    for number in range(PLACES + 3):
        record.end(record.begin(request, by=BY, key=f"k{number}"), Fate.DONE, "")
    again = Record(desk.journal, FakeClock())
    for held in (record, again):
        assert held.find("k0") is None
        assert held.find("k2") is None
        assert held.find("k3") is not None
        assert held.newest(1)[0].sequence == PLACES + 3
        assert len(held.newest(PLACES * 2)) == PLACES


@pytest.mark.parametrize("text", ["{", "[]", '{"urgent": 1}', "[" * 5_000])
def test_pauses_that_cannot_be_read_are_not_taken_for_none(text: str) -> None:
    class Spoilt:
        def noted(self, _key: str) -> str:
            return text

        def note(self, key: str, value: str) -> None:
            raise AssertionError((key, value))

    with pytest.raises(OperatorError, match="the paused lanes in the journal's note"):
        LanePauses({}, Spoilt())


@pytest.mark.parametrize("text", ["{", "[]", '{"sequence": 1}', "[" * 5_000])
def test_an_entry_that_cannot_be_read_is_told_and_not_passed_over(desk: Desk, text: str) -> None:
    record = Record(desk.journal, FakeClock())
    record.begin(parse_request("resync", {"reason": "drill"}), by=BY, key=None)
    desk.journal.note("admin/1", text)
    with pytest.raises(OperatorError, match="an entry of the journal's record of admin actions"):
        Record(desk.journal, FakeClock())
    desk.journal.note("admin/next", text)
    with pytest.raises(OperatorError, match="the count admin/next of the journal's record"):
        recent(desk.journal, 10)
