from pathlib import Path

import pytest

from consumers.timing.replay import laps
from pitbox.settings import Driver
from producers.importers import table
from producers.imports import chunks_of, digest_of
from producers.source import Began, Frame, Observation
from schemas.channels import CHANNELS
from schemas.timing import Lap

EXPORT = "Garage 61 - A Driver - Mazda MX-5 Cup - Okayama (Full) - 00.20.000 - 01KVAPBN.csv"
SPEED = 50.0
TICKS = 20 * 60


def export(path: Path, ticks: int = TICKS, offset: float = 0.25) -> Path:
    """Write a lap that begins a part of a tick behind the line."""
    lines = ["Speed,LapDistPct,Lat,Lon,Brake,Throttle,SteeringWheelAngle,Clutch,ABSActive,Yaw"]
    lines += [
        f"{SPEED},{(tick + offset) / ticks},52.46,0.94,0,1,-0.002,1,false,3.14"
        for tick in range(ticks)
    ]
    path.write_text("\n".join(lines))
    return path


def laps_of(path: Path) -> dict[int, Lap]:
    found = laps(chunks_of(path, digest_of(path), Driver(name="ann")))
    return {lap.lap_number: lap for lap in found}


def frames_of(items: list[Observation]) -> list[dict[str, float]]:
    [began] = [item for item in items if isinstance(item, Began)]
    names = [CHANNELS[channel].name for channel in began.channels]
    return [dict(zip(names, f.values, strict=True)) for f in items if isinstance(f, Frame)]


def test_a_lap_of_garage_61_is_whole_and_has_the_time_in_its_name(tmp_path: Path) -> None:
    lap = laps_of(export(tmp_path / EXPORT))[1]
    assert (lap.lap_time_s, lap.timed_by, lap.complete, lap.valid) == (20.0, "sim", True, True)


def test_a_lap_of_garage_61_under_another_name_is_timed_by_its_crossings(tmp_path: Path) -> None:
    lap = laps_of(export(tmp_path / "mine.csv"))[1]
    assert (lap.lap_time_s, lap.timed_by, lap.complete) == (20.0, "crossing", True)


def test_a_time_in_the_name_that_the_rows_contradict_does_not_count(tmp_path: Path) -> None:
    lap = laps_of(export(tmp_path / EXPORT, ticks=21 * 60))[1]
    assert (lap.lap_time_s, lap.timed_by) == (21.0, "crossing")


def test_a_part_of_a_lap_is_no_whole_lap(tmp_path: Path) -> None:
    path = export(tmp_path / "part.csv")
    path.write_text("\n".join(path.read_text().splitlines()[:-60]))
    assert not [lap for lap in laps_of(path).values() if lap.lap_time_s]


def test_the_name_of_an_export_gives_track_and_car_and_no_person(tmp_path: Path) -> None:
    items = list(table.observations(export(tmp_path / EXPORT)))
    began = items[0]
    assert isinstance(began, Began)
    assert (began.opened.track, began.opened.car_model) == ("Okayama (Full)", "Mazda MX-5 Cup")
    assert began.opened.track_length_m == pytest.approx(SPEED * 20, rel=1e-3)


def test_values_are_those_of_the_sim(tmp_path: Path) -> None:
    frame = frames_of(list(table.observations(export(tmp_path / EXPORT))))[5]
    assert frame["clutch"] == 0
    assert frame["throttle"] == 1
    assert frame["abs_active"] == 0
    assert frame["steering_angle"] == pytest.approx(-0.002)


def test_iracing_s_variables_are_decoded_with_their_laps(tmp_path: Path) -> None:
    lines = ["SessionTime,Lap,LapDistPct,Speed,LapLastLapTime,OnPitRoad"]
    for tick in range(300, 50 * 60):
        lap, within = divmod(tick, 20 * 60)
        last_s = 20.001 if lap and within > 100 else -1
        lines.append(f"{100 + tick / 60},{lap + 3},{within / 1200},{SPEED},{last_s},False")
    path = tmp_path / "stint.csv"
    path.write_text("\n".join(lines))
    found = laps_of(path)
    assert found[4].lap_time_s == pytest.approx(20, abs=0.01)
    assert {number: lap.complete for number, lap in found.items()} == {3: False, 4: True, 5: True}
    assert found[3].lap_time_s == pytest.approx(20.001, abs=0.001)
