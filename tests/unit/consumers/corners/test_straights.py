"""A driver can listen on straights that are long enough, until shortly before the braking."""

import pytest

from consumers.corners.straights import BEFORE_BRAKING_S, straights
from consumers.corners.trace import Trace, trace_of
from consumers.corners.way import way_of
from tests.tools.ring import APEXES_M, HALF_BEND_M, LENGTH_M, TRACK, Change, lap


def traced(**channels: float | None) -> Trace:
    fact, frames = lap(1, Change(), **channels)
    way = way_of(fact, frames, TRACK)
    assert way is not None
    return trace_of(way, frames, LENGTH_M)


def test_a_straight_begins_after_the_corner_and_ends_before_the_braking() -> None:
    trace = traced()
    found = straights(trace)
    assert found
    for stretch in found:
        assert any(abs(stretch.from_m - apex_m - HALF_BEND_M) < 20 for apex_m in APEXES_M)
        ahead_s = trace.time_s(stretch.to_m, stretch.to_m + 400)
        assert ahead_s > BEFORE_BRAKING_S


def test_two_seconds_are_left_before_the_braking() -> None:
    trace = traced()
    for stretch in straights(trace):
        metres = range(int(stretch.to_m), int(stretch.to_m) + 400)
        assert trace.brake is not None
        pressed = next(m for m in metres if trace.brake[int(m / 4) % trace.nodes] > 0.1)
        assert trace.time_s(stretch.to_m, pressed) == pytest.approx(BEFORE_BRAKING_S, abs=0.2)


def test_without_lateral_acceleration_no_straight_is_known() -> None:
    assert straights(traced(accel_lat=None)) == ()
