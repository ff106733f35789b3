"""Spins, contacts and stops come out of the frames of a lap, and nothing else looks like one."""

import math

import numpy as np
import pytest
from msgspec.structs import replace
from numpy.typing import NDArray

from consumers.corners.frames import Frames
from consumers.corners.incidents import MOST, incidents
from schemas.incidents import Incident
from tests.tools.ring import TRACK, lap

Values = NDArray[np.float64]

RATE_HZ = 60
AT = int(np.abs(lap(1)[1].columns["lap_distance"] - 1050).argmin())
"""A frame on the straight before the third corner."""


def driven(**columns: Values | None) -> Frames:
    """Return the frames of a usual lap with other columns."""
    _, frames = lap(1)
    kept = {**frames.columns, **{name: one for name, one in columns.items() if one is not None}}
    for name, one in columns.items():
        if one is None:
            kept.pop(name, None)
    return replace(frames, columns=kept)


def speed() -> Values:
    return lap(1)[1].columns["speed"].copy()


def ramp(values: Values, first: int, seconds: float, to: float) -> Values:
    """Let values go to another one within a time, and keep it."""
    count = round(seconds * RATE_HZ)
    values[first : first + count] = np.linspace(values[first], to, count)
    values[first + count :] = to
    return values


def only(frames: Frames) -> Incident:
    [found] = incidents(frames, TRACK)
    return found


def test_a_usual_lap_has_no_incident() -> None:
    assert incidents(driven(), TRACK) == ()


def test_a_car_that_slides_backwards_spins() -> None:
    values = speed()
    slip = np.zeros(len(values))
    slip[AT : AT + 60] = np.linspace(0, math.radians(170), 60)
    slip[AT + 60 : AT + 90] = math.radians(170)
    along, aside = values * np.cos(slip), values * np.sin(slip)
    found = only(driven(velocity_x=along, velocity_y=aside))
    assert found.kind == "spin"
    assert found.turned_rad == pytest.approx(math.radians(170), abs=0.01)
    assert found.before_mps == pytest.approx(values[AT + 20], rel=0.05)


def test_a_car_that_turns_around_in_a_second_spins_also_without_velocities() -> None:
    rate = driven().columns["yaw_rate"].copy()
    rate[AT : AT + 60] = math.pi
    found = only(driven(yaw_rate=rate))
    assert (found.kind, found.turned_rad) == ("spin", pytest.approx(math.pi, rel=0.2))


def test_a_hairpin_is_no_spin() -> None:
    rate = driven().columns["yaw_rate"].copy()
    rate[AT : AT + 4 * RATE_HZ] = 0.9
    assert incidents(driven(yaw_rate=rate), TRACK) == ()


def test_a_car_that_reverses_does_not_spin() -> None:
    values = ramp(speed(), AT, 6, 5.0)
    backwards = np.where(np.arange(len(values)) > AT + 400, -values, values)
    frames = driven(speed=values, velocity_x=backwards, velocity_y=values * 0)
    assert incidents(frames, TRACK) == ()


def test_a_car_that_loses_speed_faster_than_brakes_can_hit_something() -> None:
    values = speed()
    before_mps = values[AT]
    found = only(driven(speed=ramp(values, AT, 0.1, before_mps - 20)))
    assert found.kind == "contact"
    assert found.before_mps == pytest.approx(before_mps, abs=1)
    assert found.after_mps == pytest.approx(before_mps - 20, abs=1)
    assert found.corner == ""


@pytest.mark.parametrize("within_s", [0.4, 1, 3])
def test_hard_braking_is_no_contact(within_s: float) -> None:
    values = speed()
    assert incidents(driven(speed=ramp(values, AT, within_s, values[AT] - 20)), TRACK) == ()


def test_a_speed_that_is_wrong_for_some_frames_is_no_contact() -> None:
    values = speed()
    values[AT : AT + 5] = 0
    assert incidents(driven(speed=values), TRACK) == ()


def test_a_car_that_the_sim_puts_elsewhere_had_no_contact() -> None:
    values = ramp(speed(), AT, 0.05, 0.2)
    x = np.cumsum(values) / RATE_HZ
    x[AT + 3 :] += 900
    pit = np.where(np.arange(len(values)) > AT, 1.0, 0.0)
    assert incidents(driven(speed=values, world_x=x, world_y=x * 0, in_pit_lane=pit), TRACK) == ()


def test_a_car_that_stands_on_the_track_stopped() -> None:
    values = ramp(speed(), AT, 3, 0.0)
    found = only(driven(speed=values))
    assert found.kind == "stop"
    assert found.stood_s == pytest.approx((len(values) - AT) / RATE_HZ - 3, abs=0.2)


def test_a_car_that_stands_in_the_pit_lane_or_before_it_drove_did_not_stop() -> None:
    pit = np.ones(len(speed()))
    assert incidents(driven(speed=ramp(speed(), AT, 3, 0.0), in_pit_lane=pit), TRACK) == ()
    waits = speed()
    waits[: 10 * RATE_HZ] = 0
    waits[10 * RATE_HZ : 12 * RATE_HZ] = np.linspace(0, waits[12 * RATE_HZ], 2 * RATE_HZ)
    assert incidents(driven(speed=waits), TRACK) == ()


def test_an_incident_is_named_after_the_corner_it_was_at() -> None:
    apex = int(np.abs(driven().columns["lap_distance"] - TRACK.corners[2].apex_m).argmin())
    found = only(driven(speed=ramp(speed(), apex, 0.1, 2.0)))
    assert found.corner == "T3"
    assert found.distance_m == pytest.approx(TRACK.corners[2].apex_m, abs=5)


def test_a_lap_keeps_a_bounded_number_of_incidents() -> None:
    rate = driven().columns["yaw_rate"] * 0
    for first in range(0, len(rate) - 60, 4 * RATE_HZ):
        rate[first : first + 60] = math.pi
    assert len(incidents(driven(yaw_rate=rate), TRACK)) <= MOST


@pytest.mark.parametrize("name", ["speed", "yaw_rate", "lap_distance", "in_pit_lane"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.0])
def test_a_channel_that_is_missing_or_nonsense_is_no_incident(name: str, value: float) -> None:
    nonsense = np.full(len(speed()), value)
    assert incidents(driven(**{name: nonsense}), TRACK) == ()


def test_frames_without_speed_or_of_no_length_have_none() -> None:
    empty = Frames(times_ns=np.array([], np.int64), columns={}, chunks=(0, 0))
    assert incidents(empty, None) == incidents(driven(speed=None), None) == ()
