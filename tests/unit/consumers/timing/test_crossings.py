"""Crossings of the line are found between two frames; nothing is derived over a jump of place."""

import math

import pytest

from consumers.timing.crossings import GAP_S, Edge, between
from tests.tools.drives import Drive, final


def test_a_lap_with_a_tow_has_neither_time_nor_sectors_nor_fuel() -> None:
    drive = Drive(at_m=900.0).set(sector=1, fuel_level=50).go(100).set(sector=0).go(400)
    drive.at_m = 130.0
    drive.stand(5).set(fuel_level=49).go(370).set(sector=1).go(500).set(sector=0).go(200)
    lap = final(drive)[2]
    assert (lap.lap_time_s, lap.sectors_s, lap.fuel_used) == (None, (), None)
    assert (lap.complete, lap.valid) == (False, False)


@pytest.mark.parametrize("left_m", [300.0, 800.0])
@pytest.mark.parametrize("counted", [0, 1])
def test_a_tow_to_a_place_just_behind_the_line_is_no_crossing(left_m: float, counted: int) -> None:
    drive = Drive(at_m=900.0).go(1100 + left_m)
    towed = int(drive.state["lap_number"])
    drive.at_m = 20.0
    drive.state["lap_number"] += counted
    drive.stand(1).go(2200)
    for moment in drive.moments:
        if isinstance(moment, tuple):
            moment[1]["lap_fraction"] = moment[1]["lap_distance"] / 1000
    found = final(drive)
    assert found[towed].lap_time_s is None
    assert not found[towed].valid
    whole = [lap.lap_time_s for lap in found.values() if lap.lap_time_s and lap.valid]
    assert whole == pytest.approx([20.0] * 2, abs=0.01)


def edge(at_s: float, at_m: float, **more: float) -> Edge:
    """Return a frame of a car that drives 50 m/s on a track of 1000 m."""
    fields = {"clock_s": 100 + at_s, "number": 2, "speed_mps": 50.0, "fraction": at_m / 1000}
    return Edge(at_ns=round(at_s * 1e9), distance_m=at_m, **fields | more)  # type: ignore[arg-type]


def test_the_line_is_crossed_between_two_frames_where_the_distances_to_it_meet() -> None:
    cut, jumped = between(edge(0, 997), edge(0.1, 2, number=3))
    assert cut is not None
    assert (cut.line, cut.step, cut.back, jumped) == (True, True, False, False)
    assert (cut.at_ns, cut.clock_s) == (60_000_000, pytest.approx(100.06))
    assert cut.slack_s == 0


def test_neighbouring_frames_of_one_lap_are_not_cut() -> None:
    assert between(edge(0, 100), edge(0.1, 105)) == (None, False)


@pytest.mark.parametrize("to_m", [200.0, 700.0])
def test_a_car_that_is_elsewhere_in_the_next_frame_was_moved(to_m: float) -> None:
    assert between(edge(0, 500), edge(0.1, to_m, speed_mps=0.0)) == (None, True)


def test_a_clock_that_goes_back_cuts_without_a_crossing() -> None:
    cut, jumped = between(edge(0, 997), edge(0.1, 2, clock_s=40.0))
    assert cut is not None
    assert (cut.line, cut.back, jumped) == (False, True, False)


def test_a_crossing_that_nobody_saw_has_no_instant() -> None:
    cut, _ = between(edge(0, 900), edge(GAP_S + 1, 150, number=3))
    assert cut is not None
    assert (cut.line, cut.slack_s) == (True, math.inf)
