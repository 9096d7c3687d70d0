"""From an intent's key back to the account and market that it is about."""

from keepers.liquidation.intents import KIND, pairs_of
from risk.units import MarketId, account_label
from runtime.journal import Intent
from tests.builders import make_account_id, make_market, make_markets


def key_of(symbol: str, *, kind: str = KIND, number: int = 1) -> str:
    return Intent(
        kind=kind,
        market=symbol,
        account=account_label(make_account_id(number)),
        judged_on="1-2-3",
        expires_at=1,
        payload={},
    ).key


def test_each_key_gives_its_account_and_market() -> None:
    markets = make_markets(make_market(), make_market(1))
    keys = [key_of("AAPL"), key_of("STOCK1", number=2)]
    assert pairs_of(keys, markets) == {
        (make_account_id(1), MarketId(0)): keys[0],
        (make_account_id(2), MarketId(1)): keys[1],
    }


def test_other_duties_and_unknown_markets_are_left_out() -> None:
    keys = [key_of("AAPL", kind="publish"), key_of("GONE")]
    assert pairs_of(keys, make_markets()) == {}
