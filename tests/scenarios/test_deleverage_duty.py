"""The last resort on a real chain: bankrupt accounts, empty pools, the real program, killed or in pairs."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from drills.dev_keys import DELEVERAGER, HOUSEKEEPER, write_keystore
from risk.deleverage_need import deleverage_need
from risk.deleverage_rules import DeleverageCode
from risk.units import AccountId, account_label
from runtime.journal import JournalReader
from tests.anvil import Anvil, JsonRpc, running_anvil
from tests.parity.deleverage_stage import NUMBERS, account_book
from tests.parity.deleverage_stage import pools as pools_of_book
from tests.parity.reading import Book, read_book
from tests.scenarios.keeper import KeeperProcess, command, position_size, wait_until, write_profile
from tests.scenarios.test_liquidation_path import report_of
from tests.venues.exchange.contracts.codec import Event
from tests.venues.exchange.contracts.harness import ROLES, Chain, Exchange, usd

LOSERS, WINNERS = 8, 6
SHARES = 10


@dataclass(slots=True)
class Ruin:
    """An exchange whose longs are bankrupt once the mark has fallen, and the keepers that a test makes."""

    anvil: Anvil
    exchange: Exchange
    folder: Path
    keepers: list[KeeperProcess] = field(default_factory=list)

    def keeper(
        self, name: str, *duties: str, address: str = DELEVERAGER, **knobs: object
    ) -> KeeperProcess:
        """Write a profile with a journal of its own, and make its process."""
        folder = self.folder / name
        folder.mkdir()
        path = write_profile(folder, self.anvil, self.exchange.address)
        key = write_keystore(folder, "deleverager", address)
        lines = [f"{knob} = {value}" for knob, value in knobs.items()]
        path.write_text(
            path.read_text()
            + f'\n[keys.deleverager]\nkeystore = "{key.keystore}"\n'
            + f'password_file = "{key.password_file}"\n'
            + "[deleverage]\nforecast_seconds = 0.1\n"
            + "\n".join(lines)
        )
        keeper = KeeperProcess(path, folder / "keeper.log", (*duties, "deleverage"))
        self.keepers.append(keeper)
        return keeper

    @property
    def losers(self) -> list[int]:
        return [self.exchange.account(number) for number in range(1, LOSERS + 1)]

    @property
    def winners(self) -> list[int]:
        return [self.exchange.account(100 + number) for number in range(WINNERS)]

    def start(self, keeper: KeeperProcess) -> None:
        """Start a keeper, and show it the one fresh price without which it acts on nothing."""
        keeper.start()
        keeper.wait_ready()
        self.fall()

    def fall(self) -> None:
        """Publish the mark of 80 a second later."""
        self.exchange.chain.advance(1)
        self.exchange.publish(80)

    def held(self) -> dict[int, int]:
        """Read every position of the market."""
        return {each: position_size(self.exchange, each) for each in (*self.losers, *self.winners)}

    def bankrupt(self) -> list[int]:
        return [each for each in self.losers if self.exchange.state(each)["equity"] < 0]

    def results(self) -> list[Event]:
        """Read every deleverage result, in order."""
        last = int(self.exchange.chain.rpc.call("eth_blockNumber"), 16)
        events = self.exchange.logs(self.exchange.first_block, last)
        return [event for event in events if event.name == "DeleverageResult"]

    def closed(self) -> Counter[int]:
        """Sum what was closed of each bankrupt account."""
        sizes: Counter[int] = Counter()
        for event in self.results():
            sizes[event["account"]] += abs(event["size"])
        return sizes


@pytest.fixture
def ruin(tmp_path: Path) -> Iterator[Ruin]:
    """Let eight longs trade with six shorts at 100, and set the mark to 80: the longs owe 90 USD each."""
    with (
        running_anvil(block_time_seconds=0.05, accounts=12) as anvil,
        JsonRpc(anvil.http_url) as rpc,
    ):
        exchange = Exchange(Chain(rpc))
        exchange.create_market()
        made = Ruin(anvil=anvil, exchange=exchange, folder=tmp_path)
        exchange.fund(exchange.backstop, 0.000001)
        for account in made.losers:
            exchange.fund(account, 110)
        for place, account in enumerate(made.winners):
            exchange.fund(account, 800 + 400 * place)
        for place, account in enumerate(made.losers):
            exchange.trade(account, made.winners[place % WINNERS], SHARES)
        try:
            yield made
        finally:
            for keeper in made.keepers:
                keeper.kill()


def needs(exchange: Exchange) -> dict[int, int]:
    """Reckon what of each account must be closed, from the chain's own state."""
    book: Book = read_book(exchange)
    need = deleverage_need(account_book(book), pools_of_book(book), book.now)
    return {close.account: close.size for close in need.closes}


def codes(events: list[Event]) -> Counter[DeleverageCode]:
    return Counter(NUMBERS[event["code"]] for event in events)


def intents_of(keeper: KeeperProcess) -> list[dict[str, Any]]:
    shown = report_of(keeper, "journal", "show", "--limit", "1000")["intents"]
    assert isinstance(shown, list)
    return shown


