"""What people are told: read off the process's own status, as it begins, lasts and ends."""

import asyncio
import copy
from typing import Any

import pytest

from keepers.admin.record import Entry, Fate
from keepers.notify.conditions import START_SECONDS, conditions_of
from keepers.notify.notifier import Notifier
from runtime.notify.notice import Kind, Notice, Severity
from tests.runtime.nodes import FakeClock

CALM: dict[str, Any] = {
    "breakers": {
        "NVDA": {"wanted_status": "open", "by": None, "why": "", "closes_withdrawals": False},
        "AAPL": {"why": "no step was made yet"},
        "orders": {"standing": []},
        "plans": {},
    },
    "solvency": {"invariants": {"cash": {"verdict": "holds", "sentence": "all is there"}}},
    "lanes": {"urgent": {"halted": ""}},
    "corporate": {"actions": {"NVDA split 2199-06-10": {"is_alarm": False, "why": "waits"}}},
    "deleverage": {"last_plan": None},
}


def status(**changes: Any) -> dict[str, Any]:
    """Give the calm status with changes, by dotted keys with `__` for dots."""
    told = copy.deepcopy(CALM)
    for path, value in changes.items():
        *way, last = path.split("__")
        inner = told
        for key in way:
            inner = inner[key]
        inner[last] = value
    return told


def restricted(wanted: str) -> dict[str, Any]:
    told = {"wanted_status": wanted, "by": "band", "why": "above the band"}
    return status(breakers__NVDA=told)


class Box:
    """Keeps what is put into it."""

    name = "box"

    def __init__(self) -> None:
        self.notices: list[Notice] = []

    def put(self, notice: Notice) -> None:
        self.notices.append(notice)

    async def run(self, stop: asyncio.Event) -> None:
        await stop.wait()

    def taken(self) -> list[tuple[str, str, Severity]]:
        """Give and forget what was put in: kind, key and severity."""
        told = [(each.kind.value, each.key, each.severity) for each in self.notices]
        self.notices.clear()
        return told


class Desk:
    def __init__(self) -> None:
        self.box, self.clock = Box(), FakeClock()
        self.status = status()
        self.notifier = Notifier(
            boxes=[self.box],  # type: ignore[list-item]
            status=lambda: self.status,
            source="keeper-1",
            version="1",
            remind_seconds=3_600.0,
            clock=self.clock,
        )

    def look(self, told: dict[str, Any]) -> list[tuple[str, str, Severity]]:
        self.status = told
        self.notifier.look()
        return self.box.taken()


@pytest.mark.parametrize(
    ("told", "key", "severity", "words"),
    [
        (restricted("limit"), "market/NVDA/limit", Severity.INFO, "NVDA is to be limit, by band"),
        (
            restricted("reduce_only"),
            "market/NVDA/reduce_only",
            Severity.WARNING,
            "NVDA is to be reduce-only, by band: above the band",
        ),
        (
            restricted("halted"),
            "market/NVDA/halted",
            Severity.CRITICAL,
            "NVDA is to be halted, by band: above the band",
        ),
        (
            status(
                breakers__NVDA__closes_withdrawals=True,
                breakers__NVDA__closes_withdrawals_why="money leaves",
            ),
            "withdrawals/closed",
            Severity.CRITICAL,
            "money leaves",
        ),
        (
            status(solvency__invariants__cash={"verdict": "breach", "sentence": "7 USD lack"}),
            "solvency/cash",
            Severity.CRITICAL,
            "solvency is breached (cash): 7 USD lack",
        ),
        (
            status(lanes__urgent__halted="the key cannot pay"),
            "lane/urgent/halted",
            Severity.CRITICAL,
            "lane urgent signs nothing new: the key cannot pay",
        ),
        (
            status(lanes__urgent__halted="paused by alice: drill"),
            "lane/urgent/paused",
            Severity.WARNING,
            "paused by alice: drill",
        ),
        (
            status(lanes__urgent__halted="paused by alice: drill; the key cannot pay"),
            "lane/urgent/halted",
            Severity.CRITICAL,
            "the key cannot pay",
        ),
    ],
)
def test_a_condition_is_read_off_the_status(
    told: dict[str, Any], key: str, severity: Severity, words: str
) -> None:
    (condition,) = conditions_of(told).values()
    assert (condition.key, condition.severity) == (key, severity)
    assert words in condition.sentence


