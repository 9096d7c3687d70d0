"""Deployment on a real node: complete, resumable from any point, and a no-op when run again."""

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import asdict, astuple, replace
from pathlib import Path
from typing import Any

import coincurve
import eth_abi
import pytest
import rlp
from eth_hash.auto import keccak
from eth_keyfile.keyfile import create_keyfile_json

from config.loader import load
from config.markets import ExchangePlan, load_exchange
from config.schema.fields import address_bytes
from config.settings import Keys, LaneKey, Roles
from keepers.deployment import DeploymentReport, DeploymentRequest, deploy_exchange, listing_of
from keepers.sender.local_signer import LocalSigner
from runtime.errors import OperatorError
from runtime.rpc.endpoint import Endpoint
from runtime.rpc.errors import RpcTransient
from runtime.rpc.http import RpcHttp
from tests.anvil import Anvil, JsonRpc, running_anvil
from venues.exchange.abi import ARTIFACT_PATH
from venues.exchange.chain import quantity
from venues.exchange.deploy_plan import OWNER_CALLS, created_address
from venues.exchange.deploy_state import StateReader
from venues.exchange.deploy_values import FoundExchange, WantedExchange, load_artifact
from venues.exchange.readings import Role

KEY = coincurve.PrivateKey(
    bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
)
DEPLOYER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
OTHER_KEY = coincurve.PrivateKey(
    bytes.fromhex("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d")
)
ROLES = Roles.model_validate(
    {role.name.lower(): f"0x{0x1000 + role:040x}" for role in Role if role} | {"owner": DEPLOYER}
)
SMALL = load_exchange(symbols=["AAPL", "NVDA"])


@pytest.fixture(scope="module")
def node() -> Iterator[Anvil]:
    with running_anvil(block_time_seconds=0.01, options=("--mixed-mining",)) as anvil:
        yield anvil


@pytest.fixture
def fresh(node: Anvil) -> Iterator[Anvil]:
    """The node as it was before the test; deployments of one key start from nonce 0."""
    with JsonRpc(node.http_url) as rpc:
        snapshot = rpc.call("evm_snapshot")
        yield node
        rpc.call("evm_revert", snapshot)


@pytest.fixture
async def chain(fresh: Anvil) -> AsyncIterator[RpcHttp]:
    async with RpcHttp(Endpoint(name="node", http_url=fresh.http_url)) as rpc:
        yield rpc


@pytest.fixture
def request_(fresh: Anvil, tmp_path: Path) -> DeploymentRequest:
    return DeploymentRequest(
        plan=SMALL,
        out=tmp_path / "out.toml",
        http_url=fresh.http_url,
        roles=ROLES,
        timeout_seconds=10.0,
    )


async def deploy(
    request: DeploymentRequest, chain: Any, key: coincurve.PrivateKey = KEY
) -> DeploymentReport:
    return await deploy_exchange(
        request,
        chain=chain,
        open_signer=lambda policy: LocalSigner(key, policy),
        report=lambda _line: None,
    )


async def found(chain: RpcHttp, out: Path, plan: ExchangePlan = SMALL) -> FoundExchange:
    wanted = WantedExchange(
        token=None,
        rules=plan.rules,
        markets=tuple(listing_of(market) for market in plan.markets),
        roles={role: bytes.fromhex(getattr(ROLES, role.name.lower())[2:]) for role in Role if role},
    )
    address = load(out, environment={}).settings.exchange.address
    assert address is not None
    reader = StateReader(chain, load_artifact(ARTIFACT_PATH), address_bytes(address))
    return await reader.read(wanted)


async def test_deploys_all_shipped_markets_with_their_rules_limits_and_roles(
    chain: RpcHttp, request_: DeploymentRequest
) -> None:
    plan = load_exchange()
    report = await deploy(replace(request_, plan=plan), chain)
    state = await found(chain, request_.out, plan)
    assert state.rules == plan.rules
    assert [market.symbol for market in state.markets] == [m.symbol for m in plan.markets]
    for market, file in zip(state.markets, plan.markets, strict=True):
        listing = listing_of(file)
        assert tuple((tier.lower_bound, tier.rate) for tier in market.tiers) == listing.tiers
        for name in set(listing.__slots__) - {"symbol", "tiers", "limits"}:
            assert getattr(market, name) == getattr(listing, name), name
        for parameter, limits in listing.limits.items():
            assert state.limits[market.id, parameter] == limits
    assert sorted(state.address_to_role.values()) == [role for role in Role if role]
    assert state.owner.hex() == DEPLOYER[2:].lower()
    assert report.transactions_sent == 2 + 11 + 99 + 7


