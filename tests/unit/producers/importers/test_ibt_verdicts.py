"""The sim's word on a lap is read wherever it stands in a file."""

from pathlib import Path
from typing import Any

import pytest

from producers.importers import ibt
from producers.source import Began, Observation
from schemas.sim import LapReported
from tests.tools.ibt_file import INFO, Car, file

Word = tuple[int, float, bool | None]
IN_TIME_S = 0.8
"""Time after the line at which the sim gives a lap time."""


def read(folder: Path, car: Car, **more: Any) -> list[Observation]:
    path = folder / "a.ibt"
    path.write_bytes(file(car.rows, **more))
    return list(ibt.observations(path))


def words(folder: Path, car: Car) -> list[Word]:
    """Return the reports, without that of the way to the line (lap 0)."""
    reports = [item for item in read(folder, car) if isinstance(item, LapReported)]
    return [
        (lap.lap_number, round(lap.lap_time_s, 4), lap.valid) for lap in reports if lap.lap_number
    ]


def lap(car: Car, lap_s: float, said_s: float, late_ticks: int = 0) -> Car:
    """Drive from some time behind the line to the same time behind the next, and judge."""
    car.drive(1, lap_s, late_ticks)
    return car.says(said_s)


def started(late_ticks: int = 0) -> Car:
    return Car().drive(0.1 + IN_TIME_S / 10, 10, late_ticks)


@pytest.mark.parametrize("late_ticks", [0, 1, 3, 20, -1, -5])
def test_the_lap_counter_may_change_before_or_after_the_line(
    tmp_path: Path, late_ticks: int
) -> None:
    car = started(late_ticks)
    for number in (1, 2, 3):
        lap(car, 10, -1 if number == 2 else 10 + number / 1000, late_ticks)
    assert words(tmp_path, car.drive(0.5, 10, late_ticks)) == [
        (1, 10.001, None),
        (2, 0, False),
        (3, 10.003, None),
    ]


@pytest.mark.parametrize("gone_s", [0.3, 1.27, 3.0, 6.0])
def test_a_word_right_after_a_hole_over_the_line_is_of_the_lap_that_ended_in_it(
    tmp_path: Path, gone_s: float
) -> None:
    car = lap(started(), 10, 10.01).drive(0.9, 10)
    seen = len(car.rows)
    car.drive(gone_s / 10, 10)
    del car.rows[seen:]
    lap_3 = car.says(10.02).drive(0.5, 10)
    assert words(tmp_path, lap_3) == [(1, 10.01, None), (2, 10.02, None)]


def test_the_last_lap_of_a_hole_of_several_laps_has_the_sim_s_time(tmp_path: Path) -> None:
    car = lap(started(), 10, 10.01).drive(0.5, 10)
    seen = len(car.rows)
    car.drive(2, 10)
    del car.rows[seen:]
    assert words(tmp_path, car.says(10.03).drive(0.2, 10)) == [(1, 10.01, None), (3, 10.03, None)]


@pytest.mark.parametrize("after_s", [0.1, 0.8, 3.0, 4.9])
def test_a_lap_that_the_sim_voids_does_not_count_however_soon_the_file_ends(
    tmp_path: Path, after_s: float
) -> None:
    car = lap(started(), 10, 10.01).drive(1, 10).drive(after_s / 10, 10).says(-1)
    car.tick()
    assert words(tmp_path, car) == [(1, 10.01, None), (2, 0, False)]


def test_a_file_s_end_flushes_a_lap_after_another_that_did_not_count(tmp_path: Path) -> None:
    car = lap(lap(started(), 10, 10.01), 10, -1).drive(1.2, 10)
    assert words(tmp_path, car) == [(1, 10.01, None), (2, 0, False), (3, 0, False)]


def test_a_session_s_end_flushes_its_last_lap(tmp_path: Path) -> None:
    car = lap(started(), 10, -1)
    car.drive(0.2, 10)
    rows = car.rows + [row | {"SessionNum": 1, "SessionTime": 3.0} for row in car.rows[:2]]
    car.rows = rows
    items = read(tmp_path, car)
    kinds = [type(item) for item in items if isinstance(item, Began | LapReported)]
    assert kinds == [Began, LapReported, LapReported, Began]


def test_a_lap_that_has_just_ended_is_left_to_the_crossings_at_a_file_s_end(
    tmp_path: Path,
) -> None:
    car = lap(lap(started(), 10, -1), 10, -1)
    car.drive(0.95, 10)
    assert words(tmp_path, car) == [(1, 0, False), (2, 0, False)]


def test_a_lap_that_is_voided_after_it_was_timed_does_not_count(tmp_path: Path) -> None:
    car = lap(started(), 10, 10.01).drive(0.2, 10).says(-1)
    car.tick()
    assert words(tmp_path, car) == [(1, 10.01, None), (1, 0, False)]


def test_the_time_of_a_lap_may_come_when_its_driver_has_left_the_car(tmp_path: Path) -> None:
    car = lap(started(), 10, -1)
    car.rows = car.rows[: -round(0.5 * 60)]
    car.says(10.01).time_s += 0.1
    car.tick(IsOnTrack=False)
    assert words(tmp_path, car) == [(1, 10.01, None)]


def test_a_car_that_goes_back_over_the_line_ends_no_lap(tmp_path: Path) -> None:
    car = lap(started(), 10, 10.01).drive(0.3, 10)
    car.rows = car.rows[: -round(3.5 * 60)]
    for fraction in (0.002, 0.999, 0.998, 0.999, 0.001, 0.003):
        car.time_s += 1 / 60
        car.fraction = fraction
        car.tick()
    car.drive(1, 10).says(11.5)
    assert words(tmp_path, car.drive(0.1, 10))[-1] == (2, 11.5, None)


def test_a_tow_leaves_the_lap_without_sectors(tmp_path: Path) -> None:
    car = lap(started(), 10, 10.01).drive(0.2, 10)
    car.fraction = 0.13
    car.drive(0.95, 10).says(-1)
    car.drive(0.1, 10)
    assert words(tmp_path, car) == [(1, 10.01, None), (2, 0, False)]


STRAY = ["team", "fixed\\base line.sto", "odd: line", "- item: 3", "Odd:", "*: &x [", "\x85\x0b"]


@pytest.mark.parametrize("stray", STRAY)
@pytest.mark.parametrize("indent", [0, 1, 2, 3, 7])
def test_a_stray_line_costs_no_other_line_of_session_info(
    tmp_path: Path, stray: str, indent: int
) -> None:
    whole = read(tmp_path, Car().drive(0.01, 10))
    lines = INFO.splitlines()
    for at in range(2, len(lines)):
        if lines[at - 1].endswith("s:") or lines[at - 1].endswith("Info:"):
            continue
        info = "\n".join([*lines[:at], " " * indent + stray, *lines[at:]]) + "\n"
        items = read(tmp_path, Car().drive(0.01, 10), info=info.encode())
        assert items[0] == whole[0], lines[at - 1]
