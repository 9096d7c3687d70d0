"""From a lane's settings to its signer: what the key may sign, and where the key is."""

from collections.abc import Iterable

import aiohttp

from config.settings import LaneKey, Settings
from keepers.sender import LocalSigner, RemoteSigner, Signer, SigningPolicy
from runtime.errors import OperatorError


def signing_policy(settings: Settings, selectors: Iterable[bytes]) -> SigningPolicy:
    """Allow these functions of the configured exchange, within the configured bounds."""
    return SigningPolicy(
        chain_id=settings.network.chain_id,
        allowed=SigningPolicy.calls(exchange_address(settings), selectors),
        max_fee=cancel_fee_cap(settings),
        max_gas=settings.liquidation.max_gas_per_transaction,
    )


def cancel_fee_cap(settings: Settings) -> int:
    """Give the highest fee a cancel may offer: a quarter above the cap of calls.

    Nodes want 10 % more for a replacement, so a call at its own cap could not be cancelled at it.
    """
    return settings.sender.max_fee_per_gas_wei * 5 // 4


def exchange_address(settings: Settings) -> bytes:
    """Give the exchange's address; raises OperatorError when the profile has none."""
    address = settings.exchange.address
    if address is None:
        raise OperatorError(
            "expected [exchange] address, found none: run `bellkeeper exchange deploy`, or write"
            " the address of your venue's exchange into the profile"
        )
    return bytes.fromhex(address[2:])


async def open_signer(
    lane: str, key: LaneKey | None, policy: SigningPolicy, session: aiohttp.ClientSession
) -> Signer:
    """Open a lane's signer; raises OperatorError with one sentence for whatever is wrong with it."""
    if key is None:
        raise OperatorError(
            f"expected [keys.{lane}], found none: give the lane a keystore or a remote signer,"
            " or use `bellkeeper run --dry-run`"
        )
    address = None if key.address is None else bytes.fromhex(key.address[2:])
    if key.remote_signer_url is not None and address is not None:
        remote = RemoteSigner(address, policy, url=key.remote_signer_url, session=session)
        await remote.check()
        return remote
    if key.keystore is None or key.password_file is None:
        raise OperatorError(
            f"expected [keys.{lane}] keystore and password_file, found only one of them: set both"
        )
    return LocalSigner.open(key.keystore, key.password_file, policy, expected_address=address)
