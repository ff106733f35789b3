"""Learn a track from laps: its length, line and corners."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from msgspec import Struct

from consumers.corners.closed import Run, hold, joined, minima, runs
from consumers.corners.curvature import curvature, line
from consumers.corners.frames import Frames
from consumers.corners.trace import nodes_m, nodes_of
from consumers.corners.way import Way, way_of
from pitbox.chunks.arrays import Column
from schemas.timing import Lap
from schemas.track import Corner, Track

LAPS: Final = 3
SHORTEST_M: Final = 200.0
AGREE: Final = 0.01
"""The largest difference between the lengths of laps on the same track."""

BENT: Final = 1 / 450
"""The least curvature of a corner in 1/m."""

GAP_M: Final = 25.0
LEAST_TURN: Final = math.radians(12)
RISES_MPS: Final = 2.5
RISES: Final = 0.05
"""Speed rises by so many m/s, or by this share, on both sides of a minimum."""

HELD: Final = 0.01
"""The speed is held where it is at most this share above the lowest."""


class _Driven(Struct, frozen=True):
    way: Way
    frames: Frames
    lap: Lap


class _Profile(Struct, frozen=True):
    """Hold curvature and speed at each node, the median of laps."""

    step_m: float
    bends: Column
    speed: Column


def is_whole(lap: Lap) -> bool:
    """Return whether a lap was driven from line to line and not through the pits."""
    through_pit = lap.pit or lap.in_lap or lap.out_lap
    timed = lap.lap_time_s is not None and lap.started_ns is not None and lap.ended_ns is not None
    return lap.own and lap.complete and timed and not through_pit


def learn(
    track: str, laps: Sequence[tuple[Lap, Frames]], length_m: float | None = None
) -> Track | None:
    """Return a track learned from laps, None while they are fewer than `LAPS` or do not tell.

    `length_m` is the sim's own; without it the median of the laps between both crossings.
    """
    driven = [
        _Driven(way, frames, lap)
        for lap, frames in laps
        if is_whole(lap) and (way := way_of(lap, frames, None)) is not None
    ]
    lengths_m = [one.way.length_m for one in driven]
    if len(driven) < LAPS:
        return None
    length_m = length_m or float(np.median(lengths_m))
    driven = [one for one in driven if abs(one.way.length_m / length_m - 1) <= AGREE]
    if len(driven) < LAPS or length_m < SHORTEST_M:
        return None
    profile = _profile(driven, length_m)
    if profile is None:
        return None
    last = driven[-1].lap
    return Track(
        session=last.session,
        driver=last.driver,
        at_ns=last.at_ns,
        track=track,
        version=1,
        length_m=length_m,
        corners=_named(profile, _regions(profile)),
        line=_line(driven, length_m),
    )


def _profile(driven: Sequence[_Driven], length_m: float) -> _Profile | None:
    nodes = nodes_of(length_m)
    places_m = nodes_m(nodes, length_m / nodes)
    bends, speeds = [], []
    for one in driven:
        scaled = places_m * (one.way.length_m / length_m)
        found = curvature(one.way, one.frames, scaled, one.way.length_m)
        speed = one.frames.known("speed")
        if found is not None and speed is not None:
            bends.append(found)
            speeds.append(one.way.at(scaled, speed))
    if len(bends) < LAPS:
        return None
    return _Profile(length_m / nodes, np.median(bends, axis=0), np.median(speeds, axis=0))


def _regions(profile: _Profile) -> list[Run]:
    """Return the corners as runs of nodes: bent one way, far enough, one lowest speed each."""
    found: list[Run] = []
    count, gap = len(profile.bends), int(GAP_M / profile.step_m)
    slowest = minima(profile.speed, RISES_MPS, RISES)
    for bent in (profile.bends > BENT, profile.bends < -BENT):
        for region in joined(runs(bent), count, gap):
            if _turns(profile, region):
                found += _split(profile, region, slowest)
    return found


def _turns(profile: _Profile, run: Run) -> bool:
    nodes = np.arange(run[0], run[1] + 1) % len(profile.bends)
    return abs(float(np.sum(profile.bends[nodes])) * profile.step_m) >= LEAST_TURN


def _split(profile: _Profile, region: Run, slowest: Sequence[int]) -> list[Run]:
    """Split a region at the fastest place between each two minima of speed."""
    first, last = region
    count = len(profile.speed)
    inside = sorted(n for m in slowest for n in (m, m + count) if first <= n <= last)
    parts = []
    for before, after in pairwise(inside):
        nodes = np.arange(before, after + 1)
        cut = before + int(profile.speed[nodes % count].argmax())
        if _turns(profile, (first, cut)) and _turns(profile, (cut + 1, last)):
            parts.append((first, cut))
            first = cut + 1
    return [*parts, (first, last)]


def _named(profile: _Profile, regions: Sequence[Run]) -> tuple[Corner, ...]:
    """Return the corners in order of their apexes from the line on."""
    placed = sorted((_apex(profile, region), region) for region in regions)
    count, step_m = len(profile.speed), profile.step_m
    return tuple(
        Corner(
            name=f"T{number}",
            entry_m=round(first % count * step_m, 1),
            apex_m=round(apex * step_m, 1),
            exit_m=round(last % count * step_m, 1),
            left=bool(np.sum(profile.bends[np.arange(first, last + 1) % count]) > 0),
        )
        for number, (apex, (first, last)) in enumerate(placed, 1)
    )


def _apex(profile: _Profile, region: Run) -> float:
    """Return the place of the lowest speed in nodes, the middle of the hold where it is held."""
    count = len(profile.speed)
    nodes = np.arange(region[0], region[1] + 1)
    lowest = int(nodes[int(profile.speed[nodes % count].argmin())])
    first, last = hold(profile.speed, lowest % count, HELD)
    # The hold may begin a lap later than the region, and reach beyond it.
    lap = (lowest - lowest % count) - (count if first > lowest % count else 0)
    first, last = max(first + lap, region[0]), min(last + lap, region[1])
    return (first + last) / 2 % count


def _line(driven: Sequence[_Driven], length_m: float) -> tuple[tuple[float, float], ...]:
    """Return the median position at each node in m, () where laps have none."""
    nodes = nodes_of(length_m)
    places_m = nodes_m(nodes, length_m / nodes)
    places = [
        found
        for one in driven
        if (found := line(one.way, one.frames, places_m * (one.way.length_m / length_m)))
    ]
    if len(places) < LAPS:
        return ()
    middle = np.median(np.array(places), axis=0)
    return tuple((round(float(x), 2), round(float(y), 2)) for x, y in middle.T)
