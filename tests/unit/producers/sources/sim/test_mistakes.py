"""Mistakes have the place and size of their description, and the cost of their truth."""

import math
from bisect import bisect_left
from functools import cache

import pytest
from msgspec.structs import replace

from producers.sources.sim import Mistake, Race, driven_laps
from producers.sources.sim.circuits import COURSES, track
from producers.sources.sim.laps import Drive
from producers.sources.sim.mistakes import KINDS, parse
from schemas.sim import LapReported
from tests.tools.sim_drives import SHORT_AND_LONG, Row, driven, rows_driven

EACH_KIND = (KINDS[0], *(pytest.param(kind, marks=pytest.mark.thorough) for kind in KINDS[1:]))
SHORT = Race(track="pebble-lane", laps=2)
CORNER = track("pebble-lane").corners[3]
MISTAKES = {
    "brakes-early": Mistake(2, 4, "brakes-early", 10),
    "slow-minimum": Mistake(2, 4, "slow-minimum", 2),
    "late-throttle": Mistake(2, 4, "late-throttle", 15),
    "off-track": Mistake(2, 4, "off-track", 6.5),
    "too-fast-in": Mistake(2, 4, "too-fast-in", 9),
    "lock-up": Mistake(2, 4, "lock-up", 9),
    "slow-arc": Mistake(2, 4, "slow-arc", 2),
    "wide": Mistake(2, 4, "wide", 3),
    "second-brake": Mistake(2, 4, "second-brake", 5),
    "spin": Mistake(2, 4, "spin", 14),
    "lift": Mistake(2, 4, "lift", 60),
    "early-throttle": Mistake(2, 4, "early-throttle", 12),
}


@cache
def two_laps(*mistakes: Mistake) -> tuple[tuple[Row, ...], dict[int, LapReported]]:
    """Drive two laps; return the frames of lap 2 and all reports."""
    race = replace(SHORT, mistakes=mistakes)
    reports = {o.lap_number: o for o in driven(race) if isinstance(o, LapReported)}
    return tuple(row for row in rows_driven(race) if row["lap_number"] == 2), reports


def near(rows: tuple[Row, ...], before_m: float = 160, after_m: float = 120) -> list[Row]:
    """Return the frames around turn 4."""
    first_m, last_m = CORNER.apex_m - before_m, CORNER.exit_m + after_m
    return [row for row in rows if first_m < row["lap_distance"] < last_m]


def braking_m(rows: tuple[Row, ...]) -> float:
    """Return where the brake pedal first passes a fifth on the way to turn 4."""
    return next(row["lap_distance"] for row in near(rows) if row["brake"] > 0.2)


def throttle_m(rows: tuple[Row, ...]) -> float:
    """Return where the throttle is open for good after turn 4."""
    after = near(rows, before_m=0)
    shut = [row for row in after if row["throttle"] < 0.15]
    return shut[-1]["lap_distance"]


def minimum_mps(rows: tuple[Row, ...]) -> float:
    """Return the lowest speed in turn 4."""
    return min(row["speed"] for row in near(rows))


def nearest(rows: tuple[Row, ...], distance_m: float) -> Row:
    """Return the frame of a lap that is nearest to a place."""
    after = bisect_left(rows, distance_m, key=lambda row: row["lap_distance"])
    around = rows[max(after - 1, 0) : after + 1]
    return min(around, key=lambda row: abs(row["lap_distance"] - distance_m))


def speed_at(rows: tuple[Row, ...], distance_m: float) -> float:
    """Return the speed at a place."""
    return nearest(rows, distance_m)["speed"]


def test_braking_begins_earlier_by_the_size() -> None:
    clean, early = two_laps()[0], two_laps(MISTAKES["brakes-early"])[0]
    assert braking_m(clean) - braking_m(early) == pytest.approx(10, abs=1.5)
    assert minimum_mps(early) == pytest.approx(minimum_mps(clean), abs=0.05)
    assert throttle_m(early) == pytest.approx(throttle_m(clean), abs=3)


@pytest.mark.thorough
def test_the_minimum_speed_is_lower_by_the_size() -> None:
    clean, slow = two_laps()[0], two_laps(MISTAKES["slow-minimum"])[0]
    assert minimum_mps(clean) - minimum_mps(slow) == pytest.approx(2, abs=0.1)
    assert braking_m(slow) == pytest.approx(braking_m(clean), abs=4)


@pytest.mark.thorough
def test_the_throttle_opens_later_by_the_size() -> None:
    clean, late = two_laps()[0], two_laps(MISTAKES["late-throttle"])[0]
    assert throttle_m(late) - throttle_m(clean) == pytest.approx(15, abs=3)
    assert braking_m(late) == pytest.approx(braking_m(clean), abs=0.5)


