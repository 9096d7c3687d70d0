"""What the operator answers for: the profile's roles and token, the markets' files, the code.

The solvency proof compares the chain with this. What the profile does not name is not known to be
right, and the proof says so.
"""

from collections.abc import Iterable

from config.loader import CONFIG_DIRECTORY
from config.markets import load_market
from config.settings import Settings
from risk.solvency_rules import Approved
from risk.units import Ppm

OWNER = "owner"


def approved_by(
    settings: Settings, symbols: Iterable[str] = (), *, code_hash: bytes | None = None
) -> Approved:
    """Gather it from a profile and the files of the markets that have one.

    Without a code hash the code of the shipped contract is what is approved. Raises OperatorError with
    one sentence for a market's file that is wrong.
    """
    holders = {
        role: bytes.fromhex(holder[2:]) for role, holder in settings.roles if holder is not None
    }
    token = settings.exchange.token_address
    shipped = [
        symbol
        for symbol in symbols
        if (CONFIG_DIRECTORY / "markets" / f"{symbol.lower()}.toml").is_file()
    ]
    files = {symbol: load_market(symbol) for symbol in shipped}
    return Approved(
        owner=holders.pop(OWNER, None),
        roles=holders,
        code_hash=code_hash,
        token=None if token is None else bytes.fromhex(token[2:]),
        clamps={symbol: Ppm(file.price.clamp_ppm) for symbol, file in files.items()},
        limits={symbol: file.limits.rails for symbol, file in files.items()},
    )
