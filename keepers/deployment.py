"""`exchange deploy`: from the files of config/ and a key to an exchange and a profile that runs.

The one place where a deployment's plan (venues) meets a key (keepers.sender). The key works behind
a policy that allows the creations and the owner's calls of this one exchange, nothing else. The
profile is written before each creation and at the end, so a run that was cut short goes on from its
own file.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.loader import load
from config.markets import ExchangePlan
from config.profile_file import Profile, endpoint_for, write_profile
from config.redaction import redact_url
from config.schema.fields import address_bytes, checksum_address
from config.schema.markets import MarketFile, atoms
from config.settings import Endpoint, Exchange, Keys, Roles
from keepers.sender.signer import Signer
from keepers.sender.signing_policy import SigningPolicy
from keepers.sender.transaction import Transaction
from runtime.errors import OperatorError
from runtime.rpc.errors import RpcError
from venues.exchange.abi import ARTIFACT_PATH
from venues.exchange.chain import ChainReader, quantity
from venues.exchange.deploy import TEST_CHAINS, Addresses, Deployment
from venues.exchange.deploy_plan import OWNER_CALLS
from venues.exchange.deploy_send import SendRules, SignedStep
from venues.exchange.deploy_values import (
    TEST_TOKEN_PATH,
    MarketListing,
    Step,
    WantedExchange,
    load_artifact,
)
from venues.exchange.readings import Role
from venues.exchange.slicers import UndecodableError

OpenSigner = Callable[[SigningPolicy], Signer]
"""Opens the deployer's key behind a policy, such as `LocalSigner.open` with its files."""

_MOST_GAS: Final = 1_000_000_000
"""Gas of one transaction: creating the exchange where each byte of code costs 10,000 gas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentRequest:
    """What the operator asks for."""

    plan: ExchangePlan
    out: Path
    """The profile to write; when it exists, the run goes on from it."""
    http_url: str
    ws_url: str | None = None
    token: bytes | None = None
    """The quote token; None deploys a worthless one, on test networks only."""
    roles: Roles = Roles()
    keys: Keys = Keys()
    max_fee_per_gas_wei: int = 10_000_000_000
    priority_fee_per_gas_wei: int = 0
    timeout_seconds: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentReport:
    """What stands now."""

    chain_id: int
    exchange: str
    token: str
    owner: str
    proposed_owner: str | None
    deployed_at_block: int
    transactions_sent: int
    """0 when an earlier run had done everything."""


async def deploy_exchange(
    request: DeploymentRequest,
    *,
    chain: ChainReader,
    open_signer: OpenSigner,
    report: Callable[[str], None],
) -> DeploymentReport:
    """Deploy or go on deploying, write the profile, and say what stands; raises OperatorError."""
    try:
        return await _deploy(request, chain, open_signer, report)
    except (RpcError, UndecodableError) as error:
        raise OperatorError(
            f"expected {redact_url(request.http_url)} to answer as a node with our exchange does, "
            f"found: {error} (check the URL and run again, what is done is not repeated)"
        ) from error


async def _deploy(
    request: DeploymentRequest,
    chain: ChainReader,
    open_signer: OpenSigner,
    report: Callable[[str], None],
) -> DeploymentReport:
    chain_id = quantity(await chain.call("eth_chainId"))
    endpoint = endpoint_for(chain_id, request.http_url, request.ws_url)
    known = _known_addresses(request.out, chain_id)
    if request.token is None and known is None and chain_id not in TEST_CHAINS:
        raise OperatorError(
            f"expected the address of a token for chain {chain_id}, found none: name it with "
            "--token, because the worthless test token is for test networks only"
        )
    signer = _StepSigner(open_signer, chain_id=chain_id, max_fee=request.max_fee_per_gas_wei)

    def write(addresses: Addresses, owner: bytes = signer.address) -> None:
        signer.allow(addresses.exchange)
        if write_profile(request.out, _profile(request, chain_id, endpoint, addresses, owner)):
            report(f"wrote {request.out}: exchange {checksum_address(addresses.exchange)}")

    deployed = await Deployment(
        chain,
        signer,
        _wanted(request, signer.address),
        rules=SendRules(
            max_fee=request.max_fee_per_gas_wei,
            tip=request.priority_fee_per_gas_wei,
            timeout_seconds=request.timeout_seconds,
        ),
        report=report,
        on_address=write,
    ).run(known)
    write(deployed.addresses, deployed.owner)
    return DeploymentReport(
        chain_id=chain_id,
        exchange=checksum_address(deployed.addresses.exchange),
        token=checksum_address(deployed.addresses.token),
        owner=checksum_address(deployed.owner),
        proposed_owner=checksum_address(deployed.proposed_owner)
        if any(deployed.proposed_owner)
        else None,
        deployed_at_block=deployed.addresses.block,
        transactions_sent=deployed.step_count,
    )


class _StepSigner:
    """The deployer's key, opened for its address first and for one exchange's calls later."""

    def __init__(self, open_signer: OpenSigner, *, chain_id: int, max_fee: int) -> None:
        self._open = open_signer
        self._chain_id = chain_id
        self._max_fee = max_fee
        self._signer = open_signer(self._policy(()))
        self._exchange = b""

    @property
    def address(self) -> bytes:
        """The deployer's address."""
        return self._signer.address

    def allow(self, exchange: bytes) -> None:
        """Allow the creations and the owner's calls of the exchange at this address."""
        if exchange == self._exchange:
            return
        artifact = load_artifact(ARTIFACT_PATH)
        codes = (artifact.bytecode, load_artifact(TEST_TOKEN_PATH).bytecode)
        selectors = [artifact.abi.function(name).selector for name in OWNER_CALLS]
        self._signer = self._open(
            self._policy(
                [(b"", code[:4]) for code in codes]
                + [(exchange, selector) for selector in selectors]
            )
        )
        self._exchange = exchange

    async def sign(self, step: Step, *, nonce: int, gas: int, max_fee: int, tip: int) -> SignedStep:
        """Sign a step; the policy refuses what is none of a deployment's."""
        signed = await self._signer.sign(
            Transaction(
                chain_id=self._chain_id,
                nonce=nonce,
                tip=tip,
                max_fee=max_fee,
                gas=gas,
                to=step.to,
                value=0,
                data=step.data,
            )
        )
        return SignedStep(raw=signed.raw, hash=signed.hash)

    def _policy(self, allowed: Iterable[tuple[bytes, bytes]]) -> SigningPolicy:
        return SigningPolicy(
            chain_id=self._chain_id,
            allowed=frozenset(allowed),
            max_fee=self._max_fee,
            max_gas=_MOST_GAS,
        )


