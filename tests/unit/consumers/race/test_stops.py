"""The table of edge cases: 3 l a lap; box at the end of this lap, or one lap later."""

import pytest
from msgspec import Struct

from consumers.race.crossings import Caution, Owed, Race, Rules, Runner
from consumers.race.fuel import Usage, needed
from consumers.race.stops import LATER, NOW, Amount, Box, Tank, box


class Row(Struct, frozen=True):
    """A race as it stands, and what is right: `add` and `fill` now and one lap later."""

    name: str
    own: Runner
    rivals: tuple[Runner, ...]
    rules: Rules
    level: float
    crossings: int
    fuel: float
    add: tuple[int, int]
    fill: tuple[int, int]
    capacity: float = 100.0
    stop_s: float = 0.0
    fits: bool = True
    reaches: tuple[bool, bool] = (True, True)


def own(laps: int = 20, fraction: float = 0.0, lap_s: float = 95.0) -> Runner:
    return Runner(laps, fraction, lap_s)


def his(laps: int = 20, fraction: float = 0.0, stop_s: float = 0.0) -> tuple[Runner]:
    """The leader, who laps in 95 s, with the stop that he owes on the next lap but one."""
    return (Runner(laps, fraction, 95.0, stops=(Owed(2, stop_s),)),)


def laps(number: int) -> Rules:
    return Rules(laps=number)


def clock(time_left_s: float, extra_laps: int = 0, laps: int | None = None) -> Rules:
    return Rules(laps, time_left_s, extra_laps)


# One line a row.
# ruff: noqa: E501
# fmt: off
ROWS = [
    Row("1 own leads, 20 of 30 laps done", own(), (), laps(30), 12, 10, 30.0, (18, 18), (27, 24)),
    Row("2 one lap down, same pace", own(19), his(20), laps(30), 12, 10, 30.0, (18, 18), (27, 24)),
    Row("3 two down, slower, half round", own(18, 0.5, 100), his(20), laps(30), 12, 10, 28.5, (17, 17), (27, 24)),
    Row("4 600 s, own leads", own(), (), clock(600), 9, 7, 21.0, (12, 12), (18, 15)),
    Row("5 570 s = 6 x 95 exactly", own(), (), clock(570), 9, 6, 18.0, (9, 9), (15, 12)),
    Row("6 600 s and one lap", own(), (), clock(600, 1), 9, 8, 24.0, (15, 15), (21, 18)),
    Row("7 second, 75/95 round, leader on the line", own(20, 75 / 95), his(21), clock(600), 9, 8, 21.63, (13, 13), (21, 18)),
    Row("8 one down, leader 2 s behind", own(19, 0, 100), his(19, 93 / 95), clock(600), 9, 7, 21.0, (12, 12), (18, 15)),
    Row("9 as 8, own 98 s, leader owes 25 s", own(19, 0, 98), his(19, 93 / 95, 25), clock(600), 9, 8, 24.0, (15, 15), (21, 18)),
    Row("10 as 9, leader owes no stop", own(19, 0, 98), his(19, 93 / 95), clock(600), 9, 7, 21.0, (12, 12), (18, 15)),
    Row("11 own leads and stops for 40 s", own(), (), clock(600), 9, 6, 18.0, (9, 9), (15, 12), stop_s=40),
    Row("12 20 laps or 1800 s", own(0), (), clock(1800, laps=20), 50, 19, 57.0, (7, 7), (54, 51)),
    Row("13 as 12, 90 s: laps come first", own(0, 0, 90), (), clock(1800, laps=20), 50, 20, 60.0, (10, 10), (57, 54)),
    Row("14 40 laps, tank 60: one stop does not do", own(0), (), laps(40), 10, 40, 120.0, (53, 56), (60, 60), capacity=60, fits=False),
    Row("15 last lap, half round", own(29, 0.5), (), laps(30), 1.2, 1, 1.5, (0, 0), (0, 0), reaches=(False, False)),
    Row("16 2.0 l left, 0.8 lap to the box", own(5, 0.2), (), laps(30), 2, 25, 74.4, (73, 73), (72, 69), reaches=(False, False)),
    Row("17 clock at zero, leader 40 s from the line", own(19, 0.3), his(20, 55 / 95), clock(0), 5, 1, 2.1, (0, 0), (3, 0), reaches=(True, False)),
    Row("18 clock at zero, leader 80 s from it, own 5", own(19, 90 / 95), his(20, 15 / 95), clock(0), 5, 2, 3.16, (0, 0), (5, 2)),
    Row("19 600 s and one lap, one down, he is 50 s behind", own(19, 0, 100), his(19, 45 / 95), clock(600, 1), 9, 8, 24.0, (15, 15), (21, 18)),
]
# fmt: on


