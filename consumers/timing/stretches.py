"""Sum up many consecutive chunks at once, the same as chunk by chunk, with numpy.

A stretch of history costs a quarter of what its chunks cost one by one. Where much happens to a
car, or a chunk is damaged, the caller adds single chunks.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from typing import Any, Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from consumers.timing.crossings import Cut, Edge
from consumers.timing.reports import observed
from consumers.timing.segments import MAX_CHANGES, Changes, Fuel, Piece, Segment, join
from consumers.timing.state import State, add, check_version, contains, fuse
from consumers.timing.summary import NEEDED, SMOOTH_M, cut_up, segment_of
from pitbox.chunks.arrays import Column, Times, columns
from pitbox.chunks.frames import content
from schemas.sim import MAX_LAP_NUMBER
from schemas.telemetry import Chunk

FEW: Final = 8
"""Fewer chunks are cheaper one by one."""

BUSY: Final = 0.25
"""With more suspicious frames per chunk, chunks are added one by one."""


class Stretch(Struct):
    """Hold consecutive chunks of a run that have the same channels, and what they unpack to."""

    chunks: list[Chunk]
    contents: list[bytes]
    events: list[Segment]
    channels: bytes = b""

    def goes_on_with(self, chunk: Chunk) -> bool:
        """Return whether a chunk is the next one."""
        last = self.chunks[-1]
        follows = chunk.chunk == last.chunk + 1 and chunk.run == last.run
        return follows and (not chunk.frames or chunk.channels == (self.channels or chunk.channels))


def extend(state: State, chunks: Iterable[Chunk], *, few: int = FEW, busy: float = BUSY) -> State:
    """Add chunks, of which only `settle` derives facts.

    Those that are damaged, newer than this version, or above the limits of a state are left out.
    Fewer than `few` chunks, and more than `busy` suspicious frames per chunk, are added one by one.
    """
    for stretch in _stretches(chunk for chunk in chunks if not contains(state, chunk)):
        added = _segment(stretch, busy) if len(stretch.chunks) >= few else None
        extended = state if added is None else fuse(state, stretch.chunks[0], added, later=True)
        if extended is state:
            for chunk in stretch.chunks:
                extended = add(extended, chunk, later=True)
        state = extended
    return state


def _stretches(chunks: Iterable[Chunk]) -> Iterator[Stretch]:
    stretch: Stretch | None = None
    for chunk in chunks:
        try:
            check_version(chunk)
            unpacked = content(chunk)
            events = observed(chunk.observed)
        except ValueError:
            continue
        if stretch is None or not stretch.goes_on_with(chunk):
            if stretch is not None:
                yield stretch
            stretch = Stretch([], [], [])
        stretch.chunks.append(chunk)
        stretch.contents.append(unpacked)
        if events:
            stretch.events.append(segment_of(chunk.run, chunk.chunk, events))
        if chunk.frames:
            stretch.channels = chunk.channels
    if stretch is not None:
        yield stretch


def _segment(stretch: Stretch, busy: float) -> Segment | None:
    """Sum up a stretch; None when it has to be added chunk by chunk."""
    first, last = stretch.chunks[0], stretch.chunks[-1]
    of_events = reduce(join, stretch.events, Segment(first.run, first.chunk, last.chunk))
    of_events = replace(of_events, last=last.chunk)
    if not any(stretch.contents):
        return of_events
    frames = _Frames.of(first.run, *columns(stretch.chunks, stretch.contents, NEEDED))
    suspicious = frames.suspicious()
    if len(suspicious) > busy * len(stretch.chunks):
        return None
    ends = np.cumsum([chunk.frames for chunk in stretch.chunks])
    firsts = np.concatenate(([0], ends))[np.searchsorted(ends, suspicious, "right")]
    places = zip(suspicious.tolist(), firsts.tolist(), strict=True)
    *ended, newest = cut_up(frames, len(frames.times_ns), places)
    head, tail = frames.edge(0), frames.edge(-1)
    return replace(of_events, ended=tuple(ended), newest=newest, head=head, tail=tail)


class _Frames(Struct, frozen=True):
    """Hold the channels that laps need over the frames of a stretch; NaN for a missing value."""

    run: int
    times_ns: Times
    clock: Column
    number: Column
    last_lap_time_s: Column | None
    distance: Column
    fraction: Column
    sector: Column | None
    valid: Column | None
    fuel: Column | None
    speed: Column
    pit: Column | None

    @classmethod
    def of(cls, run: int, times_ns: Times, found: Sequence[Column | None]) -> "_Frames":
        finite = [None if c is None else np.where(np.isfinite(c), c, math.nan) for c in found]
        clock, number, last_s, distance, fraction, sector, valid, level, mass, speed, pit = finite
        absent = np.full(len(times_ns), math.nan)
        if number is not None:
            number = np.where(np.abs(number) <= MAX_LAP_NUMBER, np.trunc(number), math.nan)
        return cls(
            run=run,
            times_ns=times_ns,
            clock=_or(clock, absent),
            number=_or(number, absent),
            last_lap_time_s=last_s,
            distance=_or(distance, absent),
            fraction=_or(fraction, absent),
            sector=sector,
            valid=valid,
            fuel=mass if level is None else level,
            speed=_or(speed, absent),
            pit=pit,
        )

    def suspicious(self) -> NDArray[np.intp]:
        """Return the frames before which a lap may have ended or the car been moved."""
        number, distance = self.number, self.distance
        counts = (number[1:] != number[:-1]) & ~(np.isnan(number[1:]) & np.isnan(number[:-1]))
        moves = (distance[1:] < distance[:-1]) | (distance[1:] - distance[:-1] >= SMOOTH_M)
        passes = (distance[:-1] < 0) & (distance[1:] >= 0)
        back = (self.clock[1:] < self.clock[:-1]) | (self.fraction[1:] < self.fraction[:-1])
        return np.flatnonzero(counts | moves | passes | back) + 1

    def edge(self, frame: int) -> Edge:
        """Return the place of the car in one frame."""
        return Edge(
            int(self.times_ns[frame]),
            float(self.clock[frame]),
            self._number(frame),
            float(self.distance[frame]),
            float(self.fraction[frame]),
            float(self.speed[frame]),
        )

    def piece(self, start: int, stop: int, cut: Cut | None, jumped: bool) -> Piece:
        """Sum up the frames from `start` until before `stop`."""
        return Piece(
            run=self.run,
            number=self._number(start),
            cut=cut,
            frames=stop - start,
            first_ns=int(self.times_ns[start]),
            first_clock_s=float(self.clock[start]),
            last_ns=int(self.times_ns[stop - 1]),
            last_clock_s=float(self.clock[stop - 1]),
            first_m=float(self.distance[start]),
            last_m=float(self.distance[stop - 1]),
            jumped=jumped,
            valid=self._changes(self.valid, start, stop),
            pit=self._changes(self.pit, start, stop),
            sector=self._changes(self.sector, start, stop),
            last_lap_time_s=self._changes(self.last_lap_time_s, start, stop),
            fuel=_fuel(self.fuel, start, stop),
        )

    def _number(self, frame: int) -> int | None:
        number = float(self.number[frame])
        return None if math.isnan(number) else int(number)

    def _changes(self, values: Column | None, start: int, stop: int) -> Changes:
        if values is None:
            return ()
        known = start + np.flatnonzero(~np.isnan(values[start:stop]))
        held = values[known]
        changed = np.ones(len(known), bool)
        changed[1:] = held[1:] != held[:-1]
        at = known[changed][:MAX_CHANGES]
        found: list[list[Any]] = [c[at].tolist() for c in (self.times_ns, self.clock, values)]
        return tuple(zip(*found, strict=True))


def _or(column: Column | None, absent: Column) -> Column:
    return absent if column is None else column


def _fuel(values: Column | None, start: int, stop: int) -> Fuel | None:
    if values is None:
        return None
    known = values[start:stop]
    known = known[~np.isnan(known)]
    if not len(known):
        return None
    rises = known[1:] - np.minimum.accumulate(known)[:-1]
    rise = float(rises.max()) if len(rises) else -math.inf
    return Fuel(float(known[0]), float(known[-1]), float(known.min()), float(known.max()), rise)
