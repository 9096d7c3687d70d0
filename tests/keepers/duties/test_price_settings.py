"""From a profile to sources and terms: each kind opens, each market gets what the profile says."""

from pathlib import Path
from random import Random

import aiohttp
import pytest

from config.loader import load
from config.settings import Prices
from keepers.duties.price_sources import SourceParts, json_path, open_sources
from keepers.duties.price_terms import impact_notionals, market_terms
from keepers.secret_files import read_secret
from risk.sessions import Session
from runtime.clock import SystemClock
from runtime.errors import OperatorError
from tests.config.bad_input import NETWORK

PRICES = """
[prices.quorum]
wanted = 4
[prices.mark]
book_weight = 5
participants_weight = 0
[prices.book]
url = "ws://127.0.0.1:1/v1/book"
[[prices.markets]]
symbol = "SPY"
discovery_bound_ppm = 20_000
impact_notional_usd = "250000"
[[prices.pyth_hermes]]
name = "hermes"
provider = "pyth"
key_file = "key"
feeds = { NVDA = "FEED", SPY = "FEED" }
[[prices.pyth_pro]]
name = "pro"
provider = "pyth"
key_file = "key"
max_age_seconds = 3
feeds = { NVDA = 7 }
[[prices.json_sources]]
name = "terminal"
symbol = "WTI"
url = "https://host/{key}/last"
price_path = "data.0.last"
time_path = "data.0.time"
time_unit = "ms"
key_file = "key"
[[prices.chainlink_aggregators]]
name = "aggregator"
symbol = "NVDA"
address = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
highest_usd = "1000"
[[prices.chainlink_streams]]
name = "streams"
key_file = "key"
secret_file = "secret"
sessions = ["regular"]
feeds = { NVDA = "0x000bREST" }
""".replace("FEED", "ab" * 32).replace("REST", "cd" * 30)


def settings_of(folder: Path, text: str = PRICES) -> Prices:
    path = folder / "keeper.toml"
    path.write_text(NETWORK + text)
    for name in ("key", "secret"):
        file = folder / name
        file.write_text(f"the-{name}\n")
        file.chmod(0o600)
    return load(path, environment={}).settings.prices


async def never(to: bytes, data: bytes) -> bytes:
    raise AssertionError((to, data))


async def test_every_kind_of_source_opens_under_its_name(tmp_path: Path) -> None:
    prices = settings_of(tmp_path)
    async with aiohttp.ClientSession() as session:
        parts = SourceParts(session=session, eth_call=never, clock=SystemClock(), random=Random(1))
        names = [source.name for source in open_sources(prices, parts)]
    assert names == ["hermes", "pro", "terminal", "aggregator", "streams"]
    assert prices.symbols == ("NVDA", "SPY", "WTI")


async def test_a_stream_that_we_cannot_decode_is_one_sentence(tmp_path: Path) -> None:
    prices = settings_of(tmp_path, PRICES.replace("0x000b", "0x0003"))
    async with aiohttp.ClientSession() as session:
        parts = SourceParts(session=session, eth_call=never, clock=SystemClock(), random=Random(1))
        with pytest.raises(OperatorError, match="the price source streams: expected a stream"):
            open_sources(prices, parts)


def test_the_terms_of_a_market_are_what_the_profile_says(tmp_path: Path) -> None:
    terms = market_terms(settings_of(tmp_path))
    nvda, spy, wti = terms["NVDA"], terms["SPY"], terms["WTI"]
    assert set(nvda.rules.sources) == {"hermes", "pro", "aggregator", "streams"}
    assert nvda.rules.sources["pro"].provider == "pyth"
    assert nvda.rules.sources["streams"].provider == "streams"
    assert nvda.rules.sources["pro"].rules.max_age == 3
    assert nvda.rules.quorum.wanted == nvda.rules.support.wanted == 4
    assert nvda.rules.mark.internal.weights.total == 6
    # 1 / largest leverage, unless the profile says otherwise for the market.
    assert nvda.rules.mark.bound.bound == 50_000
    assert spy.rules.mark.bound.bound == 20_000
    # Only a source that knows every session is a second calendar.
    assert nvda.session_sources == {"pro"}
    assert not spy.session_sources
    assert wti.timeline is not None
    assert nvda.timeline is not None
    assert wti.timeline != nvda.timeline
    assert nvda.timeline.session_at(nvda.timeline.end) is Session.UNKNOWN


def test_the_impact_notional_is_the_markets_own_or_that_of_all(tmp_path: Path) -> None:
    assert impact_notionals(settings_of(tmp_path)) == {
        "NVDA": 20_000 * 10**6,
        "SPY": 250_000 * 10**6,
        "WTI": 20_000 * 10**6,
    }
    assert impact_notionals(Prices()) == {}


def test_a_path_is_read_with_its_indices() -> None:
    assert json_path("data.0.last") == ("data", 0, "last")
    assert json_path("price") == ("price",)


@pytest.mark.parametrize(
    ("text", "mode", "sentence"),
    [
        ("key\n", 0o644, "open to others"),
        ("\n", 0o600, "empty first line"),
        ("", 0o600, "empty first line"),
        ("schlüssel\n", 0o600, "plain letters"),
    ],
)
def test_a_secret_that_is_none_is_one_sentence_without_it(
    text: str, mode: int, sentence: str, tmp_path: Path
) -> None:
    path = tmp_path / "secret"
    path.write_text(text)
    path.chmod(mode)
    with pytest.raises(OperatorError, match=sentence) as caught:
        read_secret(path, "key file of hermes")
    assert "schl" not in str(caught.value)


def test_a_secret_is_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("the-key \nand a note\n")
    path.chmod(0o600)
    assert read_secret(path, "key file") == "the-key"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(OperatorError, match="must be a text file"):
        read_secret(path, "key file")
    with pytest.raises(OperatorError, match="check the path"):
        read_secret(tmp_path / "none", "key file")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (('name = "pro"', 'name = "hermes"'), 'its own name, found "hermes" twice'),
        (('symbol = "SPY"', 'symbol = "QQQ"'), "found QQQ"),
        (("wanted = 4", "wanted = 1"), "must be at most `wanted`"),
        (('key_file = "key"\n[[prices.chainlink_a', "[[prices.chainlink_a"), "`key_file` together"),
        (("book_weight = 5", "book_weight = 0\nlast_close_weight = 0"), "one weight above 0"),
        (('url = "https://host/{key}/last"', 'url = "ftp://host"'), "http or https to poll"),
        (("NVDA = 7", 'NVDA = "7"'), "must be an integer"),
    ],
)
def test_bad_settings_are_one_sentence(
    change: tuple[str, str], sentence: str, tmp_path: Path
) -> None:
    assert change[0] in PRICES
    with pytest.raises(OperatorError, match=sentence.replace("{", r"\{")) as caught:
        settings_of(tmp_path, PRICES.replace(*change))
    assert "\n" not in str(caught.value)


def test_two_lanes_on_one_key_are_refused(tmp_path: Path) -> None:
    lane = 'keystore = "k"\npassword_file = "p"\n'
    with pytest.raises(OperatorError, match=r"keys\.urgent\.keystore.*keys\.pricer\.keystore"):
        settings_of(tmp_path, f"[keys.urgent]\n{lane}[keys.pricer]\n{lane}")
