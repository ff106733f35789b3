"""A position is projected near the last place: lines run close to each other."""

import numpy as np
import pytest
from numpy.typing import NDArray

from consumers.corners.projection import project

LENGTH_M = 1040.0


def hairpin() -> NDArray[np.float64]:
    """Return a line that goes out 500 m and comes back 20 m beside it, a node each 4 m."""
    places_m = np.arange(0, LENGTH_M, 4.0)
    out, turned = places_m < 500, (places_m >= 500) & (places_m < 520)
    x = np.where(out, places_m, np.where(turned, 500.0, 1020 - places_m))
    y = np.where(out, 0.0, np.where(turned, places_m - 500, 20.0))
    home = places_m >= 1020
    x, y = np.where(home, 0.0, x), np.where(home, 1040 - places_m, y)
    return np.column_stack((x, y))


def test_a_car_on_the_line_is_where_it_is() -> None:
    line = hairpin()
    places_m = np.arange(2.0, 1030.0, 1.5)
    x = np.interp(places_m, np.arange(len(line)) * 4.0, line[:, 0])
    y = np.interp(places_m, np.arange(len(line)) * 4.0, line[:, 1])
    found = project(x, y, line, LENGTH_M)
    assert found is not None
    assert found == pytest.approx(places_m, abs=1.0)


def test_a_car_beside_the_line_does_not_jump_to_the_other_side() -> None:
    line = hairpin()
    places_m = np.arange(30.0, 440.0, 1.5)
    found = project(places_m, np.full(len(places_m), 11.0), line, LENGTH_M)
    assert found is not None
    assert found == pytest.approx(places_m, abs=1.0)


def test_places_go_on_across_the_line() -> None:
    line = hairpin()
    places_m = np.arange(2.0, LENGTH_M + 40, 1.5)
    nodes_m = np.arange(2 * len(line)) * 4.0
    x, y = (np.interp(places_m, nodes_m, np.tile(line[:, axis], 2)) for axis in (0, 1))
    found = project(x, y, line, LENGTH_M)
    assert found is not None
    assert found == pytest.approx(places_m, abs=1.0)


def test_a_car_that_is_never_near_the_line_has_no_place() -> None:
    assert project(np.zeros(100), np.full(100, 400.0), hairpin(), LENGTH_M) is None
