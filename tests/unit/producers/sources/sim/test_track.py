"""Simulated tracks close, and have the corners of their description."""

import math
from itertools import pairwise

import msgspec
import pytest

from producers.sources.sim.circuits import COURSES, track
from producers.sources.sim.line import Swerve, line
from producers.sources.sim.track import Track, build


@pytest.fixture(params=list(COURSES))
def circuit(request: pytest.FixtureRequest) -> Track:
    """Return each circuit in turn."""
    return track(request.param)


def test_a_track_ends_where_and_as_it_began(circuit: Track) -> None:
    first, last = circuit.poses[0], circuit.poses[-1]
    assert math.dist((first.x_m, first.y_m), (last.x_m, last.y_m)) < 1e-6
    turned = math.degrees(last.heading - first.heading)
    assert abs(abs(turned) - 360) < 1e-6
    assert circuit.height_m[-1] == pytest.approx(circuit.height_m[0], abs=1e-6)
    assert circuit.curvature[0] == circuit.curvature[-1] == 0


def test_places_and_headings_follow_from_curvature(circuit: Track) -> None:
    for node, (left, right) in enumerate(pairwise(circuit.poses)):
        way_m = math.dist((left.x_m, left.y_m), (right.x_m, right.y_m))
        assert way_m == pytest.approx(circuit.step_m, rel=1e-3)
        mean = (circuit.curvature[node] + circuit.curvature[node + 1]) / 2
        assert right.heading - left.heading == pytest.approx(mean * circuit.step_m, abs=2e-3)


def test_slope_is_the_derivative_of_height(circuit: Track) -> None:
    for node in range(1, circuit.nodes):
        rise = circuit.height_m[node + 1] - circuit.height_m[node - 1]
        assert rise / (2 * circuit.step_m) == pytest.approx(circuit.slope[node], abs=1e-5)
    assert max(map(abs, circuit.slope)) < 0.03


def test_corners_have_their_place_and_angle(circuit: Track) -> None:
    bends = COURSES[circuit.name].bends
    for corner, bend in zip(circuit.corners, bends, strict=True):
        entry, apex, leaves = (
            circuit.node(m) for m in (corner.entry_m, corner.apex_m, corner.exit_m)
        )
        assert circuit.curvature[apex] * corner.direction == pytest.approx(1 / bend.radius_m)
        turned = circuit.poses[leaves].heading - circuit.poses[entry].heading
        assert math.degrees(turned) == pytest.approx(bend.angle_deg, abs=1.5)
        assert (corner.name, corner.direction) == (bend.name, math.copysign(1, bend.angle_deg))


def test_the_circuits_have_their_intended_lengths() -> None:
    assert 5700 < track("kestrel-vale").length_m < 5900
    assert len(track("kestrel-vale").corners) == 9
    assert 1450 < track("pebble-lane").length_m < 1700


def test_a_track_never_meets_itself(circuit: Track) -> None:
    places = [(pose.x_m, pose.y_m) for pose in circuit.poses[:-1:8]]
    apart = 120 / (8 * circuit.step_m)
    for first, here in enumerate(places):
        for second in range(first + 1, len(places)):
            along = min(second - first, len(places) - second + first)
            if along > apart:
                assert math.dist(here, places[second]) > 2 * circuit.half_width_m


def test_a_course_that_cannot_close_is_rejected_by_name() -> None:
    course = COURSES["pebble-lane"]
    bend = msgspec.structs.replace(course.bends[0], angle_deg=-80)
    with pytest.raises(ValueError, match="pebble-lane turns -355"):
        build(msgspec.structs.replace(course, bends=(bend, *course.bends[1:])))
    with pytest.raises(ValueError, match="choose one of kestrel-vale, pebble-lane"):
        track("monza")


def test_a_swerve_has_the_curvature_of_its_path() -> None:
    circuit = track("kestrel-vale")
    corner = circuit.corners[4]
    driven = line(circuit, [Swerve(corner.apex_m, 3.0, 60.0, 20.0)])
    places, courses = [], []
    for node, pose in enumerate(circuit.poses):
        aside = driven.offset_m[node]
        places.append(
            (pose.x_m - aside * math.sin(pose.heading), pose.y_m + aside * math.cos(pose.heading))
        )
        courses.append(pose.heading + driven.turn[node])
    assert driven.offset_m[circuit.node(corner.apex_m)] == 3.0
    for node in range(circuit.node(corner.entry_m), circuit.node(corner.exit_m)):
        (x0, y0), (x1, y1) = places[node - 1], places[node + 1]
        way_m = math.dist(places[node - 1], places[node]) + math.dist(
            places[node], places[node + 1]
        )
        assert math.remainder(
            math.atan2(y1 - y0, x1 - x0) - courses[node], math.tau
        ) == pytest.approx(0, abs=2e-3)
        bend = (courses[node + 1] - courses[node - 1]) / way_m
        assert driven.curvature[node] == pytest.approx(bend, abs=1e-4)
