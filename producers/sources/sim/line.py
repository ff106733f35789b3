"""The line of a lap within the width of the track."""

import math
from collections.abc import Iterable

from msgspec import Struct

from producers.sources.sim.track import Track


class Swerve(Struct, frozen=True):
    """Describe an offset of `aside_m` (positive = left) from the line around a place.

    The offset holds for `hold_m`, with a ramp of `ramp_m` on either side and no jump in curvature.
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
    """Hold the line of one lap, node by node: offset to the left, and its geometry.

    `stretch` is the ratio of the distance driven to the distance along the track, `turn` the angle
    in rad between both directions, `curvature` that of the driven line in 1/m.
    """

    offset_m: list[float]
    turn: list[float]
    stretch: list[float]
    curvature: list[float]


def line(track: Track, swerves: Iterable[Swerve]) -> Line:
    """Return the line with all swerves added."""
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
