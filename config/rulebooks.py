"""Load the rulebooks of price bands from `rulebooks/*.toml`; a file's name is the rulebook's.

Dollars become integers here, exactly, and "above 3 USD" becomes "from 3.00000001 USD".
"""

from pathlib import Path
from typing import Final

from pydantic import ValidationError

from config.problems import problem_sentence
from config.schema.fields import PRICE_UNITS_PER_USD, exact_units
from config.schema.rulebooks import Bracket, Dynamic, Luld, RulebookFile, Static
from config.toml import read_toml
from risk.band_rules import (
    DynamicRules,
    LimitRules,
    LuldBand,
    MeanKind,
    PauseRules,
    PriceBracket,
    ReferenceRules,
    Rulebook,
    StaticBand,
)
from risk.sessions import Session
from risk.units import Ppm, PriceE8, Seconds
from runtime.errors import OperatorError

RULEBOOKS_DIRECTORY: Final = Path(__file__).parent / "rulebooks"


def load_rulebooks(directory: Path = RULEBOOKS_DIRECTORY) -> dict[str, Rulebook]:
    """Load every rulebook by its name; raises OperatorError with one sentence."""
    return {path.stem: load_rulebook(path) for path in sorted(directory.glob("*.toml"))}


def rulebook_named(name: str, rulebooks: dict[str, Rulebook]) -> Rulebook:
    """Give a rulebook by its name; raises OperatorError with the names that there are."""
    if name not in rulebooks:
        known = ", ".join(sorted(rulebooks)) or "a directory that has some"
        raise OperatorError(f"expected the name of a rulebook, found {name!r}: choose from {known}")
    return rulebooks[name]


def load_rulebook(path: Path) -> Rulebook:
    """Load one rulebook; raises OperatorError with one sentence."""
    try:
        file = RulebookFile.model_validate(read_toml(path))
    except ValidationError as error:
        page = "config/rulebooks/us_luld.toml is an example"
        sentence = problem_sentence(error, RulebookFile, lambda _key: str(path), page=page)
        raise OperatorError(sentence) from None
    return compile_rulebook(path.stem, file)


def compile_rulebook(name: str, file: RulebookFile) -> Rulebook:
    """Turn a file that the schema has checked into rules."""
    return Rulebook(
        name=name,
        sessions=frozenset(Session(each) for each in file.sessions),
        band=_band(file),
        dynamic=None if file.dynamic is None else _dynamic(file.dynamic),
        limit=LimitRules(
            pause_after=_optional_seconds(file.limit.pause_after_seconds),
            straddle_pause_after=_optional_seconds(file.limit.straddle_pause_after_seconds),
        ),
        pause=PauseRules(
            length=Seconds(file.pause.seconds),
            extension=Seconds(file.pause.extension_seconds),
            held_to_close=Seconds(file.pause.held_to_close_seconds),
            collar_step=Ppm(file.pause.collar_step_ppm),
            reopening_prices=file.pause.reopening_prices,
        ),
    )


def _band(file: RulebookFile) -> LuldBand | StaticBand | None:
    if file.luld is not None:
        return _luld(file.luld)
    return None if file.static is None else _static(file.static)


def _luld(luld: Luld) -> LuldBand:
    return LuldBand(
        reference=ReferenceRules(
            window=Seconds(luld.reference.window_seconds),
            mean=MeanKind(luld.reference.mean),
            least_change=Ppm(luld.reference.least_change_ppm),
            least_age=Seconds(luld.reference.least_age_seconds),
        ),
        tier_1=tuple(_bracket(each) for each in luld.tier_1),
        tier_2=tuple(_bracket(each) for each in luld.tier_2),
        doubled_before_close=Seconds(luld.doubled_before_close_seconds),
        scales_with_leverage=luld.scales_with_leverage,
    )


def _bracket(bracket: Bracket) -> PriceBracket:
    widest = bracket.widest_usd
    return PriceBracket(
        lowest=PriceE8(bracket.lowest),
        width=Ppm(bracket.width_ppm),
        widest=None if widest is None else PriceE8(exact_units(widest, PRICE_UNITS_PER_USD)),
        is_doubled_before_close=bracket.is_doubled_before_close,
    )


def _static(static: Static) -> StaticBand:
    return StaticBand(
        down=Ppm(static.down_ppm), up=Ppm(static.up_ppm), follows_pause=static.follows_pause
    )


def _dynamic(dynamic: Dynamic) -> DynamicRules:
    return DynamicRules(
        move=Ppm(dynamic.move_ppm),
        tick=PriceE8(exact_units(dynamic.tick_usd, PRICE_UNITS_PER_USD)),
        window=Seconds(dynamic.window_seconds),
        pause=Seconds(dynamic.pause_seconds),
        late_window=Seconds(dynamic.late_window_seconds),
        late_pause=Seconds(dynamic.late_pause_seconds),
    )


def _optional_seconds(value: int | None) -> Seconds | None:
    return None if value is None else Seconds(value)
