import math
import random

import pytest

from consumers.race.fuel import Usage, burned, needed, reserve, saving_target, usage


def test_a_lap_with_a_refuel_is_no_sample() -> None:
    assert burned([50.0, 47.0, 44.0, 70.0, 67.1]) == pytest.approx((3.0, 3.0, 2.9))


def test_a_spread_takes_two_laps() -> None:
    assert usage([]) is None
    assert usage([3.0]) is None
    assert usage([2.9, 3.1]) == Usage(3.0, pytest.approx(math.sqrt(0.02)), 2)


def test_the_reserve_holds_the_scatter_of_the_laps_and_the_error_of_the_mean() -> None:
    many = Usage(3.0, 0.06, 10**9)
    assert [round(reserve(many, laps), 3) for laps in (10, 30)] == [0.312, 0.541]
    five = Usage(3.0, 0.06, 5)
    assert [round(reserve(five, laps), 3) for laps in (10, 30)] == [0.541, 1.43]


def test_the_reserve_suffices_in_95_of_100_races() -> None:
    """The spread is known here; only the mean is measured, over five laps."""
    draws, laps, races = random.Random(12), 20, 4000
    suffices = 0
    for _ in range(races):
        mean = sum(draws.gauss(3.0, 0.06) for _ in range(5)) / 5
        held = laps * mean + reserve(Usage(mean, 0.06, 5), laps)
        suffices += sum(draws.gauss(3.0, 0.06) for _ in range(laps)) <= held
    assert suffices / races == pytest.approx(0.95, abs=0.01)


def test_the_fuel_of_a_lap_that_is_partly_driven_counts_for_the_rest_of_it() -> None:
    assert needed(Usage(3.0), 25, 0.2) == pytest.approx(74.4)
    assert needed(Usage(3.0), 0, 0.2) == 0.0


def test_saving_has_a_target_for_each_lap() -> None:
    target = saving_target(13.5, 5)
    assert (target, 3.0 - target) == pytest.approx((2.7, 0.3))
    with pytest.raises(ValueError, match="no lap is left"):
        saving_target(13.5, 0)
