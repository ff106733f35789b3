"""Turn stored chunks and sealed blocks into channels over time: pure.

Each block is decompressed once, and rows of the same shape are converted together.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pitbox.chunks.arrays import Times, Values, unpack_blocks
from pitbox.chunks.errors import CorruptChunkError
from pitbox.chunks.frames import channel_ids
from pitbox.chunks.owner import Owner
from pitbox.chunks.sealing import columns, unlock

Column = NDArray[np.float32]
Indices = slice | NDArray[np.intp]

NS_PER_MS: Final = 1e6
BATCH_BYTES: Final = 600_000
"""What is unpacked at once, with all channels of the car; more would leave the cache."""

NEVER: Final = np.iinfo(np.int64).min
"""The time of a frame that could not be read."""


class Row(NamedTuple):
    """Hold a row of the view `telemetry_part`: a chunk, or a sealed block of several."""

    run: int
    first_frame: int
    frames: int
    captured_ns: int
    ended_ns: int
    channels: bytes
    block: bytes
    chunk: int
    last_chunk: int
    sealed: bool


class Shape(NamedTuple):
    """Hold what rows have in common that are converted together; `chunks` is 0 unless sealed."""

    frames: int
    chunks: int
    channels: bytes


class Into(Struct, frozen=True):
    """Hold arrays to fill; `begins` is the index of the first frame of each row."""

    begins: Times
    channels: Sequence[int]
    times: Times
    values: Values


class Table(Struct, frozen=True):
    """Hold channels (by id) over times (ns, ascending), and holes as (from, to) in ns.

    `damaged` counts the rows that could not be read.
    """

    channels: tuple[int, ...]
    times_ns: Times
    columns: tuple[Column, ...]
    holes: tuple[tuple[int, int], ...]
    damaged: int = 0

    @property
    def bytes(self) -> int:
        """Return the memory of times and columns."""
        return self.times_ns.nbytes + sum(column.nbytes for column in self.columns)

    @property
    def times_ms(self) -> NDArray[np.float64]:
        """Return the times in ms since 1970."""
        return self.times_ns / NS_PER_MS

    @property
    def holes_ms(self) -> tuple[tuple[float, float], ...]:
        """Return the holes in ms since 1970."""
        return tuple((first / NS_PER_MS, last / NS_PER_MS) for first, last in self.holes)


def table(
    rows: Sequence[Row], owner: Owner, from_ns: int, to_ns: int, wanted: Sequence[int] | None = None
) -> Table:
    """Return the frames within `from_ns..to_ns` of rows that are ordered by run and time.

    `wanted` are channel ids, None for all. A channel that no row has is left out. A channel that
    only some rows have is NaN in the other frames. A row that is damaged is a hole.
    """
    shapes: dict[Shape, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        shapes[_shape(row)].append(place)
    given = {channel for shape in shapes for channel in channel_ids(shape.channels)}
    order = sorted(given) if wanted is None else [c for c in dict.fromkeys(wanted) if c in given]
    if not shapes:
        return Table((), np.empty(0, np.int64), (), ())
    frames = np.array([row.frames for row in rows])
    ends = np.cumsum(frames)
    into = Into(
        begins=ends - frames,
        channels=order,
        times=np.full(ends[-1], NEVER),
        values=np.full((len(order), ends[-1]), np.nan, np.float32),
    )
    damaged: set[int] = set()
    for shape, places in shapes.items():
        for batch in _batches(shape, places):
            damaged |= _fill(rows, owner, batch, into)
    within = _within(into.times, from_ns, to_ns)
    times = into.times[within].copy()
    return Table(
        channels=tuple(order),
        times_ns=times,
        columns=tuple(column[within].copy() for column in into.values),
        holes=_holes(_without(rows, damaged), times, from_ns, to_ns),
        damaged=len(damaged),
    )


def _shape(row: Row) -> Shape:
    return Shape(row.frames, row.sealed * (row.last_chunk - row.chunk + 1), row.channels)


def _batches(shape: Shape, places: Sequence[int]) -> Iterator[Sequence[int]]:
    words = shape.frames * (1 + len(channel_ids(shape.channels)))
    size = max(1, BATCH_BYTES // (4 * words))
    for begin in range(0, len(places), size):
        yield places[begin : begin + size]


def _fill(rows: Sequence[Row], owner: Owner, places: Sequence[int], into: Into) -> set[int]:
    """Write times and values of rows of the same shape; return the places of damaged ones."""
    some = [rows[place] for place in places]
    frames, chunks, channels = _shape(some[0])
    ids = channel_ids(channels)
    given = [channel for channel in into.channels if channel in ids]
    try:
        times, values = _sealed(some, owner, given) if chunks else _unsealed(some, given)
    except CorruptChunkError:
        if len(places) == 1:
            return {*places}
        return set[int]().union(*(_fill(rows, owner, [place], into) for place in places))
    begins = into.begins[np.array(places)]
    where: Indices = (begins[:, None] + np.arange(frames)).ravel()
    if (np.diff(begins) == frames).all():
        where = slice(begins[0], begins[0] + len(times))
    into.times[where] = times
    if len(given) == len(into.channels):
        into.values[:, where] = values
    else:
        for channel, column in zip(given, values, strict=True):
            into.values[into.channels.index(channel), where] = column
    return set()


def _unsealed(rows: Sequence[Row], wanted: Sequence[int]) -> tuple[Times, Values]:
    """Return times and channels of chunks; raises CorruptChunkError."""
    frames, channels = rows[0].frames, rows[0].channels
    times, values = unpack_blocks(
        [row.block for row in rows], [row.captured_ns for row in rows], frames, channels
    )
    ids = channel_ids(channels)
    return times, values[:, [ids.index(channel) for channel in wanted]].T


def _sealed(rows: Sequence[Row], owner: Owner, wanted: Sequence[int]) -> tuple[Times, Values]:
    """Return times and channels of sealed blocks; raises CorruptChunkError."""
    opened = [unlock((*owner, row.run, row.chunk), row.block) for row in rows]
    shape = _shape(rows[0])
    for row, one in zip(rows, opened, strict=True):
        if one.shape != shape or one.block.first_frame != row.first_frame:
            raise CorruptChunkError("the block does not match its row")
    return columns(opened, wanted)


def _within(times: Times, from_ns: int, to_ns: int) -> Indices:
    """Return the indices of the times in the range, ascending by time, duplicates removed."""
    if (times[1:] > times[:-1]).all():
        begin, end = np.searchsorted(times, from_ns), np.searchsorted(times, to_ns, "right")
        return slice(int(begin), int(end))
    order = np.argsort(times, kind="stable")
    ascending = times[order]
    kept = (ascending >= from_ns) & (ascending <= to_ns)
    kept[1:] &= ascending[1:] != ascending[:-1]
    return order[kept]


def _without(rows: Sequence[Row], damaged: Collection[int]) -> list[Row]:
    """Return the rows that are not damaged; an empty one stands for a damaged one at either end."""
    kept = [row for place, row in enumerate(rows) if place not in damaged]
    first, last = rows[0], rows[-1]
    if 0 in damaged:
        kept.insert(0, first._replace(frames=0, ended_ns=first.captured_ns))
    if len(rows) - 1 in damaged:
        after = last.first_frame + last.frames
        kept.append(last._replace(first_frame=after, frames=0, captured_ns=last.ended_ns))
    return kept


def _holes(
    rows: Sequence[Row], times: Times, from_ns: int, to_ns: int
) -> tuple[tuple[int, int], ...]:
    """Return the holes: a jump in frame numbers, or the change from one run to the next."""
    heads = np.array([row[:5] for row in rows], np.int64)
    runs, first, count, captured, ended = heads.T
    torn = (runs[1:] != runs[:-1]) | (first[1:] != first[:-1] + count[:-1])
    begins = np.maximum(ended[:-1][torn], from_ns)
    ends = np.minimum(captured[1:][torn], to_ns)
    empty = np.searchsorted(times, begins, "right") >= np.searchsorted(times, ends, "left")
    return tuple(
        (int(begin), int(end))
        for begin, end in zip(begins[empty], ends[empty], strict=True)
        if begin < end
    )
