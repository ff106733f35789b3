"""Query telemetry of a time range, bounded in frames and values per answer."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Final
from weakref import WeakValueDictionary

from msgspec import Struct

from consumers.gateway.access.memory import Hold
from consumers.gateway.past.formats import Format, render
from pitbox.chunks.traces import Row, Table, table
from pitbox.postgres.pool import Pool
from schemas.timing import Lap

MAX_FRAMES: Final = 120_000
MAX_TEXT_VALUES: Final = 2_000_000
MAX_BYTES: Final = 48_000_000
"""The memory that one answer may take while it is made, less than a visitor may have."""
ROW_BYTES: Final = 500
"""What a row takes beside its block."""

PIECES: Final = 4
"""The pieces that are encoded in one turn of the thread."""

# The row before and the row after the range are read too: either may reach into the range, and they
# show whether the range begins or ends in a hole.
RANGE: Final = """
from telemetry_part
where session = $1 and driver = $2 and frames > 0
    and run > coalesce((select through from deleted where session = $1 and driver = $2), -1)
    and captured_ns >= coalesce((
        select max(captured_ns) from telemetry_part
        where session = $1 and driver = $2 and frames > 0 and captured_ns <= $3
    ), $3)
    and captured_ns <= coalesce((
        select min(captured_ns) from telemetry_part
        where session = $1 and driver = $2 and frames > 0 and captured_ns > $4
    ), $4)
"""
COUNT: Final = f"""
select coalesce(sum(frames), 0), coalesce(max(length(channels)), 0),
    coalesce(sum(length(block) + {ROW_BYTES}), 0)
{RANGE}
"""
ROWS: Final = f"select {', '.join(Row._fields)} {RANGE} order by run, captured_ns"


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


class NoMemory(Exception):  # noqa: N818 - a state of the world, not a mistake
    """Report that the visitor or the gateway has no memory left for the answer."""


class TelemetryReader:
    """Read telemetry, and encode it piece by piece in a thread, beside the live messages.

    One answer of each visitor is made at a time. It holds rows and columns while it is made, and
    columns only while it is sent.
    """

    def __init__(self, archive: Pool) -> None:
        """Prepare to read from `archive`."""
        self._archive = archive
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="telemetry")
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def traces(self, form: Format, asked: Question, hold: Hold) -> AsyncIterator[bytes]:
        """Return the pieces of the encoded answer, whose columns `hold` counts until its release.

        Raises TooMuch, NoMemory or PostgresDown.
        """
        turn = self._turns.setdefault(hold.visitor, asyncio.Lock())
        async with turn:
            found = await self._table(form, asked, hold)
        return self._pieces(render(form, asked.session, asked.driver, asked.lap, found))

    def close(self) -> None:
        """Drop the answers that wait for the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _table(self, form: Format, asked: Question, hold: Hold) -> Table:
        where = (asked.session, asked.shown, asked.from_ns, asked.to_ns)
        async with self._archive.connection() as connection:
            frames, width, stored_bytes = await connection.fetchrow(COUNT, *where)
            channels = 8 * width if asked.channels is None else len(asked.channels)
            size = int(stored_bytes) + 2 * frames * (8 + 4 * channels)
            _bound(form, frames, channels, size)
            if not hold.resize(size):
                raise NoMemory
            rows = await connection.fetch(ROWS, *where)

        def work() -> Table:
            owner = asked.session, asked.driver
            stored = [Row(*row) for row in rows]
            return table(stored, owner, asked.from_ns, asked.to_ns, asked.channels)

        found = await asyncio.get_running_loop().run_in_executor(self._thread, work)
        hold.resize(found.bytes)
        return found

    async def _pieces(self, rendered: Iterator[bytes]) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()

        def some() -> list[bytes]:
            return list(islice(rendered, PIECES))

        more = True
        while more:
            pieces = await loop.run_in_executor(self._thread, some)
            more = len(pieces) == PIECES
            for piece in pieces:
                yield piece


def _bound(form: Format, frames: int, channels: int, size: int) -> None:
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
    if size > MAX_BYTES:
        raise TooMuch(
            f"channels: {frames} frames of {channels} channels take {size // 1_000_000} MB, more "
            f"than the {MAX_BYTES // 1_000_000} of one answer; name fewer or a shorter range"
        )
