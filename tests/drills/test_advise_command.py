"""`bellkeeper advise`, on a series that is made here, and the files that it writes."""

import argparse
import importlib.util
import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from config.incentives import INCENTIVES_DIRECTORY, load_incentives
from config.markets import load_exchange_file, load_market
from config.schema.markets import MarketFile
from drills import advise_command
from drills.advice.account import Margins
from drills.advice.shipped import load_shipped
from drills.advice.written import leverage_thousandths, text_for
from risk.sessions import Session
from risk.units import Ppm
from runtime.errors import OperatorError

STRICT = Margins(initial=Ppm(505_000), maintenance=Ppm(252_500), weekend=Ppm(505_000))
MILD = Margins(initial=Ppm(60_000), maintenance=Ppm(30_000), weekend=Ppm(62_500))
WEAK = Margins(initial=Ppm(2_500), maintenance=Ppm(2_500), weekend=Ppm(2_500))


def write_series(path: Path, *, first: date = date(2005, 1, 3), days: int = 2_000) -> None:
    random = np.random.default_rng(5)
    lines, close = ["date,open,high,low,close"], 100.0
    for on in (first + timedelta(days=ahead) for ahead in range(days)):
        if on.weekday() < 5:
            opened = close * (1 + 0.006 * float(random.standard_t(4)))
            close = opened * (1 + 0.01 * float(random.standard_normal()))
            high, low = max(opened, close) * 1.003, min(opened, close) * 0.997
            lines.append(f"{on},{opened:.4f},{high:.4f},{low:.4f},{close:.4f}")
    path.write_text("\n".join(lines))


