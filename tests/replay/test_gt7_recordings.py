"""Real recordings of Gran Turismo 7 decode correctly, wheel order, axes and signs included."""

import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from producers.importers.recording import open_recording
from producers.source import Began, Frame
from schemas.channels import CHANNELS
from schemas.sim import LapReported

A = "gt7/gt7_packet-a_lap-1m39.036.pcap.gz"
C = "gt7/gt7_packet-c_lap-1m55.244.pcap.gz"


class Drive:
    """A recording as columns."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            pytest.skip(f"needs the recording {path.name} in PITBOX_DATA")
        observations = list(open_recording(path))
        self.sessions = [item for item in observations if isinstance(item, Began)]
        self.laps = [item for item in observations if isinstance(item, LapReported)]
        frames = [item for item in observations if isinstance(item, Frame)]
        self.seconds = np.array([frame.captured_ns for frame in frames]) / 1e9
        self.seconds -= self.seconds[0]
        self.rows = np.array([frame.values for frame in frames])

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        names = [CHANNELS[channel].name for channel in self.sessions[0].channels]
        column: NDArray[np.float64] = self.rows[:, names.index(name)]
        return column


@pytest.fixture(scope="module", params=[A, C])
def drive(request: pytest.FixtureRequest, data_dir: Path) -> Drive:
    return Drive(data_dir / request.param)


@pytest.fixture(scope="module")
def packet_c(data_dir: Path) -> Drive:
    return Drive(data_dir / C)


@pytest.mark.parametrize(
    ("name", "car", "frames", "lap_s"),
    [
        (A, "McLaren VGT", 6416, 99.036),
        (C, "Chevrolet Corvette CX.R Vision Gran Turismo Concept", 6914, 115.244),
    ],
)
def test_the_lap_and_the_car_are_decoded(
    data_dir: Path, name: str, car: str, frames: int, lap_s: float
) -> None:
    drive = Drive(data_dir / name)
    [session] = drive.sessions
    [lap] = drive.laps
    assert session.opened.car_model == car
    assert len(drive.rows) == frames
    assert (lap.lap_number, lap.lap_time_s) == (1, lap_s)


@pytest.mark.parametrize(("name", "top_kmh"), [(A, 355.8), (C, 317.7)])
def test_the_top_speed_is_decoded(data_dir: Path, name: str, top_kmh: float) -> None:
    assert Drive(data_dir / name)["speed"].max() * 3.6 == pytest.approx(top_kmh, abs=0.05)


def test_a_lap_measured_since_the_line_is_as_long_as_it_was(packet_c: Drive) -> None:
    lap = packet_c["lap_number"] == 1
    assert packet_c["lap_distance"][lap].max() == pytest.approx(6810, abs=10)
    assert packet_c["lap_time"][lap].max() == pytest.approx(115.244, abs=0.017)


def test_the_clock_between_two_crossings_agrees_with_the_game(drive: Drive) -> None:
    started, ended = np.flatnonzero(np.diff(drive["lap_number"], prepend=0))[[0, -1]]
    measured_s = drive.seconds[ended] - drive.seconds[started]
    assert measured_s == pytest.approx(drive.laps[0].lap_time_s, abs=0.05)


def test_the_yaw_changes_at_the_yaw_rate_and_in_the_same_direction(drive: Drive) -> None:
    turning = np.gradient(np.unwrap(drive["yaw"]), drive.seconds)
    assert np.corrcoef(turning, drive["yaw_rate"])[0, 1] > 0.99


def test_the_car_moves_in_its_heading(drive: Drive) -> None:
    course = np.arctan2(np.gradient(drive["world_y"]), np.gradient(drive["world_x"]))
    off = np.angle(np.exp(1j * (course - drive["yaw"])))
    assert np.abs(off).mean() < 0.02
    assert np.abs(np.hypot(drive["velocity_x"], drive["velocity_y"]) - drive["speed"]).max() < 0.5


def test_the_nose_rises_where_the_road_does(drive: Drive) -> None:
    climb = np.gradient(drive["world_z"], drive.seconds) / drive["speed"]
    assert np.corrcoef(drive["pitch"], climb)[0, 1] < -0.9


def test_in_a_left_turn_the_right_wheels_carry_more_and_the_front_one_is_faster(
    drive: Drive,
) -> None:
    left = drive["yaw_rate"] * drive["speed"]
    for axle in ("f", "r"):
        deeper = drive[f"susp_travel_{axle}r"] - drive[f"susp_travel_{axle}l"]
        assert np.corrcoef(deeper, left)[0, 1] > 0.8
    faster = drive["wheel_speed_fr"] - drive["wheel_speed_fl"]
    assert np.corrcoef(faster, drive["yaw_rate"])[0, 1] > 0.4


def test_braking_compresses_the_front(drive: Drive) -> None:
    front = drive["susp_travel_fl"] + drive["susp_travel_fr"]
    rear = drive["susp_travel_rl"] + drive["susp_travel_rr"]
    pushed = np.gradient(drive["speed"], drive.seconds)
    assert np.corrcoef(front - rear, pushed)[0, 1] < -0.5


def test_wheels_roll_at_the_speed_of_the_car(drive: Drive) -> None:
    for corner in ("fl", "fr", "rl", "rr"):
        assert np.median(drive[f"wheel_speed_{corner}"] / drive["speed"]) == pytest.approx(
            1, abs=0.03
        )


def test_steering_and_acceleration_agree_with_the_turn(packet_c: Drive) -> None:
    centripetal = packet_c["yaw_rate"] * packet_c["speed"]
    pushed = np.gradient(packet_c["speed"], packet_c.seconds)
    assert np.corrcoef(packet_c["steering_angle"], packet_c["yaw_rate"])[0, 1] > 0.8
    assert np.corrcoef(packet_c["accel_lat"], centripetal)[0, 1] > 0.9
    assert np.corrcoef(packet_c["accel_long"], pushed)[0, 1] > 0.9


def test_the_lap_runs_clockwise_on_the_map(packet_c: Drive) -> None:
    x, y = packet_c["world_x"], packet_c["world_y"]
    area = 0.5 * np.sum(x[:-1] * np.diff(y) - y[:-1] * np.diff(x))
    assert area < 0
    turned = np.unwrap(packet_c["yaw"])
    assert turned[-1] - turned[0] == pytest.approx(-math.tau, abs=0.02)
