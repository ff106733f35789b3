"""Find lap ends and moved cars between two neighbouring frames.

Only these two frames are used, so the cutting into chunks makes no difference.
"""

import math
from typing import Final

from msgspec import Struct

CLOCK_BACK_S: Final = 0.5
TELEPORT_M: Final = 50.0
LINE_REACH_M: Final = 30.0
FASTEST_MPS: Final = 150.0
GAP_S: Final = 5.0
"""Events between frames further apart than this count as not seen."""


class Edge(Struct, frozen=True, gc=False, array_like=True):
    """Hold the position of the car in one frame; NaN or None for a missing value."""

    at_ns: int
    clock_s: float
    number: int | None
    distance_m: float
    fraction: float
    speed_mps: float


class Cut(Struct, frozen=True, gc=False, array_like=True):
    """Describe the end of a piece between two frames: when and why.

    `line`: the car crossed the line; `step`: the sim's lap number changed; `back`: the session's
    clock went back. `slack_s` is how far off the instant may be, inf when it was not seen.
    """

    at_ns: int
    clock_s: float
    slack_s: float
    line: bool
    step: bool
    back: bool


def lasted_s(start: tuple[int, float], end: tuple[int, float]) -> float:
    """Return the time between two instants by the session's clock, which a pause stops."""
    elapsed_s = end[1] - start[1]
    return elapsed_s if elapsed_s > 0 else (end[0] - start[0]) / 1e9


def between(left: Edge, right: Edge) -> tuple[Cut | None, bool]:
    """Return the cut between two neighbouring frames, if any, and whether the car was moved."""
    step = left.number != right.number
    back = right.clock_s < left.clock_s - CLOCK_BACK_S
    line = not back and _crosses(left, right)
    jumped = not (line or back) and _teleported(left, right)
    if not (step or back or line):
        return None, jumped
    unseen = jumped or _elapsed_s(left, right) > GAP_S
    weight, slack_s = _crossing(left, right)
    at_ns = left.at_ns + round(weight * (right.at_ns - left.at_ns))
    clock_s = left.clock_s + weight * (right.clock_s - left.clock_s)
    return Cut(at_ns, clock_s, math.inf if unseen else slack_s, line, step, back), False


def _elapsed_s(left: Edge, right: Edge) -> float:
    """Return the time between two frames by the session's clock, which a pause stops, if any."""
    clock_s = right.clock_s - left.clock_s
    return (right.at_ns - left.at_ns) / 1e9 if math.isnan(clock_s) else clock_s


def _reach_m(left: Edge, right: Edge) -> float:
    speeds = [speed for speed in (left.speed_mps, right.speed_mps) if not math.isnan(speed)]
    fastest_mps = max(speeds, default=FASTEST_MPS)
    return 1.5 * fastest_mps * max(_elapsed_s(left, right), 0)


def _crosses(left: Edge, right: Edge) -> bool:
    if left.distance_m < 0 <= right.distance_m:
        moves = not max(left.speed_mps, right.speed_mps) <= 1
        return moves and right.distance_m <= _reach_m(left, right) + LINE_REACH_M
    if 0 <= right.distance_m < left.distance_m / 2:
        reach_m = _reach_m(left, right) + LINE_REACH_M
        return right.distance_m <= reach_m and not _to_go_m(left) > reach_m + TELEPORT_M
    if math.isnan(left.distance_m) or math.isnan(right.distance_m):
        return left.fraction > 0.75 and right.fraction < 0.25
    return False


def _to_go_m(edge: Edge) -> float:
    """Return the way to the line; NaN where the sim does not give the fraction of the lap."""
    return edge.distance_m * (1 / edge.fraction - 1) if edge.fraction > 0 else math.nan


def _teleported(left: Edge, right: Edge) -> bool:
    moved_m = right.distance_m - left.distance_m
    return moved_m < -TELEPORT_M or moved_m > _reach_m(left, right) + TELEPORT_M


def _crossing(left: Edge, right: Edge) -> tuple[float, float]:
    """Return the line's position between two frames (0..1) and its uncertainty in s."""
    weight = _line_weight(left, right)
    if 0 <= weight <= 1:
        return weight, 0.0
    return 0.5, abs(right.at_ns - left.at_ns) / 2e9


def _line_weight(left: Edge, right: Edge) -> float:
    if left.distance_m < 0 <= right.distance_m:
        return left.distance_m / (left.distance_m - right.distance_m)
    if left.fraction > 0.5 > right.fraction >= 0:
        to_go = max(1 - left.fraction, 0.0)
        return to_go / (to_go + right.fraction) if to_go + right.fraction > 0 else 0.5
    near = 0 <= right.distance_m <= _reach_m(left, right)
    if near and right.speed_mps > 1 and right.at_ns > left.at_ns:
        since_s = right.distance_m / right.speed_mps
        return max(1 - since_s * 1e9 / (right.at_ns - left.at_ns), 0.0)
    return math.nan
