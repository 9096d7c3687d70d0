"""Write the profile of a deployed exchange, such that `bellkeeper run --config` takes it as it is.

The file extends the shipped profile of its chain where there is one. It may hold addresses of
servers with their keys, so only its owner may read it; it is replaced in one move, so that a crash
leaves the old file or the new one.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pydantic import ValidationError

from config.loader import PROFILES_DIRECTORY, load
from config.problems import problem_sentence
from config.settings import Endpoint, Exchange, Keys, LaneKey, Network, Roles
from runtime.errors import OperatorError

_HEADER: Final = """\
# Written by `bellkeeper exchange deploy`, which may write it again: put settings of your own into a
# file that extends this one.
"""
_OWNER_ONLY: Final = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What is written; the rest comes from the shipped profile or the defaults."""

    chain_id: int
    endpoint: Endpoint
    exchange: Exchange
    roles: Roles
    keys: Keys


def endpoint_for(chain_id: int, http_url: str, ws_url: str | None) -> Endpoint:
    """Describe the server a deployment used; a WebSocket is taken to be at the same address."""
    shipped = _shipped_network(chain_id)
    for endpoint in shipped[1].endpoints if shipped else ():
        if endpoint.http_url == http_url and ws_url in (None, endpoint.ws_url):
            return endpoint
    facts: dict[str, object] = {
        "name": "deployment",
        "http_url": http_url,
        "ws_url": ws_url or http_url.replace("http", "ws", 1),
    }
    if shipped is not None and _is_loopback(http_url):
        like = shipped[1].endpoints[0]
        facts["calls_per_second"] = like.calls_per_second
        facts["ws_messages_per_second"] = like.ws_messages_per_second
    try:
        return Endpoint.model_validate(facts)
    except ValidationError as error:
        raise OperatorError(problem_sentence(error, Endpoint, _option_of)) from None


def write_profile(path: Path, profile: Profile) -> bool:
    """Write the file if it says something else; give whether it did."""
    text = render_profile(profile)
    try:
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            return False
        beside = path.with_name(f".{path.name}.new")
        beside.unlink(missing_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT, _OWNER_ONLY), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        why = (error.strerror or repr(error)).lower()
        raise OperatorError(
            f"expected to write the profile {path}, but the system said: {why} "
            "(name a file in a folder that exists and may be written)"
        ) from error
    return True


def render_profile(profile: Profile) -> str:
    """Give the text of the file."""
    shipped = _shipped_network(profile.chain_id)
    lines = [_HEADER]
    if shipped is not None:
        lines += [f"extends = {_quoted(shipped[0])}", ""]
    name = shipped[1].name if shipped else f"chain-{profile.chain_id}"
    lines += ["[network]", f"name = {_quoted(name)}", f"chain_id = {profile.chain_id}"]
    lines += ["endpoints = [", f"    {{ {', '.join(_pairs(profile.endpoint))} }},", "]", ""]
    lines += ["[exchange]", *_pairs(profile.exchange), ""]
    lines += ["[roles]", *_pairs(profile.roles), ""]
    for lane, key in profile.keys:
        if isinstance(key, LaneKey):
            lines += [f"[keys.{lane}]", *_pairs(key), ""]
    return "\n".join(lines)


def _pairs(section: Endpoint | Exchange | Roles | LaneKey) -> Iterator[str]:
    values: Mapping[str, object] = dict(section)
    for key, value in values.items():
        if value is not None:
            yield f"{key} = {_quoted(str(value)) if isinstance(value, str | Path) else value}"


def _quoted(text: str) -> str:
    # JSON's escapes are a part of TOML's.
    return json.dumps(text, ensure_ascii=False)


def _shipped_network(chain_id: int) -> tuple[str, Network] | None:
    """Find the shipped profile of a chain: its name and its network."""
    for path in sorted(PROFILES_DIRECTORY.glob("*.toml")):
        network = load(path, environment={}).settings.network
        if network.chain_id == chain_id:
            return path.stem, network
    return None


def _option_of(key: str) -> str:
    return "--ws" if key == "ws_url" else "--rpc"


def _is_loopback(url: str) -> bool:
    return urlsplit(url).hostname in {"127.0.0.1", "localhost", "::1"}