async def test_deploys_with_an_encrypted_keystore(
    chain: RpcHttp, request_: DeploymentRequest, tmp_path: Path
) -> None:
    keystore, password_file = tmp_path / "key.json", tmp_path / "password"
    encrypted = create_keyfile_json(KEY.secret, b"word", kdf="pbkdf2", iterations=2)
    for path, text in ((keystore, json.dumps(encrypted)), (password_file, "word\n")):
        path.write_text(text)
        path.chmod(0o600)
    report = await deploy_exchange(
        request_,
        chain=chain,
        open_signer=lambda policy: LocalSigner.open(keystore, password_file, policy),
        report=lambda _line: None,
    )
    assert report.owner == DEPLOYER


async def test_the_written_profile_is_what_run_takes(
    chain: RpcHttp, request_: DeploymentRequest
) -> None:
    lane = LaneKey(keystore=Path("/keys/urgent.json"), password_file=Path("/keys/password"))
    report = await deploy(replace(request_, keys=Keys(urgent=lane)), chain)
    settings = load(request_.out, environment={}).settings
    assert settings.network.chain_id == report.chain_id == 31337
    assert settings.network.endpoints[0].http_url == request_.http_url
    assert settings.network.endpoints[0].ws_url == request_.http_url.replace("http", "ws")
    assert settings.exchange.address == report.exchange
    assert settings.exchange.token_address == report.token
    assert settings.roles == ROLES
    assert settings.keys.urgent == lane
    block = await chain.call("eth_getCode", [report.exchange, hex(report.deployed_at_block)])
    before = await chain.call("eth_getCode", [report.exchange, hex(report.deployed_at_block - 1)])
    assert (len(block) > 2, before) == (True, "0x")
    assert request_.out.stat().st_mode & 0o077 == 0


async def test_a_second_run_sends_nothing_and_leaves_the_file_alone(
    chain: RpcHttp, request_: DeploymentRequest
) -> None:
    first = await deploy(request_, chain)
    written = request_.out.stat().st_mtime_ns
    nonce = await chain.call("eth_getTransactionCount", [DEPLOYER, "pending"])
    second = await deploy(request_, chain)
    assert second == replace(first, transactions_sent=0)
    assert request_.out.stat().st_mtime_ns == written
    assert await chain.call("eth_getTransactionCount", [DEPLOYER, "pending"]) == nonce


class _DyingChain:
    """Loses the connection for good after so many transactions were sent."""

    def __init__(self, chain: RpcHttp, lives: int) -> None:
        self._chain = chain
        self._lives = lives

    async def call(self, method: str, params: Sequence[Any] = ()) -> Any:
        if method == "eth_sendRawTransaction":
            if self._lives == 0:
                raise RpcTransient("connection lost")
            self._lives -= 1
        return await self._chain.call(method, params)

    async def batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        return await self._chain.batch(calls)


@pytest.mark.parametrize("lives", [0, 1, 2, 3, 4, 10, 28])
async def test_goes_on_where_it_was_cut_short(
    lives: int, chain: RpcHttp, request_: DeploymentRequest
) -> None:
    short = replace(request_, timeout_seconds=0.3)
    with pytest.raises(OperatorError, match="run again, what is done is not repeated"):
        await deploy(short, _DyingChain(chain, lives))
    await deploy(request_, chain)
    state = await found(chain, request_.out)
    assert [market.symbol for market in state.markets] == ["AAPL", "NVDA"]
    sent = quantity(await chain.call("eth_getTransactionCount", [DEPLOYER, "latest"]))
    assert sent == 2 + 2 + 18 + 7, "nothing was done twice"


