"""Sum up one chunk: the smallest segment.

It runs for every chunk of every car, so only the columns that laps need are read, and frames are
looked at one by one only where something may have changed.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import isfinite, isnan
from operator import sub
from typing import Final, Protocol

from msgspec import Struct
from msgspec.structs import replace

from consumers.timing.crossings import Cut, Edge, between
from consumers.timing.reports import Event, left_out_by, observed, opened_by, reports_by
from consumers.timing.segments import (
    MAX_CHANGES,
    MAX_REWINDS,
    Change,
    Changes,
    Fuel,
    Piece,
    Segment,
)
from pitbox.chunks.columns import Column, read
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

    run: int
    times_ns: Sequence[int]
    clock: Column
    number: list[int | None]
    last_lap_time_s: Column | None
    distance: Column
    fraction: Column
    sector: Column | None
    valid: Column | None
    fuel: Column | None
    speed: Column
    pit: Column | None

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

    def piece(self, start: int, stop: int, cut: Cut | None, jumped: bool) -> Piece:
        """Sum up the frames from `start` until before `stop`."""
        return Piece(
            run=self.run,
            number=self.number[start],
            cut=cut,
            frames=stop - start,
            first_ns=self.times_ns[start],
            first_clock_s=self.clock[start],
            last_ns=self.times_ns[stop - 1],
            last_clock_s=self.clock[stop - 1],
            first_m=self.distance[start],
            last_m=self.distance[stop - 1],
            jumped=jumped,
            valid=_changes(self, self.valid, start, stop),
            pit=_changes(self, self.pit, start, stop),
            sector=_changes(self, self.sector, start, stop),
            last_lap_time_s=_changes(self, self.last_lap_time_s, start, stop),
            fuel=fuel_of(self.fuel, start, stop),
        )


def summarise(chunk: Chunk) -> Segment:
    """Sum up a chunk; raises CorruptChunkError when it is damaged."""
    return sum_up(chunk, *read(chunk, NEEDED), observed(chunk.observed))


def sum_up(
    chunk: Chunk,
    times_ns: Sequence[int],
    found: Sequence[Column | None],
    events: tuple[Event, ...],
) -> Segment:
    """Sum up a chunk of which times, needed channels and events were read."""
    of_events = segment_of(chunk.run, chunk.chunk, events) if events else None
    if not times_ns:
        return of_events or Segment(chunk.run, chunk.chunk, chunk.chunk)
    columns = _columns(chunk.run, times_ns, found)
    *ended, newest = cut_up(columns, len(times_ns), [(at, 0) for at in _suspicious(columns)])
    head, tail = columns.edge(0), columns.edge(-1)
    if of_events is None:
        return Segment(chunk.run, chunk.chunk, chunk.chunk, tuple(ended), newest, head, tail)
    return replace(of_events, ended=tuple(ended), newest=newest, head=head, tail=tail)


def segment_of(run: int, chunk: int, events: Iterable[Event]) -> Segment:
    """Sum up the events of a chunk."""
    known = tuple(events)
    return Segment(
        run=run,
        first=chunk,
        last=chunk,
        opened=opened_by(known),
        finished_ns=max((e.at_ns for e in known if isinstance(e, Finished)), default=None),
        rewinds=tuple(
            (event.at_ns, event.session_time_s)
            for event in known
            if isinstance(event, Rewound) and isfinite(event.session_time_s)
        )[-MAX_REWINDS:],
        reports=reports_by(known),
        left_out=left_out_by(known),
    )


def _columns(run: int, times_ns: Sequence[int], found: Sequence[Column | None]) -> Columns:
    clock, number, last_lap_time_s, distance, fraction, sector, valid, level, mass, speed, pit = [
        column if column is None or isfinite(sum(column)) else _finite(column) for column in found
    ]
    absent = [math.nan] * len(times_ns)
    return Columns(
        run=run,
        times_ns=times_ns,
        clock=clock or absent,
        number=[_lap_number(n) for n in number] if number else [None] * len(times_ns),
        last_lap_time_s=last_lap_time_s,
        distance=distance or absent,
        fraction=fraction or absent,
        sector=sector,
        valid=valid,
        fuel=level or mass,
        speed=speed or absent,
        pit=pit,
    )


def _finite(column: Column) -> Column:
    """Return a column with NaN in place of infinite values, with which no time can be computed."""
    return [value if isfinite(value) else math.nan for value in column]


def _lap_number(value: float) -> int | None:
    """Return a lap number, None for NaN and for a number above the limit."""
    return int(value) if abs(value) <= MAX_LAP_NUMBER else None


class Frames(Protocol):
    """Consecutive frames of a run, of one chunk or of several."""

    def edge(self, frame: int) -> Edge:
        """Return the place of the car in one frame."""
        ...

    def piece(self, start: int, stop: int, cut: Cut | None, jumped: bool) -> Piece:
        """Sum up the frames from `start` until before `stop`."""
        ...


def cut_up(frames: Frames, count: int, suspicious: Iterable[tuple[int, int]]) -> list[Piece]:
    """Return the pieces of frames, each chunk of which is cut at most `MAX_CUTS` times.

    `suspicious` are the frames before which a lap may have ended or the car been moved, each with
    the first frame of its chunk.
    """
    pieces: list[Piece] = []
    start, begun, jumped = 0, None, False
    chunk, cuts = 0, 0
    for frame, first in suspicious:
        if first != chunk:
            chunk, cuts = first, 0
        if cuts == MAX_CUTS:
            jumped = True
            continue
        cut, moved = between(frames.edge(frame - 1), frames.edge(frame))
        if cut:
            pieces.append(frames.piece(start, frame, begun, jumped))
            start, begun, jumped = frame, cut, False
            cuts += frame != first
        jumped = jumped or moved
    pieces.append(frames.piece(start, count, begun, jumped))
    return pieces


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


def _changes(columns: Columns, values: Column | None, start: int, stop: int) -> Changes:
    if values is None:
        return ()
    last = values[start]
    if last == values[stop - 1] and values[start:stop].count(last) == stop - start:
        return ((columns.times_ns[start], columns.clock[start], last),)
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


def fuel_of(values: Column | None, start: int, stop: int) -> Fuel | None:
    """Sum up the fuel of the frames from `start` until before `stop`; None for NaN alone."""
    known = values[start:stop] if values else ()
    if isnan(sum(known)):
        known = [value for value in known if not isnan(value)]
    if not known:
        return None
    rise = max(map(sub, known[1:], accumulate(known, min)), default=-math.inf)
    return Fuel(known[0], known[-1], min(known), max(known), rise)
