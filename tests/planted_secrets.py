"""Secrets that a run was given, and every place that it could have leaked them to."""

import threading
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from eth_account import Account

from drills.dev_keys import ROLES

PAGES: Final = ("", "metrics", "status", "readyz", "healthz", "prices")
SAMPLE_SECONDS: Final = 0.5
_MNEMONIC: Final = "test test test test test test test test test test test junk"
_ACCOUNTS: Final = 10


def private_keys() -> dict[str, bytes]:
    """Give the well-known private keys of the drills' accounts, by name."""
    Account.enable_unaudited_hdwallet_features()
    found = {}
    for number in range(_ACCOUNTS):
        account = Account.from_mnemonic(_MNEMONIC, account_path=f"m/44'/60'/0'/0/{number}")
        found[f"the private key of {account.address}"] = bytes(account.key)
    holders = {str(address) for address in ROLES.model_dump(exclude_none=True).values()}
    assert {f"the private key of {address}".lower() for address in holders} <= {
        name.lower() for name in found
    }
    return found


class Exposed:
    """What outsiders of a process could have read: process lists, pages, streams, files."""

    def __init__(self) -> None:
        self._places: dict[str, bytes] = {}

    def add(self, place: str, content: bytes) -> None:
        """Note what could be read at a place; what is already noted there stays."""
        self._places[place] = self._places.get(place, b"") + content

    def add_files(self, folder: Path, *, apart_from: Iterable[str]) -> None:
        """Note every file below a folder, but those that are secrets by their purpose."""
        spared = set(apart_from)
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix not in spared and path.name not in spared:
                self.add(f"file {path.name}", path.read_bytes())

    @property
    def places(self) -> frozenset[str]:
        """Name the places that were read."""
        return frozenset(self._places)

    def leaks(self, secrets: dict[str, bytes]) -> list[str]:
        """Say which secret stands where, in bytes or in hexadecimal digits of either case."""
        return [
            f"{name} in {place}"
            for place, content in self._places.items()
            for name, secret in secrets.items()
            if secret in content or secret.hex().encode() in content.lower()
        ]


@contextmanager
def watched(pid: int, port: int, exposed: Exposed) -> Iterator[None]:
    """Look at a process's arguments, its children's and their environment, and at its pages, again and again."""
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(SAMPLE_SECONDS):
            for each in _family(pid):
                for what in ("cmdline", "environ"):
                    _note_file(exposed, Path("/proc") / str(each) / what, f"/proc {what}")
            for page in PAGES:
                _note_page(exposed, f"http://127.0.0.1:{port}/{page}", f"page /{page}")

    thread = threading.Thread(target=look, name="watches for secrets")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _family(pid: int) -> Iterator[int]:
    yield pid
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in children:
        yield from _family(int(child))


def _note_file(exposed: Exposed, path: Path, place: str) -> None:
    try:
        exposed.add(place, path.read_bytes())
    except OSError:
        return


def _note_page(exposed: Exposed, url: str, place: str) -> None:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            exposed.add(place, answer.read())
    except OSError:
        return
