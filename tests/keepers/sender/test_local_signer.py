"""Keystores: what opens, what is refused in one sentence, and that the key stays inside."""

import json
import logging
import pickle
import traceback
from pathlib import Path

import coincurve
import pytest
from eth_keyfile.keyfile import create_keyfile_json

from keepers.sender import LocalSigner
from keepers.sender.transaction import Transaction, sender_of
from runtime.errors import OperatorError
from tests.keepers.sender.rig import ADDRESS, CHAIN_ID, KEY, LOGGER, SELECTOR, signing_policy

PASSWORD = "correct horse"


@pytest.fixture
def keystore(tmp_path: Path) -> Path:
    path = tmp_path / "keystore.json"
    content = create_keyfile_json(KEY, PASSWORD.encode(), kdf="pbkdf2", iterations=2)
    path.write_text(json.dumps(content))
    path.chmod(0o600)
    return path


@pytest.fixture
def password(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text(PASSWORD + "\n")
    path.chmod(0o600)
    return path


def sentence_of(keystore: Path, password: Path, **facts: bytes) -> str:
    with pytest.raises(OperatorError) as failure:
        LocalSigner.open(keystore, password, signing_policy(), **facts)
    told = "".join(traceback.format_exception(failure.value))
    assert KEY.hex() not in told
    assert PASSWORD not in told
    sentence = str(failure.value)
    assert "\n" not in sentence
    return sentence


async def test_a_keystore_opens_and_signs_for_its_address(keystore: Path, password: Path) -> None:
    signer = LocalSigner.open(keystore, password, signing_policy(), expected_address=ADDRESS)
    call = Transaction(
        chain_id=CHAIN_ID, nonce=0, tip=0, max_fee=1, gas=1, to=LOGGER, value=0, data=SELECTOR
    )
    assert sender_of((await signer.sign(call)).raw) == ADDRESS


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_secrets_open_to_others_are_refused(keystore: Path, password: Path, mode: int) -> None:
    password.chmod(mode)
    assert "the password file" in sentence_of(keystore, password)
    password.chmod(0o600)
    keystore.chmod(mode)
    assert f"is open to others (mode {mode:o}): run chmod 600" in sentence_of(keystore, password)


def test_missing_files_are_one_sentence(keystore: Path, password: Path, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    assert "the keystore" in sentence_of(missing, password)
    assert "No such file" in sentence_of(keystore, missing)


def test_a_folder_is_one_sentence(password: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o700)
    assert "cannot be read" in sentence_of(folder, password)


def test_a_wrong_password_is_one_sentence(keystore: Path, password: Path) -> None:
    password.write_text("wrong")
    assert "does not open the keystore" in sentence_of(keystore, password)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("not json", "is not JSON"),
        ("[]", "is not of version 3"),
        ('{"version": 1}', "is not of version 3"),
        ('{"version": 3}', "is incomplete or damaged"),
        ('{"version": 3, "crypto": {"kdf": "scrypt"}}', "is incomplete or damaged"),
        ('{"version": 3, "crypto": {"kdf": "odd"}}', "is incomplete or damaged"),
    ],
)
def test_a_file_that_is_no_keystore_is_one_sentence(
    keystore: Path, password: Path, content: str, words: str
) -> None:
    keystore.write_text(content)
    assert words in sentence_of(keystore, password)


def test_the_key_of_another_address_is_refused(keystore: Path, password: Path) -> None:
    told = sentence_of(keystore, password, expected_address=b"\x01" * 20)
    assert "point the lane at the right keystore" in told


def test_the_key_is_nowhere_to_be_seen(
    keystore: Path, password: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        signer = LocalSigner.open(keystore, password, signing_policy())
        shown = f"{signer!r} {signer} {vars(signer)}"
    assert repr(signer) == "LocalSigner(0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266)"
    for text in (shown, caplog.text):
        assert KEY.hex() not in text
    with pytest.raises(TypeError):
        pickle.dumps(signer)


def test_the_key_object_shows_nothing_either() -> None:
    assert KEY.hex() not in repr(coincurve.PrivateKey(KEY))