def test_a_killed_keeper_goes_on_until_nobody_is_in_need_and_nothing_is_lost_or_doubled(
    ruin: Ruin,
) -> None:
    exchange = ruin.exchange
    # What carries a part: whoever is left with some 3 of 10 shares fits into the backstop.
    exchange.fund(exchange.backstop, 54)
    exchange.publish(80)
    before, needed = ruin.held(), needs(exchange)
    assert set(needed) == set(ruin.losers)
    assert all(0 < size < SHARES * 10**8 for size in needed.values())
    funds = exchange.funds()
    keeper = ruin.keeper("first", max_items_per_transaction=1)
    lives = 0
    while len(ruin.closed()) < LOSERS:
        lives += 1
        assert lives < 20, "expected some progress in every few lives"
        seen = len(ruin.results())
        ruin.start(keeper)
        wait_until(
            lambda seen=seen: len(ruin.results()) > seen or len(ruin.closed()) == LOSERS,  # type: ignore[misc]
            "something was deleveraged in this life",
        )
        if lives < 3:
            keeper.kill()
            continue
        wait_until(lambda: len(ruin.closed()) == LOSERS, "everybody in need was deleveraged")
    wait_until(
        lambda: keeper.page("/status")["deleverage"]["outcome"] == "carried",
        "the keeper leaves the rest to the pools",
    )
    _assert_explained(ruin, keeper)
    assert keeper.terminate() == 0
    assert lives >= 3
    assert not needs(exchange)
    # To the unit what was needed, each once: nobody gave up more than nobody else could carry.
    assert ruin.closed() == needed
    after = ruin.held()
    assert sum(after.values()) == 0
    assert exchange.market()["open_interest"] == sum(map(abs, after.values())) // 2
    gone = {each: before[each] - after[each] for each in ruin.losers}
    assert gone == needed
    assert exchange.funds() == funds
    for winner in ruin.winners:
        state = exchange.state(winner)
        assert state["equity"] >= state["maintenance_margin"]
    _assert_journal_tells_all(ruin, keeper)


def _assert_explained(ruin: Ruin, keeper: KeeperProcess) -> None:
    """Ask for the place of somebody who still holds something."""
    left = [each for each in ruin.winners if ruin.held()[each]]
    report = report_of(keeper, "explain", account_label(AccountId(left[0])))
    places = report["deleverage_queue"]
    assert isinstance(places, list)
    (place,) = places
    assert (place["market"], place["side"], place["count"]) == ("TEST", "short", len(left))
    assert 1 <= place["bucket"] <= 5


def _assert_journal_tells_all(ruin: Ruin, keeper: KeeperProcess) -> None:
    intents = intents_of(keeper)
    mined = [each for each in intents if each["outcome"] == "deleveraged"]
    assert len(mined) == codes(ruin.results())[DeleverageCode.DELEVERAGED]
    # Every nonce of the key is in the journal: nothing was sent that was not written down.
    sent = int(ruin.exchange.chain.rpc.call("eth_getTransactionCount", DELEVERAGER, "latest"), 16)
    assert {each["nonce"] for each in intents} == set(range(sent))


def test_the_keeper_stops_when_the_pools_recover(ruin: Ruin) -> None:
    exchange = ruin.exchange
    exchange.publish(80)
    keeper = ruin.keeper("first", "liquidation", max_items_per_transaction=1)
    ruin.start(keeper)
    wait_until(lambda: bool(ruin.closed()), "somebody was deleveraged")
    exchange.send("owner", "fund_insurance", usd(100_000))
    exchange.fund(exchange.backstop, 1_000_000)
    recovered = len(ruin.results())
    for _ in range(10):
        # Who was refused waits on the venue's clock, which stands still unless somebody moves it.
        ruin.fall()
    wait_until(lambda: not ruin.bankrupt(), "nobody is bankrupt any more")
    wait_until(
        lambda: keeper.page("/status")["deleverage"]["outcome"] == "idle",
        "the keeper sees that nobody is bankrupt",
    )
    assert keeper.terminate() == 0
    # One step may have been on its way: the exchange itself refused it.
    late = ruin.results()[recovered:]
    assert len(late) <= 1
    assert codes(late)[DeleverageCode.DELEVERAGED] == 0
    assert 0 < len(ruin.closed()) < LOSERS
    assert sum(ruin.held().values()) == -position_size(exchange, exchange.backstop)
    with JournalReader.open_to_read(keeper.profile.parent / "journal.sqlite") as journal:
        oldest = journal.intents(kind="deleverage")[0]
    sentence = str(oldest.payload["plan"])
    assert "owes 90.00 USD on 10 TEST long, 10 of it must be closed (8 accounts are in need)" in (
        sentence
    )
    assert "insurance fund and backstop cannot pay the shortfall" in sentence


def test_two_keepers_do_not_harm_each_other_and_the_second_takes_over(ruin: Ruin) -> None:
    exchange = ruin.exchange
    exchange.send("owner", "grant", HOUSEKEEPER, ROLES["deleverager"])
    first = ruin.keeper("first", max_items_per_transaction=1, policy='"pro_rata"')
    second = ruin.keeper("second", address=HOUSEKEEPER, standby_seconds=5)
    for keeper in (first, second):
        keeper.start()
    for keeper in (first, second):
        keeper.wait_ready()
    ruin.fall()
    wait_until(lambda: len(ruin.closed()) >= 2, "the first acts")
    assert not intents_of(second), "the second has waited"
    first.kill()
    for _ in range(20):
        # Its standby is counted on the venue's clock too.
        ruin.fall()
    wait_until(lambda: not ruin.bankrupt(), "the second has done the rest")
    wait_until(
        lambda: second.page("/status")["deleverage"]["outcome"] == "idle", "the second is done"
    )
    queue = command("deleverage", "queue", "TEST", "--config", str(second.profile))
    assert queue.returncode == 0, queue.stderr
    assert "TEST" in queue.stdout
    assert second.terminate() == 0
    assert intents_of(second), "the second has acted"
    assert ruin.closed() == dict.fromkeys(ruin.losers, SHARES * 10**8)
    assert sum(ruin.held().values()) == 0
