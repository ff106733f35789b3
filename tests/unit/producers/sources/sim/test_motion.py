"""A simulated car obeys physics and the signs of the axes."""

import math
from itertools import pairwise

import pytest

from producers.source import Began
from producers.sources.sim import Race, drive
from producers.sources.sim.car import DEFAULT, GRAVITY
from producers.sources.sim.circuits import COURSES, track
from producers.sources.sim.instruments import CLOCK, DIALS, LAYOUT, SWITCHES
from producers.sources.sim.laps import Drive
from schemas.channels import CHANNELS
from tests.tools.sim_drives import SHORT_AND_LONG, Row, rows_driven

RACES = {name: Race(track=name, laps=3, stint_laps=2) for name in COURSES}
"""Three laps with a stop."""


@pytest.fixture(params=SHORT_AND_LONG)
def rows(request: pytest.FixtureRequest) -> tuple[Row, ...]:
    """Return the frames of a drive on each circuit."""
    return rows_driven(RACES[request.param])


def neighbours(rows: tuple[Row, ...]) -> list[tuple[Row, Row, float]]:
    """Pair frames with the next one, and the seconds between."""
    return [(a, b, b["session_time"] - a["session_time"]) for a, b in pairwise(rows)]


def test_a_session_has_about_eighty_channels_and_nothing_else(rows: tuple[Row, ...]) -> None:
    began = next(iter(drive(Race(laps=1), 5)))
    assert isinstance(began, Began)
    assert 75 <= len(began.channels) <= 90
    assert began.channels == tuple(sorted(began.channels))
    names = [CHANNELS[channel].name for channel in began.channels]
    assert names == [*CLOCK, *DIALS, *SWITCHES] == list(LAYOUT.names)
    known = ("last_lap_time", "best_lap_time", "lap_delta_best", "gap_ahead")
    assert all(math.isfinite(row[name]) for row in rows for name in names if name not in known)


@pytest.mark.parametrize("name", SHORT_AND_LONG)
def test_the_friction_circle_holds(name: str) -> None:
    for lap in Drive(RACES[name]).laps():
        task, squares = lap.task, lap.squares
        if task.number > 3:
            break
        for node in range(task.first + 1, task.track.nodes):
            square, bend = squares[node], lap.line.curvature[node]
            along = (squares[node + 1] - squares[node - 1]) / (4 * task.track.step_m)
            tyres = along + DEFAULT.drag * square / task.mass_kg + DEFAULT.rolling_mps2
            asked = math.hypot(tyres, square * bend)
            load = GRAVITY + DEFAULT.downforce * square / task.mass_kg
            assert asked <= 1.06 * DEFAULT.grip * load, (lap.task.number, node * task.track.step_m)


def test_speed_is_the_derivative_of_position_and_lap_distance(rows: tuple[Row, ...]) -> None:
    for left, right, seconds in neighbours(rows):
        mean = (left["speed"] + right["speed"]) / 2
        moved_m = math.hypot(right["world_x"] - left["world_x"], right["world_y"] - left["world_y"])
        assert math.isclose(moved_m / seconds, mean, rel_tol=0.01, abs_tol=0.05)
        if right["lap_number"] == left["lap_number"]:
            gone_m = right["lap_distance"] - left["lap_distance"]
            assert math.isclose(gone_m / seconds, mean, rel_tol=0.1, abs_tol=0.05)


def test_accelerations_and_yaw_rate_are_derivatives(rows: tuple[Row, ...]) -> None:
    gained = turned = 0.0
    for left, right, seconds in neighbours(rows):
        gained += seconds * (left["accel_long"] + right["accel_long"]) / 2
        turned += seconds * (left["yaw_rate"] + right["yaw_rate"]) / 2
        yaw = math.remainder(right["yaw"] - left["yaw"], math.tau)
        assert abs(yaw / seconds - (left["yaw_rate"] + right["yaw_rate"]) / 2) <= 0.08
        assert abs(left["accel_lat"] - left["speed"] * left["yaw_rate"]) <= 4
    assert rows[0]["speed"] + gained == pytest.approx(rows[-1]["speed"], abs=4)
    course = track("kestrel-vale").poses[0].heading
    assert math.remainder(rows[0]["yaw"] + turned - rows[-1]["yaw"], math.tau) == pytest.approx(
        course, abs=0.05
    )
    assert turned / math.tau == pytest.approx(-3, abs=0.05)