def test_an_action_that_needs_an_operator_is_a_condition() -> None:
    told = status()
    told["corporate"]["actions"]["NVDA split 2199-06-10"] = {
        "is_alarm": True,
        "why": "two sources differ",
    }
    (condition,) = conditions_of(told).values()
    assert condition.sentence == "NVDA split 2199-06-10 needs an operator: two sources differ"


@pytest.mark.parametrize("told", [{}, CALM, {"breakers": 7, "lanes": None, "solvency": []}])
def test_a_calm_process_has_nothing_to_tell(told: dict[str, Any]) -> None:
    assert conditions_of(told) == {}


def test_a_trip_and_its_return_are_each_told_once() -> None:
    desk = Desk()
    assert desk.look(status()) == []
    assert desk.look(restricted("halted")) == [("raised", "market/NVDA/halted", Severity.CRITICAL)]
    assert desk.look(restricted("halted")) == []
    assert desk.look(status()) == [("cleared", "market/NVDA/halted", Severity.CRITICAL)]
    assert desk.look(status()) == []


def test_another_severity_is_another_condition() -> None:
    desk = Desk()
    desk.look(restricted("halted"))
    assert desk.look(restricted("reduce_only")) == [
        ("cleared", "market/NVDA/halted", Severity.CRITICAL),
        ("raised", "market/NVDA/reduce_only", Severity.WARNING),
    ]


def test_what_lasts_is_told_again_after_a_while() -> None:
    desk = Desk()
    desk.look(restricted("halted"))
    desk.clock.seconds += 3_599
    assert desk.look(restricted("halted")) == []
    desk.clock.seconds += 1
    assert desk.look(restricted("halted")) == [("raised", "market/NVDA/halted", Severity.CRITICAL)]


def test_a_lane_that_has_only_started_is_no_halt() -> None:
    desk = Desk()
    halted = status(lanes__urgent__halted="the lane has not looked at the chain yet")
    assert desk.look(halted) == []
    assert desk.look(status()) == []
    assert desk.look(halted) == []
    desk.clock.seconds += START_SECONDS
    assert desk.look(halted) == [("raised", "lane/urgent/halted", Severity.CRITICAL)]


def test_each_deleverage_is_told_once() -> None:
    desk = Desk()
    sent = status(deleverage__last_plan="NVDA: 3 of 0xaa against 0xbb")
    assert desk.look(sent) == [("told", "deleverage/sent", Severity.CRITICAL)]
    assert desk.look(sent) == []
    again = status(deleverage__last_plan="NVDA: 1 of 0xcc against 0xbb")
    assert desk.look(again) == [("told", "deleverage/sent", Severity.CRITICAL)]


@pytest.mark.parametrize(
    ("fate", "severity"), [(Fate.DONE, Severity.INFO), (Fate.REFUSED, Severity.WARNING)]
)
def test_what_an_operator_did_is_told(fate: Fate, severity: Severity) -> None:
    desk = Desk()
    entry = Entry(
        sequence=7,
        action="resync",
        fields={},
        reason="looks wrong",
        by="alice",
        at_seconds=1,
        fate=fate,
        words="the feed begins anew",
    )
    desk.notifier.tell_action(entry)
    (notice,) = desk.box.notices
    assert (notice.key, notice.severity, notice.kind) == ("admin/7", severity, Kind.TOLD)
    assert notice.sentence == (
        f"alice asked for resync (looks wrong), {fate}: the feed begins anew"
    )


def test_a_sentence_leaves_no_secret_behind() -> None:
    desk = Desk()
    url = "https://rpc.example.com/v2/4bcd3fgh1jklmn0p"
    desk.notifier.tell("x", Severity.INFO, f"no answer from {url}\nat all")
    assert (
        desk.box.notices[0].sentence == "no answer from https://rpc.example.com/[redacted] at all"
    )


async def test_start_and_stop_are_told_and_the_boxes_end_after_the_last_word() -> None:
    desk = Desk()
    stop = asyncio.Event()
    workers = desk.notifier.workers()
    assert sorted(workers) == ["notify", "notify_box"]

    async def run(name: str) -> None:
        await workers[name](stop)

    async with asyncio.TaskGroup() as group:
        group.create_task(run("notify"))
        box = group.create_task(run("notify_box"))
        box.add_done_callback(lambda _: desk.box.put(desk.box.notices[-1]))
        stop.set()
    keys = [notice.key for notice in desk.box.notices]
    assert keys == ["keeper/started", "keeper/stopping", "keeper/stopping"]
