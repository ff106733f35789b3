"""The speed over a lap: the car's limits, and the driver's speed below them.

All speeds are squared: at constant acceleration the square changes linearly with distance.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Final

from msgspec import Struct

from producers.sources.sim.car import FASTEST_MPS, GRAVITY, TABLE_PER_MPS, Car, gearbox
from producers.sources.sim.driver import Intent
from producers.sources.sim.line import Line
from producers.sources.sim.track import Track

ONSET_NODES: Final = 3
"""Nodes on either side of a jump of the pedals over which they move instead."""


class Way(Struct, frozen=True):
    """Hold the track, car, line, mass and share of grip of a lap."""

    track: Track
    car: Car
    line: Line
    mass_kg: float
    grip: float

    @property
    def friction(self) -> float:
        """Return the tyres' coefficient of friction."""
        return self.car.grip * self.grip

    def curvature(self) -> list[float]:
        """Return the absolute curvature of each node in 1/m."""
        return [abs(curvature) for curvature in self.line.curvature]


class Coast(Struct, frozen=True):
    """Close the throttle from `first` to `last`, in nodes, against an extra `drag_mps2`."""

    first: float
    last: float
    drag_mps2: float = 0.0


def limits(way: Way, intents: Sequence[Intent]) -> list[float]:
    """Return the squares of speed at which turning takes the driver's share of all grip."""
    grip, lift = way.friction * GRAVITY, way.friction * way.car.downforce / way.mass_kg
    top = FASTEST_MPS**2 - 1
    caps = [min(grip / (k - lift), top) if k > lift + 1e-9 else top for k in way.curvature()]
    for corner, intent in zip(way.track.corners, intents, strict=True):
        for node in way.track.nodes_of(corner):
            caps[node] = min(caps[node], top) * intent.pace**2
    return caps


def brake(way: Way, caps: Sequence[float]) -> list[float]:
    """Return the squares of speed that still allow braking for every later limit."""
    car, mass_kg, step = way.car, way.mass_kg, 2 * way.track.step_m
    grip, lift = way.friction * GRAVITY, way.friction * car.downforce / mass_kg
    drag, rolling, share = car.drag / mass_kg, car.rolling_mps2, car.braking
    speeds = list(caps)
    square = speeds[-1]
    sqrt = math.sqrt
    road = zip(way.curvature()[::-1], way.track.slope[::-1], caps[-2::-1], strict=False)
    for node, (bend, slope, cap) in enumerate(road):
        spare = (grip + lift * square) ** 2 - (square * bend) ** 2
        slowing = (share * sqrt(spare) if spare > 0 else 0.0) + drag * square + rolling
        square += step * (slowing + GRAVITY * slope)
        square = min(square, cap)
        speeds[-2 - node] = square
    return speeds


def accelerate(
    way: Way, ceiling: Sequence[float], coasts: Iterable[Coast], begins: float
) -> tuple[list[float], list[int]]:
    """Accelerate under a ceiling from a square of speed; return squares and gears by node."""
    car, mass_kg, step = way.car, way.mass_kg, 2 * way.track.step_m
    box = gearbox(car)
    grip, lift = way.friction * GRAVITY, way.friction * car.downforce / mass_kg
    drag, rolling, lifts = car.drag / mass_kg, car.rolling_mps2, _lifts(way, coasts)
    square, gear, cut_m, sqrt = min(begins, ceiling[0]), 0, 0.0, math.sqrt
    squares, gears = [square], []
    road = zip(way.curvature(), way.track.slope, lifts, ceiling[1:], strict=False)
    for bend, slope, (lift_share, drag_mps2), cap in road:
        speed = sqrt(square)
        while speed > box.up_mps[gear]:
            gear, cut_m = gear + 1, car.shift_s * speed
        while speed < box.down_mps[gear]:
            gear -= 1
        gears.append(gear + 1)
        spare = (grip + lift * square) ** 2 - (square * bend) ** 2
        push = car.traction * sqrt(spare) if spare > 0 else 0.0
        push = min(push, box.force_n[gear][int(speed * TABLE_PER_MPS)] / mass_kg)
        if cut_m > 0:
            push *= max(1 - 2 * cut_m / step, 0.0)
            cut_m -= step / 2
        if lift_share > 0:
            push -= lift_share * (push + car.engine_braking_mps2 + drag_mps2)
        square += step * (push - drag * square - rolling - GRAVITY * slope)
        # A car that only coasts must not come to rest.
        square = min(max(square, 1.0), cap)
        squares.append(square)
    return squares, [*gears, gears[-1]]


def soften(squares: Sequence[float]) -> list[float]:
    """Round off the peaks of speed, because a driver's feet take time."""
    width, count = ONSET_NODES, len(squares)
    sums = list(accumulate(squares, initial=0.0))
    softened = list(squares)
    for node in range(width, count - width):
        mean = (sums[node + width + 1] - sums[node - width]) / (2 * width + 1)
        softened[node] = min(mean, softened[node])
    return softened


def _lifts(way: Way, coasts: Iterable[Coast]) -> list[tuple[float, float]]:
    """Return by node the share of the way with a closed throttle, and the extra drag there."""
    lifts = [(0.0, 0.0)] * (way.track.nodes + 1)
    for coast in coasts:
        for node in range(int(coast.first), min(math.ceil(coast.last), len(lifts))):
            share = min(coast.last, node + 1) - max(coast.first, node)
            known_share, known_drag = lifts[node]
            lifts[node] = max(known_share, share), max(known_drag, coast.drag_mps2)
    return lifts
