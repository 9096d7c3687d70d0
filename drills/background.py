"""Endless work beside a block of code."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine


@contextlib.asynccontextmanager
async def in_background(*work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run endless work beside the block; if it fails the block ends, with that very error."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(item) for item in work]
            # A block that fails before the tasks ran must not leave them unawaited.
            await asyncio.sleep(0)
            yield
            for task in tasks:
                task.cancel()
    except BaseExceptionGroup as errors:
        # One cause is what a person needs; the others are its consequences.
        raise errors.exceptions[0] from None