@pytest.mark.thorough
def test_running_wide_costs_the_lap_its_validity_from_there_on() -> None:
    clean, wide = two_laps()[0], two_laps(MISTAKES["off-track"])[0]
    assert all(row["lap_valid"] == 1 for row in clean)
    first = next(row for row in wide if row["lap_valid"] == 0)
    assert CORNER.exit_m < first["lap_distance"] < CORNER.exit_m + 100
    assert wide[-1]["lap_valid"] == 0
    reports = two_laps(MISTAKES["off-track"])[1]
    assert (reports[1].valid, reports[2].valid) == (True, False)
    at_m = first["lap_distance"] + 15
    places = [nearest(rows, at_m) for rows in (clean, wide)]
    apart_m = math.dist(*((place["world_x"], place["world_y"]) for place in places))
    assert 4 < apart_m < 8


@pytest.mark.parametrize("kind", EACH_KIND)
def test_a_mistake_has_the_cost_of_its_truth(kind: str) -> None:
    mistake = MISTAKES[kind]
    (_, lap) = driven_laps(replace(SHORT, mistakes=(mistake,)), 2)
    (truth,) = lap.mistakes
    lost_s = two_laps(mistake)[1][2].lap_time_s - two_laps()[1][2].lap_time_s
    assert truth.cost_s == pytest.approx(lost_s, abs=0.0011)
    assert truth.cost_s > 0.1
    assert lap.lap_time_s == two_laps(mistake)[1][2].lap_time_s
    assert (truth.mistake, truth.corner) == (mistake, "Spoon")


@pytest.mark.parametrize("kind", EACH_KIND)
def test_speed_differs_within_the_range_of_the_truth_and_not_before(kind: str) -> None:
    mistake = MISTAKES[kind]
    (truth,) = list(driven_laps(replace(SHORT, mistakes=(mistake,)), 2))[1].mistakes
    clean, made = two_laps()[0], two_laps(mistake)[0]
    assert CORNER.entry_m - 150 < truth.begins_m < CORNER.exit_m + 100
    assert truth.begins_m < truth.ends_m < CORNER.exit_m + 500
    assert speed_at(made, truth.begins_m - 5) == pytest.approx(
        speed_at(clean, truth.begins_m - 5), abs=0.6
    )
    middle_m = (truth.begins_m + truth.ends_m) / 2
    slower = [
        speed_at(clean, m) - speed_at(made, m) for m in range(int(truth.begins_m), int(middle_m))
    ]
    assert max(slower) > 0.5


@pytest.mark.thorough
def test_a_mistake_changes_no_other_lap() -> None:
    for mistake in MISTAKES.values():
        assert two_laps(mistake)[1][1] == two_laps()[1][1]


def test_mistakes_of_one_lap_have_a_truth_each() -> None:
    both = (Mistake(2, 4, "brakes-early", 10), Mistake(2, 5, "late-throttle", 20))
    *_, lap = driven_laps(replace(SHORT, mistakes=both), 2)
    assert [truth.corner for truth in lap.mistakes] == ["Spoon", "Gatehouse"]
    alone = [
        list(driven_laps(replace(SHORT, mistakes=(one,)), 2))[1].mistakes[0].cost_s for one in both
    ]
    assert [truth.cost_s for truth in lap.mistakes] == pytest.approx(alone, abs=0.002)


@pytest.mark.parametrize("name", COURSES)
@pytest.mark.parametrize("seed", [8, 27, 64])
def test_every_turn_needs_brakes(name: str, seed: int) -> None:
    laps = Drive(Race(track=name, seed=seed)).laps()
    for lap in (next(laps), next(laps)):
        assert all(taken.brakes_m is not None for taken in lap.passes)


@pytest.mark.parametrize("name", SHORT_AND_LONG)
@pytest.mark.parametrize("kind", EACH_KIND)
def test_a_mistake_costs_time_in_every_turn(name: str, kind: str) -> None:
    size = MISTAKES[kind].size
    for corner in track(name).corners:
        race = Race(track=name, mistakes=(Mistake(1, corner.number, kind, size),))  # type: ignore[arg-type]
        (lap,) = driven_laps(race, 1)
        assert 0.01 < lap.mistakes[0].cost_s < 3, corner


def test_a_mistake_is_parsed() -> None:
    assert parse("lap=3, turn=4,kind=brakes-early,size=10") == Mistake(3, 4, "brakes-early", 10)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lap=3,turn=4,size=10", "kind"),
        ("lap=3,turn=4,kind=yawn,size=10", "yawn"),
        ("lap=x,turn=4,kind=off-track,size=10", "lap"),
        ("lap=3,turn=4,kind=off-track,size=10,why=fun", "why"),
    ],
)
def test_the_error_for_an_unreadable_mistake_names_the_fault(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(text)


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (Mistake(0, 4, "brakes-early", 10), "lap 0"),
        (Mistake(1, 10, "brakes-early", 10), "turns 1 to 9"),
        (Mistake(1, 4, "brakes-early", -1), "size -1"),
        (Mistake(1, 4, "off-track", 3), "not above 5"),
        (Mistake(1, 4, "wide", 6), "at most 4"),
        (Mistake(9, 4, "brakes-early", 10), "after the last"),
    ],
)
def test_the_error_for_an_impossible_mistake_names_the_fault(
    mistake: Mistake, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Race(laps=3, mistakes=(mistake,)).check()
