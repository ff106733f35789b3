"""How far a car was along the track, from whatever the sim gives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from consumers.corners.frames import Frames
from consumers.corners.trace import trace_of
from consumers.corners.way import Way, way_of
from schemas.timing import Lap
from tests.tools.ring import LENGTH_M, TRACK, Change, lap, time_s

CIRCLE_M = LENGTH_M / (2 * np.pi)


def on_a_circle(driven: tuple[Lap, Frames]) -> tuple[Lap, Frames]:
    """Give a lap positions on a circle instead of a distance."""
    fact, frames = driven
    angle = frames.columns["lap_distance"] / CIRCLE_M
    columns = {name: c for name, c in frames.columns.items() if name != "lap_distance"}
    columns |= {"world_x": CIRCLE_M * np.cos(angle), "world_y": CIRCLE_M * np.sin(angle)}
    return fact, replace(frames, columns=columns)


def circle() -> tuple[tuple[float, float], ...]:
    angles = np.arange(500) / 500 * 2 * np.pi
    return tuple((CIRCLE_M * float(np.cos(a)), CIRCLE_M * float(np.sin(a))) for a in angles)


def way(driven: tuple[Lap, Frames], known: bool = True) -> Way:
    found = way_of(*driven, TRACK if known else None)
    assert found is not None
    return found


def test_the_time_of_a_lap_is_that_between_its_crossings() -> None:
    assert way(lap(1)).time_s == pytest.approx(time_s(Change()), abs=1e-6)


def test_without_distance_the_lap_fraction_is_taken() -> None:
    fact, frames = lap(1)
    columns = dict(frames.columns)
    columns["lap_fraction"] = columns.pop("lap_distance") / LENGTH_M
    found = way((fact, replace(frames, columns=columns)))
    assert (found.measured, found.length_m) == ("fraction", LENGTH_M)
    assert found.places_m == pytest.approx(way(lap(1)).places_m)


def test_a_distance_that_most_frames_lack_is_none() -> None:
    fact, frames = lap(1)
    distance = frames.columns["lap_distance"].copy()
    distance[::8] = np.nan
    columns = dict(frames.columns) | {"lap_distance": distance}
    columns["lap_fraction"] = frames.columns["lap_distance"] / LENGTH_M
    assert way((fact, replace(frames, columns=columns))).measured == "fraction"


def test_a_few_missing_values_are_interpolated() -> None:
    fact, frames = lap(1)
    speed = frames.columns["speed"].copy()
    speed[::20] = np.nan
    holed = replace(frames, columns=dict(frames.columns) | {"speed": speed})
    traces = [trace_of(way((fact, one)), one, LENGTH_M) for one in (frames, holed)]
    assert traces[0].speed == pytest.approx(traces[1].speed, abs=0.2)


def test_positions_are_projected_on_the_learned_line() -> None:
    driven = on_a_circle(lap(1))
    found = way_of(*driven, replace(TRACK, line=circle()))
    assert found is not None
    assert found.measured == "projected"
    nodes_m = np.arange(0, LENGTH_M, 4.0)
    times = [np.interp(nodes_m, one.places_m, one.times_s) for one in (found, way(lap(1)))]
    assert times[0] == pytest.approx(times[1], abs=0.01)


def test_speed_is_integrated_between_the_crossings_and_scaled_to_the_length() -> None:
    fact, frames = lap(1, lap_distance=None)
    found = way((fact, frames))
    assert found.measured == "speed"
    assert found.length_m == pytest.approx(LENGTH_M, rel=0.002)
    assert found.places_m[-1] == LENGTH_M
    fast = replace(frames, columns={"speed": 1.02 * frames.columns["speed"]})
    assert way((fact, fast)).places_m == pytest.approx(found.places_m, abs=0.01)


def test_a_lap_without_distance_and_speed_has_no_way() -> None:
    fact, frames = lap(1, lap_distance=None, speed=None)
    assert way_of(fact, frames, TRACK) is None


def test_a_lap_with_a_second_missing_has_no_way() -> None:
    fact, frames = lap(1)
    kept = np.ones(len(frames.times_ns), bool)
    kept[600:670] = False
    holed = Frames(
        frames.times_ns[kept], {n: c[kept] for n, c in frames.columns.items()}, frames.chunks
    )
    assert way_of(fact, holed, TRACK) is None


def test_a_pause_of_the_game_takes_no_time_where_the_session_has_a_clock() -> None:
    fact, frames = lap(1)
    clock = (frames.times_ns - frames.times_ns[0]) / 1e9
    times_ns = frames.times_ns + np.where(np.arange(len(clock)) > 700, 90_000_000_000, 0)
    columns = dict(frames.columns) | {"session_time": 500 + clock}
    assert fact.ended_ns is not None
    paused = replace(fact, ended_ns=fact.ended_ns + 90_000_000_000)
    found = way((paused, Frames(times_ns, columns, frames.chunks)))
    assert found.time_s == pytest.approx(time_s(Change()), abs=1e-6)


@given(st.lists(st.integers(1, 1600), max_size=200))
def test_lost_frames_move_no_node_by_more_than_a_frame(lost: list[int]) -> None:
    fact, frames = lap(1)
    kept = np.ones(len(frames.times_ns), bool)
    kept[[one for one in lost if one < len(kept) - 1]] = False
    fewer = Frames(
        frames.times_ns[kept], {n: c[kept] for n, c in frames.columns.items()}, frames.chunks
    )
    found = way_of(fact, fewer, TRACK)
    if found is not None:
        times = [
            trace_of(w, f, LENGTH_M).times_s
            for w, f in ((way((fact, frames)), frames), (found, fewer))
        ]
        gaps_s = np.diff(fewer.times_ns).max() / 1e9
        assert np.abs(times[0] - times[1]).max() < gaps_s
        assert times[0][-1] == times[1][-1]
