"""The way of a lap: how far the car was along the track at each instant, between both crossings.

By the sim's distance, else its lap fraction, else the nearest place of the learned line, else by
the integral of speed.
"""

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from consumers.corners.frames import Frames, clock_s, crossings_s
from consumers.corners.projection import project
from pitbox.chunks.arrays import Column
from schemas.timing import Lap
from schemas.track import Measured, Track

LARGEST_GAP_S: Final = 1.0
"""The longest time without a frame in a lap that is whole."""

FEWEST: Final = 50
"""The fewest frames of a lap."""

LINE_M: Final = 40.0
"""How far from the line the distance may be when the line is crossed."""


class Way(Struct, frozen=True):
    """Hold the frames that went on along the track, from line to line.

    `index` are those frames. `places_m` rise from 0 to `length_m`, `times_s` from 0 to the lap's
    time; both have a knot for each frame and one for each crossing. `length_m` is as measured on
    this lap.
    """

    measured: Measured
    index: NDArray[np.intp]
    places_m: Column
    times_s: Column
    length_m: float

    @property
    def time_s(self) -> float:
        """Return the time from crossing to crossing."""
        return float(self.times_s[-1])

    def at(self, nodes_m: Column, column: Column) -> Column:
        """Return a channel at places along the track."""
        return np.interp(nodes_m, self.places_m[1:-1], column[self.index])


class _Inside(Struct, frozen=True):
    """Hold the frames between both crossings: their indices, times since the first in s, speeds."""

    index: NDArray[np.intp]
    times_s: Column
    time_s: float
    speed: Column | None

    def before_m(self) -> float:
        """Return the way from the first crossing to the first frame."""
        return 0.0 if self.speed is None else float(self.speed[0] * self.times_s[0])

    def after_m(self) -> float:
        """Return the way from the last frame to the second crossing."""
        if self.speed is None:
            return 0.0
        return float(self.speed[-1] * (self.time_s - self.times_s[-1]))

    def driven_m(self) -> Column | None:
        """Return the integral of speed from the first crossing, at each frame and the second."""
        if self.speed is None:
            return None
        means = (self.speed[1:] + self.speed[:-1]) / 2
        steps = np.concatenate(([self.before_m()], means * np.diff(self.times_s)))
        return np.append(np.cumsum(steps), np.sum(steps) + self.after_m())


def way_of(lap: Lap, frames: Frames, track: Track | None) -> Way | None:
    """Return the way of a lap; None when its distance is not known from line to line.

    Without a track there is no projection, and a lap fraction is scaled to the integral of speed.
    """
    inside = _inside(lap, frames)
    if inside is None:
        return None
    length_m = track.length_m if track else None
    return (
        _by_distance(inside, frames, length_m)
        or _by_fraction(inside, frames, length_m)
        or (_by_projection(inside, frames, track) if track else None)
        or _by_speed(inside, length_m)
    )


def _inside(lap: Lap, frames: Frames) -> _Inside | None:
    if lap.started_ns is None or lap.ended_ns is None or len(frames.times_ns) < FEWEST:
        return None
    clock = clock_s(frames)
    start_s, end_s = crossings_s(frames, clock, lap)
    within = (frames.times_ns > lap.started_ns) & (frames.times_ns < lap.ended_ns)
    index = np.flatnonzero(within & (clock > start_s) & (clock < end_s))
    if len(index) < FEWEST:
        return None
    times_s = clock[index] - start_s
    knots = np.concatenate(([0.0], times_s, [end_s - start_s]))
    if np.diff(knots).max() > LARGEST_GAP_S:
        return None
    speed = frames.known("speed")
    inside_speed = None if speed is None else np.maximum(speed[index], 0.0)
    return _Inside(index, times_s, end_s - start_s, inside_speed)


def _by_distance(inside: _Inside, frames: Frames, length_m: float | None) -> Way | None:
    found = _unwrapped(inside, frames, "lap_distance", length_m)
    if found is None:
        return None
    about_m = length_m or float(found.max())
    if abs(found[0] - inside.before_m()) > LINE_M or found[-1] < about_m / 2:
        return None
    return _way("sim", inside, found, float(found.max()) + inside.after_m(), length_m)


def _by_fraction(inside: _Inside, frames: Frames, length_m: float | None) -> Way | None:
    found = _unwrapped(inside, frames, "lap_fraction", 1.0)
    if found is None or found[0] > 0.1 or found[-1] < 0.9:
        return None
    driven_m = inside.driven_m()
    if length_m is None:
        if driven_m is None:
            return None
        length_m = float(driven_m[-1])
    return _way("fraction", inside, found * length_m, length_m, length_m)


def _by_projection(inside: _Inside, frames: Frames, track: Track) -> Way | None:
    x, y = frames.known("world_x"), frames.known("world_y")
    if x is None or y is None or not track.line:
        return None
    index = inside.index
    places_m = project(x[index], y[index], np.array(track.line), track.length_m)
    if places_m is None or places_m[0] > LINE_M or places_m[-1] < track.length_m - LINE_M:
        return None
    return _way("projected", inside, places_m, track.length_m, track.length_m)


def _by_speed(inside: _Inside, length_m: float | None) -> Way | None:
    driven_m = inside.driven_m()
    if driven_m is None or driven_m[-1] <= 0:
        return None
    return _way("speed", inside, driven_m[:-1], float(driven_m[-1]), length_m)


def _unwrapped(inside: _Inside, frames: Frames, name: str, length: float | None) -> Column | None:
    """Return a distance that may still be the last lap's at first, or the next one's at the end."""
    column = frames.known(name)
    if column is None:
        return None
    found = column[inside.index].copy()
    length = length or float(found.max())
    edge = max(len(found) // 10, 1)
    found[:edge][found[:edge] > length / 2] -= length
    found[-edge:][found[-edge:] < length / 2] += length
    return found


def _way(
    measured: Measured,
    inside: _Inside,
    places_m: Column,
    measured_m: float,
    length_m: float | None,
) -> Way | None:
    """Make a way of the frames that go on, scaled to the track's length if that is known."""
    to_m = length_m or measured_m
    places_m = places_m * (to_m / measured_m)
    before = np.maximum.accumulate(np.concatenate(([0.0], places_m[:-1])))
    on = (places_m > before) & (places_m < to_m)
    if np.count_nonzero(on) < FEWEST:
        return None
    return Way(
        measured=measured,
        index=inside.index[on],
        places_m=np.concatenate(([0.0], places_m[on], [to_m])),
        times_s=np.concatenate(([0.0], inside.times_s[on], [inside.time_s])),
        length_m=measured_m,
    )
