"""A race of several simulated cars, as one driver's sim shows it."""

from itertools import islice

import pytest

from producers.source import Frame, Observation
from producers.sources.sim.field import field
from producers.sources.sim.race import Race
from producers.sources.sim.source import drive
from schemas.sim import CarsSeen, LapReported, RaceDescribed

FAST = Race(track="pebble-lane", car="27", start="grid", laps=3)
SLOW = Race(track="pebble-lane", car="44", seed=44, skill=0.9, start="grid", grid_slot=2, laps=3)


@pytest.fixture(scope="module")
def seen() -> list[Observation]:
    """Return a race as the slower of two drivers is shown it."""
    return list(field([SLOW, FAST], 0))


def test_the_own_car_drives_as_it_does_alone(seen: list[Observation]) -> None:
    alone = [item for item in drive(SLOW, 0) if isinstance(item, Frame)]
    beside = [item for item in seen if isinstance(item, Frame)]
    assert [(one.captured_ns, str(one.values)) for one in beside] == [
        (one.captured_ns, str(one.values)) for one in alone
    ]


def test_all_cars_are_seen_five_times_a_second_in_the_order_of_the_race(
    seen: list[Observation],
) -> None:
    moments = [item for item in seen if isinstance(item, CarsSeen)]
    times_s = [moment.session_time_s or 0.0 for moment in moments]
    assert times_s[:4] == pytest.approx([0.0, 0.2, 0.4, 0.6], abs=0.02)
    last = moments[-1]
    assert (last.own, [car.car for car in last.cars]) == ("44", ["27", "44"])
    assert [(car.position, car.where) for car in last.cars] == [(1, "finished"), (2, "track")]


def test_the_gap_is_the_time_since_the_leader_was_there(seen: list[Observation]) -> None:
    moments = [item for item in seen if isinstance(item, CarsSeen)]
    halfway = moments[len(moments) // 2]
    leader, own = halfway.cars
    assert leader.gap_ms == 0
    assert own.gap_ms is not None
    earlier = next(
        moment
        for moment in moments
        if (moment.session_time_s or 0) >= (halfway.session_time_s or 0) - own.gap_ms / 1000
    )
    there = next(car for car in earlier.cars if car.car == "27")
    assert (there.distance_dm or 0) == pytest.approx(own.distance_dm, abs=150)


def test_laps_of_the_others_are_reported_and_the_race_is_described(
    seen: list[Observation],
) -> None:
    theirs = [item for item in seen if isinstance(item, LapReported) and item.car == "27"]
    assert [(lap.lap_number, lap.own) for lap in theirs] == [(1, False), (2, False), (3, False)]
    [race] = [item for item in seen if isinstance(item, RaceDescribed)]
    assert [entry.car for entry in race.entries] == ["44", "27"]
    assert race.laps == 3


@pytest.mark.parametrize(
    ("races", "message"),
    [
        ([FAST, FAST], "car: "),
        ([FAST, Race(car="44")], "track: "),
        ([Race(car=str(number)) for number in range(65)], "65 cars, at most 64"),
    ],
)
def test_a_race_that_cannot_be_shown_is_refused(races: list[Race], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        list(islice(field(races, 0), 1))
