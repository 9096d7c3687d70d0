"""The advice as files that the exchange and the incentives are made from.

A file called as a market's symbol is that market's file, one called as a class its incentives: both are
the shipped ones, comments and all, with what was advised put in. Nothing is ever made weaker than it is
shipped: the model knows gaps and no other danger. Upper tiers rise by as much as the first. Each file is
read back by its own loader before it is written; incentives together with the advised markets of their class,
for the one without the other may not get from one margin to the next in time.
"""

import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final

from config.incentives import ALL_MARKETS_FILE, INCENTIVES_DIRECTORY, load_incentives
from config.markets import MARKETS_DIRECTORY, load_exchange_file, load_market
from config.schema.fields import exact_units
from config.schema.incentives import IncentivesFile
from config.schema.markets import MarketFile
from config.toml import read_toml
from drills.advice.account import Margins
from drills.advice.search import GRID
from drills.advice.sources import UNLIKE
from risk.units import PPM_SCALE, Ppm, div_ceil, div_floor
from runtime.errors import OperatorError

_RAMP_SECONDS: Final = 2_700
"""The shortest ramp of the shipped schedules: 45 minutes."""
_CLOSED_SESSIONS: Final = ("weekend", "holiday")
_NOTE: Final = "# Advised from gaps of the past by `bellkeeper advise` (docs/advice.md); never weaker than shipped.\n"


def require_known(stem: str) -> None:
    """Raise OperatorError unless `stem`.toml is a file that can be advised on; asked before the work."""
    markets = {path.stem for path in MARKETS_DIRECTORY.glob("*.toml")}
    classes = {path.stem for path in INCENTIVES_DIRECTORY.glob("*.toml")}
    known = sorted((markets | classes) - {ALL_MARKETS_FILE.removesuffix(".toml")})
    if stem not in known:
        raise OperatorError(
            f"expected --out to name a file called as a market or a class of markets, found {stem}.toml:"
            f" call it one of {', '.join(known)}"
        )
    if stem in markets:
        _refuse_unlike(stem, [stem.upper()])
    else:
        of_class = [
            symbol
            for symbol in load_exchange_file().markets
            if load_market(symbol).asset_class == stem
        ]
        _refuse_unlike(stem, of_class)


def text_for(stem: str, advised: Mapping[str, Margins]) -> str:
    """Write the file that is called `stem`.toml and prove that its loader takes it.

    Raises OperatorError where nothing is advised for it, or where what is advised would be refused.
    """
    require_known(stem)
    if (INCENTIVES_DIRECTORY / f"{stem}.toml").is_file():
        text = _incentives_text(stem, _margins_for(stem, stem, advised))
    else:
        market = load_market(stem.upper())
        text = _market_text(market, _margins_for(stem, market.asset_class, advised))
    with tempfile.TemporaryDirectory() as folder:
        try:
            _prove(stem, text, Path(folder), advised)
        except OperatorError as error:
            sentence = str(error).replace(f"{folder}/", "")
            raise OperatorError(f"as advised, {sentence}") from error
    return text