def _known_addresses(out: Path, chain_id: int) -> Addresses | None:
    """Read where an earlier run put things, from the profile that it wrote."""
    if not out.exists():
        return None
    settings = load(out, environment={}).settings
    exchange = settings.exchange
    if settings.network.chain_id != chain_id:
        raise OperatorError(
            f"{out} is of chain {settings.network.chain_id}, found chain {chain_id} at the server: "
            "name another --out file or another server"
        )
    if exchange.address is None or exchange.token_address is None:
        raise OperatorError(
            f"{out} exists and names no exchange: name a new --out file, so that yours is kept"
        )
    return Addresses(
        token=address_bytes(exchange.token_address),
        exchange=address_bytes(exchange.address),
        block=exchange.deployed_at_block,
    )


def _wanted(request: DeploymentRequest, deployer: bytes) -> WantedExchange:
    holders = {
        role: address_bytes(holder)
        for role in Role
        if role and (holder := getattr(request.roles, role.name.lower())) is not None
    }
    owner = None if request.roles.owner is None else address_bytes(request.roles.owner)
    return WantedExchange(
        token=request.token,
        rules=request.plan.rules,
        markets=tuple(listing_of(market) for market in request.plan.markets),
        roles=holders,
        next_owner=None if owner == deployer else owner,
    )


def listing_of(market: MarketFile) -> MarketListing:
    """Turn a market's file into the contract's units."""
    return MarketListing(
        symbol=market.symbol,
        initial_margin=market.initial_margin_ppm,
        tiers=tuple(market.tier_pairs),
        clamp=market.price.clamp_ppm,
        min_interval=market.price.min_interval_seconds,
        expiry=market.price.expiry_seconds,
        taker_fee=market.fees.taker_ppm,
        maker_fee=market.fees.maker_ppm,
        open_interest_cap=atoms(market.size.open_interest_cap_usd),
        min_position_notional=atoms(market.size.min_position_usd),
        slice_threshold=atoms(market.liquidation.slice_threshold_usd),
        penalty=market.liquidation.penalty_ppm,
        spread_max=market.liquidation.spread_max_ppm,
        backstop_cap=atoms(market.liquidation.backstop_cap_usd),
        limits={int(parameter): rail for parameter, rail in market.limits.rails.items()},
    )


def _profile(
    request: DeploymentRequest,
    chain_id: int,
    endpoint: Endpoint,
    addresses: Addresses,
    owner: bytes,
) -> Profile:
    return Profile(
        chain_id=chain_id,
        endpoint=endpoint,
        exchange=Exchange(
            address=checksum_address(addresses.exchange),
            token_address=checksum_address(addresses.token),
            deployed_at_block=addresses.block,
        ),
        roles=request.roles.model_copy(update={"owner": checksum_address(owner)}),
        keys=request.keys,
    )
