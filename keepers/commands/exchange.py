"""`bellkeeper exchange deploy`: our exchange, its markets and roles, and a profile that runs."""

import argparse
import asyncio
import sys
from pathlib import Path
from random import SystemRandom

from config.loader import load_roles
from config.markets import load_exchange
from config.settings import Keys, LaneKey, Roles
from keepers.commands.reporting import add_json_argument, write_report
from keepers.deployment import DeploymentReport, DeploymentRequest, deploy_exchange
from keepers.sender import LocalSigner
from runtime.clock import SystemClock
from runtime.errors import OperatorError
from runtime.rpc.endpoint import Endpoint
from runtime.rpc.pool import RpcPool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", required=True)
    deploy = actions.add_parser("deploy", help="create, or go on creating, an exchange")
    add_json_argument(deploy)
    deploy.add_argument("--rpc", required=True, metavar="URL", help="HTTP address of a node")
    deploy.add_argument(
        "--ws", metavar="URL", help="its WebSocket address (default: the same host)"
    )
    deploy.add_argument(
        "--keystore", required=True, type=Path, metavar="FILE", help="the deployer's key (v3)"
    )
    deploy.add_argument(
        "--password-file",
        type=Path,
        metavar="FILE",
        help="its password (default: KEYSTORE.password)",
    )
    deploy.add_argument(
        "--out",
        required=True,
        type=Path,
        metavar="FILE",
        help="the profile to write, or go on from",
    )
    deploy.add_argument("--roles", type=Path, metavar="FILE", help="who holds which role (TOML)")
    deploy.add_argument(
        "--token", metavar="ADDRESS", help="the quote token (default: a test token)"
    )
    deploy.add_argument(
        "--markets", nargs="+", metavar="SYMBOL", help="which of config/markets (default: all)"
    )
    deploy.add_argument(
        "--keeper-keystore",
        type=Path,
        metavar="FILE",
        help="the urgent lane's key, for the profile",
    )
    deploy.add_argument(
        "--keeper-password-file", type=Path, metavar="FILE", help="its password file"
    )


def run(arguments: argparse.Namespace) -> int:
    """Deploy and say what stands now."""
    report = asyncio.run(_deploy(arguments))
    write_report(
        arguments,
        {
            "chain_id": report.chain_id,
            "exchange": report.exchange,
            "token": report.token,
            "owner": report.owner,
            "proposed_owner": report.proposed_owner,
            "deployed_at_block": report.deployed_at_block,
            "transactions_sent": report.transactions_sent,
            "profile": str(arguments.out),
        },
        [
            f"exchange {report.exchange} on chain {report.chain_id}, owner {report.owner}",
            f"{report.transactions_sent} transactions sent; the profile is {arguments.out}",
            f"next: bellkeeper check --config {arguments.out}",
        ],
    )
    return 0


async def _deploy(arguments: argparse.Namespace) -> DeploymentReport:
    password_file = arguments.password_file or Path(f"{arguments.keystore}.password")
    request = DeploymentRequest(
        plan=load_exchange(symbols=arguments.markets),
        out=arguments.out,
        http_url=arguments.rpc,
        ws_url=arguments.ws or _websocket_of(arguments.rpc),
        token=_address(arguments.token),
        roles=load_roles(arguments.roles) if arguments.roles else Roles(),
        keys=_keys(arguments),
    )
    endpoint = Endpoint(name="rpc", http_url=arguments.rpc)
    async with RpcPool([endpoint], random=SystemRandom(), clock=SystemClock()) as pool:
        return await deploy_exchange(
            request,
            chain=pool,
            open_signer=lambda policy: LocalSigner.open(arguments.keystore, password_file, policy),
            report=lambda line: print(line, file=sys.stderr),
        )


def _keys(arguments: argparse.Namespace) -> Keys:
    keystore = arguments.keeper_keystore
    if keystore is None:
        return Keys()
    password_file = arguments.keeper_password_file or Path(f"{keystore}.password")
    return Keys(urgent=LaneKey(keystore=keystore.resolve(), password_file=password_file.resolve()))


def _websocket_of(url: str) -> str:
    return url.replace("http", "ws", 1)


def _address(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        address = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        address = b""
    if len(address) != 20:
        raise OperatorError(f"expected --token as an address of 20 bytes, found {text!r}: mend it")
    return address
