"""The plan of a deployment: from what is found to what is wanted, in groups of steps.

Pure and level-triggered: each call compares the two and gives the first group that is still due, so
a run that was cut short goes on where it stopped, and a finished one has nothing left. Steps of one
group do not depend on each other's effects; groups do.
What duties set after creation (margin, fees, funding, caps, bands, status) is theirs: it is never
compared here. A difference that no owner may repair is an OperatorError.
"""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Final

from eth_hash.auto import keccak

from risk.guard_rails import Limits
from risk.market import Market, make_tiers
from risk.units import Seconds
from runtime.errors import OperatorError
from venues.exchange.calls import CallEncoder
from venues.exchange.deploy_values import (
    Artifact,
    FoundExchange,
    MarketListing,
    Step,
    WantedExchange,
)
from venues.exchange.readings import Role

_NO_LIMITS: Final = Limits(minimum=0, maximum=0, largest_step=0, cool_down=Seconds(0))
_SHORT_RLP: Final = 0x80

OWNER_CALLS: Final = (
    "create_market",
    "grant",
    "propose_owner",
    "set_limits",
    "set_liquidation_rules",
    "set_market_rules",
    "set_price_rules",
    "set_tiers",
)
"""Every call of the exchange that a deployment may make."""


def created_address(deployer: bytes, nonce: int) -> bytes:
    """Tell the address of the contract that this transaction creates."""
    if nonce == 0:
        number = b"\x80"
    elif nonce < _SHORT_RLP:
        number = bytes([nonce])
    else:
        digits = nonce.to_bytes((nonce.bit_length() + 7) // 8)
        number = bytes([_SHORT_RLP + len(digits)]) + digits
    payload = b"\x94" + deployer + number
    return keccak(bytes([0xC0 + len(payload)]) + payload)[-20:]


def creation_step(
    exchange: Artifact, token: bytes, deployer: bytes, wanted: WantedExchange
) -> Step:
    """Create the exchange; the deployer owns it until all is set up."""
    code = exchange.creation_code(token, deployer, asdict(wanted.rules))
    return Step(name="create the exchange", to=b"", data=code)


def check_repairable(wanted: WantedExchange, found: FoundExchange) -> None:
    """Raise OperatorError for a difference that no step could repair."""
    if wanted.token is not None and wanted.token != found.token:
        raise OperatorError(
            f"expected an exchange for the token 0x{wanted.token.hex()}, found one for "
            f"0x{found.token.hex()}: an exchange keeps its token, so write to another --out file"
        )
    for number, (market, listing) in enumerate(zip(found.markets, wanted.markets, strict=False)):
        if market.symbol != listing.symbol:
            raise OperatorError(
                f"expected market {number} to be {listing.symbol}, found {market.symbol} on chain: "
                "a market keeps its number, so put new ones at the end of the list"
            )
    for role, holder in wanted.roles.items():
        held = found.address_to_role.get(holder, 0)
        if held not in (0, role):
            raise OperatorError(
                f"expected 0x{holder.hex()} to be free for the role {role.name.lower()}, found it "
                f"as {Role(held).name.lower()}: revoke that first, or use another address"
            )
        if holder in (found.owner, found.proposed_owner):
            raise OperatorError(
                f"expected another address than the owner's for the role {role.name.lower()}, "
                f"found 0x{holder.hex()}: give each duty its own key"
            )


def next_group(
    wanted: WantedExchange, found: FoundExchange, address: bytes, encoder: CallEncoder
) -> list[Step]:
    """Give the steps that are due now; none when all is as wanted."""

    def step(name: str, call: str, *arguments: object) -> Step:
        return Step(name=name, to=address, data=encoder.call(call, *arguments))

    missing = wanted.markets[len(found.markets) :]
    if missing:
        return [
            step(f"create the market {listing.symbol}", "create_market", _market_config(listing))
            for listing in missing
        ]
    steps = []
    if found.rules != wanted.rules:
        steps.append(
            step("set the liquidation rules", "set_liquidation_rules", asdict(wanted.rules))
        )
    for market, listing in zip(found.markets, wanted.markets, strict=False):
        steps += [
            step(f"{name} of {listing.symbol}", call, market.id, *arguments)
            for name, call, arguments in _market_changes(market, listing, found)
        ]
    steps += [
        step(f"grant the role {role.name.lower()}", "grant", holder, int(role))
        for role, holder in sorted(wanted.roles.items())
        if found.address_to_role.get(holder, 0) != role
    ]
    if steps or wanted.next_owner in (None, found.owner, found.proposed_owner):
        return steps
    return [step("propose the owner", "propose_owner", wanted.next_owner)]


def _market_config(listing: MarketListing) -> dict[str, object]:
    config = {name: getattr(listing, name) for name in listing.__slots__}
    del config["limits"]
    tiers = config.pop("tiers")
    return config | {
        "tier_bounds": [bound for bound, _ in tiers],
        "tier_rates": [rate for _, rate in tiers],
    }


def _market_changes(
    market: Market, listing: MarketListing, found: FoundExchange
) -> Iterator[tuple[str, str, tuple[object, ...]]]:
    """Give what the owner's rules of a market lack: (name, call, arguments after the market)."""
    if market.tiers != make_tiers(list(listing.tiers)):
        bounds, rates = zip(*listing.tiers, strict=True)
        yield "set the tiers", "set_tiers", (list(bounds), list(rates))
    price_rules = (listing.clamp, listing.min_interval, listing.expiry)
    if (market.clamp, market.min_interval, market.expiry) != price_rules:
        yield "set the price rules", "set_price_rules", price_rules
    names = (
        "min_position_notional",
        "slice_threshold",
        "penalty",
        "spread_max",
        "backstop_cap",
    )
    market_rules = tuple(getattr(listing, name) for name in names)
    if tuple(getattr(market, name) for name in names) != market_rules:
        yield "set the market rules", "set_market_rules", market_rules
    for parameter, limits in sorted(listing.limits.items()):
        if found.limits.get((market.id, parameter), _NO_LIMITS) != limits:
            yield f"set limits {parameter}", "set_limits", (parameter, asdict(limits))
