"""The speed over a lap: how fast a car can go, and how fast a driver goes.

Everything is in squares of speed, for at an even acceleration these change evenly over distance.
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
"""Pedals move over as many nodes on either side of where they would jump."""


class Way(Struct, frozen=True):
    """Hold where a lap is driven, by what car, of what mass and with what share of its grip."""

    track: Track
    car: Car
    line: Line
    mass_kg: float
    grip: float

    @property
    def friction(self) -> float:
        """Return the friction of the tyres now."""
        return self.car.grip * self.grip

    def curvature(self) -> list[float]:
        """Return how sharply each node turns, to either side."""
        return [abs(curvature) for curvature in self.line.curvature]


class Coast(Struct, frozen=True):
    """Forbid the throttle from one place to another, in nodes, with `drag_mps2` of resistance."""

    first: float
    last: float
    drag_mps2: float = 0.0


def limits(way: Way, intents: Sequence[Intent]) -> list[float]:
    """Return the squares of speed at which a driver asks all grip for turning."""
    grip, lift = way.friction * GRAVITY, way.friction * way.car.downforce / way.mass_kg
    top = FASTEST_MPS**2 - 1
    caps = [min(grip / (k - lift), top) if k > lift + 1e-9 else top for k in way.curvature()]
    for corner, intent in zip(way.track.corners, intents, strict=True):
        for node in way.track.nodes_of(corner):
            caps[node] = min(caps[node], top) * intent.pace**2
    return caps


def brake(way: Way, caps: Sequence[float]) -> list[float]:
    """Return the squares of speed from which a car can still brake for all that comes."""
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
    """Drive forward under a ceiling from a square of speed; return squares and gears."""
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
    """Round the peaks of speed off, for a driver's feet take time."""
    width, count = ONSET_NODES, len(squares)
    sums = list(accumulate(squares, initial=0.0))
    softened = list(squares)
    for node in range(width, count - width):
        mean = (sums[node + width + 1] - sums[node - width]) / (2 * width + 1)
        softened[node] = min(mean, softened[node])
    return softened


def _lifts(way: Way, coasts: Iterable[Coast]) -> list[tuple[float, float]]:
    """Return by node for what share of the way the throttle is shut, and against what drag."""
    lifts = [(0.0, 0.0)] * (way.track.nodes + 1)
    for coast in coasts:
        for node in range(int(coast.first), min(math.ceil(coast.last), len(lifts))):
            share = min(coast.last, node + 1) - max(coast.first, node)
            known_share, known_drag = lifts[node]
            lifts[node] = max(known_share, share), max(known_drag, coast.drag_mps2)
    return lifts
