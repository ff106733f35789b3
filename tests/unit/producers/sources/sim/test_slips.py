"""The pedals and the speed show the mistakes that are not of one pedal alone."""

import math
from functools import cache

import pytest
from msgspec.structs import replace

from producers.sources.sim import Mistake, Race, driven_laps
from producers.sources.sim.circuits import track
from tests.tools.sim_drives import Row, rows_driven

SHORT = Race(track="pebble-lane", laps=2)
CORNER = track("pebble-lane").corners[3]


@cache
def lap_2(*mistakes: Mistake) -> tuple[Row, ...]:
    """Return the frames of lap 2."""
    rows = rows_driven(replace(SHORT, mistakes=mistakes))
    return tuple(row for row in rows if row["lap_number"] == 2)


def part(rows: tuple[Row, ...], from_m: float, until_m: float) -> list[Row]:
    """Return the frames of a part of the track."""
    return [row for row in rows if from_m < row["lap_distance"] < until_m]


def time_s(rows: tuple[Row, ...], from_m: float, until_m: float) -> float:
    """Return the time that a part of the track takes."""
    inside = part(rows, from_m, until_m)
    return inside[-1]["lap_time"] - inside[0]["lap_time"]


def braking_m(rows: tuple[Row, ...]) -> float:
    """Return where the brake pedal first passes a fifth on the way to turn 4."""
    before = part(rows, CORNER.apex_m - 160, CORNER.exit_m)
    return next(row["lap_distance"] for row in before if row["brake"] > 0.2)


def lowest(rows: tuple[Row, ...]) -> Row:
    """Return the slowest frame in turn 4."""
    return min(part(rows, CORNER.entry_m, CORNER.exit_m), key=lambda row: row["speed"])


def test_too_fast_in_wins_the_entry_and_loses_more_at_the_exit() -> None:
    clean, fast = lap_2(), lap_2(Mistake(2, 4, "too-fast-in", 8))
    assert braking_m(fast) - braking_m(clean) == pytest.approx(8, abs=1.5)
    entry = CORNER.apex_m - 120, CORNER.apex_m - 20
    after = CORNER.apex_m, CORNER.exit_m + 80
    assert time_s(fast, *entry) < time_s(clean, *entry) - 0.03
    assert time_s(fast, *after) > time_s(clean, *after) + 0.1
    assert all(row["lap_valid"] == 1 for row in fast)


def test_locked_wheels_brake_at_the_usual_place_and_reach_the_apex_faster() -> None:
    clean, locked = lap_2(), lap_2(Mistake(2, 4, "lock-up", 8))
    assert braking_m(locked) == pytest.approx(braking_m(clean), abs=1.5)
    place = CORNER.entry_m - 5
    fast, usual = (
        min(rows, key=lambda row: abs(row["lap_distance"] - place))["speed"]
        for rows in (locked, clean)
    )
    assert fast > usual + 1


def test_a_slow_arc_is_slow_from_entry_to_exit() -> None:
    clean, slow = lap_2(), lap_2(Mistake(2, 4, "slow-arc", 2))
    span = CORNER.exit_m - CORNER.entry_m
    for share in (0.3, 0.5, 0.7):
        at_m = CORNER.entry_m + share * span
        apart = [
            min(rows, key=lambda row: abs(row["lap_distance"] - at_m))["speed"]
            for rows in (clean, slow)
        ]
        assert apart[0] - apart[1] == pytest.approx(2, abs=1)


def test_running_wide_on_the_track_keeps_the_lap_valid() -> None:
    clean, wide = lap_2(), lap_2(Mistake(2, 4, "wide", 3))
    assert all(row["lap_valid"] == 1 for row in wide)
    apart_m = [
        min(math.dist((a["world_x"], a["world_y"]), (b["world_x"], b["world_y"])) for b in clean)
        for a in part(wide, CORNER.exit_m, CORNER.exit_m + 120)
    ]
    assert 2 < max(apart_m) < 4


def test_a_second_stab_of_the_brake_comes_after_the_throttle() -> None:
    clean, stabbed = lap_2(), lap_2(Mistake(2, 4, "second-brake", 5))
    after = CORNER.apex_m, CORNER.exit_m + 40
    assert max(row["brake"] for row in part(clean, *after)) < 0.1
    braked = [row for row in part(stabbed, *after) if row["brake"] > 0.15]
    assert braked
    assert any(
        row["throttle"] > 0.3 for row in part(stabbed, CORNER.apex_m, braked[0]["lap_distance"])
    )


def test_a_spin_scrubs_speed_off_without_the_brakes_and_turns_the_car() -> None:
    spun = lap_2(Mistake(2, 4, "spin", 40))
    after = part(spun, lowest(lap_2())["lap_distance"], CORNER.exit_m + 80)
    assert min(row["speed"] for row in after) < 4
    sideways = max(abs(math.atan2(row["velocity_y"], row["velocity_x"])) for row in after)
    assert sideways > 0.8
    sliding = [row for row in after if abs(math.atan2(row["velocity_y"], row["velocity_x"])) > 0.3]
    assert max(row["brake"] for row in sliding) < 0.05


def test_a_lift_closes_the_throttle_on_the_straight() -> None:
    lifted = lap_2(Mistake(2, 4, "lift", 40))
    straight = part(lifted, CORNER.exit_m, track("pebble-lane").corners[4].entry_m - 30)
    shut = [row for row in straight if max(row["throttle"], row["brake"]) < 0.01]
    assert shut[-1]["lap_distance"] - shut[0]["lap_distance"] > 15
    assert any(row["throttle"] == 1 for row in straight)


def test_an_early_throttle_is_lifted_again() -> None:
    rows = lap_2(Mistake(2, 4, "early-throttle", 12))
    early = part(rows, CORNER.apex_m, CORNER.exit_m + 40)
    pressed = next(row["lap_distance"] for row in early if row["throttle"] > 0.3)
    lifted = [row for row in early if row["lap_distance"] > pressed and row["throttle"] < 0.01]
    assert lifted
    assert early[-1]["throttle"] > 0.3


def test_the_same_mistake_is_made_on_two_laps_running() -> None:
    race = replace(SHORT, laps=3)
    again = tuple(Mistake(lap, 4, "brakes-early", 12) for lap in (2, 3))
    first, *others = driven_laps(replace(race, mistakes=again), 3)
    assert first.mistakes == ()
    assert [lap.mistakes[0].cost_s > 0.1 for lap in others] == [True, True]
