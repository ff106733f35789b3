"""A track is learned from whole laps: its length, its corners and their names."""

import numpy as np
import pytest
from msgspec.structs import replace

from consumers.corners.frames import Frames
from consumers.corners.learning import learn
from schemas.timing import Lap
from schemas.track import Track
from tests.tools.ring import APEXES_M, HALF_BEND_M, LENGTH_M, Change, lap

Driven = tuple[Lap, Frames]


def learned(driven: list[Driven], length_m: float | None = None) -> Track:
    found = learn("ring", driven, length_m)
    assert found is not None
    return found


def without(driven: Driven, *names: str, **more: object) -> Driven:
    fact, frames = driven
    columns = {name: c for name, c in frames.columns.items() if name not in names}
    return fact, replace(frames, columns=columns | more)


THREE = [lap(number) for number in (1, 2, 3)]


def test_a_track_is_learned_from_three_laps_and_not_from_two() -> None:
    assert learn("ring", THREE[:2]) is None
    track = learned(THREE)
    assert track.track == "ring"
    assert track.length_m == pytest.approx(LENGTH_M, abs=0.5)


def test_corners_are_named_from_the_line_on() -> None:
    corners = learned(THREE).corners
    assert [corner.name for corner in corners] == ["T1", "T2", "T3", "T4"]
    assert [corner.apex_m for corner in corners] == pytest.approx(APEXES_M, abs=6)
    assert all(corner.left for corner in corners)


def test_a_corner_begins_and_ends_where_the_track_bends() -> None:
    first = learned(THREE).corners[0]
    assert first.entry_m == pytest.approx(APEXES_M[0] - HALF_BEND_M, abs=16)
    assert first.exit_m == pytest.approx(APEXES_M[0] + HALF_BEND_M, abs=16)


def test_the_sims_own_length_is_taken() -> None:
    assert learned(THREE, 2004.0).length_m == 2004.0


def test_laps_of_another_length_teach_nothing() -> None:
    assert learn("ring", THREE, 2100.0) is None


def test_in_laps_and_laps_with_missing_frames_teach_nothing() -> None:
    fact, frames = THREE[2]
    for spoilt in (replace(fact, in_lap=True), replace(fact, complete=False)):
        assert learn("ring", [*THREE[:2], (spoilt, frames)]) is None


@pytest.mark.parametrize("source", ["yaw_rate", "accel_lat", "steering_angle"])
def test_corners_are_the_same_from_each_channel_that_shows_turning(source: str) -> None:
    driven = []
    for fact, frames in THREE:
        bends = frames.columns["yaw_rate"] / frames.columns["speed"]
        columns = {"lap_distance": frames.columns["lap_distance"], "speed": frames.columns["speed"]}
        columns[source] = {
            "yaw_rate": frames.columns["yaw_rate"],
            "accel_lat": frames.columns["accel_lat"],
            "steering_angle": 15 * bends,
        }[source]
        driven.append((fact, replace(frames, columns=columns)))
    assert learned(driven).corners == learned(THREE).corners


def test_a_track_without_any_sign_of_turning_is_not_learned() -> None:
    assert learn("ring", [without(one, "yaw_rate", "accel_lat") for one in THREE]) is None


def test_one_long_bend_with_two_slow_places_is_two_corners() -> None:
    driven = []
    for fact, frames in THREE:
        bent = np.where(frames.columns["lap_distance"] < 900, 1 / 200, 1 / 400)
        driven.append(
            (
                fact,
                replace(
                    frames,
                    columns=dict(frames.columns) | {"yaw_rate": frames.columns["speed"] * bent},
                ),
            )
        )
    corners = learned(driven).corners
    assert [corner.apex_m for corner in corners] == pytest.approx(APEXES_M, abs=6)


def test_a_corner_across_the_line_is_one_and_has_its_exit_before_its_entry() -> None:
    driven = []
    for fact, frames in THREE:
        moved = (frames.columns["lap_distance"] - APEXES_M[0]) % LENGTH_M
        columns = dict(frames.columns) | {"lap_distance": moved}
        order = np.argsort(moved, kind="stable")
        driven.append(
            (
                fact,
                Frames(frames.times_ns, {n: c[order] for n, c in columns.items()}, frames.chunks),
            )
        )
    across = [one for one in learned(driven).corners if one.exit_m < one.entry_m]
    assert len(across) == 1
    assert min(across[0].apex_m, LENGTH_M - across[0].apex_m) < 6


def test_a_lap_with_a_slow_corner_does_not_move_the_corners() -> None:
    slow = lap(4, Change(slow_mps={1: 6.0}))
    assert learned([*THREE, slow]).corners == learned(THREE).corners
