"""Find what went wrong with a car on a lap: spins, contacts and stops, from its frames alone."""

import math
from collections.abc import Iterator
from itertools import islice
from typing import Final

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from consumers.corners.closed import gap_m
from consumers.corners.frames import Frames, clock_s
from pitbox.chunks.arrays import Column
from schemas.incidents import Incident, Kind
from schemas.track import Track

MOST: Final = 16
"""The most incidents of a lap."""

SLIDES_MPS: Final = 8.0
"""A car that is slower may reverse."""

SPIN_RAD: Final = math.radians(60)
"""The angle between a car and its course from which on it spins; drifting cars stay below."""

ROTATES_S: Final = 2.0
ROTATES_RAD: Final = math.radians(150)
"""A car that turns as far in so short a time follows no corner."""

HITS_S: Final = 0.15
HITS_MPS: Final = 12.0
"""Loss of speed that no brakes reach: 8 g."""

REGAINS_S: Final = 0.5
JUMP_M: Final = 20.0
"""A car that is further on than its speed explains was moved by the sim."""

STANDS_MPS: Final = 1.0
STANDS_S: Final = 3.0
DRIVES_MPS: Final = 10.0
APART_S: Final = 3.0
"""Signs of one kind that are nearer belong to one incident."""

NEAR_M: Final = 120.0
"""Before a corner and after it, a place so near is at it."""

Spans = Iterator[tuple[int, int]]
"""First and last frame of each."""


def incidents(frames: Frames, track: Track | None) -> tuple[Incident, ...]:
    """Return the incidents of a lap in order of time, at most `MOST`.

    Without speed there are none. Frames in the pit lane count for spins and contacts only.
    """
    speed = frames.known("speed")
    if speed is None or len(speed) < 2:
        return ()
    clock = clock_s(frames)
    found = [
        *_spins(frames, clock, speed),
        *_contacts(frames, clock, speed),
        *_stops(frames, clock, speed),
    ]
    found.sort(key=lambda one: one[0].at_ns)
    return tuple(_placed(one, frame, frames, track) for one, frame in islice(found, MOST))


def _spins(frames: Frames, clock: Column, speed: Column) -> Iterator[tuple[Incident, int]]:
    turned = _slip_rad(frames)
    if turned is not None:
        spinning = (np.abs(turned) > SPIN_RAD) & (speed > SLIDES_MPS)
    else:
        turned = _rotation_rad(frames, clock)
        if turned is None:
            return
        spinning = (np.abs(turned) > ROTATES_RAD) & (speed > STANDS_MPS)
    for first, last in _spans(spinning, clock):
        most = float(np.abs(turned[first : last + 1]).max())
        yield _incident("spin", frames, speed, first, last, turned_rad=most), first


def _slip_rad(frames: Frames) -> Column | None:
    """Return the angle from a car to its course."""
    along, aside = frames.known("velocity_x"), frames.known("velocity_y")
    return None if along is None or aside is None else np.arctan2(aside, along)


def _rotation_rad(frames: Frames, clock: Column) -> Column | None:
    """Return how far a car turned in the last `ROTATES_S`."""
    rate = frames.known("yaw_rate")
    if rate is None:
        return None
    turned = np.concatenate(([0.0], np.cumsum(rate[1:] * np.diff(clock))))
    return turned - turned[np.searchsorted(clock, clock - ROTATES_S)]


def _contacts(frames: Frames, clock: Column, speed: Column) -> Iterator[tuple[Incident, int]]:
    before = np.searchsorted(clock, clock - HITS_S)
    after = np.minimum(np.searchsorted(clock, clock + REGAINS_S), len(clock) - 1)
    seen = clock - clock[before] >= HITS_S / 2
    hit = (speed[before] - speed >= HITS_MPS) & seen
    hit &= speed[before] - speed[after] >= HITS_MPS / 2
    for first, last in _spans(hit & ~_moved(frames, clock, speed, before, after), clock):
        yield _incident("contact", frames, speed, int(before[first]), last), int(before[first])


def _moved(
    frames: Frames,
    clock: Column,
    speed: Column,
    before: NDArray[np.intp],
    after: NDArray[np.intp],
) -> NDArray[np.bool_]:
    """Return whether the sim put a car elsewhere around each frame, as a reset to the pits does."""
    x, y = frames.known("world_x"), frames.known("world_y")
    if x is None or y is None:
        return np.zeros(len(speed), bool)
    steps = np.concatenate(([0.0], np.hypot(np.diff(x), np.diff(y))))
    jumps = steps > np.maximum(speed, np.roll(speed, 1)) * np.diff(clock, prepend=clock[0]) + JUMP_M
    until = np.cumsum(jumps)
    return until[after] > until[before]


def _stops(frames: Frames, clock: Column, speed: Column) -> Iterator[tuple[Incident, int]]:
    stands = (speed < STANDS_MPS) & (np.maximum.accumulate(speed) > DRIVES_MPS)
    pit = frames.columns.get("in_pit_lane")
    if pit is not None:
        stands &= ~(pit > 0.5)
    for first, last in _spans(stands, clock):
        stood_s = float(clock[last] - clock[first])
        if stood_s >= STANDS_S:
            yield _incident("stop", frames, speed, first, last, stood_s=stood_s), first


def _spans(signs: NDArray[np.bool_], clock: Column) -> Spans:
    """Yield the first and last frame of signs that are less than `APART_S` apart."""
    frames = np.flatnonzero(signs)
    if not len(frames):
        return
    breaks = np.flatnonzero(np.diff(clock[frames]) > APART_S)
    firsts = frames[np.concatenate(([0], breaks + 1))]
    lasts = frames[np.concatenate((breaks, [len(frames) - 1]))]
    yield from zip(firsts.tolist(), lasts.tolist(), strict=True)


def _incident(
    kind: Kind,
    frames: Frames,
    speed: Column,
    first: int,
    last: int,
    *,
    turned_rad: float | None = None,
    stood_s: float | None = None,
) -> Incident:
    return Incident(
        kind=kind,
        at_ns=int(frames.times_ns[first]),
        ended_ns=int(frames.times_ns[last]),
        before_mps=float(speed[max(first - 1, 0)]),
        after_mps=float(speed[last]),
        turned_rad=turned_rad,
        stood_s=stood_s,
    )


def _placed(incident: Incident, frame: int, frames: Frames, track: Track | None) -> Incident:
    """Return an incident with its place, as far as that is known."""
    place_m = _place_m(frame, frames, track)
    corner = "" if place_m is None or track is None else _corner_at(place_m, track)
    return replace(incident, distance_m=place_m, corner=corner)


def _place_m(frame: int, frames: Frames, track: Track | None) -> float | None:
    distance, fraction = frames.known("lap_distance"), frames.known("lap_fraction")
    if distance is not None:
        return float(distance[frame])
    if fraction is not None and track is not None:
        return float(fraction[frame]) * track.length_m
    return None


def _corner_at(place_m: float, track: Track) -> str:
    """Return the name of the corner that a place is in, or else nearest to; "" if none is near."""
    gaps = [
        (gap_m(place_m, corner.entry_m, corner.exit_m, track.length_m), corner.name)
        for corner in track.corners
    ]
    nearest = min(gaps, default=(math.inf, ""))
    return nearest[1] if nearest[0] <= NEAR_M else ""
