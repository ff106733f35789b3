import math

import pytest

from producers.sources.projection import METRES_PER_DEGREE, Projection


def test_the_first_place_is_the_origin() -> None:
    projection = Projection()
    assert projection.place(60.0, 10.0) == (0, 0)
    east_m, north_m = projection.place(60.001, 10.002)
    assert north_m == pytest.approx(0.001 * METRES_PER_DEGREE)
    assert east_m == pytest.approx(0.001 * METRES_PER_DEGREE, rel=1e-4)


def test_a_given_origin_is_kept() -> None:
    assert Projection((0.0, 1.0)).place(0.0, 2.0) == pytest.approx((METRES_PER_DEGREE, 0))


@pytest.mark.parametrize("place", [(91.0, 0.0), (0.0, 181.0), (math.nan, 1.0)])
def test_what_is_no_place_is_absent_and_no_origin(place: tuple[float, float]) -> None:
    projection = Projection()
    assert all(map(math.isnan, projection.place(*place)))
    assert projection.place(1.0, 1.0) == (0, 0)
