"""Deploy the exchange of a drill, as an operator would: from config/, with a key of its own.

The same code as `bellkeeper exchange deploy`, on eight of the shipped markets. The profile that it
writes is what the keeper is started with.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from config.markets import ExchangePlan, load_exchange
from config.settings import Keys
from drills.anvil import Node
from drills.chain import DrillChain
from drills.dev_keys import (
    BREAKER,
    CORPORATE,
    GUARDIAN,
    HOUSEKEEPER,
    KEEPER,
    OWNER,
    PRICER,
    ROLES,
    write_keystore,
)
from drills.price_settings import LEAP_SECONDS
from keepers.deployment import DeploymentRequest, deploy_exchange
from keepers.sender.local_signer import LocalSigner
from keepers.sender.signer import Signer
from keepers.sender.signing_policy import SigningPolicy
from risk.units import AccountId, PriceE8

SYMBOLS: Final = ("AAPL", "NVDA", "TSLA", "COIN", "SPY", "QQQ", "IBIT", "GLD")
MAX_FEE_WEI: Final = 100_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillExchange:
    """What stands on the chain."""

    profile: Path
    """The TOML that `bellkeeper run --config` takes."""
    plan: ExchangePlan
    backstop: AccountId
    deployed_at_block: int

    @property
    def starts(self) -> dict[str, PriceE8]:
        """Give the price at which each market starts."""
        return {market.symbol: PriceE8(market.reference_price_e8) for market in self.plan.markets}


async def deploy(
    chain: DrillChain,
    node: Node,
    folder: Path,
    *,
    report: Callable[[str], None],
    symbols: Sequence[str] = SYMBOLS,
) -> DrillExchange:
    """Deploy token and exchange, list the markets, give out the roles, write the profile."""
    plan = _patient(load_exchange(symbols=symbols))
    owner = write_keystore(folder, "owner", OWNER)
    profile = folder / "exchange.toml"
    profile.unlink(missing_ok=True)

    def open_owner(policy: SigningPolicy) -> Signer:
        assert owner.keystore is not None
        assert owner.password_file is not None
        return LocalSigner.open(owner.keystore, owner.password_file, policy)

    stands = await deploy_exchange(
        DeploymentRequest(
            plan=plan,
            out=profile,
            http_url=node.http_url,
            ws_url=node.ws_url,
            roles=ROLES,
            keys=Keys(
                urgent=write_keystore(folder, "urgent", KEEPER),
                housekeeping=write_keystore(folder, "housekeeping", HOUSEKEEPER),
                pricer=write_keystore(folder, "pricer", PRICER),
                breaker=write_keystore(folder, "breaker", BREAKER),
                guardian=write_keystore(folder, "guardian", GUARDIAN),
                corporate=write_keystore(folder, "corporate", CORPORATE),
            ),
            max_fee_per_gas_wei=MAX_FEE_WEI,
        ),
        chain=chain.rpc,
        open_signer=open_owner,
        report=report,
    )
    chain.stand_at(stands.exchange, stands.token)
    backstop = await chain.view(stands.exchange, chain.exchange.call("backstop_account"))
    return DrillExchange(
        profile=profile,
        plan=plan,
        backstop=AccountId(int.from_bytes(backstop, "big")),
        deployed_at_block=stands.deployed_at_block,
    )


def _patient(plan: ExchangePlan) -> ExchangePlan:
    """Let prices live longer than shipped: the drill's clock may leap by minutes in one block."""
    rules = {"expiry_seconds": LEAP_SECONDS}
    markets = tuple(
        market.model_copy(update={"price": market.price.model_copy(update=rules)})
        for market in plan.markets
    )
    return replace(plan, markets=markets)