async def test_brings_changed_files_on_chain_and_nothing_else(
    chain: RpcHttp, request_: DeploymentRequest
) -> None:
    await deploy(request_, chain)
    aapl = SMALL.markets[0]
    changed = aapl.model_copy(update={"price": aapl.price.model_copy(update={"clamp_ppm": 7_000})})
    plan = ExchangePlan(
        rules=replace(SMALL.rules, cool_down=31), markets=(changed, SMALL.markets[1])
    )
    report = await deploy(replace(request_, plan=plan), chain)
    state = await found(chain, request_.out)
    assert report.transactions_sent == 2
    assert (state.markets[0].clamp, state.rules.cool_down) == (7_000, 31)


async def test_new_markets_go_to_the_end(chain: RpcHttp, request_: DeploymentRequest) -> None:
    await deploy(request_, chain)
    plan = load_exchange(symbols=["AAPL", "NVDA", "GLD"])
    report = await deploy(replace(request_, plan=plan), chain)
    assert report.transactions_sent == 1 + 9


async def test_hands_the_exchange_to_another_owner_at_the_end(
    chain: RpcHttp, request_: DeploymentRequest
) -> None:
    multisig = "0x" + "77" * 20
    roles = ROLES.model_copy(update={"owner": multisig})
    report = await deploy(replace(request_, roles=roles), chain)
    assert (report.owner, report.proposed_owner) == (DEPLOYER, multisig)
    again = await deploy(replace(request_, roles=roles), chain)
    assert again.transactions_sent == 0


async def test_a_fresh_chain_under_an_old_profile_gets_a_new_exchange(
    chain: RpcHttp, request_: DeploymentRequest
) -> None:
    first = await deploy(request_, chain)
    text = request_.out.read_text()
    gone = "0x" + "99" * 20
    request_.out.write_text(text.replace(first.exchange, gone).replace(first.token, gone))
    second = await deploy(request_, chain)
    assert second.exchange not in (first.exchange, gone)
    assert load(request_.out, environment={}).settings.exchange.address == second.exchange


async def refusal(
    request: DeploymentRequest, chain: RpcHttp, key: coincurve.PrivateKey = KEY
) -> str:
    with pytest.raises(OperatorError) as caught:
        await deploy(request, chain, key)
    assert "\n" not in str(caught.value)
    return str(caught.value)


async def test_refuses_a_role_for_the_deployer(chain: RpcHttp, request_: DeploymentRequest) -> None:
    roles = Roles(pricer=DEPLOYER)
    assert "give each duty its own key" in await refusal(replace(request_, roles=roles), chain)
    assert not request_.out.exists()


async def test_refuses_an_address_that_holds_another_role(
    chain: RpcHttp, request_: DeploymentRequest
) -> None:
    await deploy(request_, chain)
    roles = Roles(tuner=ROLES.pricer)
    assert "found it as pricer" in await refusal(replace(request_, roles=roles), chain)


async def test_refuses_markets_in_another_order(
    chain: RpcHttp, request_: DeploymentRequest
) -> None:
    await deploy(request_, chain)
    plan = load_exchange(symbols=["NVDA", "AAPL"])
    told = await refusal(replace(request_, plan=plan), chain)
    assert "expected market 0 to be NVDA, found AAPL" in told


async def test_refuses_to_change_an_exchange_of_another_owner(
    chain: RpcHttp, request_: DeploymentRequest
) -> None:
    await deploy(request_, chain)
    plan = load_exchange(symbols=["AAPL", "NVDA", "GLD"])
    told = await refusal(replace(request_, plan=plan), chain, OTHER_KEY)
    assert f"found {DEPLOYER.lower()}" in told


async def test_refuses_a_bad_websocket_address_before_anything_is_sent(
    chain: RpcHttp, request_: DeploymentRequest
) -> None:
    told = await refusal(replace(request_, ws_url="http://host"), chain)
    assert told.startswith("--ws: ws_url must be a URL like ws://")
    assert await chain.call("eth_getTransactionCount", [DEPLOYER, "pending"]) == "0x0"


async def test_refuses_a_token_without_code(chain: RpcHttp, request_: DeploymentRequest) -> None:
    told = await refusal(replace(request_, token=b"\x01" * 20), chain)
    assert "found no contract there" in told


async def test_refuses_another_token_for_an_exchange_that_stands(
    chain: RpcHttp, request_: DeploymentRequest
) -> None:
    await deploy(request_, chain)
    told = await refusal(replace(request_, token=b"\x01" * 20), chain)
    assert "an exchange keeps its token" in told


