"""Curves over a closed track have no end: what crosses the line is whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.corners.closed import ahead_m, hold, joined, minima, runs, smooth

MASKS = st.lists(st.booleans(), min_size=1, max_size=40)


def test_the_way_ahead_goes_on_across_the_line() -> None:
    assert ahead_m(900, 100, 1000) == 200


@given(MASKS)
def test_runs_hold_every_index_that_is_true_once(values: list[bool]) -> None:
    mask = np.array(values)
    covered = [index % len(mask) for first, last in runs(mask) for index in range(first, last + 1)]
    assert sorted(covered) == np.flatnonzero(mask).tolist()


def test_a_run_across_the_line_is_one() -> None:
    assert runs(np.array([True, False, True, True])) == [(2, 4)]


def test_runs_near_each_other_are_joined_also_across_the_line() -> None:
    assert joined([(1, 2), (4, 5), (18, 19)], 20, 2) == [(18, 25)]
    assert joined([(1, 2), (9, 9), (18, 19)], 20, 3) == [(9, 9), (18, 22)]


@given(st.integers(0, 99))
def test_smoothing_moves_with_the_curve(shift: int) -> None:
    curve = np.zeros(100)
    curve[10:20] = 1.0
    moved = smooth(np.roll(curve, shift), 3.0)
    assert moved == pytest.approx(np.roll(smooth(curve, 3.0), shift), abs=1e-12)
    assert moved.sum() == pytest.approx(10.0)


@given(st.integers(0, 99))
def test_minima_are_found_wherever_the_line_is(shift: int) -> None:
    places = np.arange(100)
    curve = 50 + 10 * np.cos(places / 100 * 4 * np.pi)
    found = minima(np.roll(curve, shift), 2.5, 0.05)
    assert sorted((one - shift) % 100 for one in found) == [25, 75]


def test_a_ripple_is_no_minimum() -> None:
    curve = np.array([50, 30, 31, 30.5, 32, 50, 50.5, 50, 60])
    assert minima(curve, 2.5, 0.05) == [1]


def test_a_minimum_is_held_as_far_as_the_curve_stays_low() -> None:
    curve = np.array([20.1, 30, 50, 30, 20.0])
    assert hold(curve, 4, 0.01) == (4, 5)
    assert hold(curve, 0, 0.01) == (4, 5)
