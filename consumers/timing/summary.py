"""Sum up one chunk: the smallest segment.

It runs for every chunk of every car, so only the columns that laps need are read, and frames are
looked at one by one only where something may have changed.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from math import isfinite, isnan
from typing import Any, Final

from msgspec import Struct

from consumers.timing.crossings import Cut, Edge, between
from consumers.timing.reports import left_out_by, observed, opened_by, reports_by
from consumers.timing.segments import (
    MAX_CHANGES,
    MAX_REWINDS,
    Change,
    Changes,
    Fuel,
    Piece,
    Segment,
)
from pitbox.chunks.frames import Frames, unpack
from schemas.channels import ids
from schemas.sim import MAX_LAP_NUMBER, Finished, Rewound
from schemas.telemetry import Chunk

NEEDED: Final = ids(
    "session_time",
    "lap_number",
    "last_lap_time",
    "lap_distance",
    "lap_fraction",
    "sector",
    "lap_valid",
    "fuel_level",
    "fuel_mass",
    "speed",
    "in_pit_lane",
)
SMOOTH_M: Final = 5.0
"""Between frames nearer than this nothing can have happened to the car's place."""

MAX_CUTS: Final = 16
"""The most cuts of a chunk; what follows them is one piece in which the car was moved."""


class Columns(Struct, frozen=True, gc=False):
    """Hold the channels that laps need, one list each, None for an absent one."""

    times_ns: tuple[int, ...]
    clock: list[float]
    number: list[int | None]
    last_lap_time_s: list[float] | None
    distance: list[float]
    fraction: list[float]
    sector: list[float] | None
    valid: list[float] | None
    fuel: list[float] | None
    speed: list[float]
    pit: list[float] | None

    def edge(self, frame: int) -> Edge:
        """Return the place of the car in one frame."""
        return Edge(
            self.times_ns[frame],
            self.clock[frame],
            self.number[frame],
            self.distance[frame],
            self.fraction[frame],
            self.speed[frame],
        )


def summarise(chunk: Chunk) -> Segment:
    """Sum up a chunk; raises CorruptChunkError when it is damaged."""
    frames = unpack(chunk)
    events = observed(chunk.observed)
    pieces: tuple[Piece, ...] = ()
    head = tail = None
    if frames.times_ns:
        columns = _columns(frames)
        pieces = _pieces(chunk.run, columns)
        head, tail = columns.edge(0), columns.edge(-1)
    if not events:
        return Segment(chunk.run, chunk.chunk, chunk.chunk, pieces, head, tail)
    return Segment(
        run=chunk.run,
        first=chunk.chunk,
        last=chunk.chunk,
        pieces=pieces,
        head=head,
        tail=tail,
        opened=opened_by(events),
        finished_ns=max((e.at_ns for e in events if isinstance(e, Finished)), default=None),
        rewinds=tuple(
            (event.at_ns, event.session_time_s)
            for event in events
            if isinstance(event, Rewound) and isfinite(event.session_time_s)
        )[-MAX_REWINDS:],
        reports=reports_by(events),
        left_out=left_out_by(events),
    )


@lru_cache(maxsize=256)
def _offsets(channels: tuple[int, ...]) -> tuple[int | None, ...]:
    present = {channel: offset for offset, channel in enumerate(channels)}
    return tuple(present.get(channel) for channel in NEEDED)


def _columns(frames: Frames) -> Columns:
    width, count = len(frames.channels), len(frames.times_ns)
    values = frames.values
    read: list[Any] = [
        None if offset is None else _finite(values[offset::width].tolist())
        for offset in _offsets(frames.channels)
    ]
    clock, number, last_lap_time_s, distance, fraction, sector, valid, level, mass, speed, pit = (
        read
    )
    absent = [math.nan] * count
    return Columns(
        times_ns=frames.times_ns,
        clock=clock or absent,
        number=[_lap_number(n) for n in number] if number else [None] * count,
        last_lap_time_s=last_lap_time_s,
        distance=distance or absent,
        fraction=fraction or absent,
        sector=sector,
        valid=valid,
        fuel=level or mass,
        speed=speed or absent,
        pit=pit,
    )


def _finite(column: Sequence[float]) -> Sequence[float]:
    """Return a column with NaN in place of infinite values, with which no time can be computed."""
    if math.inf in column or -math.inf in column:
        return [value if isfinite(value) else math.nan for value in column]
    return column


def _lap_number(value: float) -> int | None:
    """Return a lap number, None for NaN and for a number above the limit."""
    return int(value) if abs(value) <= MAX_LAP_NUMBER else None


def _pieces(run: int, columns: Columns) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    start, begun, jumped = 0, None, False
    for frame in _suspicious(columns):
        if len(pieces) == MAX_CUTS:
            jumped = True
            break
        cut, moved = between(columns.edge(frame - 1), columns.edge(frame))
        if cut:
            pieces.append(_piece(run, columns, (start, frame), begun, jumped))
            start, begun, jumped = frame, cut, False
        jumped = jumped or moved
    pieces.append(_piece(run, columns, (start, len(columns.times_ns)), begun, jumped))
    return tuple(pieces)


def _suspicious(columns: Columns) -> list[int]:
    """Return the frames before which a lap may have ended or the car been moved."""
    clock, number = columns.clock, columns.number
    distance, fraction = columns.distance, columns.fraction
    return [
        frame
        for frame in range(1, len(number))
        if number[frame] != number[frame - 1]
        or clock[frame] < clock[frame - 1]
        or fraction[frame] < fraction[frame - 1]
        or distance[frame] < distance[frame - 1]
        or distance[frame] - distance[frame - 1] >= SMOOTH_M
        or distance[frame - 1] < 0 <= distance[frame]
    ]


def _piece(
    run: int, columns: Columns, span: tuple[int, int], cut: Cut | None, jumped: bool
) -> Piece:
    start, stop = span
    return Piece(
        run=run,
        number=columns.number[start],
        cut=cut,
        frames=stop - start,
        first_ns=columns.times_ns[start],
        first_clock_s=columns.clock[start],
        last_ns=columns.times_ns[stop - 1],
        last_clock_s=columns.clock[stop - 1],
        first_m=columns.distance[start],
        last_m=columns.distance[stop - 1],
        jumped=jumped,
        valid=_changes(columns, columns.valid, start, stop),
        pit=_changes(columns, columns.pit, start, stop),
        sector=_changes(columns, columns.sector, start, stop),
        last_lap_time_s=_changes(columns, columns.last_lap_time_s, start, stop),
        fuel=_fuel(columns.fuel, start, stop),
    )


def _changes(columns: Columns, values: list[float] | None, start: int, stop: int) -> Changes:
    if values is None:
        return ()
    changes: list[Change] = []
    last = math.nan
    for frame in range(start, stop):
        value = values[frame]
        if value != last and not isnan(value):
            changes.append((columns.times_ns[frame], columns.clock[frame], value))
            last = value
            if len(changes) == MAX_CHANGES:
                break
    return tuple(changes)


def _fuel(values: list[float] | None, start: int, stop: int) -> Fuel | None:
    known = [value for value in values[start:stop] if isfinite(value)] if values else []
    if not known:
        return None
    low = high = known[0]
    rise = -math.inf
    for value in known[1:]:
        rise = max(rise, value - low)
        low, high = min(low, value), max(high, value)
    return Fuel(known[0], known[-1], low, high, rise)