def at_box(row: Row, lap: int) -> Box:
    race = Race(row.own, row.rules, row.rivals)
    return box(lap, race, Tank(row.level, row.capacity), Usage(3.0), row.stop_s)


def row_named(number: str) -> Row:
    return next(row for row in ROWS if row.name.split()[0] == number)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_table_of_edge_cases(row: Row) -> None:
    both = at_box(row, NOW), at_box(row, LATER)
    assert [one.left.crossings for one in both] == [row.crossings] * 2
    assert needed(Usage(3.0), row.crossings, row.own.fraction) == pytest.approx(row.fuel, abs=0.005)
    assert tuple(one.likely.add for one in both) == row.add
    assert tuple(one.likely.fill_to for one in both) == row.fill
    assert [one.likely.fits for one in both] == [row.fits] * 2
    assert tuple(one.reaches for one in both) == row.reaches


def test_on_the_last_lap_the_box_lies_behind_the_flag_and_nothing_is_to_type() -> None:
    """Row 15: 0.3 l are missing, and no stop can add them."""
    for lap in (NOW, LATER):
        found = at_box(row_named("15"), lap)
        assert (found.behind_flag, found.reaches, found.to_type.add) == (True, False, 0)
    assert not at_box(row_named("16"), NOW).behind_flag


def test_on_a_knifes_edge_both_numbers_are_given_and_the_larger_is_to_type() -> None:
    """Row 5: the crossing falls on the last second, so there may be a seventh lap."""
    found = at_box(row_named("5"), NOW)
    assert (found.left.crossings, found.left.most, found.on_the_edge) == (6, 7, True)
    assert (found.likely, found.to_type) == (Amount(9, 15, True), Amount(12, 18, True))
    assert not at_box(row_named("4"), NOW).on_the_edge


def test_laps_behind_a_safety_car_take_their_own_time_and_fuel() -> None:
    """Row 16b: 180, 360, 455, 550 and 645 s are 5 laps, of 2 x 1.5 and 3 x 3 l."""
    caution, laps_fuel = Caution(2, 180.0), Usage(3.0, caution=1.5)
    found = box(NOW, Race(own(), clock(600), (), caution), Tank(5.0, 100.0), laps_fuel)
    assert (found.left.crossings, found.likely.add) == (5, 7)
    assert needed(laps_fuel, 5, 0.0, caution.laps) == 12.0


def test_a_part_of_a_litre_is_typed_as_a_whole_one() -> None:
    """18.31 l with the reserve: 19, never 18."""
    found = box(NOW, Race(own(), laps(30)), Tank(12.0), Usage(3.031))
    assert (found.likely.add, found.likely.fill_to) == (19, 28)


def test_the_reserve_is_in_the_number_to_type() -> None:
    found = box(NOW, Race(own(), laps(30)), Tank(12.0), Usage(3.0, 0.06, 5))
    assert (found.likely.add, found.likely.fits) == (19, True)


def test_a_stop_one_lap_later_adds_the_same_and_fills_to_a_laps_fuel_less() -> None:
    for row in ROWS[:10]:
        now, later = at_box(row, NOW).likely, at_box(row, LATER).likely
        assert (now.add, now.fill_to) == (later.add, later.fill_to + 3)
