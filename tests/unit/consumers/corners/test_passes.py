"""How a corner was driven is read from a lap alone."""

import pytest

from consumers.corners.passes import passes_of
from consumers.corners.trace import Trace, trace_of
from consumers.corners.way import way_of
from schemas.passes import Pass
from tests.tools.ring import (
    APEXES_M,
    BRAKES_MPS2,
    FASTEST_MPS,
    HALF_HOLD_M,
    LENGTH_M,
    LOWEST_MPS,
    TRACK,
    Change,
    lap,
)


def traced(change: Change, **channels: float | None) -> Trace:
    fact, frames = lap(1, change, **channels)
    way = way_of(fact, frames, TRACK)
    assert way is not None
    return trace_of(way, frames, LENGTH_M)


def passes(change: Change | None = None, **channels: float | None) -> tuple[Pass, ...]:
    return passes_of(traced(change or Change(), **channels), TRACK)


def brakes_m(corner: int) -> float:
    """Return where the ring is braked on after a straight that is long enough."""
    way_m = (FASTEST_MPS**2 - LOWEST_MPS[corner] ** 2) / (2 * BRAKES_MPS2)
    return APEXES_M[corner] - HALF_HOLD_M - way_m


def test_the_minimum_is_in_the_middle_of_the_hold() -> None:
    assert [one.minimum_m for one in passes()] == pytest.approx(APEXES_M, abs=6)
    assert [one.minimum_mps for one in passes()] == pytest.approx(LOWEST_MPS, abs=0.1)


def test_braking_begins_where_the_pedal_is_pressed() -> None:
    made = passes(Change(early_m={0: 15.0}))
    usual = passes()
    assert usual[0].brakes_m is not None and made[0].brakes_m is not None
    assert usual[0].brakes_m - made[0].brakes_m == pytest.approx(15, abs=3)
    assert usual[0].entry_mps == pytest.approx(FASTEST_MPS, abs=3)


def test_without_a_brake_channel_braking_is_deceleration() -> None:
    pedal, none = passes(), passes(brake=None)
    for one, other in zip(pedal, none, strict=True):
        assert one.brakes_m == pytest.approx(other.brakes_m, abs=8)


def test_the_throttle_is_picked_up_where_it_leaves_the_closed_position() -> None:
    late = passes(Change(late_m={2: 25.0}))[2].throttle_m
    assert late == pytest.approx(APEXES_M[2] + HALF_HOLD_M + 25, abs=5)


def test_a_second_braking_after_the_apex_is_no_first_one() -> None:
    made = passes(Change(again_mps={0: 8.0}))[0]
    assert made.brakes_again_m == pytest.approx(APEXES_M[0] + 60, abs=5)
    assert made.brakes_m == pytest.approx(passes()[0].brakes_m, abs=1)
    assert passes()[0].brakes_again_m is None


def test_a_second_braking_below_the_first_minimum_is_none_of_the_next_corner() -> None:
    made, usual = passes(Change(again_mps={0: 20.0})), passes()
    assert made[0].brakes_again_m == pytest.approx(APEXES_M[0] + 60, abs=5)
    assert made[0].minimum_mps < usual[0].minimum_mps - 2
    assert made[1].brakes_m == pytest.approx(usual[1].brakes_m, abs=20)


def test_a_channel_that_the_sim_does_not_give_has_no_value() -> None:
    made = passes(throttle=None, brake=None)
    assert {one.throttle_m for one in made} == {None}
    assert {one.lifts_m for one in made} == {None}


def test_the_times_of_all_corners_are_the_laps() -> None:
    trace = traced(Change(slow_mps={1: 4.0}))
    assert sum(one.time_s for one in passes_of(trace, TRACK)) == pytest.approx(trace.times_s[-1])


def test_a_corner_without_slowing_has_a_pass_all_the_same() -> None:
    flat = traced(Change())
    flat.speed[:] = 50.0
    made = passes_of(flat, TRACK)
    assert [one.corner for one in made] == ["T1", "T2", "T3", "T4"]
    assert {one.brakes_m for one in made} == {None}
    assert {one.minimum_mps for one in made} == {50.0}


def test_a_corner_after_which_the_car_was_no_faster_keeps_its_own_braking() -> None:
    slow = traced(Change())
    after = slice(int(APEXES_M[1] / slow.step_m), int(APEXES_M[2] / slow.step_m) - 30)
    count = len(slow.speed[after])
    slow.speed[after] = [LOWEST_MPS[1] * (1 - 0.1 * index / count) for index in range(count)]
    alone, known = passes_of(slow, TRACK), passes_of(slow, TRACK, slow=range(4))
    assert alone[1].brakes_m is None
    assert known[1].brakes_m == pytest.approx(passes()[1].brakes_m, abs=1)
