"""The frames of one lap, by channel."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from msgspec import Struct

from pitbox.chunks.arrays import Column, Times
from schemas.timing import Lap

CHANNELS: Final = (
    "session_time",
    "lap_distance",
    "lap_fraction",
    "lap_valid",
    "throttle",
    "brake",
    "steering_angle",
    "speed",
    "velocity_x",
    "velocity_y",
    "accel_lat",
    "accel_long",
    "yaw_rate",
    "world_x",
    "world_y",
    "in_pit_lane",
    "flags",
    "gap_ahead",
)
"""The channels that corners need, in the order of their ids."""

KNOWN: Final = 0.9
"""Share of frames that must have a value of a channel for the channel to be used."""


class Frames(Struct, frozen=True):
    """Hold the frames of a lap, and one more before and after it where there is one.

    `columns` are channels of `CHANNELS` by name, float64[frames], NaN for a missing value.
    `chunks` are the first and last chunk of the lap's run.
    """

    times_ns: Times
    columns: Mapping[str, Column]
    chunks: tuple[int, int]

    def known(self, name: str) -> Column | None:
        """Return a channel, interpolated where few values are missing; None where most are."""
        column = self.columns.get(name)
        if column is None or not len(column):
            return None
        finite = np.isfinite(column)
        if finite.all():
            return column
        if finite.mean() < KNOWN:
            return None
        index = np.arange(len(column))
        return np.interp(index, index[finite], column[finite])


def clock_s(frames: Frames) -> Column:
    """Return the time of each frame in s: the session's clock, which a pause stops, if it has one.

    A clock that goes back or stands still in most frames is none.
    """
    clock = frames.known("session_time")
    if clock is not None and len(clock) > 1:
        steps = np.diff(clock)
        if steps.min() >= 0 and np.count_nonzero(steps) > len(steps) / 2:
            since: Column = clock - clock[0]
            return since
    times_s: Column = (frames.times_ns - frames.times_ns[0]) / 1e9
    return times_s


def crossings_s(frames: Frames, clock: Column, lap: Lap) -> tuple[float, float]:
    """Return when a lap begins and ends by the clock of its frames, by its crossings."""
    assert lap.started_ns is not None and lap.ended_ns is not None
    return _at(frames, clock, lap.started_ns), _at(frames, clock, lap.ended_ns)


def _at(frames: Frames, clock: Column, at_ns: int) -> float:
    """Return the clock at an instant; beyond the frames it goes on as time does."""
    base_ns = int(frames.times_ns[0])
    times = (frames.times_ns - base_ns).astype(np.float64)
    place = float(at_ns - base_ns)
    within = min(max(place, 0.0), float(times[-1]))
    return float(np.interp(within, times, clock)) + (place - within) / 1e9
