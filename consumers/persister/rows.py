"""Encode chunks as rows of PostgreSQL's binary COPY.

The block is stored as received. It is decompressed once, to check it and to read the few plain
columns at its last frame. Format: postgresql.org/docs/current/sql-copy.html, "Binary Format".
"""

import struct
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import compress
from math import isfinite
from operator import itemgetter
from typing import Any, Final

from msgspec import Struct

from pitbox.chunks.frames import channel_ids, content, last_row_reader, last_time_ns
from schemas.channels import ids
from schemas.telemetry import Chunk

PLAIN: Final = {
    "lap_number": ids("lap_number"),
    "lap_distance": ids("lap_distance"),
    "position": ids("position"),
    "fuel": ids("fuel_level", "fuel_mass"),
    "speed": ids("speed"),
    "world_x": ids("world_x"),
    "world_y": ids("world_y"),
}
"""Plain columns and their source channels, preferred one first; in the order of a row."""

WHOLE: Final = frozenset({"lap_number", "position"})
COLUMNS: Final = (
    *("session", "driver", "run", "chunk", "first_frame", "frames", "captured_ns", "ended_ns"),
    *("version", "crc", *PLAIN, "channels", "block", "observed"),
)

HEADER: Final = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
TRAILER: Final = struct.pack("!h", -1)
COUNT: Final = struct.pack("!h", len(COLUMNS))
NULL: Final = struct.pack("!i", -1)
INT4: Final = range(-(2**31), 2**31)

_length: Final = struct.Struct("!i").pack
_numbers: Final = struct.Struct("!iiiqiiiqiqihiq").pack


class Plain(Struct, frozen=True, gc=False):
    """Pack the plain columns of a set of channels, and NULL for the others.

    `whole` are the indices of integers among the values.
    """

    whole: tuple[int, ...]
    arrange: Callable[[list[Any]], tuple[Any, ...]]
    pack: Callable[..., bytes]

    def fields(self, values: tuple[float, ...]) -> bytes:
        """Return the columns' fields; raises struct.error for an integer that does not fit."""
        numbers: list[Any] = [*values, 4, -1]
        for place in self.whole:
            numbers[place] = int(values[place])
        return self.pack(*self.arrange(numbers))


class Layout(Struct, frozen=True, gc=False):
    """Describe how to read the plain columns from the last row of a block.

    `width` is channels in a row, `columns` are indices in `PLAIN`, `encoded` is the bitmap's field.
    """

    width: int
    read: Callable[[bytes], tuple[float, ...]]
    columns: tuple[int, ...]
    plain: Plain
    encoded: bytes


def stream(rows: Iterable[bytes]) -> bytes:
    """Return the input of a binary COPY of `COLUMNS`."""
    return b"".join((HEADER, *rows, TRAILER))


def row(chunk: Chunk) -> bytes:
    """Return a chunk as one row; raises as `content`."""
    block, observed, frames = chunk.block, chunk.observed, chunk.frames
    layout = layout_of(chunk.channels)
    raw = content(chunk)
    ended_ns = chunk.captured_ns
    if frames:
        ended_ns = last_time_ns(raw, frames, chunk.captured_ns)
        plain = _plain(layout, layout.read(raw))
    else:
        plain = NULL * len(PLAIN)
    return b"".join(
        (
            _owner(chunk.session, chunk.driver, chunk.run),
            _numbers(
                4,
                chunk.chunk,
                8,
                chunk.first_frame,
                4,
                frames,
                8,
                chunk.captured_ns,
                8,
                ended_ns,
                2,
                chunk.version,
                8,
                chunk.crc,
            ),
            plain,
            layout.encoded,
            _length(len(block)),
            block,
            _field(observed) if observed else NULL,
        )
    )


@lru_cache(maxsize=256)
def layout_of(channels: bytes) -> Layout:
    """Return the layout of a chunk's channel bitmap."""
    given = channel_ids(channels)
    columns, places = [], []
    for column, sources in enumerate(PLAIN.values()):
        source = next((source for source in sources if source in given), None)
        if source is not None:
            columns.append(column)
            places.append(given.index(source))
    return Layout(
        width=len(given),
        read=last_row_reader(len(given), places),
        columns=tuple(columns),
        plain=plain_of(tuple(columns)),
        encoded=_field(channels),
    )


@lru_cache(maxsize=1 << len(PLAIN))
def plain_of(columns: tuple[int, ...]) -> Plain:
    """Return the packer for a chunk that gives only the plain columns `columns`."""
    names = [list(PLAIN)[column] for column in columns]
    length, null = len(columns), len(columns) + 1
    order, pattern = [], "!"
    for name in PLAIN:
        if name in names:
            order += [length, names.index(name)]
            pattern += "ii" if name in WHOLE else "if"
        else:
            order.append(null)
            pattern += "i"
    return Plain(
        whole=tuple(place for place, name in enumerate(names) if name in WHOLE),
        arrange=itemgetter(*order),
        pack=struct.Struct(pattern).pack,
    )


def _plain(layout: Layout, values: tuple[float, ...]) -> bytes:
    """Return the plain columns; a value that is not finite or does not fit is NULL."""
    if isfinite(sum(values)):
        try:
            return layout.plain.fields(values)
        except struct.error:
            pass
    whole = layout.plain.whole
    usable = [
        isfinite(value) and (place not in whole or int(value) in INT4)
        for place, value in enumerate(values)
    ]
    return plain_of(tuple(compress(layout.columns, usable))).fields(tuple(compress(values, usable)))


def _field(content: bytes) -> bytes:
    return _length(len(content)) + content


@lru_cache(maxsize=1024)
def _owner(session: str, driver: str, run: int) -> bytes:
    """Return the first fields of each row of a run."""
    return COUNT + _field(session.encode()) + _field(driver.encode()) + struct.pack("!iq", 8, run)
