"""The usual lap is the median of the last ones, without their outliers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.corners.trace import Trace
from consumers.corners.usual import WINDOW, Driven, Masked, added, driven, near, usual_of
from schemas.passes import Pass

NODES = 50
STEP_M = 4.0
OUT = Masked(0, 40.0, 80.0)


def a_pass(brakes_m: float | None) -> Pass:
    return Pass(
        corner="T1",
        begins_m=30.0,
        time_s=5.0,
        entry_mps=50.0,
        minimum_m=60.0,
        minimum_mps=20.0,
        exit_mps=30.0,
        brakes_m=brakes_m,
    )


def a_lap(number: int, cell_s: float = 0.1, brakes_m: float | None = 38.0) -> Driven:
    trace = Trace(
        measured="sim",
        step_m=STEP_M,
        times_s=np.arange(NODES + 1) * cell_s,
        speed=np.full(NODES, STEP_M / cell_s),
        throttle=None,
        brake=None,
        accel_lat=None,
        valid=None,
    )
    return driven(number, trace, (a_pass(brakes_m),))


def window(laps: list[tuple[Driven, list[Masked]]]) -> tuple[Driven, ...]:
    found: tuple[Driven, ...] = ()
    for one, outliers in laps:
        found = added(found, one, outliers)
    return found


def test_the_usual_lap_is_the_median_of_the_last_five() -> None:
    kept = window([(a_lap(number, 0.1 + number / 100), []) for number in range(1, 8)])
    usual = usual_of(kept, NODES * STEP_M)
    assert usual.laps == (3, 4, 5, 6, 7)
    assert usual.times_s[-1] == pytest.approx(0.15 * NODES)
    assert usual.passes[0].minimum_mps == 20.0


def test_two_laps_are_met_in_the_middle() -> None:
    usual = usual_of(window([(a_lap(1, 0.1), []), (a_lap(2, 0.2), [])]), NODES * STEP_M)
    assert usual.times_s == pytest.approx(np.arange(NODES + 1) * 0.15)


def test_a_corner_that_is_masked_is_left_out_there_only() -> None:
    kept = window([(a_lap(1), []), (a_lap(2), []), (a_lap(3, 0.4), [OUT])])
    cells_s = np.diff(usual_of(kept, NODES * STEP_M).times_s)
    assert cells_s == pytest.approx([0.1] * NODES)
    kept = window([(a_lap(1), []), (a_lap(2, 0.2), []), (a_lap(3, 0.4), [OUT])])
    cells_s = np.diff(usual_of(kept, NODES * STEP_M).times_s)
    assert cells_s[15] == pytest.approx(0.15)
    assert cells_s[30] == pytest.approx(0.2)


def test_a_driver_who_changed_is_learned() -> None:
    changed = [(a_lap(number, 0.3), [OUT]) for number in range(6, 12)]
    kept = window([(a_lap(number), []) for number in range(1, 6)] + changed)
    cells_s = np.diff(usual_of(kept, NODES * STEP_M).times_s)
    assert cells_s[15] == pytest.approx(0.3)


@given(st.lists(st.booleans(), max_size=20))
def test_at_most_half_of_a_window_is_masked(outliers: list[bool]) -> None:
    kept: tuple[Driven, ...] = ()
    for number, out in enumerate(outliers, 1):
        kept = added(kept, a_lap(number), [OUT] if out else [])
        assert sum(bool(one.masked) for one in kept) <= len(kept) / 2
        assert len(kept) <= WINDOW


def test_a_place_that_half_of_the_passes_lack_is_not_usual() -> None:
    laps = [a_lap(1), a_lap(2, brakes_m=None), a_lap(3, brakes_m=42.0)]
    usual = usual_of(window([(one, []) for one in laps]), NODES * STEP_M)
    assert usual.passes[0].brakes_m == 40.0
    fewer = usual_of(window([(one, []) for one in laps[:2]]), NODES * STEP_M)
    assert fewer.passes[0].brakes_m is None


def test_laps_that_were_far_slower_than_the_newest_are_no_usual_ones() -> None:
    kept = window([(a_lap(1, 0.2), []), (a_lap(2, 0.103), []), (a_lap(3, 0.09), [])])
    assert [one.lap_number for one in near(kept, 0.1 * NODES)] == [2, 3]
