"""A log of a real car, with channels from 1 to 100 Hz and without a file of beacons."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from commands import left_out
from commands.laps import of_recording
from producers.importers import motec
from producers.importers.recording import open_recording
from producers.source import Began, Frame, SourceError
from schemas.channels import CHANNELS
from schemas.timing import Lap, Session
from tests.tools.ld_file import ldx

LOG = "calder_adl_4-laps.ld"
STARTS_S = (94.14, 159.31, 222.99, 288.18, 351.94)


@pytest.fixture
def log(data_dir: Path) -> Path:
    path = data_dir / "motec" / LOG
    if not path.exists():
        pytest.skip(f"needs the recording {LOG} in PITBOX_DATA")
    return path


@cache
def recorded(path: Path) -> tuple[list[Lap], list[Session]]:
    """Return the laps and sessions of a log, which is read once."""
    return of_recording(path)


@cache
def columns(path: Path) -> dict[str, np.ndarray]:
    items = list(open_recording(path))
    [began] = [item for item in items if isinstance(item, Began)]
    names = [CHANNELS[channel].name for channel in began.channels]
    rows = np.array([item.values for item in items if isinstance(item, Frame)])
    return dict(zip(names, rows.T, strict=True))


def test_laps_are_those_that_the_logger_told(log: Path) -> None:
    found, [session] = recorded(log)
    timed = {lap.lap_number: lap for lap in found if lap.lap_time_s}
    assert {n: round(lap.lap_time_s, 2) for n, lap in timed.items() if lap.lap_time_s} == {
        1: 65.15,
        2: 63.68,
        3: 65.18,
        4: 63.75,
    }
    assert all(lap.complete and lap.valid and lap.timed_by == "sim" for lap in timed.values())
    assert (session.track, session.car_model) == ("Calder", "11A")


def test_crossings_agree_with_the_lap_clock_that_is_logged_once_a_second(log: Path) -> None:
    found, _ = recorded(log)
    for lap in found:
        if lap.lap_time_s and lap.started_ns and lap.ended_ns:
            crossed_s = (lap.ended_ns - lap.started_ns) / 1e9
            assert crossed_s == pytest.approx(lap.lap_time_s, abs=0.03)


def test_laps_are_those_of_the_beacons_beside_the_log(log: Path, tmp_path: Path) -> None:
    copied = tmp_path / LOG
    copied.write_bytes(log.read_bytes())
    copied.with_suffix(".ldx").write_text(ldx(*STARTS_S[1:4]))
    found, _ = of_recording(copied)
    crossed = [
        (lap.ended_ns - lap.started_ns) / 1e9
        for lap in found
        if lap.complete and lap.started_ns and lap.ended_ns
    ]
    assert crossed == pytest.approx([63.68, 65.19], abs=1e-3)


def test_the_distance_of_each_lap_is_the_same(log: Path) -> None:
    found = columns(log)
    lengths = [
        found["lap_distance"][found["lap_number"] == number].max() for number in (1, 2, 3, 4)
    ]
    assert lengths == pytest.approx([2258] * 4, rel=0.006)
    assert np.ptp(lengths[1:]) < 3


def test_a_clockwise_track_is_driven_to_the_right(log: Path) -> None:
    found = columns(log)
    lap = found["lap_number"] == 1
    assert found["yaw_rate"][lap].sum() / 100 == pytest.approx(-2 * np.pi, rel=0.02)
    fast = lap & (found["speed"] > 20)
    assert np.corrcoef(found["accel_lat"][fast], found["yaw_rate"][fast])[0, 1] > 0.9
    assert np.corrcoef(found["steering_angle"][fast], found["yaw_rate"][fast])[0, 1] > 0.8


def test_units_are_plausible_for_a_car(log: Path) -> None:
    found = columns(log)
    assert 60 < np.nanmax(found["speed"]) < 70
    assert 0.99 < np.nanmax(found["throttle"]) <= 1
    assert 6500 < np.nanmax(found["engine_rpm"]) < 7000
    assert set(np.unique(found["gear"])) <= {0, 1, 2, 3, 4, 5}
    assert 90 < np.nanmax(found["engine_coolant_temp"]) < 100
    assert 4e6 < np.nanmax(found["brake_pressure_front"]) < 5e6
    assert 400e3 < np.nanmax(found["engine_oil_pressure"]) < 600e3
    assert np.nanmax(np.abs(found["susp_travel_fl"])) < 0.05
    assert np.nanmin(found["manifold_pressure"]) > -102e3
    assert np.nanmax(found["manifold_pressure"]) < 5e3


def test_columns_that_are_not_used_are_stated(log: Path) -> None:
    [session] = recorded(log)[1]
    said = left_out.sentence(session.left_out)
    assert "columns that are not used (Air Temp Inlet (C)" in said
    mapping = motec.mapping(log)
    assert len(mapping.mapped) + len(mapping.unused) == 78
    assert {"Tyre Temp RL (C)", "Fuel Pres (kPa)", "Beacon"} <= set(mapping.unused)


@pytest.mark.parametrize("size", [2, 500, 20_000, 600_000, 1_207_990])
def test_a_log_that_is_cut_short_is_refused(log: Path, tmp_path: Path, size: int) -> None:
    cut = tmp_path / "cut.ld"
    cut.write_bytes(log.read_bytes()[:size])
    with pytest.raises(SourceError, match=r"cut.ld is (too short|cut short)"):
        list(open_recording(cut))
