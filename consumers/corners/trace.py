"""A lap along the track: its frames on nodes that are evenly spaced."""

from typing import Final

import numpy as np
from msgspec import Struct

from consumers.corners.frames import Frames
from consumers.corners.way import Way
from pitbox.chunks.arrays import Column
from schemas.track import Measured

STEP_M: Final = 4.0


class Trace(Struct, frozen=True):
    """Hold a lap on the nodes of a track, `step_m` apart from the line on.

    `times_s` are from crossing to crossing, one more than there are nodes: the last is the lap's
    time. The channels, at each node, are closed; None where the sim does not give one.
    """

    measured: Measured
    step_m: float
    times_s: Column
    speed: Column
    throttle: Column | None
    brake: Column | None
    accel_lat: Column | None
    valid: Column | None

    @property
    def nodes(self) -> int:
        """Return the number of nodes."""
        return len(self.speed)

    @property
    def length_m(self) -> float:
        """Return the length of the track."""
        return self.nodes * self.step_m

    @property
    def cells_s(self) -> Column:
        """Return the time from each node to the next."""
        return np.diff(self.times_s)

    def time_s(self, from_m: float, to_m: float) -> float:
        """Return the time from a place to a later one; beyond the line places go on."""
        return self.at_s(to_m) - self.at_s(from_m)

    def at_s(self, place_m: float) -> float:
        """Return the time at a place, which goes on beyond the line."""
        return time_at(self.times_s, self.step_m, place_m)

    def speed_at(self, place_m: float) -> float:
        """Return the speed at a place in m/s."""
        place = place_m / self.step_m % self.nodes
        node = int(place) % self.nodes
        share = place - int(place)
        return float(self.speed[node] * (1 - share) + self.speed[(node + 1) % self.nodes] * share)


def nodes_of(length_m: float) -> int:
    """Return the number of nodes of a track."""
    return max(round(length_m / STEP_M), 1)


def nodes_m(count: int, step_m: float) -> Column:
    """Return the places of nodes from the line on."""
    return np.multiply(np.arange(count, dtype=np.float64), step_m)


def trace_of(way: Way, frames: Frames, length_m: float) -> Trace:
    """Return the trace of a lap on a track."""
    nodes = nodes_of(length_m)
    step_m = length_m / nodes
    places_m = nodes_m(nodes + 1, step_m)
    times_s = np.interp(places_m, way.places_m, way.times_s)

    def channel(name: str) -> Column | None:
        column = frames.known(name)
        return None if column is None else way.at(places_m[:-1], column)

    speed = channel("speed")
    return Trace(
        measured=way.measured,
        step_m=step_m,
        times_s=times_s,
        speed=step_m / np.maximum(np.diff(times_s), 1e-6) if speed is None else speed,
        throttle=channel("throttle"),
        brake=channel("brake"),
        accel_lat=channel("accel_lat"),
        valid=channel("lap_valid"),
    )


def time_at(times_s: Column, step_m: float, place_m: float) -> float:
    """Return the time at a place of a closed curve of times at nodes; it goes on lap by lap."""
    cells = len(times_s) - 1
    laps, place = divmod(place_m / step_m, cells)
    node = int(place)
    begins, ends = float(times_s[node]), float(times_s[node + 1])
    return laps * float(times_s[-1]) + begins + (place - node) * (ends - begins)
