"""The TLS port: tokens are told apart and never told, and plain HTTP gets nothing."""

import asyncio
import contextlib
import json
import ssl
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from runtime.admin_listener import CALLS_AT_ONCE, Verdict
from runtime.admin_tls import TlsDoor, check_token, server_context
from runtime.errors import OperatorError
from tests.certificates import write_certificate
from tests.runtime.admin_desk import BODY, serving

TOKEN = "5f" * 32


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def tls(certificate: tuple[Path, Path]) -> TlsDoor:
    return TlsDoor(
        "127.0.0.1",
        0,
        context=server_context(*certificate),
        name_to_token={"alice": TOKEN, "robot": "6e" * 32},
    )


async def ask_tls(
    door: TlsDoor, trusted: Path, token: str | None, method: str = "POST"
) -> tuple[int, Any]:
    context = ssl.create_default_context(cafile=trusted)
    headers = {} if token is None else {"Authorization": token}
    page = "actions" if method == "GET" else "actions/halt"
    url = f"{door.name}/{page}"
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, json=BODY, headers=headers, ssl=context) as answer,
    ):
        return answer.status, await answer.json()


async def test_a_token_is_let_in_under_its_holders_name(
    tls: TlsDoor, certificate: tuple[Path, Path]
) -> None:
    async with serving(tls) as desk:
        assert (await ask_tls(tls, certificate[0], f"Bearer {TOKEN}"))[0] == 200
        listed = await ask_tls(tls, certificate[0], f"Bearer {TOKEN}", "GET")
    assert listed == (200, {"actions": ["halt"]})
    assert desk.service.calls[0].by == "token alice (from 127.0.0.1)"


@pytest.mark.parametrize(
    "presented",
    [None, "", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", TOKEN, f"Basic {TOKEN}"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_wrong_token_is_turned_away_and_not_told(
    tls: TlsDoor,
    certificate: tuple[Path, Path],
    presented: str | None,
    method: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    async with serving(tls) as desk:
        status, answer = await ask_tls(tls, certificate[0], presented, method)
    assert status == 401
    assert desk.service.calls == []
    assert desk.counted(Verdict.NOT_LET_IN) == 1
    said = capfd.readouterr()
    for told in (json.dumps(answer), said.out, said.err, repr(tls)):
        assert TOKEN[:16] not in told


async def test_those_who_guess_do_not_keep_an_operator_waiting(
    tls: TlsDoor, certificate: tuple[Path, Path]
) -> None:
    async with serving(tls):
        for _ in range(CALLS_AT_ONCE + 5):
            assert (await ask_tls(tls, certificate[0], "Bearer no"))[0] == 401
        assert (await ask_tls(tls, certificate[0], f"Bearer {TOKEN}"))[0] == 200


async def test_plain_http_on_the_tls_port_gets_nothing(tls: TlsDoor) -> None:
    async with serving(tls) as desk:
        reader, writer = await asyncio.open_connection("127.0.0.1", tls.port)
        writer.write(
            f"POST /actions/halt HTTP/1.1\r\nHost: k\r\nAuthorization: Bearer {TOKEN}\r\n"
            "Content-Length: 2\r\n\r\n{}".encode()
        )
        with contextlib.suppress(ConnectionResetError):
            assert b"HTTP/1.1" not in await reader.read()
        writer.close()
        assert desk.service.calls == []


async def test_a_port_in_use_is_one_sentence(tls: TlsDoor, certificate: tuple[Path, Path]) -> None:
    async with serving(tls):
        second = TlsDoor(
            "127.0.0.1", tls.port, context=server_context(*certificate), name_to_token={}
        )
        with pytest.raises(OperatorError, match=r"is in use: set \[admin\] listen"):
            async with serving(second):
                pass


def test_a_token_that_could_be_guessed_is_refused_and_not_shown() -> None:
    check_token("alice", TOKEN)
    with pytest.raises(OperatorError, match="32 characters or more, found 7") as error:
        check_token("alice", "hunter2")
    assert "hunter2" not in str(error.value)


def test_files_that_are_no_certificate_are_one_sentence(
    tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    with pytest.raises(OperatorError, match=r"\[admin\] certificate_file, key_file"):
        server_context(tmp_path / "none.pem", certificate[1])
    with pytest.raises(OperatorError, match="no pair in PEM"):
        server_context(certificate[1], certificate[0])
