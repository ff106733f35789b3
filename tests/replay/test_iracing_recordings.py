"""Real telemetry files of iRacing decode correctly; broken files are refused with a reason."""

from pathlib import Path

import numpy as np
import pytest

from producers.importers.recording import open_recording
from producers.source import Began, Frame, Observation, SourceError
from producers.sources.iracing import live
from producers.sources.iracing.ticks import Tick
from schemas.channels import CHANNELS
from schemas.sim import LapReported

LAPS = "langley_sk-modified_laps-15.187-15.099.ibt"
LONG = "langley_sk-modified_long.ibt"
MODERN = "red-bull-ring_w13_2024-build_6.5s.ibt"


@pytest.fixture(scope="module")
def folder(data_dir: Path) -> Path:
    return data_dir / "iracing"


def read(path: Path) -> list[Observation]:
    if not path.exists():
        pytest.skip(f"needs the recording {path.name} in PITBOX_DATA")
    return list(open_recording(path))


def opened(observations: list[Observation]) -> Began:
    [began] = [item for item in observations if isinstance(item, Began)]
    return began


def column(observations: list[Observation], name: str) -> np.ndarray:
    index = [CHANNELS[channel].name for channel in opened(observations).channels].index(name)
    return np.array([item.values[index] for item in observations if isinstance(item, Frame)])


@pytest.mark.parametrize(
    ("name", "expected"),
    [(LAPS, {174: 15.187, 175: 15.099}), (LONG, {184: 15.196, 185: 15.277}), (MODERN, {})],
)
def test_lap_times_of_the_sim_belong_to_the_laps_that_took_them(
    folder: Path, name: str, expected: dict[int, float]
) -> None:
    reports = [item for item in read(folder / name) if isinstance(item, LapReported)]
    laps = [lap for lap in reports if lap.lap_time_s]
    assert {lap.lap_number: round(lap.lap_time_s, 3) for lap in laps} == expected
    for lap in laps:
        assert sum(lap.sectors_s) == pytest.approx(lap.lap_time_s, abs=0.015)
        assert len(lap.sectors_s) == 2


def test_track_and_car_are_named(folder: Path) -> None:
    modern = opened(read(folder / MODERN)).opened
    assert modern.track == "Red Bull Ring Grand Prix"
    assert (modern.car, modern.car_model) == ("64", "Mercedes-AMG W13 E Performance")
    assert (modern.kind, modern.sectors, modern.source_version) == ("test", 3, "2024.06.10.01")
    assert modern.track_length_m == pytest.approx(4283, abs=1)
    assert opened(read(folder / LAPS)).opened.track_length_m == pytest.approx(576.3, abs=0.2)


def test_frames_ascend_in_time_and_hold_no_row_of_zeros(folder: Path) -> None:
    for name in (LAPS, LONG, MODERN):
        observations = read(folder / name)
        times = np.array([item.captured_ns for item in observations if isinstance(item, Frame)])
        assert (np.diff(times) > 0).all()
        assert (column(observations, "lap_number") > 0).all()
        assert np.abs(column(observations, "world_x")).max() < 1000


def test_the_lap_clock_and_the_distance_restart_with_the_lap_number(folder: Path) -> None:
    observations = read(folder / LAPS)
    lines = np.flatnonzero(np.diff(column(observations, "lap_number"))) + 1
    assert len(lines) == 3
    assert (column(observations, "lap_time")[lines] < 0.017).all()
    assert (column(observations, "lap_distance")[lines] < 1).all()


def test_an_oval_is_driven_to_the_left(folder: Path) -> None:
    observations = read(folder / LAPS)
    fast = column(observations, "speed") > 20
    turned = np.diff(np.unwrap(column(observations, "yaw")))
    assert turned.sum() > 3 * np.pi
    assert (
        np.corrcoef(turned[fast[1:]], column(observations, "yaw_rate")[1:][fast[1:]])[0, 1] > 0.99
    )
    assert column(observations, "accel_lat")[fast].mean() > 5
    assert column(observations, "steering_angle")[fast].mean() > 0
    assert (
        column(observations, "wheel_speed_fr")[fast].mean()
        > column(observations, "wheel_speed_fl")[fast].mean()
    )


def test_units_are_plausible_for_a_car(folder: Path) -> None:
    observations = read(folder / LAPS)
    assert 90e3 < column(observations, "tyre_pressure_fl").min() < 200e3
    assert 0 <= column(observations, "tyre_wear_fl").min() < 0.01
    assert 300e3 < np.median(column(observations, "engine_oil_pressure")) < 600e3
    assert column(observations, "clutch")[column(observations, "speed") > 30].max() < 0.01
    fuel = column(observations, "fuel_level")
    assert 0 < fuel[0] - fuel[-1] < 2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("bad_invalid.ibt", "not an iRacing telemetry file"),
        ("bad_live-memory-dump.ibt", "live memory"),
    ],
)
def test_incomplete_files_are_refused(folder: Path, name: str, message: str) -> None:
    with pytest.raises(SourceError, match=f"{name} is .*{message}"):
        read(folder / name)


def test_the_live_reader_reads_the_same_through_the_library(folder: Path) -> None:
    irsdk = pytest.importorskip("irsdk", reason="needs pyirsdk")
    observations = read(folder / MODERN)
    sdk = irsdk.IRSDK()
    assert sdk.startup(test_file=str(folder / MODERN))
    ticks: list[Tick] = []
    live.Reader(sdk, ticks.append).poll(1)
    sdk.shutdown()
    [began, frame] = [item for tick in ticks for item in tick.ticks.tick(1, tick.values)]
    first = next(item for item in observations if isinstance(item, Frame))
    assert isinstance(frame, Frame)
    assert began.opened.track == opened(observations).opened.track
    assert frame.values == pytest.approx(first.values, nan_ok=True)


def test_the_live_reader_decodes_the_shared_memory_of_the_sim(folder: Path) -> None:
    irsdk = pytest.importorskip("irsdk", reason="needs pyirsdk")
    dump = folder / "bad_live-memory-dump.ibt"
    if not dump.exists():
        pytest.skip("needs the recording bad_live-memory-dump.ibt in PITBOX_DATA")
    sdk = irsdk.IRSDK()
    assert sdk.startup(test_file=str(dump))
    ticks: list[Tick] = []
    live.Reader(sdk, ticks.append).poll(1)
    sdk.shutdown()
    [tick] = ticks
    on_track = tick.values | {"IsOnTrack": 1.0, "IsReplayPlaying": 0.0, "Yaw": 0.1}
    [began, frame] = tick.ticks.tick(1, on_track)
    assert isinstance(began, Began)
    assert began.opened.track == "Autodromo Nazionale Monza"
    assert isinstance(frame, Frame)