async def test_refuses_a_file_that_it_did_not_write(
    chain: RpcHttp, request_: DeploymentRequest
) -> None:
    request_.out.write_text('extends = "devnet"')
    assert "so that yours is kept" in await refusal(request_, chain)
    request_.out.write_text('extends = "mainnet"')
    assert "is of chain 4326, found chain 31337" in await refusal(request_, chain)


async def test_refuses_a_folder_that_is_not_there(
    chain: RpcHttp, request_: DeploymentRequest
) -> None:
    told = await refusal(replace(request_, out=request_.out.parent / "none" / "out.toml"), chain)
    assert "expected to write the profile" in told
    assert await chain.call("eth_getTransactionCount", [DEPLOYER, "latest"]) == "0x0"


async def test_refuses_a_base_fee_above_the_cap(
    chain: RpcHttp, request_: DeploymentRequest
) -> None:
    await chain.call("anvil_setNextBlockBaseFeePerGas", [hex(10**9)])
    await chain.call("anvil_mine", ["0x1"])
    told = await refusal(replace(request_, max_fee_per_gas_wei=1), chain)
    assert "base fee of at most 1 wei" in told


async def test_a_deployer_without_money_gets_one_sentence(
    chain: RpcHttp, request_: DeploymentRequest
) -> None:
    poor = coincurve.PrivateKey(b"\x07" * 32)
    told = await refusal(request_, chain, poor)
    assert 'the chain refused "create the test token"' in told


async def test_a_server_that_is_not_there_gets_one_sentence(request_: DeploymentRequest) -> None:
    async with RpcHttp(Endpoint(name="node", http_url="http://127.0.0.1:1")) as nobody:
        told = await refusal(replace(request_, http_url="http://u:hunter2@127.0.0.1:1"), nobody)
    assert "check the URL" in told
    assert "hunter2" not in told


async def test_the_test_token_is_refused_where_money_may_be_real(
    request_: DeploymentRequest,
) -> None:
    with running_anvil(options=("--chain-id", "4326")) as anvil:
        async with RpcHttp(Endpoint(name="node", http_url=anvil.http_url)) as chain:
            assert "name it with --token" in await refusal(request_, chain)


async def test_waits_for_what_an_earlier_run_left_in_the_pool(
    request_: DeploymentRequest,
) -> None:
    with running_anvil(options=("--no-mining",)) as anvil:
        async with RpcHttp(Endpoint(name="node", http_url=anvil.http_url)) as chain:
            transfer = {"from": DEPLOYER, "to": DEPLOYER, "value": "0x0"}
            await chain.call("eth_sendTransaction", [transfer])
            told = await refusal(replace(request_, timeout_seconds=0.2), chain)
    assert "to be waiting, found 1" in told


def test_the_key_may_sign_nothing_but_the_owners_set_up() -> None:
    assert set(OWNER_CALLS) <= set(load_artifact(ARTIFACT_PATH).abi.functions)
    assert {"withdraw_fees", "publish", "liquidate", "withdraw"}.isdisjoint(OWNER_CALLS)


@pytest.mark.parametrize(
    ("nonce", "address"),
    [
        (0, "0x5FbDB2315678afecb367f032d93F642f64180aa3"),
        (1, "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512"),
        (127, None),
        (128, None),
        (256, None),
        (65_536, None),
    ],
)
def test_the_address_of_a_contract_is_known_before_it_is_created(
    nonce: int, address: str | None
) -> None:
    deployer = bytes.fromhex(DEPLOYER[2:])
    expected = keccak(rlp.encode([deployer, nonce]))[-20:]
    assert created_address(deployer, nonce) == expected
    assert address is None or expected.hex() == address[2:].lower()


def test_constructor_arguments_are_encoded_as_eth_abi_does() -> None:
    artifact = load_artifact(ARTIFACT_PATH)
    code = artifact.creation_code(b"\x01" * 20, b"\x02" * 20, asdict(SMALL.rules))
    kinds = ["address", "address", f"({','.join(['uint256'] * 10)})"]
    arguments = ["0x" + "01" * 20, "0x" + "02" * 20, astuple(SMALL.rules)]
    assert code == artifact.bytecode + eth_abi.encode(kinds, arguments)
