import pytest

from consumers.race.opponents import laps_to_catch, pace_s, place_after_stop


def test_the_pace_is_the_median_of_the_last_five_timed_laps() -> None:
    assert pace_s([80.0, 96.0, 95.0, 0.0, 94.0, 130.0, 95.5]) == 95.5
    assert pace_s([0.0]) is None


def test_a_faster_car_behind_catches_the_one_ahead_and_a_slower_one_never() -> None:
    assert laps_to_catch(3.0, 94.5, 95.0) == pytest.approx(6.0)
    assert laps_to_catch(3.0, 95.0, 95.0) is None


def test_a_stop_costs_the_places_of_all_cars_that_pass_meanwhile() -> None:
    gaps_s = [-12.0, -3.0, 4.0, 24.9, 25.1, 60.0]
    assert place_after_stop(0.0, gaps_s) == 3
    assert place_after_stop(25.0, gaps_s) == 5
