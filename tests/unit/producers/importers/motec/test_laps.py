import math

import pytest

from producers.importers.motec.channels import choose
from producers.importers.motec.laps import LapCounter, longest_m, measures_distance, starts_s
from producers.importers.motec.ld import read_log
from tests.tools.ld_file import Channel, file

CLOCK = Channel("Running Lap Time", "s", 1, [0, 0, 0.5, 1.5, 2.5, 0.25, 1.25])
NUMBER = Channel("Lap Number", "", 2, [3, 3, 3, 4, 4, 5])
SPEED = Channel("Ground Speed", "m/s", 10, [10])
DISTANCE = Channel("Lap Distance", "m", 10, [1])


def starts(*channels: Channel, beacons_s: tuple[float, ...] = ()) -> list[float]:
    content = file(*channels)
    by_channel = {one.channel: one for one in choose(read_log(content, "a.ld"))[0]}
    return starts_s(by_channel, content, beacons_s)


def test_beacons_come_before_all_else() -> None:
    assert starts(CLOCK, NUMBER, beacons_s=(1.5, 3.5)) == [1.5, 3.5]


def test_a_lap_begins_when_its_clock_was_at_zero() -> None:
    assert starts(CLOCK, NUMBER) == pytest.approx([1.5, 4.75])


def test_a_lap_that_began_before_the_log_has_no_start_in_it() -> None:
    assert starts(Channel("Running Lap Time", "s", 1, [40, 41, 0.5])) == pytest.approx([1.5])


def test_a_lap_begins_half_way_between_two_lap_numbers() -> None:
    assert starts(NUMBER, SPEED) == pytest.approx([1.25, 2.25])


def test_a_lap_distance_as_frequent_as_the_speed_needs_no_starts() -> None:
    assert starts(NUMBER, SPEED, DISTANCE) == []
    assert starts(NUMBER, SPEED, DISTANCE._replace(rate_hz=1)) != []


def test_a_log_without_lap_channels_has_no_starts() -> None:
    assert starts(SPEED) == []
    assert not measures_distance({})


def test_number_time_and_distance_count_from_each_start() -> None:
    counter = LapCounter([0.25, 1.0], first_number=7)
    found = [counter.at(tick / 2, speed=20.0) for tick in range(4)]
    assert [number for number, _, _ in found] == [7, 8, 9, 9]
    assert math.isnan(found[0][1]) and math.isnan(found[0][2])
    assert [one for _, one, _ in found[1:]] == pytest.approx([0.25, 0, 0.5])
    assert [one for _, _, one in found[1:]] == pytest.approx([5, 0, 10])


def test_a_distance_of_more_than_one_and_a_half_laps_is_unknown_for_a_start_was_missed() -> None:
    content = file(SPEED._replace(raw=[10] * 1000))
    speed = {one.channel: one for one in choose(read_log(content, "a.ld"))[0]}
    longest = longest_m(speed, content, [10, 20, 30])
    assert longest == pytest.approx(150)
    assert longest_m(speed, content, [10]) == math.inf
    counter = LapCounter([0.0], 1, longest)
    distances = [counter.at(tick, speed=10)[2] for tick in range(18)]
    assert distances[15] == pytest.approx(150)
    assert math.isnan(distances[16])
