"""All cars of a race at one instant, from the packets of each format."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from producers.source import Began, Frame, Observation
from producers.sources import f1
from producers.sources.f1 import layouts
from producers.sources.f1.formats import FORMATS
from producers.sources.f1.layouts import LAYOUTS
from schemas.sim import CarSeen, CarsSeen, Entry, RaceDescribed, Zone
from tests.tools.f1_game import START_NS, TICK_S, Game, named

LEADER, OWN, LAPPED, EMPTY = 0, 3, 5, 7
WITH_GAPS = tuple(year for year in FORMATS if year >= 2023)


def lap(position: int, distance: float, **fields: Any) -> dict[str, Any]:
    known = {"lap": 4, "position": position, "distance": distance, "driver_status": 4}
    return known | {"result_status": 2} | fields


def cars(**own: Any) -> dict[int, dict[str, Any]]:
    """Return the lap data of a leader, the driver's car a second behind, and a car in the pits."""
    return {
        LEADER: lap(1, 250.0, last_lap_s=94.5, last_lap_ms=94_500, best_lap_s=93.25),
        OWN: lap(2, 190.0, ahead_ms=1000, leader_ms=1000) | own,
        LAPPED: lap(3, 90.5, lap=3, pit_status=1, ahead_ms=31_500, leader_ms=2500, leader_min=1),
    }


def race(game: Game, laps: Mapping[int, Mapping[str, Any]]) -> list[bytes]:
    """Return the packets of one instant of a race of several cars, and let a tick pass."""
    places = {car: {"x": 10.0 * car, "z": -20.0 * car} for car in laps}
    status = {OWN: {"tyre": 16, "tyre_laps": 6, "fuel": 20.0, "fuel_capacity": 110.0}}
    status |= {LEADER: {"tyre": 17}, LAPPED: {"tyre": 8, "tyre_laps": 1}}
    packets = [
        game.packet(layouts.STATUS, items=status),
        game.packet(layouts.MOTION, items=places),
        game.packet(layouts.LAP, items=laps),
    ]
    game.tick()
    return packets


def decode(packets: Iterable[bytes]) -> list[Observation]:
    decoder = f1.decoder()
    return [
        item
        for index, packet in enumerate(packets)
        for item in decoder.feed(packet, START_NS + index)
    ]


def seen(items: Iterable[Observation]) -> list[CarsSeen]:
    return [item for item in items if isinstance(item, CarsSeen)]


@pytest.mark.parametrize("packet_format", FORMATS)
def test_all_cars_of_an_instant_are_in_one_event_with_what_the_format_has(
    packet_format: int,
) -> None:
    game = Game(packet_format, player=OWN)
    packets = [game.weekend(race_type(packet_format), time_left=600)]
    packets += [*race(game, cars()), *race(game, cars())]
    items = decode(packets)
    [frame] = [item for item in items if isinstance(item, Frame)]
    [at_once] = seen(items)
    assert (at_once.own, at_once.session_time_s, at_once.time_left_s) == ("3", 100.0, 600)
    assert at_once.at_ns == frame.captured_ns
    leader, own, lapped = at_once.cars
    aged, with_gaps = packet_format >= 2020, packet_format >= 2023
    assert own == CarSeen(
        car="3",
        lap=4,
        distance_dm=1900,
        x_dm=300,
        y_dm=600,
        position=2,
        gap_ms=1000 if with_gaps else None,
        tyre="" if packet_format == 2018 else "soft",
        tyre_laps=6 if aged else None,
    )
    assert (leader.gap_ms, leader.last_ms) == (0 if with_gaps else None, 94_500)
    assert leader.best_ms == (93_250 if packet_format < 2021 else None)
    assert (lapped.lap, lapped.distance_dm, lapped.where, lapped.tyre) == (3, 905, "pit", "wet")
    if packet_format >= 2024:
        assert lapped.gap_ms == 62_500


def race_type(packet_format: int) -> int:
    return 15 if packet_format >= 2024 else 10


def test_cars_come_five_times_a_second_and_at_once_after_a_flashback() -> None:
    game = Game(player=OWN)
    packets = [game.weekend(), *(packet for _ in range(61) for packet in race(game, cars()))]
    times_s = [at_once.session_time_s for at_once in seen(decode(packets))]
    assert times_s == pytest.approx([100.0, 100.2, 100.4, 100.6, 100.8], abs=TICK_S + 1e-3)
    game.time_s, game.frame = 90.0, game.frame - 300
    packets += [*race(game, cars()), *race(game, cars())]
    assert seen(decode(packets))[-1].session_time_s == pytest.approx(90.0)


