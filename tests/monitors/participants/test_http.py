"""Every verdict over the real endpoint, and what strangers may not do to it."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from monitors.participants.http import ANSWERS, EndpointLimits, QuoteEndpoint
from monitors.participants.store import StoreError
from risk.participant_quotes import Quote, QuoteVerdict
from risk.units import PriceE8, Seconds
from runtime.errors import OperatorError
from tests.builders import NOW, price
from tests.monitors.participants.rig import (
    OTHER_KEY,
    QUOTE,
    Desk,
    body_of,
    open_desk,
    post,
    serving,
    sign,
)

ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    with open_desk(tmp_path) as opened:
        yield opened


@pytest.fixture
async def endpoint(desk: Desk) -> AsyncIterator[QuoteEndpoint]:
    async with serving(desk) as started:
        yield started


async def told(endpoint: QuoteEndpoint, body: object) -> QuoteVerdict:
    """Post and give the verdict; status and sentence must be those of the table."""
    answer = await post(endpoint.port, body)
    verdict = QuoteVerdict(answer.verdict)
    status, sentence = ANSWERS[verdict]
    assert answer.status == status
    if verdict is not QuoteVerdict.MALFORMED:
        assert answer.detail == sentence
    hangs_up = verdict in {"malformed", "unknown_participant", "bad_signature"}
    assert (answer.headers.get("Connection") == "close") is hangs_up
    return verdict


async def test_an_accepted_quote_stands(endpoint: QuoteEndpoint, desk: Desk) -> None:
    assert await told(endpoint, body_of(QUOTE)) is QuoteVerdict.ACCEPTED
    assert desk.desk.standing_quotes("NVDA") == (QUOTE,)
    assert desk.count("firm", QuoteVerdict.ACCEPTED) == 1


@pytest.mark.parametrize(
    ("quote", "verdict"),
    [
        (replace(QUOTE, participant="nobody"), QuoteVerdict.UNKNOWN_PARTICIPANT),
        (replace(QUOTE, symbol="TSLA"), QuoteVerdict.NOT_ALLOWED_MARKET),
        (replace(QUOTE, issued_at=Seconds(NOW + 3)), QuoteVerdict.FUTURE),
        (replace(QUOTE, expires_at=NOW), QuoteVerdict.EXPIRED),
        (replace(QUOTE, expires_at=Seconds(NOW + 61)), QuoteVerdict.TOO_LONG_LIVED),
        (replace(QUOTE, bid=PriceE8(0)), QuoteVerdict.NOT_POSITIVE),
        (replace(QUOTE, bid=PriceE8(-1), ask=PriceE8(-1)), QuoteVerdict.NOT_POSITIVE),
        (replace(QUOTE, size=0), QuoteVerdict.NOT_POSITIVE),
        (replace(QUOTE, bid=price(179)), QuoteVerdict.CROSSED),
        (replace(QUOTE, bid=price(170)), QuoteVerdict.TOO_WIDE),
        (replace(QUOTE, bid=price(200), ask=price(201)), QuoteVerdict.TOO_FAR),
    ],
)
async def test_a_signed_quote_is_refused_for_what_it_says(
    endpoint: QuoteEndpoint, desk: Desk, quote: Quote, verdict: QuoteVerdict
) -> None:
    assert await told(endpoint, body_of(quote)) is verdict
    assert desk.desk.standing_quotes("NVDA") == ()


async def test_the_same_quote_a_second_time_is_old(endpoint: QuoteEndpoint) -> None:
    body = body_of(QUOTE)
    assert await told(endpoint, body) is QuoteVerdict.ACCEPTED
    assert await told(endpoint, body) is QuoteVerdict.OLD_SEQUENCE


async def test_without_a_reference_nothing_is_believed(endpoint: QuoteEndpoint, desk: Desk) -> None:
    del desk.world.references["NVDA"]
    assert await told(endpoint, body_of(QUOTE)) is QuoteVerdict.NO_REFERENCE


async def test_too_many_quotes_are_told_when_to_come_back(
    endpoint: QuoteEndpoint, desk: Desk
) -> None:
    for number in range(1, 5):
        assert await told(endpoint, body_of(replace(QUOTE, sequence=number))) == "accepted"
    late = body_of(replace(QUOTE, sequence=5))
    answer = await post(endpoint.port, late)
    assert (answer.status, answer.verdict) == (429, "rate_limited")
    assert answer.headers["Retry-After"] == "1"
    desk.world.seconds += 1
    assert await told(endpoint, late) is QuoteVerdict.ACCEPTED


@pytest.mark.parametrize("domain", [{"chain_id": 1}, {"exchange": b"\xee" * 20}])
async def test_a_quote_for_another_venue_is_not_signed_for_this_one(
    endpoint: QuoteEndpoint, domain: dict[str, Any]
) -> None:
    body = body_of(QUOTE, sign(QUOTE, **domain))
    assert await told(endpoint, body) is QuoteVerdict.BAD_SIGNATURE


async def test_another_firms_signature_is_none(endpoint: QuoteEndpoint) -> None:
    assert await told(endpoint, body_of(QUOTE, sign(QUOTE, OTHER_KEY))) == "bad_signature"


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("symbol", "AAPL"),
        ("bid", "178.20000001"),
        ("ask", "178.29999999"),
        ("size", "1"),
        ("sequence", 2),
        ("issued_at", NOW + 1),
        ("expires_at", NOW + 31),
        ("participant", "other"),
    ],
)
async def test_no_member_can_be_changed_under_a_signature(
    endpoint: QuoteEndpoint, desk: Desk, member: str, value: object
) -> None:
    assert await told(endpoint, body_of(QUOTE) | {member: value}) == "bad_signature"
    # And the participant whose name was used has lost nothing.
    assert await told(endpoint, body_of(QUOTE)) is QuoteVerdict.ACCEPTED
    assert desk.desk.scores()["firm"].rejected == 0


async def test_the_mirror_image_of_a_signature_is_refused(endpoint: QuoteEndpoint) -> None:
    signature = sign(QUOTE)
    high = (ORDER - int.from_bytes(signature[32:64])).to_bytes(32)
    mirrored = signature[:32] + high + bytes([55 - signature[64]])
    assert await told(endpoint, body_of(QUOTE, mirrored)) is QuoteVerdict.BAD_SIGNATURE


async def test_garbage_never_reaches_the_signature(endpoint: QuoteEndpoint, desk: Desk) -> None:
    for quote in (
        replace(QUOTE, participant="nobody"),
        replace(QUOTE, symbol="TSLA"),
        replace(QUOTE, expires_at=NOW),
    ):
        await told(endpoint, body_of(quote, b"\x01" * 65))
    await told(endpoint, b"{}")
    assert desk.world.recovered == 0


WRONG = {
    "missing": {"signature": None},
    "number": {"bid": 178.2},
    "integer": {"bid": 178},
    "too fine": {"bid": "178.200000001"},
    "too large": {"size": "10000000001"},
    "huge exponent": {"ask": "1e999"},
    "not a number": {"ask": "NaN"},
    "sequence": {"sequence": -1},
    "sequence beyond 64 bits": {"sequence": 2**64},
    "milliseconds": {"issued_at": NOW * 1_000},
    "time with a fraction": {"expires_at": NOW + 0.5},
    "boolean": {"sequence": True},
    "short signature": {"signature": "0x" + "11" * 64},
    "long signature": {"signature": "0x" + "11" * 66},
    "signature in spaces": {"signature": "0x" + "11 " * 43 + "1"},
    "unknown member": {"currency": "USD"},
    "object": {"symbol": {"NVDA": 1}},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG.keys())
async def test_what_is_not_a_quote_is_told_so_in_one_sentence(
    endpoint: QuoteEndpoint, desk: Desk, change: dict[str, object]
) -> None:
    answer = await post(endpoint.port, body_of(QUOTE) | change)
    assert (answer.status, answer.verdict) == (400, "malformed")
    assert answer.detail.startswith("expected ")
    assert "\n" not in answer.detail
    assert answer.headers["Connection"] == "close"
    assert desk.count("unknown", QuoteVerdict.MALFORMED) == 1


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"\xff\xfe", b'{"bid":', b"[" * 4_000, b'{"symbol":"\\ud800"}']
)
async def test_bytes_that_are_no_object_are_malformed(endpoint: QuoteEndpoint, body: bytes) -> None:
    assert await told(endpoint, body) is QuoteVerdict.MALFORMED


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_that_is_too_large_is_refused(endpoint: QuoteEndpoint, declared: bool) -> None:  # noqa: FBT001 - a case
    async def pieces() -> AsyncIterator[bytes]:
        yield b" " * 4_000
        yield b" " * 97

    data = b" " * 4_097 if declared else pieces()
    url = f"http://127.0.0.1:{endpoint.port}/v1/quotes"
    async with aiohttp.ClientSession() as session, session.post(url, data=data) as response:
        assert response.status == 413
        assert "at most 4096 bytes" in (await response.json())["detail"]


async def test_a_body_at_the_limit_is_read(endpoint: QuoteEndpoint) -> None:
    body = json.dumps(body_of(QUOTE)).encode()
    assert await told(endpoint, body.ljust(4_096)) is QuoteVerdict.ACCEPTED


async def test_other_pages_and_methods_do_not_exist(endpoint: QuoteEndpoint) -> None:
    root = f"http://127.0.0.1:{endpoint.port}"
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{root}/v1/quotes") as response:
            assert response.status == 405
        async with session.post(f"{root}/metrics") as response:
            assert response.status == 404


QUICK = EndpointLimits(read_seconds=0.2)


@pytest.mark.parametrize(
    "begun", [b"", b"POST /v1/quotes HT", b"POST /v1/quotes HTTP/1.1\r\nHost: a\r\nX"]
)
async def test_a_connection_that_never_sends_its_headers_is_closed(
    desk: Desk, begun: bytes
) -> None:
    async with serving(desk, QUICK) as endpoint:
        reader, writer = await asyncio.open_connection("127.0.0.1", endpoint.port)
        writer.write(begun)
        async with asyncio.timeout(20):
            assert await reader.read() == b""
        writer.close()


async def test_a_body_that_never_ends_is_answered_and_closed(desk: Desk) -> None:
    async with serving(desk, QUICK) as endpoint:
        reader, writer = await asyncio.open_connection("127.0.0.1", endpoint.port)
        writer.write(b"POST /v1/quotes HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{")
        async with asyncio.timeout(20):
            answer = await reader.read()
        writer.close()
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"expected the body within 0.2 s" in answer


async def test_bytes_that_are_not_http_leave_no_trace_in_the_log(
    endpoint: QuoteEndpoint, caplog: pytest.LogCaptureFixture
) -> None:
    for garbage in (b"\x16\x03\x01\x02\x00\r\n\r\n", b"POST  HTTP/9 9\r\n\r\n", b"A" * 5_000):
        reader, writer = await asyncio.open_connection("127.0.0.1", endpoint.port)
        writer.write(garbage)
        async with asyncio.timeout(20):
            assert (await reader.read()).startswith(b"HTTP/1.0 400")
        writer.close()
    assert caplog.records == []


async def test_one_host_cannot_take_all_connections(desk: Desk) -> None:
    limits = EndpointLimits(connections_per_host=2)
    async with serving(desk, limits) as endpoint:
        first = await asyncio.open_connection("127.0.0.1", endpoint.port)
        second = await asyncio.open_connection("127.0.0.1", endpoint.port)
        with pytest.raises(aiohttp.ClientError):
            await post(endpoint.port, body_of(QUOTE))
        refused = "bellkeeper_participant_refused_connections_total"
        assert (desk.registry.get_sample_value(refused) or 0) >= 1
        first[1].close()
        assert await first[0].read() == b""
        await _until_admitted(endpoint)
        second[1].close()


async def _until_admitted(endpoint: QuoteEndpoint) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                assert (await post(endpoint.port, body_of(QUOTE))).status == 200
            except aiohttp.ClientError:
                continue
            return


async def test_connections_in_all_are_limited(desk: Desk) -> None:
    async with serving(desk, EndpointLimits(connections=1)) as endpoint:
        _, writer = await asyncio.open_connection("127.0.0.1", endpoint.port)
        with pytest.raises(aiohttp.ClientError):
            await post(endpoint.port, body_of(QUOTE))
        writer.close()
        await _until_admitted(endpoint)


async def test_a_port_in_use_is_told_in_one_sentence(endpoint: QuoteEndpoint, desk: Desk) -> None:
    second = QuoteEndpoint("127.0.0.1", endpoint.port, desk=desk.desk, metrics=desk.metrics)
    with pytest.raises(OperatorError, match="is in use: choose a free one"):
        await second.run(asyncio.Event())


async def test_a_store_that_cannot_be_written_ends_the_worker(desk: Desk) -> None:
    endpoint = QuoteEndpoint("127.0.0.1", 0, desk=desk.desk, metrics=desk.metrics)
    worker = asyncio.create_task(endpoint.run(asyncio.Event()))
    await endpoint.started.wait()
    desk.store._db.execute("PRAGMA query_only = ON")
    answer = await post(endpoint.port, body_of(QUOTE))
    assert (answer.status, answer.verdict) == (503, "unavailable")
    assert desk.desk.standing_quotes("NVDA") == ()
    with pytest.raises(StoreError, match="check the disk"):
        await worker


async def _port_told_by(daemon: asyncio.subprocess.Process) -> int:
    assert daemon.stdout is not None
    async for line in daemon.stdout:
        if line.strip().isdigit():
            return int(line)
    raise AssertionError("the daemon ended without telling its port")


async def test_an_answered_quote_cannot_be_replayed_after_a_kill(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "tests.monitors.participants.rig", str(tmp_path))
    daemon = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    body = body_of(replace(QUOTE, sequence=41))
    refused = body_of(replace(QUOTE, sequence=42, bid=price(100), ask=price(101)))
    try:
        port = await _port_told_by(daemon)
        assert (await post(port, body)).verdict == "accepted"
        assert (await post(port, refused)).verdict == "too_far"
    finally:
        daemon.kill()
        assert await daemon.wait() == -signal.SIGKILL
    with open_desk(tmp_path) as desk:
        # Now the refused one would pass, were it not for its sequence.
        desk.world.references["NVDA"] = price(100)
        assert desk.desk.standing_quotes("NVDA") == (replace(QUOTE, sequence=41),)
        async with serving(desk) as endpoint:
            assert await told(endpoint, body) is QuoteVerdict.OLD_SEQUENCE
            assert await told(endpoint, refused) is QuoteVerdict.OLD_SEQUENCE
        counts = desk.desk.scores()["firm"]
        assert (counts.accepted, counts.rejected) == (1, 1)
