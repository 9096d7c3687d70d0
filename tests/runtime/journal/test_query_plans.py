"""What a keeper asks of its journal at work reads no table from end to end: it takes as long after years as on the first day."""

import re
from collections.abc import Callable

import pytest

from keepers.page.journal_tail import read_tail
from runtime.journal import Journal
from tests.runtime.journal.conftest import MakeDraft, MakeIntent

LARGE = ("intents", "payloads", "transactions", "transitions")
WHOLE_TABLE = re.compile(
    rf"SCAN (?:{'|'.join(LARGE)}|old|carrier|other)(?! USING (?:COVERING )?INDEX)\b"
)

WORK: dict[str, Callable[[Journal], object]] = {
    "planned": lambda journal: journal.planned(),
    "in_flight": lambda journal: journal.in_flight("liquidate"),
    "accounts_in_flight": lambda journal: journal.accounts_in_flight("liquidate"),
    "open_transactions": lambda journal: journal.open_transactions("urgent"),
    "transactions_at_or_above": lambda journal: journal.transactions_at_or_above("urgent", 1),
    "intents_at": lambda journal: journal.intents_at("urgent", 0),
    "newest_intent": lambda journal: journal.newest_intent(kind="liquidate", market="NVDA"),
    "show one": lambda journal: list(journal.show(key="k")),
    "history": lambda journal: journal.history("k"),
    "prune all": lambda journal: journal.prune(4e9),
    "prune a kind": lambda journal: journal.prune(4e9, kind="liquidate"),
}


@pytest.fixture
def used(journal: Journal, make_intent: MakeIntent, make_draft: MakeDraft) -> Journal:
    """Give a journal with something of everything."""
    for nonce, account in enumerate("abc"):
        journal.plan_and_sign([make_intent(account)], make_draft(nonce))
        journal.sent(make_draft(nonce).hash)
    for nonce in range(2):
        journal.mined(make_draft(nonce).hash, block=1, status=1, gas_used=1)
        journal.final(make_draft(nonce).hash)
    journal.plan([make_intent("later")])
    return journal


@pytest.mark.parametrize("name", WORK)
def test_reads_no_large_table_from_end_to_end(used: Journal, name: str) -> None:
    statements: list[str] = []
    used._db.set_trace_callback(statements.append)
    WORK[name](used)
    used._db.set_trace_callback(None)
    asked = [each for each in statements if re.match(r"\s*(?:SELECT|DELETE|UPDATE|WITH)", each)]
    assert asked
    for statement in asked:
        plan = [row["detail"] for row in used._db.execute(f"EXPLAIN QUERY PLAN {statement}")]
        found = [step for step in plan if WHOLE_TABLE.search(step)]
        assert found == [], f"expected an index for {statement}"


def test_the_check_would_notice(used: Journal) -> None:
    plan = used._db.execute(
        "EXPLAIN QUERY PLAN SELECT * FROM intents ORDER BY planned_at"
    ).fetchall()
    assert WHOLE_TABLE.search(plan[0]["detail"])


def test_the_pages_tail_reads_only_so_many_rows(used: Journal) -> None:
    tail = read_tail(used._connection.path)
    assert tail.actions[0].account == "later"
