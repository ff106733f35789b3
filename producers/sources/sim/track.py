"""A track as curvature over distance: straights and corners with clothoid transitions, closed.

Distances run along the driven line from the start line; positive curvature and angle are left.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

from msgspec import Struct

NODE_SPACING_M: Final = 2.0
_GAUSS: Final = ((-math.sqrt(0.6), 5 / 9), (0.0, 8 / 9), (math.sqrt(0.6), 5 / 9))


class Bend(Struct, frozen=True):
    """Describe a corner: the straight before it, its angle, radius and transitions."""

    name: str
    straight_m: float
    angle_deg: float
    radius_m: float
    transition_m: float


class Pit(Struct, frozen=True):
    """Place the pit lane: it begins `entry_m` before the line and ends `exit_m` after it.

    The box is `box_m` before the line; the lane is `aside_m` left of the driven line.
    """

    entry_m: float
    exit_m: float
    box_m: float
    limit_mps: float
    aside_m: float


class Course(Struct, frozen=True):
    """Describe a track; `build` changes its straights as little as possible to close it.

    `hills` are (height in m, waves a lap, phase in rad).
    """

    name: str
    bends: tuple[Bend, ...]
    last_straight_m: float
    pit: Pit
    sector_ends: tuple[float, float]
    hills: tuple[tuple[float, int, float], ...] = ()
    half_width_m: float = 5.0


class Corner(Struct, frozen=True):
    """Place a corner; `direction` is 1 for left, -1 for right."""

    number: int
    name: str
    direction: int
    entry_m: float
    apex_m: float
    exit_m: float


class Pose(Struct, frozen=True, gc=False):
    """Hold a place and the direction of travel there."""

    x_m: float
    y_m: float
    heading: float


class Track(Struct, frozen=True):
    """Hold a closed track, sampled at `nodes + 1` places from line to line, `step_m` apart.

    `curvature` is in 1/m, `slope` is height over distance.
    """

    name: str
    length_m: float
    step_m: float
    nodes: int
    curvature: tuple[float, ...]
    poses: tuple[Pose, ...]
    height_m: tuple[float, ...]
    slope: tuple[float, ...]
    corners: tuple[Corner, ...]
    sector_ends_m: tuple[float, float]
    pit: Pit
    half_width_m: float

    def node(self, distance_m: float) -> int:
        """Return the node nearest to a distance."""
        return min(max(round(distance_m / self.step_m), 0), self.nodes)

    def nodes_of(self, corner: Corner) -> range:
        """Return the nodes of a corner."""
        return range(self.node(corner.entry_m), self.node(corner.exit_m) + 1)


class _Element(Struct, frozen=True):
    """Hold a stretch with linearly changing curvature, from `enters` to `leaves` in 1/m."""

    length_m: float
    enters: float
    leaves: float

    def curvature(self, at_m: float) -> float:
        return self.enters + (self.leaves - self.enters) * at_m / self.length_m

    def turned(self, at_m: float) -> float:
        return at_m * (self.enters + self.curvature(at_m)) / 2


def build(course: Course) -> Track:
    """Close a course and sample it; raises ValueError when it cannot be closed."""
    straights = _closing_straights(course)
    elements = _elements(course, straights)
    length_m = sum(element.length_m for element in elements)
    nodes = round(length_m / NODE_SPACING_M)
    step_m = length_m / nodes
    samples = list(_sample(elements, step_m, nodes))
    hills = [_hill(course, node / nodes) for node in range(nodes + 1)]
    return Track(
        name=course.name,
        length_m=length_m,
        step_m=step_m,
        nodes=nodes,
        curvature=tuple(curvature for curvature, _ in samples),
        poses=tuple(pose for _, pose in samples),
        height_m=tuple(height for height, _ in hills),
        slope=tuple(rise / length_m for _, rise in hills),
        corners=tuple(_corners(course, straights)),
        sector_ends_m=(course.sector_ends[0] * length_m, course.sector_ends[1] * length_m),
        pit=course.pit,
        half_width_m=course.half_width_m,
    )


def _arc_m(bend: Bend) -> float:
    arc_m = math.radians(abs(bend.angle_deg)) * bend.radius_m - bend.transition_m
    if arc_m <= 0:
        raise ValueError(f"corner {bend.name}: transition_m is too long for its angle")
    return arc_m


def _bend_elements(bend: Bend) -> tuple[_Element, ...]:
    peak = math.copysign(1 / bend.radius_m, bend.angle_deg)
    return (
        _Element(bend.transition_m, 0.0, peak),
        _Element(_arc_m(bend), peak, peak),
        _Element(bend.transition_m, peak, 0.0),
    )


def _elements(course: Course, straights: Sequence[float]) -> list[_Element]:
    elements: list[_Element] = []
    for bend, straight_m in zip(course.bends, straights, strict=False):
        elements += (_Element(straight_m, 0.0, 0.0), *_bend_elements(bend))
    return [*elements, _Element(straights[-1], 0.0, 0.0)]


def _closing_straights(course: Course) -> list[float]:
    """Return the straights' lengths that close the track, nearest to those of the course.

    Headings do not depend on the lengths, so the gap is linear in them: least squares, two rows.
    """
    turned = sum(bend.angle_deg for bend in course.bends)
    if not math.isclose(abs(turned), 360.0, abs_tol=1e-9):
        raise ValueError(f"track {course.name} turns {turned} degrees a lap, not 360")
    asked = [*(bend.straight_m for bend in course.bends), course.last_straight_m]
    headings = list(accumulate((math.radians(b.angle_deg) for b in course.bends), initial=0.0))
    ways = [(math.cos(heading), math.sin(heading)) for heading in headings]
    *_, (_, end) = _sample(_elements(course, asked), 1.0, None)
    xx = sum(x * x for x, _ in ways)
    xy = sum(x * y for x, y in ways)
    yy = sum(y * y for _, y in ways)
    determinant = xx * yy - xy * xy
    along = (xy * end.y_m - yy * end.x_m) / determinant
    across = (xy * end.x_m - xx * end.y_m) / determinant
    closing = [m + x * along + y * across for m, (x, y) in zip(asked, ways, strict=True)]
    if min(closing) <= 0:
        raise ValueError(f"track {course.name} closes with no straight before some corner only")
    return closing


def _sample(
    elements: Sequence[_Element], step_m: float, nodes: int | None
) -> Iterator[tuple[float, Pose]]:
    """Yield curvature and pose every `step_m` and at the end; without `nodes` only at the end."""
    pose, begun_m, node = Pose(0.0, 0.0, 0.0), 0.0, 0
    for element in elements:
        start, at_m = pose, 0.0
        while nodes is not None and node < nodes and node * step_m < begun_m + element.length_m:
            to_m = node * step_m - begun_m
            pose = _advance(element, start.heading, pose, at_m, to_m)
            yield element.curvature(to_m), pose
            at_m, node = to_m, node + 1
        while at_m < element.length_m:
            to_m = min(at_m + step_m, element.length_m)
            pose = _advance(element, start.heading, pose, at_m, to_m)
            at_m = to_m
        begun_m += element.length_m
    yield elements[-1].leaves, pose


def _advance(element: _Element, heading: float, pose: Pose, from_m: float, to_m: float) -> Pose:
    """Integrate along an element entered with a heading, by three-point Gauss quadrature."""
    middle, half = (from_m + to_m) / 2, (to_m - from_m) / 2
    x, y = pose.x_m, pose.y_m
    for place, weight in _GAUSS:
        direction = heading + element.turned(middle + half * place)
        x += half * weight * math.cos(direction)
        y += half * weight * math.sin(direction)
    return Pose(x, y, heading + element.turned(to_m))


def _corners(course: Course, straights: Sequence[float]) -> Iterator[Corner]:
    at_m = 0.0
    for number, (bend, straight_m) in enumerate(zip(course.bends, straights, strict=False), 1):
        entry_m = at_m + straight_m
        at_m = entry_m + 2 * bend.transition_m + _arc_m(bend)
        direction = 1 if bend.angle_deg > 0 else -1
        yield Corner(number, bend.name, direction, entry_m, (entry_m + at_m) / 2, at_m)


def _hill(course: Course, share: float) -> tuple[float, float]:
    """Return the height in m at a share of the lap, and its slope in m a lap."""
    waves = [(m, math.tau * n, math.tau * n * share + phase) for m, n, phase in course.hills]
    height = sum(
        m * (math.sin(angle) - math.sin(p[2]))
        for (m, _, angle), p in zip(waves, course.hills, strict=True)
    )
    return height, sum(m * turns * math.cos(angle) for m, turns, angle in waves)
