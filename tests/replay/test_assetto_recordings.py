"""A real recording of Assetto Corsa decodes to plausible laps and channels."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from producers.importers.recording import open_recording
from producers.source import Began, Frame, Observation
from schemas.channels import CHANNELS
from schemas.sim import LapReported

NAME = "assetto/assetto-corsa_udp_monza_r8-lms.pcap.gz"


@pytest.fixture(scope="module")
def observations(data_dir: Path) -> list[Observation]:
    if not (data_dir / NAME).exists():
        pytest.skip(f"needs the recording {NAME} in PITBOX_DATA")
    return list(open_recording(data_dir / NAME))


@pytest.fixture(scope="module")
def columns(observations: list[Observation]) -> dict[str, NDArray[np.float64]]:
    [began] = [item for item in observations if isinstance(item, Began)]
    rows = np.array([item.values for item in observations if isinstance(item, Frame)])
    return {CHANNELS[channel].name: rows[:, i] for i, channel in enumerate(began.channels)}


def moving(columns: dict[str, NDArray[np.float64]]) -> tuple[NDArray[np.float64], ...]:
    """Return which frames of the first lap move, their clock, and acceleration to the left."""
    first = (columns["lap_number"] == 1) & (columns["speed"] > 5)
    first &= np.diff(columns["lap_time"], prepend=0) > 0
    clock, speed = columns["lap_time"][first], columns["speed"][first]
    x, y = columns["world_x"][first], columns["world_y"][first]
    course = np.unwrap(np.arctan2(np.gradient(y, clock), np.gradient(x, clock)))
    return first, clock, np.gradient(course, clock) * speed


def test_the_lap_and_the_top_speed_are_decoded(
    observations: list[Observation], columns: dict[str, NDArray[np.float64]]
) -> None:
    [lap] = [item for item in observations if isinstance(item, LapReported)]
    assert (lap.lap_number, lap.lap_time_s, lap.own) == (1, 344.684, True)
    assert columns["speed"].max() * 3.6 == pytest.approx(252, abs=0.5)
    assert set(columns["lap_number"]) == {1, 2}


def test_the_line_is_crossed_once(columns: dict[str, NDArray[np.float64]]) -> None:
    assert np.count_nonzero(np.diff(columns["lap_fraction"]) < -0.5) == 1
    second = columns["lap_number"] == 2
    assert np.isnan(columns["lap_distance"][~second]).all()
    assert columns["lap_distance"][second][0] < 1


def test_monza_is_driven_clockwise(columns: dict[str, NDArray[np.float64]]) -> None:
    first, clock, _ = moving(columns)
    x, y = columns["world_x"][first], columns["world_y"][first]
    course = np.unwrap(np.arctan2(np.gradient(y, clock), np.gradient(x, clock)))
    assert course[-1] - course[0] < -5


def test_left_is_left_in_every_channel(columns: dict[str, NDArray[np.float64]]) -> None:
    first, clock, left = moving(columns)
    calm = np.abs(left) < 40
    for better, least in (("accel_lat", 0.9), ("steering_angle", 0.5)):
        assert np.corrcoef(columns[better][first][calm], left[calm])[0, 1] > least
    deeper = (columns["susp_travel_fr"] - columns["susp_travel_fl"])[first]
    faster = (columns["wheel_speed_fr"] - columns["wheel_speed_fl"])[first]
    assert np.corrcoef(deeper[calm], left[calm])[0, 1] > 0.8
    assert np.corrcoef(faster[calm], left[calm])[0, 1] > 0.3
    pushed = np.gradient(columns["speed"][first], clock)
    assert np.corrcoef(columns["accel_long"][first], pushed)[0, 1] > 0.95