def write(path: Path, text: str) -> None:
    """Write a file; raises OperatorError in one sentence."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OperatorError(
            f"expected to write {path}, but {error.strerror}: name another with --out"
        ) from error


def _refuse_unlike(stem: str, symbols: Sequence[str]) -> None:
    for symbol in symbols:
        if symbol in UNLIKE:
            raise OperatorError(
                f"expected advice for {symbol} to write {stem}.toml, but {UNLIKE[symbol]}: set its"
                " margins by hand, and write the files of other markets"
            )


def _margins_for(stem: str, asset_class: str, advised: Mapping[str, Margins]) -> Margins:
    if asset_class not in advised:
        raise OperatorError(
            f"expected advice for the class {asset_class} to write {stem}.toml, found none: write"
            f" files of {', '.join(sorted(advised)) or 'a class that has some'}"
        )
    return advised[asset_class]


def _prove(stem: str, text: str, folder: Path, advised: Mapping[str, Margins]) -> None:
    """Load it where the loader would find it."""
    (folder / f"{stem}.toml").write_text(text, encoding="utf-8")
    if (MARKETS_DIRECTORY / f"{stem}.toml").is_file():
        load_market(stem.upper(), folder)
        return
    for path in INCENTIVES_DIRECTORY.glob("*.toml"):
        if path.stem != stem:
            shutil.copy(path, folder)
    with tempfile.TemporaryDirectory() as place:
        load_incentives(folder, markets=_advised_markets(stem, advised[stem], Path(place)))


def _advised_markets(asset_class: str, margins: Margins, folder: Path) -> list[MarketFile]:
    found: list[MarketFile] = []
    for symbol in load_exchange_file().markets:
        market = load_market(symbol)
        if market.asset_class == asset_class:
            text = _market_text(market, margins)
            (folder / f"{symbol.lower()}.toml").write_text(text, encoding="utf-8")
            found.append(load_market(symbol, folder))
    return found


def _market_text(market: MarketFile, margins: Margins) -> str:
    text = (MARKETS_DIRECTORY / f"{market.symbol.lower()}.toml").read_text(encoding="utf-8")
    first = market.tiers[0].maintenance_margin_ppm
    maintenance = max(first, margins.maintenance)
    initial = max(market.initial_margin_ppm, margins.initial, maintenance)
    rates = [
        min(PPM_SCALE, tier.maintenance_margin_ppm + maintenance - first) for tier in market.tiers
    ]
    rows = [
        f"    {{ from_notional_usd = {_usd(tier.from_notional_usd)}, maintenance_margin_ppm = {rate:_} }},\n"
        for tier, rate, before in zip(market.tiers, rates, [0, *rates], strict=False)
        if rate > before
    ]
    rail = market.limits.initial_margin
    # Room for the controller and for events, which double a margin, above the weekend's.
    highest = min(PPM_SCALE, max(rail.maximum_ppm, 2 * max(initial, margins.weekend)))
    # A margin must be able to double within a ramp, or the schedule could not be carried out.
    steps = max(1, div_floor(_RAMP_SECONDS, max(1, rail.cool_down_seconds)))
    step = max(rail.largest_step_ppm, div_ceil(max(initial, margins.weekend), steps * GRID) * GRID)
    text = _set(text, None, "initial_margin_ppm", initial)
    text = re.sub(r"(?ms)^tiers = \[\n.*?^\]", f"tiers = [\n{''.join(rows)}]", text)
    text = _set(text, "limits.initial_margin", "minimum_ppm", max(rail.minimum_ppm, maintenance))
    text = _set(text, "limits.initial_margin", "largest_step_ppm", step)
    return _NOTE + _set(text, "limits.initial_margin", "maximum_ppm", highest)


def _incentives_text(asset_class: str, margins: Margins) -> str:
    path = INCENTIVES_DIRECTORY / f"{asset_class}.toml"
    text = path.read_text(encoding="utf-8")
    shipped = IncentivesFile.model_validate(read_toml(path))
    for session in _CLOSED_SESSIONS:
        now = getattr(shipped.sessions, session).largest_leverage_x
        leverage = leverage_thousandths(margins.weekend)
        if now is not None:
            leverage = min(leverage, exact_units(now, 1_000))
        text = _set(text, f"sessions.{session}", "largest_leverage_x", _thousandths(leverage))
    return _NOTE + text


def leverage_thousandths(margin: Ppm) -> int:
    """Give the largest leverage that a margin allows, in 1/1000, rounded down to a tenth."""
    return div_floor(PPM_SCALE * 10, margin) * 100


def _thousandths(value: int) -> str:
    """Write a leverage as the loader takes it: a whole number, or decimals as text."""
    whole, rest = divmod(value, 1_000)
    return f"{whole}" if rest == 0 else f'"{value / 1_000:g}"'


def _usd(amount: Decimal) -> str:
    return f"{int(amount):_}" if amount == int(amount) else f'"{amount:f}"'


def _set(text: str, table: str | None, key: str, value: int | str) -> str:
    """Put a value into a table of TOML text, as a new first line where the key is not there."""
    written = f"{value:_}" if isinstance(value, int) else value
    start = 0 if table is None else text.index(f"[{table}]\n") + len(table) + 3
    following = re.search(r"(?m)^\[", text[start:])
    end = len(text) if following is None else start + following.start()
    body, found = re.subn(rf"(?m)^{key} = .*$", f"{key} = {written}", text[start:end], count=1)
    if not found:
        body = f"{key} = {written}\n{body}"
    return text[:start] + body + text[end:]
