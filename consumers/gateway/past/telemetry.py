"""Query telemetry of a time range, bounded in frames and values per answer."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from msgspec import Struct

from consumers.gateway.past.formats import Format, render
from consumers.gateway.past.traces import Stored, table
from pitbox.postgres.pool import Pool
from schemas.timing import Lap

MAX_FRAMES: Final = 120_000
MAX_TEXT_VALUES: Final = 2_000_000

# The chunk before and the chunk after the range are read too: either may reach into the range, and
# they show whether the range begins or ends in a hole.
RANGE: Final = """
from telemetry_chunk
where session = $1 and driver = $2 and frames > 0
    and run > coalesce((select through from deleted where session = $1 and driver = $2), -1)
    and captured_ns >= coalesce((
        select max(captured_ns) from telemetry_chunk
        where session = $1 and driver = $2 and frames > 0 and captured_ns <= $3
    ), $3)
    and captured_ns <= coalesce((
        select min(captured_ns) from telemetry_chunk
        where session = $1 and driver = $2 and frames > 0 and captured_ns > $4
    ), $4)
"""
COUNT: Final = f"select coalesce(sum(frames), 0), coalesce(max(length(channels)), 0) {RANGE}"
ROWS: Final = f"select {', '.join(Stored._fields)} {RANGE} order by run, captured_ns"


class TooMuch(ValueError):  # noqa: N818 - a question, not a mistake of ours
    """Report a range above the limits; the message says what to request instead."""


class Question(Struct, frozen=True, kw_only=True):
    """Select channels (ids, None: all) of a driver over a time range, ns by the driver's clock.

    `shown` is the name to query by: the driver's, or None when the driver is hidden from the
    requester.
    """

    session: str
    driver: str
    shown: str | None
    from_ns: int
    to_ns: int
    channels: tuple[int, ...] | None = None
    lap: Lap | None = None


class TelemetryReader:
    """Read telemetry and encode it in a thread, one answer at a time, beside the live messages."""

    def __init__(self, archive: Pool) -> None:
        """Prepare to read from `archive`."""
        self._archive = archive
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="telemetry")

    async def traces(self, form: Format, asked: Question) -> bytes:
        """Return the encoded answer; raises TooMuch, PostgresDown or CorruptChunkError."""
        where = (asked.session, asked.shown, asked.from_ns, asked.to_ns)
        async with self._archive.connection() as connection:
            frames, width = await connection.fetchrow(COUNT, *where)
            _bound(form, frames, 8 * width if asked.channels is None else len(asked.channels))
            rows = await connection.fetch(ROWS, *where)

        def work() -> bytes:
            found = table(Stored.of(rows), asked.from_ns, asked.to_ns, asked.channels)
            return render(form, asked.session, asked.driver, asked.lap, found)

        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        """Drop the answers that wait for the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _bound(form: Format, frames: int, channels: int) -> None:
    if frames > MAX_FRAMES:
        raise TooMuch(
            f"from_ns, to_ns: {frames} frames are more than the {MAX_FRAMES} of one answer; "
            "ask for a shorter range"
        )
    if form != "msgpack" and frames * channels > MAX_TEXT_VALUES:
        raise TooMuch(
            f"channels: {frames} frames of {channels} channels are more than the "
            f"{MAX_TEXT_VALUES} values of one {form} answer; name fewer or take format=msgpack"
        )
