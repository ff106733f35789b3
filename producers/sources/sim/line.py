"""Where in the width of the track a lap is driven."""

import math
from collections.abc import Iterable

from msgspec import Struct

from producers.sources.sim.track import Track


class Swerve(Struct, frozen=True):
    """Leave the line by `aside_m` (positive = left) around a place, and come back to it.

    It holds for `hold_m` and takes `ramp_m` on either side, with no jump in curvature.
    """

    at_m: float
    aside_m: float
    ramp_m: float
    hold_m: float = 0.0

    def at(self, distance_m: float) -> tuple[float, float]:
        """Return the offset in m and its slope at a distance, by a quintic ramp."""
        beyond = abs(distance_m - self.at_m) - self.hold_m / 2
        if beyond <= 0:
            return self.aside_m, 0.0
        u = beyond / self.ramp_m
        if u >= 1:
            return 0.0, 0.0
        side = math.copysign(1.0, distance_m - self.at_m)
        rest = 1 - u
        offset = self.aside_m * rest**3 * (1 + 3 * u + 6 * u * u)
        slope = -30 * self.aside_m * (u * rest) ** 2 / self.ramp_m * side
        return offset, slope


class Line(Struct, frozen=True):
    """Hold the way of one lap, node by node: offset to the left in m, and what follows from it.

    `stretch` is the way driven over the distance gone along the track, `turn` the angle between
    both in rad.
    """

    offset_m: list[float]
    turn: list[float]
    stretch: list[float]
    curvature: list[float]


def line(track: Track, swerves: Iterable[Swerve]) -> Line:
    """Return the line with all swerves driven."""
    nodes = track.nodes + 1
    offset, slope = [0.0] * nodes, [0.0] * nodes
    for swerve in swerves:
        reach_m = swerve.ramp_m + swerve.hold_m / 2
        for node in range(track.node(swerve.at_m - reach_m), track.node(swerve.at_m + reach_m) + 1):
            aside = swerve.at(node * track.step_m)
            offset[node] += aside[0]
            slope[node] += aside[1]
    turn, stretch, curvature = [0.0] * nodes, [1.0] * nodes, list(track.curvature)
    for node in range(nodes):
        if offset[node] or slope[node]:
            along = 1 - track.curvature[node] * offset[node]
            turn[node] = math.atan2(slope[node], along)
            stretch[node] = math.hypot(along, slope[node])
    for node in range(1, nodes - 1):
        if turn[node - 1] or turn[node + 1] or stretch[node] != 1.0:
            turned = (turn[node + 1] - turn[node - 1]) / (2 * track.step_m)
            curvature[node] = (track.curvature[node] + turned) / stretch[node]
    return Line(offset, turn, stretch, curvature)
