"""The curvature of the line driven on a lap."""

from typing import Final

import numpy as np

from consumers.corners.closed import smooth
from consumers.corners.frames import Frames
from consumers.corners.way import Way
from pitbox.chunks.arrays import Column

SMOOTH_M: Final = 12.0
SLOWEST_MPS: Final = 5.0
ENDS: Final = 5
"""The frames over which the direction at either end of a lap is taken."""


def curvature(way: Way, frames: Frames, nodes_m: Column, length_m: float) -> Column | None:
    """Return the curvature at evenly spaced places in 1/m, positive to the left, smoothed.

    From the position, else yaw rate over speed, else lateral acceleration over speed squared, else
    the steered angle, scaled so that a lap turns once. None when the sim gives none of them.
    """
    step_m = length_m / len(nodes_m)
    found = _raw(way, frames, nodes_m, step_m)
    return None if found is None else smooth(found, SMOOTH_M / step_m)


def line(way: Way, frames: Frames, nodes_m: Column) -> tuple[Column, Column] | None:
    """Return x and y at evenly spaced places in m; closed, so the ends of a lap meet."""
    x, y = frames.known("world_x"), frames.known("world_y")
    if x is None or y is None:
        return None
    return _closed(way, nodes_m, x), _closed(way, nodes_m, y)


def _closed(way: Way, nodes_m: Column, column: Column) -> Column:
    """Return a coordinate at places, with the gap between a lap's ends spread over the lap."""
    inner, values = way.places_m[1:-1], column[way.index]
    length_m, near = float(way.places_m[-1]), min(ENDS, len(inner) - 1)
    starts = (values[near] - values[0]) / (inner[near] - inner[0])
    ends = (values[-1] - values[-1 - near]) / (inner[-1] - inner[-1 - near])
    first = values[0] - starts * inner[0]
    last = values[-1] + ends * (length_m - inner[-1])
    knots = np.concatenate(([first], values, [last]))
    found = np.interp(nodes_m, way.places_m, knots)
    closed: Column = found - (last - first) * nodes_m / length_m
    return closed


def _raw(way: Way, frames: Frames, nodes_m: Column, step_m: float) -> Column | None:
    place = line(way, frames, nodes_m)
    if place is not None and max(np.ptp(place[0]), np.ptp(place[1])) > 0:
        return _of_positions(*place, step_m)
    speed = frames.known("speed")
    if speed is None:
        return None
    moving = np.maximum(way.at(nodes_m, speed), SLOWEST_MPS)
    if (yaw_rate := frames.known("yaw_rate")) is not None:
        return np.divide(way.at(nodes_m, yaw_rate), moving)
    if (accel_lat := frames.known("accel_lat")) is not None:
        return np.divide(way.at(nodes_m, accel_lat), np.square(moving))
    if (steered := frames.known("steering_angle")) is not None:
        return _of_steering(way.at(nodes_m, steered), step_m)
    return None


def _of_positions(x: Column, y: Column, step_m: float) -> Column:
    """Return the change of heading over the way, by central differences."""
    heading = np.arctan2(np.roll(y, -1) - np.roll(y, 1), np.roll(x, -1) - np.roll(x, 1))
    turned = np.roll(heading, -1) - np.roll(heading, 1)
    bends: Column = ((turned + np.pi) % (2 * np.pi) - np.pi) / (2 * step_m)
    return bends


def _of_steering(steered: Column, step_m: float) -> Column | None:
    """Return the steered angle, straightened, as curvature of a lap that turns by 360 degrees."""
    turned = float(np.sum(steered) * step_m)
    if turned == 0:
        return None
    bends: Column = steered * (2 * np.pi / abs(turned))
    return bends
