"""A stint's laps add up to a theoretical best, and to how even each corner was."""

import pytest
from msgspec.structs import replace

from consumers.corners import decide
from consumers.corners.consistency import consistency, theoretical_best_s
from schemas.passes import Passes
from tests.tools.ring import TRACK, Change, lap, time_s

FIRST_SLOW = Change(slow_mps={0: 3.0})
THIRD_SLOW = Change(slow_mps={2: 3.0})


def fold(*changes: Change) -> list[Passes]:
    state, found = decide.initial(), []
    for number, change in enumerate(changes, 1):
        state, passes = decide.step(state, *lap(number, change), TRACK)
        found.append(passes)
    return found


def test_the_best_of_each_corner_makes_the_theoretical_best() -> None:
    found = fold(FIRST_SLOW, THIRD_SLOW)
    assert theoretical_best_s(found) == pytest.approx(time_s(Change()), abs=0.02)
    assert theoretical_best_s(found[:1]) == pytest.approx(time_s(FIRST_SLOW), abs=1e-6)


def test_without_a_whole_lap_there_is_no_theoretical_best() -> None:
    assert theoretical_best_s([]) is None
    off = replace(fold(Change())[0], judged="off")
    assert theoretical_best_s([off]) is None


def test_laps_on_another_version_of_the_track_do_not_count() -> None:
    before, after = fold(Change(), FIRST_SLOW)
    moved = replace(after, track_version=2)
    assert theoretical_best_s([before, moved]) == theoretical_best_s([moved])


def test_an_uneven_corner_has_the_widest_spread() -> None:
    found = consistency(fold(Change(), FIRST_SLOW, Change(), FIRST_SLOW, Change()))
    assert [one.corner for one in found] == ["T1", "T2", "T3", "T4"]
    assert max(found, key=lambda one: one.spread_s).corner == "T1"
    assert found[0].best_s < found[0].median_s + 1e-9
    assert found[2].spread_s == pytest.approx(0, abs=0.01)


def test_a_lap_in_traffic_is_no_sign_of_unevenness() -> None:
    laps = fold(Change(), Change(), Change())
    slow = replace(fold(FIRST_SLOW)[0], judged="disturbed")
    assert consistency([*laps, slow]) == consistency(laps)
