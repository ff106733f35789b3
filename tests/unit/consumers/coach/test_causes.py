"""A cause is named by evidence of its own sign, or none is."""

import pytest
from msgspec.structs import replace

from consumers.coach.causes import Taken, cause_of, evidence_of, worth_s
from schemas.coaching import Cause
from schemas.passes import Loss, Pass

LENGTH_M = 4000.0
USUAL = Pass(
    corner="T3",
    begins_m=892.0,
    time_s=12.0,
    entry_mps=60.0,
    minimum_m=1000.0,
    minimum_mps=25.0,
    exit_mps=35.0,
    brakes_m=900.0,
    throttle_m=1020.0,
)


def taken(entry_s: float, minimum_s: float, exit_s: float, **made: float | None) -> Taken:
    loss = Loss(
        corner="T3",
        entry_s=entry_s,
        minimum_s=minimum_s,
        exit_s=exit_s,
        entry_spread_s=0.02,
        minimum_spread_s=0.02,
        exit_spread_s=0.02,
        spread_s=0.03,
    )
    return Taken(replace(USUAL, **made), USUAL, loss, LENGTH_M)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "cause"),
    [
        (taken(0.2, 0.0, 0.01, brakes_m=885.0), "brakes_early"),
        (taken(-0.1, 0.1, 0.3, brakes_m=908.0), "too_fast_in"),
        (taken(0.1, 0.1, 0.1, minimum_mps=24.0), "slow_minimum"),
        (taken(0.0, 0.02, 0.3, throttle_m=1040.0), "late_throttle"),
        (taken(0.0, 0.0, 0.3, brakes_again_m=1060.0, throttle_m=1090.0), "second_brake"),
        (taken(0.0, 0.0, 0.3, lifts_m=1300.0), "lift"),
    ],
)
def test_each_cause_has_its_evidence(found: Taken, cause: Cause) -> None:
    assert cause_of(found) == cause


def test_a_lowest_speed_that_was_reached_on_the_exit_is_a_late_throttle() -> None:
    found = taken(0.01, 0.02, 0.3, minimum_mps=24.0, minimum_m=1050.0, throttle_m=1060.0)
    assert cause_of(found) == "late_throttle"


def test_a_corner_that_was_slow_all_over_is_a_slow_minimum_wherever_it_was_slowest() -> None:
    found = taken(0.2, 0.06, 0.32, minimum_mps=23.0, minimum_m=1030.0, throttle_m=1040.0)
    assert cause_of(found) == "slow_minimum"


def test_a_lower_speed_with_little_loss_in_the_minimum_is_early_braking() -> None:
    assert cause_of(taken(0.3, 0.02, 0.0, minimum_mps=24.1, brakes_m=885.0)) == "brakes_early"
    assert cause_of(taken(0.2, 0.15, 0.0, minimum_mps=24.1, brakes_m=885.0)) == "slow_minimum"


def test_a_car_that_nearly_stopped_has_lost_time_by_more_than_its_pedals() -> None:
    found = taken(0.0, 0.1, 20.0, minimum_mps=2.0, brakes_again_m=1060.0)
    assert cause_of(found) == "time_lost"


def test_a_cause_is_worth_its_own_phases() -> None:
    found = taken(0.2, 0.02, 0.03, brakes_m=885.0)
    assert worth_s(found, "brakes_early") == pytest.approx(0.2)
    assert worth_s(found, "slow_minimum") == pytest.approx(0.25)


def test_another_phase_that_stands_out_counts() -> None:
    assert worth_s(taken(0.2, 0.1, 0.0), "brakes_early") == pytest.approx(0.3)


def test_a_cause_is_never_worth_more_than_its_corner_lost() -> None:
    assert worth_s(taken(0.2, 0.0, -0.04), "brakes_early") == pytest.approx(0.16)


def test_a_throttle_that_was_never_held_open_is_a_lift() -> None:
    assert cause_of(taken(0.0, 0.0, 0.3, throttle_m=None)) == "lift"


def test_a_loss_without_evidence_has_no_cause() -> None:
    assert cause_of(taken(0.2, 0.0, 0.0)) == "time_lost"
    assert cause_of(taken(0.0, 0.0, 0.2)) == "time_lost"


def test_evidence_of_the_other_sign_is_none() -> None:
    assert cause_of(taken(0.2, 0.0, 0.0, brakes_m=915.0)) == "time_lost"
    assert cause_of(taken(0.0, 0.0, 0.2, throttle_m=1000.0)) == "time_lost"


def test_a_second_braking_that_is_usual_is_no_cause() -> None:
    found = taken(0.0, 0.0, 0.3, brakes_again_m=1060.0, throttle_m=1090.0)
    usual = replace(found.usual, brakes_again_m=1062.0)
    assert cause_of(replace(found, usual=usual)) == "late_throttle"


def test_a_car_that_went_off_needs_no_other_cause() -> None:
    assert cause_of(replace(taken(0.0, 0.0, 2.0), went_off=True)) == "off"


def test_places_are_compared_across_the_line() -> None:
    found = taken(0.2, 0.0, 0.0, brakes_m=3995.0)
    near = replace(found, usual=replace(USUAL, brakes_m=10.0))
    assert cause_of(near) == "brakes_early"


def test_evidence_names_what_was_done_and_what_is_usual() -> None:
    found = taken(0.2, 0.0, 0.01, brakes_m=885.0)
    first = evidence_of(found, "brakes_early")[0]
    assert (first.name, first.value, first.usual, first.unit) == ("brakes_m", 885.0, 900.0, "m")


def test_a_channel_that_is_absent_is_no_evidence() -> None:
    found = taken(0.0, 0.0, 0.3, throttle_m=None)
    assert "throttle_m" not in {one.name for one in evidence_of(found, "late_throttle")}
