from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import Struct

from consumers.race.crossings import (
    Caution,
    Owed,
    Race,
    Remaining,
    Rules,
    Runner,
    crossing_s,
    remaining,
)
from consumers.race.fuel import Usage, needed

LEADER = Runner(20, 0.0, 95.0)


def test_a_crossing_at_zero_to_the_millisecond_may_be_one_more() -> None:
    assert remaining(Race(LEADER, Rules(time_left_s=570.0))) == Remaining(6, 6, 7)
    assert remaining(Race(LEADER, Rules(time_left_s=569.0))) == Remaining(6, 6, 6)


def test_the_edge_is_two_standard_deviations_of_the_laps_until_the_flag() -> None:
    """Six laps of 95 s with 0.5 s each end 2 x 0.5 x sqrt(6) = 2.45 s around 570 s."""
    leader = Runner(20, 0.0, 95.0, spread_s=0.5)
    for time_left_s, expected in (
        (567.0, Remaining(6, 6, 6)),
        (568.0, Remaining(6, 6, 7)),
        (572.0, Remaining(7, 6, 7)),
        (573.0, Remaining(7, 7, 7)),
    ):
        assert remaining(Race(leader, Rules(time_left_s=time_left_s))) == expected


def test_a_car_near_the_leader_at_his_flag_may_drive_a_lap_more_or_less() -> None:
    leader = Runner(21, 0.5, 95.0, spread_s=0.2)
    ahead, behind = (Runner(20, fraction, 95.0, spread_s=0.2) for fraction in (0.51, 0.49))
    rules = Rules(laps=30)
    assert remaining(Race(ahead, rules, (leader,))) == Remaining(10, 9, 10)
    assert remaining(Race(behind, rules, (leader,))) == Remaining(9, 9, 10)


def test_a_stop_that_costs_the_lead_gives_the_flag_to_the_next_car() -> None:
    """Own crossings at 69.5, … 544.5, 639.5 s, the other's at 28.5, … 503.5, 598.5 s."""
    own, rules = Runner(20, 0.9, 95.0, stops=(Owed(1, 60.0),)), Rules(time_left_s=540.0)
    assert remaining(Race(own, rules)).crossings == 6
    assert remaining(Race(own, rules, (Runner(20, 0.7, 95.0),))).crossings == 7


def test_caution_laps_take_longer() -> None:
    """180, 360, 455, 550 and 645 s."""
    caution = Caution(2, 180.0)
    times_s = [crossing_s(LEADER, number, caution) for number in range(1, 6)]
    assert times_s == [180.0, 360.0, 455.0, 550.0, 645.0]
    assert remaining(Race(LEADER, Rules(time_left_s=600.0), caution=caution)).crossings == 5


def test_nothing_remains_of_a_race_that_is_won() -> None:
    assert remaining(Race(Runner(30, 0.1, 95.0), Rules(laps=30))) == Remaining(0, 0, 0)
    beaten = Runner(29, 0.1, 95.0)
    assert remaining(Race(beaten, Rules(laps=30), (Runner(30, 0.1, 95.0),))).crossings == 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"fraction": 1.01, "lap_s": 95.0}, "fraction is 1.01"),
        ({"fraction": 0.5, "lap_s": 0.0}, "lap_s is 0.0"),
        ({"fraction": 0.5, "lap_s": float("nan")}, "lap_s is nan"),
        ({"fraction": 0.5, "lap_s": 95.0, "spread_s": -1.0}, "spread_s is -1.0"),
    ],
)
def test_a_runner_that_cannot_be_is_refused(fields: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Runner(0, **fields)


def test_a_race_without_an_end_and_a_caution_without_time_are_refused() -> None:
    with pytest.raises(ValueError, match="the race has no end"):
        Rules()
    with pytest.raises(ValueError, match="lap_s of the caution"):
        Caution(2)


class Stepped(Struct):
    """A car of which every second is simulated; `into` are the seconds driven of its lap."""

    laps: int
    into: int
    lap_s: int
    stop_lap: int
    stop_s: int
    crossings: int = 0
    driven_s: int = 0

    def step(self) -> bool:
        """Drive or stand for a second; return whether the line was crossed."""
        if self.into < self.lap_s:
            self.into += 1
            self.driven_s += 1
        elif self.crossings + 1 == self.stop_lap and self.stop_s:
            self.stop_s -= 1
        if self.into < self.lap_s or (self.crossings + 1 == self.stop_lap and self.stop_s):
            return False
        self.into, self.laps, self.crossings = 0, self.laps + 1, self.crossings + 1
        return True

    @property
    def progress(self) -> Fraction:
        return self.laps + Fraction(self.into, self.lap_s)

    def runner(self) -> Runner:
        stops = (Owed(self.stop_lap, float(self.stop_s)),) if self.stop_s else ()
        return Runner(self.laps, self.into / self.lap_s, float(self.lap_s), stops=stops)


def stepped(field: Sequence[Stepped], rules: Rules) -> bool:
    """Drive second by second until the first car of the field has finished.

    Returns False where two cars lead at once when the clock reaches zero.
    """
    leader, left, flag, second = None, rules.extra_laps, False, 0
    while True:
        crossed = [car.step() for car in field] if second else [False] * len(field)
        if rules.time_left_s is not None and second == rules.time_left_s:
            ordered = sorted(field, key=lambda car: car.progress, reverse=True)
            leader = ordered[0]
            if len(ordered) > 1 and ordered[1].progress == leader.progress:
                return False
        for car, over_line in zip(field, crossed, strict=True):
            if over_line and car is leader:
                flag, left = flag or left == 0, left - 1
            flag = flag or (over_line and car.laps == rules.laps)
        if flag and crossed[0]:
            return True
        second += 1


@st.composite
def cars(draw: st.DrawFn) -> Stepped:
    lap_s = draw(st.integers(20, 60))
    return Stepped(
        laps=draw(st.integers(0, 3)),
        into=draw(st.integers(0, lap_s - 1)),
        lap_s=lap_s,
        stop_lap=draw(st.integers(1, 4)),
        stop_s=draw(st.sampled_from([0, 0, 7, 40])),
    )


@given(
    field=st.lists(cars(), min_size=1, max_size=3),
    time_left_s=st.none() | st.integers(0, 400),
    laps=st.none() | st.integers(4, 15),
    extra_laps=st.integers(0, 2),
)
def test_crossings_and_fuel_are_those_of_a_race_that_is_simulated_second_by_second(
    field: list[Stepped], time_left_s: int | None, laps: int | None, extra_laps: int
) -> None:
    assume(time_left_s is not None or laps is not None)
    rules = Rules(laps, time_left_s, extra_laps)
    own, *rivals = (car.runner() for car in field)
    assume(stepped(field, rules))
    found = remaining(Race(own, rules, tuple(rivals)))
    assert found.crossings == field[0].crossings
    assert found.fewest <= found.crossings <= found.most
    burned = 3.0 * field[0].driven_s / field[0].lap_s
    assert needed(Usage(3.0), found.crossings, own.fraction) == pytest.approx(burned)
