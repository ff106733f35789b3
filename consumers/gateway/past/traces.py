"""Turn stored chunks into channels over time: pure.

Each block is decompressed once, and chunks of the same shape are converted together.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pitbox.chunks.arrays import Times, unpack_blocks
from pitbox.chunks.frames import channel_ids

Column = NDArray[np.float32]

NS_PER_MS: Final = 1e6
BATCH: Final = 512
"""Chunks that are unpacked at once, with all channels of the car."""


class Stored(NamedTuple):
    """Hold rows of telemetry_chunk as columns, in the order of the query."""

    run: Sequence[int]
    first_frame: Sequence[int]
    frames: Sequence[int]
    captured_ns: Sequence[int]
    ended_ns: Sequence[int]
    channels: Sequence[bytes]
    block: Sequence[bytes]

    @classmethod
    def of(cls, rows: Sequence[Iterable[Any]]) -> "Stored":
        """Return rows as columns."""
        columns = zip(*rows, strict=True) if rows else ((),) * len(cls._fields)
        return cls(*columns)


class Table(Struct, frozen=True):
    """Hold channels (by id) over times (ns, ascending), and holes as (from, to) in ns."""

    channels: tuple[int, ...]
    times_ns: Times
    columns: tuple[Column, ...]
    holes: tuple[tuple[int, int], ...]

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


def table(stored: Stored, from_ns: int, to_ns: int, wanted: Sequence[int] | None = None) -> Table:
    """Return the frames within `from_ns..to_ns` of chunks that are ordered by run and time.

    `wanted` are channel ids, None for all. A channel that no chunk has is left out. A channel that
    only some chunks have is NaN in the other frames. Raises CorruptChunkError.
    """
    shapes: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for place, shape in enumerate(zip(stored.frames, stored.channels, strict=True)):
        shapes[shape].append(place)
    given = {channel for _, channels in shapes for channel in channel_ids(channels)}
    order = sorted(given) if wanted is None else [c for c in dict.fromkeys(wanted) if c in given]
    if not shapes:
        return Table((), np.empty(0, np.int64), (), ())
    total = sum(stored.frames)
    times = np.empty(total, np.int64)
    values = np.full((len(order), total), np.nan, np.float32)
    filled = 0
    for places in shapes.values():
        for begin in range(0, len(places), BATCH):
            filled += _fill(
                stored, places[begin : begin + BATCH], order, times[filled:], values[:, filled:]
            )
    within = _within(times, from_ns, to_ns)
    return Table(
        channels=tuple(order),
        times_ns=times[within],
        columns=tuple(np.ascontiguousarray(column[within]) for column in values),
        holes=_holes(stored, times[within], from_ns, to_ns),
    )


def _fill(
    stored: Stored, places: Sequence[int], wanted: Sequence[int], times: Times, values: Column
) -> int:
    """Write times (ns) and values of chunks of the same shape; return the number of frames."""
    channels = stored.channels[places[0]]
    found, floats = unpack_blocks(
        [stored.block[place] for place in places],
        [stored.captured_ns[place] for place in places],
        stored.frames[places[0]],
        channels,
    )
    ids = channel_ids(channels)
    times[: len(found)] = found
    for row, channel in enumerate(wanted):
        if channel in ids:
            values[row, : len(found)] = floats[:, ids.index(channel)]
    return len(found)


def _within(times: Times, from_ns: int, to_ns: int) -> NDArray[np.intp]:
    """Return the indices of the times in the range, ascending by time, duplicates removed."""
    order = np.argsort(times, kind="stable")
    ascending = times[order]
    kept = (ascending >= from_ns) & (ascending <= to_ns)
    kept[1:] &= ascending[1:] != ascending[:-1]
    return order[kept]


def _holes(stored: Stored, times: Times, from_ns: int, to_ns: int) -> tuple[tuple[int, int], ...]:
    """Return the holes: a jump in frame numbers, or the change from one run to the next."""
    runs, first, count, captured, ended = (np.array(c, np.int64) for c in stored[:5])
    torn = (runs[1:] != runs[:-1]) | (first[1:] != first[:-1] + count[:-1])
    begins = np.maximum(ended[:-1][torn], from_ns)
    ends = np.minimum(captured[1:][torn], to_ns)
    empty = np.searchsorted(times, begins, "right") >= np.searchsorted(times, ends, "left")
    return tuple(
        (int(begin), int(end))
        for begin, end in zip(begins[empty], ends[empty], strict=True)
        if begin < end
    )
