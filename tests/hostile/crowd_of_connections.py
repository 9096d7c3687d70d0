"""Connections by the thousand that want nothing, and some that say their headers letter by letter.

    python -m tests.hostile.crowd_of_connections PORT COUNT

In a process of its own, so that its descriptors and its time are not those of whoever is attacked. Prints
a line once it has connected COUNT times, keeps as many open as the other side lets it, opens those that
were closed again, and ends when its input is closed.
"""

import asyncio
import contextlib
import resource
import sys
from typing import Final

AT_ONCE: Final = 100
SLOW_SHARE: Final = 10
"""Every so many-th sends its headers, one letter at a time, and never ends them."""
LETTERS: Final = b"GET /metrics HTTP/1.1\r\nHost: a\r\nX-" + b"a" * 4_000
AGAIN_SECONDS: Final = 0.2
"""Between two connections of one of the crowd."""


async def main(port: int, count: int) -> None:
    """Crowd in until standard input ends."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 200), hard))
    made, gate, all_in = [0], asyncio.Semaphore(AT_ONCE), asyncio.Event()
    members = [
        asyncio.create_task(_member(number, port, gate, made, all_in)) for number in range(count)
    ]
    while made[0] < count:
        await all_in.wait()
        all_in.clear()
    print(f"connected {count} times", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for member in members:
        member.cancel()
    await asyncio.gather(*members, return_exceptions=True)


async def _member(
    number: int, port: int, gate: asyncio.Semaphore, made: list[int], news: asyncio.Event
) -> None:
    is_slow, is_first = number % SLOW_SHARE == 0, True
    while True:
        writer = None
        try:
            async with gate:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            if is_first:
                is_first, made[0] = False, made[0] + 1
                news.set()
            if is_slow:
                await _say_slowly(writer)
            else:
                await reader.read()
        except OSError:
            pass
        finally:
            if writer is not None:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
        await asyncio.sleep(AGAIN_SECONDS)


async def _say_slowly(writer: asyncio.StreamWriter) -> None:
    for letter in LETTERS:
        writer.write(bytes([letter]))
        await writer.drain()
        await asyncio.sleep(AGAIN_SECONDS)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