def command(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    advise_command.add_arguments(parser)
    return advise_command.run(parser.parse_args(list(arguments)))


def own(tmp_path: Path) -> list[str]:
    series = tmp_path / "mine.csv"
    write_series(series)
    return ["--series", str(series), "--class", "etf", "--draws", "5"]


def test_the_command_prints_what_its_json_says_and_writes_a_file_that_loads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, report = tmp_path / "new" / "spy.toml", tmp_path / "r.json"
    assert command(*own(tmp_path), "--json", str(report), "--out", str(out)) == 0
    printed = capsys.readouterr().out
    values = json.loads(report.read_text())["classes"]["etf"]
    advice = values["advice"]
    assert f"| {advice['initial'] / 10_000:g} % (" in printed
    assert {check["name"] for check in values["checks"]} == {"from 2008-01-01", "2008"}
    assert values["crises_without_data"] == ["1987", "2000", "2020"]
    assert [market["symbol"] for market in values["shipped"]] == ["SPY", "QQQ"]
    written = load_market("SPY", out.parent)
    assert written.initial_margin_ppm == max(50_000, advice["initial"])
    assert written.tiers[0].maintenance_margin_ppm == max(25_000, advice["maintenance"])


def test_the_same_seed_says_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [*own(tmp_path), "--json", "-"]
    said = []
    for seed in ("4", "4", "5"):
        command(*arguments, "--seed", seed)
        said.append(json.loads(capsys.readouterr().out))
    assert said[0] == said[1]
    assert said[0]["classes"]["etf"]["advice"] == said[2]["classes"]["etf"]["advice"]
    assert said[0]["classes"]["etf"]["intervals"] != said[2]["classes"]["etf"]["intervals"]


@pytest.mark.parametrize("symbol", load_exchange_file().markets)
@pytest.mark.parametrize("advised", [STRICT, MILD, WEAK], ids=["strict", "mild", "weak"])
def test_a_written_market_loads_and_is_never_weaker_than_the_shipped_one(
    tmp_path: Path, symbol: str, advised: Margins
) -> None:
    shipped = load_market(symbol)
    if symbol == "GLD":
        with pytest.raises(OperatorError, match="oil"):
            text_for("gld", {shipped.asset_class: advised})
        return
    written = save(tmp_path, symbol, {shipped.asset_class: advised})
    assert written.initial_margin_ppm == max(shipped.initial_margin_ppm, advised.initial)
    pairs = zip(written.tiers, shipped.tiers, strict=True)
    assert all(new.maintenance_margin_ppm >= old.maintenance_margin_ppm for new, old in pairs)
    assert written.tiers[0].maintenance_margin_ppm >= advised.maintenance
    assert written.liquidation == shipped.liquidation
    assert written.fees == shipped.fees
    assert written.limits.initial_margin.minimum_ppm >= written.tiers[0].maintenance_margin_ppm


@pytest.mark.parametrize("asset_class", ["etf", "stock", "crypto_fund", "treasury_fund"])
def test_written_incentives_load_beside_the_advised_markets(
    tmp_path: Path, asset_class: str
) -> None:
    advised = {asset_class: STRICT}
    folder = tmp_path / "incentives"
    folder.mkdir()
    for path in INCENTIVES_DIRECTORY.glob("*.toml"):
        (folder / path.name).write_text(path.read_text())
    (folder / f"{asset_class}.toml").write_text(text_for(asset_class, advised))
    symbols = load_exchange_file().markets
    of_class = [each for each in symbols if load_market(each).asset_class == asset_class]
    markets = [save(tmp_path, symbol, advised) for symbol in of_class]
    levels = load_incentives(folder, markets=markets).markets[of_class[0]].terms.levels
    assert levels[Session.WEEKEND].initial_margin >= 505_000
    assert levels[Session.HOLIDAY].initial_margin >= 505_000


def test_incentives_that_are_already_stricter_stay_as_they_are() -> None:
    written = text_for("etf", {"etf": MILD})
    shipped = (INCENTIVES_DIRECTORY / "etf.toml").read_text()
    assert written.partition("\n")[2] == shipped


def test_leverage_is_rounded_toward_safety() -> None:
    assert leverage_thousandths(Ppm(505_000)) == 1_900
    assert leverage_thousandths(Ppm(62_500)) == 16_000


def test_shipped_weekend_margins_come_from_the_schedule() -> None:
    found = {each.symbol: each.margins for each in load_shipped()}
    assert found["SPY"].weekend == 125_000
    assert found["AAPL"].initial == load_market("AAPL").initial_margin_ppm


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--target-bp", "0"], "--target-bp above 0", id="target"),
        pytest.param(["--target-bp", "nan"], "--target-bp above 0", id="no number"),
        pytest.param(["--closure-ppm", "0"], "--closure-ppm from 1", id="chance"),
        pytest.param(["--maintenance-ppm", "1000000"], "part of initial margin", id="part"),
        pytest.param(["--draws", "0"], "--draws of at least 1", id="draws"),
        pytest.param(["--class", "stock"], "expected one --class", id="two classes"),
        pytest.param(["--out", "x/abc.toml"], "call it one of aapl,", id="name"),
        pytest.param(["--out", "commodity.toml"], "expected advice for GLD", id="gold"),
        pytest.param(["--out", "aapl.toml"], "advice for the class stock", id="other class"),
        pytest.param(["--plot", "x"], "leave --plot out", id="no matplotlib"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    base = own(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(OperatorError, match=said) as refused:
        command(*base, *arguments)
    assert "\n" not in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.csv"]


def test_too_short_a_series_is_no_ground_for_advice(tmp_path: Path) -> None:
    series = tmp_path / "short.csv"
    write_series(series, days=300)
    with pytest.raises(OperatorError, match="at least 3 calendar years for etf, found 1"):
        command("--series", str(series), "--class", "etf")


@pytest.mark.skipif(importlib.util.find_spec("matplotlib") is None, reason="drawn by `make advise`")
def test_the_command_draws_a_picture_of_each_class(tmp_path: Path) -> None:
    assert command(*own(tmp_path), "--plot", str(tmp_path / "pictures")) == 0
    picture = tmp_path / "pictures" / "advice_etf.png"
    assert picture.read_bytes().startswith(b"\x89PNG")


def save(folder: Path, symbol: str, advised: dict[str, Margins]) -> MarketFile:
    path = folder / f"{symbol.lower()}.toml"
    path.write_text(text_for(symbol.lower(), advised))
    return load_market(symbol, folder)