def test_left_is_positive_for_steering_yaw_and_lateral_acceleration(rows: tuple[Row, ...]) -> None:
    turning = [row for row in rows if abs(row["accel_lat"]) > 3]
    assert len(turning) > 500
    for row in turning:
        left = row["accel_lat"] > 0
        assert (row["steering_angle"] > 0) == (row["yaw_rate"] > 0) == left
        assert (row["roll"] > 0) == left
        assert (row["wheel_speed_fr"] > row["wheel_speed_fl"]) == left
        lean_m = row["susp_travel_fr"] + row["susp_travel_rr"]
        lean_m -= row["susp_travel_fl"] + row["susp_travel_rl"]
        assert (lean_m > 0) == left
    hard_left = [row for row in turning if row["accel_lat"] > 12]
    assert hard_left and {row["lap_number"] for row in turning} >= {1, 2, 3}


def test_the_nose_dives_and_wheels_slip_under_brakes(rows: tuple[Row, ...]) -> None:
    both = [row for row in rows if min(row["throttle"], row["brake"]) > 0.05]
    assert len(both) < 0.005 * len(rows)
    for row in rows:
        if row["brake"] > 0.3 and row["speed"] > 10:
            assert row["accel_long"] < -3
            assert row["susp_travel_fl"] > row["susp_travel_rl"]
            assert row["slip_ratio_fl"] < 0 and row["wheel_speed_fl"] < row["speed"] * 1.03
        if row["throttle"] > 0.9 and row["speed"] > 10:
            assert row["slip_ratio_rl"] > 0
    level = [row for row in rows if abs(row["velocity_z"]) < 0.05 and row["speed"] > 10]
    assert all(row["pitch"] > 0 for row in level if row["accel_long"] < -5)
    assert all(row["pitch"] < 0 for row in level if row["accel_long"] > 5)


def test_gears_and_revolutions_fit_the_speed(rows: tuple[Row, ...]) -> None:
    for left, right, _ in neighbours(rows):
        assert right["gear"] in range(1, 7) and float(right["gear"]).is_integer()
        assert right["gear"] - left["gear"] <= 1
        assert DEFAULT.idle_rpm <= right["engine_rpm"] <= DEFAULT.limit_rpm
    ratios = [DEFAULT.rpm_per_mps[int(row["gear"]) - 1] for row in rows]
    meshed = [
        math.isclose(row["engine_rpm"], max(ratio * row["speed"], DEFAULT.idle_rpm), rel_tol=0.02)
        for row, ratio in zip(rows, ratios, strict=True)
    ]
    assert sum(meshed) > 0.95 * len(rows)
    fastest = max(rows, key=lambda row: row["speed"])
    assert fastest["gear"] >= 5 and 45 < fastest["speed"] < 85
    assert {row["gear"] for row in rows} >= {1, 2, 3, 4, 5}


def test_fuel_falls_except_when_filling_up(rows: tuple[Row, ...]) -> None:
    for left, right, _ in neighbours(rows):
        if right["speed"] > 0.5:
            assert right["fuel_level"] <= left["fuel_level"]
    driven = [row for row in rows if row["lap_number"] == 1]
    used_l = driven[0]["fuel_level"] - driven[-1]["fuel_level"]
    assert 0.45 < used_l / driven[-1]["lap_distance"] * 1000 < 0.65


def test_heat_and_wear_stay_plausible_and_the_outer_tyres_work_more(rows: tuple[Row, ...]) -> None:
    hot = rows[-1]
    for row in rows:
        for corner in ("fl", "fr", "rl", "rr"):
            assert 50 < row[f"tyre_temp_middle_{corner}"] < 115
            assert 60 < row[f"brake_temp_{corner}"] < 800
            assert 0 <= row[f"tyre_wear_{corner}"] < 0.1
            assert 130_000 < row[f"tyre_pressure_{corner}"] < 200_000
            assert -0.12 < row[f"slip_ratio_{corner}"] < 0.12
    # Both circuits turn right.
    assert hot["tyre_wear_fl"] > hot["tyre_wear_fr"]


def test_clock_channels_agree_with_one_another(rows: tuple[Row, ...]) -> None:
    length_m = track("kestrel-vale").length_m
    for left, right, seconds in neighbours(rows):
        assert right["lap_number"] - left["lap_number"] in (0, 1)
        if right["lap_number"] == left["lap_number"]:
            assert math.isclose(right["lap_time"] - left["lap_time"], seconds, rel_tol=1e-6)
            assert right["lap_distance"] >= left["lap_distance"]
            assert right["sector"] >= left["sector"]
        else:
            assert right["lap_time"] < 0.02 and right["lap_distance"] < 2
            assert (left["sector"], right["sector"]) == (2, 0)
        assert 0 <= right["lap_fraction"] < 1 and right["lap_distance"] <= length_m