def test_places_that_nobody_drives_on_are_left_out_and_a_car_alone_is_no_race() -> None:
    game = Game(player=OWN)
    alone = {OWN: lap(1, 10.0), EMPTY: lap(0, 0.0, result_status=1)}
    packets = [game.weekend(), *race(game, alone), *race(game, alone)]
    assert seen(decode(packets)) == []
    game = Game(player=OWN)
    others = cars() | {EMPTY: lap(0, 0.0, result_status=0)}
    packets = [game.weekend(), *race(game, others), *race(game, others)]
    [at_once] = seen(decode(packets))
    assert [car.car for car in at_once.cars] == ["0", "3", "5"]


def test_the_ghosts_of_a_time_trial_are_no_cars() -> None:
    game = Game(player=OWN)
    packets = [game.weekend(18), *race(game, cars()), *race(game, cars())]
    assert seen(decode(packets)) == []


def test_a_car_that_ended_its_race_says_so() -> None:
    game = Game(player=OWN)
    ended = cars()
    ended[LEADER]["result_status"] = 3
    ended[LAPPED]["result_status"] = 7
    packets = [game.weekend(), *race(game, ended), *race(game, cars(driver_status=0))]
    packets += [packet for _ in range(13) for packet in race(game, cars(driver_status=0))]
    first, second = seen(decode(packets))
    assert [car.where for car in first.cars] == ["finished", "track", "out"]
    assert second.cars[1].where == "garage"


def test_a_place_that_is_no_number_is_unknown() -> None:
    game = Game(player=OWN)
    broken = cars(distance=float("nan"))
    packets = [game.weekend(), *race(game, broken), *race(game, broken)]
    assert seen(decode(packets))[0].cars[1].distance_dm is None


def frame_of(items: Iterable[Observation]) -> dict[str, float]:
    known = list(items)
    [began] = [item for item in known if isinstance(item, Began)]
    return named(began.channels, [item for item in known if isinstance(item, Frame)][-1].values)


@pytest.mark.parametrize("packet_format", WITH_GAPS)
def test_gaps_time_and_laps_left_and_the_tank_are_channels_too(packet_format: int) -> None:
    game = Game(packet_format, player=OWN)
    packets = [game.weekend(race_type(packet_format), total_laps=10, time_left=600)]
    packets += [packet for _ in range(3) for packet in race(game, cars())]
    frame = frame_of(decode(packets))
    assert (frame["gap_ahead"], frame["gap_behind"]) == (1.0, 31.5)
    assert (frame["session_time_left"], frame["laps_left"]) == (600, 7)
    assert frame["fuel_mass_capacity"] == 110.0


def described(items: Iterable[Observation]) -> list[RaceDescribed]:
    return [item for item in items if isinstance(item, RaceDescribed)]


@pytest.mark.parametrize("packet_format", FORMATS)
def test_flags_race_control_and_weather_are_stated_when_they_change(packet_format: int) -> None:
    game = Game(packet_format, player=OWN)
    zones: dict[str, Any] = {"zones": 3, "zone1_begins": 0.25, "zone2_begins": 0.75}
    kind = race_type(packet_format)
    calm = game.weekend(kind, total_laps=10, weather=3, **zones)
    yellow = game.weekend(kind, total_laps=10, zone2_flag=3, safety_car=1, **zones)
    items = decode([calm, *race(game, cars()), calm, yellow])
    assert [one.zones for one in described(items)] == [(), (Zone(0.75, 0.0, "yellow"),)]
    assert [one.race_control for one in described(items)] == ["", "safety_car"]
    assert [one.weather for one in described(items)] == ["light rain", "clear"]
    assert [one.laps for one in described(items)] == [10, 10]


@pytest.mark.parametrize("packet_format", FORMATS)
def test_the_entries_name_driver_number_and_team(packet_format: int) -> None:
    game = Game(packet_format, player=OWN)
    people = {
        0: {"name": "Müller".encode(), "number": 44, "ai": 1, "team": 0},
        1: {"name": b"P\x01ia", "number": 7, "team": 2, "named": 1},
    }
    hidden = {2: {"name": b"Quinn", "number": 9, "team": 1, "named": 0}}
    packet = game.packet(layouts.PARTICIPANTS, {"cars": 3}, people | hidden)
    entries = described(decode([*game.drive(1), packet, packet]))[0].entries
    assert entries[:2] == (
        Entry("0", "Müller", "44", "Mercedes"),
        Entry("1", "Pia", "7", "Red Bull"),
    )
    may_hide = "named" in LAYOUTS[packet_format, layouts.PARTICIPANTS].item.names
    assert entries[2] == Entry("2", "" if may_hide else "Quinn", "9", "Ferrari")
