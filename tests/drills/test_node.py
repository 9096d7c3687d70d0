"""The node of the drills, its folder and its keys."""

import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from drills.anvil import find_anvil, running_node
from drills.block_notes import BlockNotes
from drills.chain import DrillChain, DrillFault
from drills.dev_keys import BANK, HOUSEKEEPER, KEEPER, OWNER, write_keystore
from drills.folder import own_folder
from keepers.sender.local_signer import LocalSigner
from keepers.sender.signing_policy import SigningPolicy
from runtime.errors import OperatorError


def is_listening(url: str) -> bool:
    where = urlsplit(url)
    with socket.socket() as probe:
        return probe.connect_ex((where.hostname or "", where.port or 0)) == 0


def test_an_anvil_that_is_not_there_is_said_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BELLKEEPER_ANVIL", str(tmp_path / "nothing"))
    with pytest.raises(OperatorError, match="BELLKEEPER_ANVIL"):
        find_anvil()
    monkeypatch.delenv("BELLKEEPER_ANVIL")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OperatorError, match="make tools"):
        find_anvil(tmp_path)


def test_the_node_and_its_processes_are_gone_after_a_failure(tmp_path: Path) -> None:
    urls: list[str] = []

    def fail_in_the_middle() -> None:
        with running_node(tmp_path) as node:
            urls.append(node.http_url)
            assert is_listening(node.http_url)
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        fail_in_the_middle()
    assert not is_listening(urls[0])


async def test_blocks_come_every_few_milliseconds_and_are_noted(tmp_path: Path) -> None:
    with running_node(tmp_path) as node:
        chain = DrillChain(node.http_url)
        try:
            notes = BlockNotes(node.block_notes)
            first = notes.read_new()[0].number
            while (number := await chain.block_number()) < first + 20:
                pass
            noted = notes.read_new()
        finally:
            await chain.close()
    assert [note.number for note in noted] == list(
        range(noted[0].number, noted[0].number + len(noted))
    )
    assert abs(noted[-1].number - number) <= 1


async def test_a_refused_transaction_of_an_actor_is_the_drills_fault_with_the_reason(
    tmp_path: Path,
) -> None:
    with running_node(tmp_path) as node:
        chain = DrillChain(node.http_url)
        try:
            # Code that always reverts, put at an address by the node.
            await chain.rpc.call("anvil_setCode", ["0x" + "77" * 20, "0x5f5ffd"])
            sent = await chain.send(BANK, "0x" + "77" * 20, b"", gas=100_000)
            with pytest.raises(DrillFault, match=sent):
                await chain.receipts([sent])
        finally:
            await chain.close()


@pytest.mark.parametrize("address", [OWNER, KEEPER, HOUSEKEEPER])
def test_every_written_keystore_opens_and_is_its_owners_alone(tmp_path: Path, address: str) -> None:
    key = write_keystore(tmp_path, "lane", address)
    assert key.keystore is not None
    assert key.password_file is not None
    policy = SigningPolicy(chain_id=31337, allowed=frozenset(), max_fee=1, max_gas=1)
    signer = LocalSigner.open(key.keystore, key.password_file, policy)
    assert signer.address == bytes.fromhex(address[2:])
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_two_drills_do_not_share_a_folder(tmp_path: Path) -> None:
    with (
        own_folder(tmp_path / "drill"),
        pytest.raises(OperatorError, match="another drill"),
        own_folder(tmp_path / "drill"),
    ):
        pass
    with own_folder(tmp_path / "drill"):
        pass
