"""Traffic and flags keep a car from its own pace on a part of a lap, and nowhere else."""

import math

import pytest
from msgspec.structs import replace

from producers.sources.sim import Hindrance, Race, driven_laps
from producers.sources.sim.hindrances import FOLLOWS_S, parse
from tests.tools.sim_drives import Row, rows_driven

SHORT = Race(track="pebble-lane", laps=2, rate_hz=30)
AHEAD = Hindrance(2, 300, 800, "traffic", 0.05)


def lap_2(*hindrances: Hindrance) -> list[Row]:
    """Return the frames of lap 2."""
    rows = rows_driven(replace(SHORT, hindrances=hindrances))
    return [row for row in rows if row["lap_number"] == 2]


def fastest(rows: list[Row], from_m: float, until_m: float) -> float:
    """Return the highest speed on a part of the track."""
    return max(row["speed"] for row in rows if from_m < row["lap_distance"] < until_m)


def test_a_slower_car_ahead_costs_its_share_of_the_speed_until_it_is_gone() -> None:
    clean, behind = lap_2(), lap_2(AHEAD)
    ratio = fastest(behind, 400, 700) / fastest(clean, 400, 700)
    assert ratio == pytest.approx(0.95, abs=0.02)
    assert fastest(behind, 0, 290) == fastest(clean, 0, 290)
    assert fastest(behind, 1200, 1500) == pytest.approx(fastest(clean, 1200, 1500), abs=0.3)


def test_traffic_costs_about_its_share_of_the_time() -> None:
    clean, behind = (
        list(driven_laps(replace(SHORT, hindrances=hindrances), 2))[1].lap_time_s
        for hindrances in ((), (AHEAD,))
    )
    assert 0.3 < behind - clean < 1.5


def test_another_lap_is_not_hindered() -> None:
    first, _ = driven_laps(replace(SHORT, hindrances=(AHEAD,)), 2)
    clean, _ = driven_laps(SHORT, 2)
    assert first == clean


def test_the_car_ahead_is_close_where_it_holds_up_and_nowhere_else() -> None:
    rows = lap_2(AHEAD)
    inside = {row["gap_ahead"] for row in rows if 310 < row["lap_distance"] < 790}
    outside = [row["gap_ahead"] for row in rows if not 295 < row["lap_distance"] < 805]
    assert inside == {FOLLOWS_S}
    assert all(math.isnan(gap_s) for gap_s in outside)


@pytest.mark.parametrize(("kind", "bits"), [("traffic", 0), ("yellow", 0x8), ("blue", 0x20)])
def test_a_flag_is_shown_where_it_holds(kind: str, bits: int) -> None:
    rows = lap_2(replace(AHEAD, kind=kind))
    inside = {row["flags"] for row in rows if 310 < row["lap_distance"] < 790}
    outside = {row["flags"] for row in rows if not 295 < row["lap_distance"] < 805}
    assert (inside, outside) == ({bits}, {0})


def test_a_hindrance_is_parsed() -> None:
    asked = parse("lap=2,from_m=300,until_m=800,kind=yellow,slower=0.2")
    assert asked == Hindrance(2, 300, 800, "yellow", 0.2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lap=2,from_m=300", "until_m"),
        ("lap=2,from_m=300,until_m=800,kind=red", "red"),
        ("lap=2,from_m=300,until_m=800,why=fun", "why"),
    ],
)
def test_the_error_for_an_unreadable_hindrance_names_the_fault(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(text)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lap": 0}, "lap 0"),
        ({"lap": 3}, "lap 3 comes after the last, 2"),
        ({"until_m": 200}, "300 to 200 m"),
        ({"until_m": 9000}, "which has 1"),
        ({"slower": 0.9}, "slower 0.9"),
    ],
)
def test_the_error_for_an_impossible_hindrance_names_the_fault(
    changes: dict[str, float], message: str
) -> None:
    asked = replace(AHEAD, **changes)
    with pytest.raises(ValueError, match=message):
        replace(SHORT, hindrances=(asked,)).check()
