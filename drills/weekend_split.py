"""The split of that weekend: Apple opens on Monday with ten shares for one, as two publishers told.

The trading day of Monday begins on Sunday at 20:00 in New York; from then on outside markets trade, and
traders here quote, on the new basis. A made-up split of a real stock.
"""

from pathlib import Path
from typing import Final

from drills import weekend
from risk.corporate_values import Ratio
from risk.units import PriceE8, Seconds

SYMBOL: Final = "AAPL"
RATIO: Final = Ratio(numerator=10, denominator=1)
PROVIDERS: Final = ("alpaca", "polygon")
FOLDER: Final = "corporate-actions"


def on_new_basis(symbol: str, price: PriceE8, at: Seconds) -> PriceE8:
    """Give what a price of the old basis is at a moment."""
    return RATIO.price(price) if symbol == SYMBOL and at >= weekend.REOPEN else price


def write_actions(folder: Path) -> Path:
    """Write what the publishers tell, one file each; give the folder."""
    actions = folder / FOLDER
    actions.mkdir(exist_ok=True)
    for provider in PROVIDERS:
        (actions / f"{provider}.toml").write_text(
            f'timezone = "America/New_York"\nprovider = "{provider}"\n'
            "heard_at = 2026-11-09T21:30:00Z\n\n[[action]]\n"
            f'kind = "split"\nsymbol = "{SYMBOL}"\nex_date = 2026-11-23\nratio = "{RATIO}"\n',
            encoding="utf-8",
        )
    return actions
