"""All cars of iRacing's race, from the variables with a value for each car."""

from collections.abc import Iterable
from typing import Any

import pytest

from producers.source import Began, Frame, Observation
from producers.sources.iracing import live
from producers.sources.iracing.ticks import Tick
from schemas.sim import CarSeen, CarsSeen, Entry, RaceDescribed
from tests.tools.f1_game import named
from tests.tools.iracing_sdk import FakeSdk, read, row

INFO: dict[str, Any] = {
    "WeekendInfo": {"TrackLength": "4.00 km", "SubSessionID": 7},
    "SessionInfo": {"Sessions": [{"SessionNum": 0, "SessionType": "Race", "SessionLaps": "30"}]},
    "DriverInfo": {
        "DriverCarIdx": 1,
        "DriverCarFuelMaxLtr": 80.0,
        "DriverCarMaxFuelPct": 0.5,
        "Drivers": [
            {"CarIdx": 0, "UserName": "Pace Car", "CarNumber": "0", "CarIsPaceCar": 1},
            {"CarIdx": 1, "UserName": "Ada L", "CarNumber": "12", "CarScreenName": "GT3"},
            {"CarIdx": 2, "UserName": "Bo K", "CarNumber": "7", "CarClassShortName": "GTP"},
            {"CarIdx": 3, "UserName": "Eve", "CarNumber": "99", "IsSpectator": 1},
            {"CarIdx": 4, "UserName": "Cy M", "CarNumber": "031"},
        ],
    },
}


def instant(session_s: float, **changes: Any) -> dict[str, Any]:
    arrays = {
        "CarIdxLap": [-1, 5, 6, -1, 5, -1],
        "CarIdxLapDistPct": [-1.0, 0.5, 0.125, -1.0, 0.25, -1.0],
        "CarIdxPosition": [0, 2, 1, 0, 3, 0],
        "CarIdxF2Time": [0.0, 3.5, 0.0, 0.0, 14.25, 0.0],
        "CarIdxOnPitRoad": [False, False, False, False, True, False],
        "CarIdxTrackSurface": [-1, 3, 3, -1, 1, -1],
        "CarIdxLastLapTime": [-1.0, 95.5, 94.25, -1.0, -1.0, -1.0],
        "CarIdxBestLapTime": [-1.0, 95.0, 94.0, -1.0, -1.0, -1.0],
    }
    left = {"SessionTimeRemain": 1200.5, "SessionLapsRemainEx": 25, "FuelLevel": 31.0}
    return row(session_s, Lat=0.0, Lon=0.0) | arrays | left | changes


def of(kind: type[Any], items: Iterable[Observation]) -> list[Any]:
    return [item for item in items if isinstance(item, kind)]


def test_all_cars_of_an_instant_are_in_one_event_in_the_order_of_the_race() -> None:
    [at_once] = of(CarsSeen, read(FakeSdk([instant(1.0)], INFO), polls=1))
    assert (at_once.own, at_once.session_time_s, at_once.time_left_s) == ("12", 1.0, 1200.5)
    assert at_once.cars == (
        CarSeen("7", 6, 5000, position=1, gap_ms=0, last_ms=94_250, best_ms=94_000),
        CarSeen("12", 5, 20_000, 0, 0, 2, 3500, last_ms=95_500, best_ms=95_000),
        CarSeen("031", 5, 10_000, position=3, gap_ms=14_250, where="pit"),
    )


def test_the_race_names_its_cars_without_pace_car_and_spectators() -> None:
    [race] = of(RaceDescribed, read(FakeSdk([instant(1.0)], INFO), polls=1))
    assert race.entries == (
        Entry("12", "Ada L", "12", "GT3"),
        Entry("7", "Bo K", "7", "", "GTP"),
        Entry("031", "Cy M", "031"),
    )
    assert (race.laps, race.fuel_capacity, race.race_control) == (30, 40.0, "")


def test_cars_come_five_times_a_second_and_the_race_when_it_changes() -> None:
    rows = [instant(n / 60, SessionFlags=0x4000 if n > 40 else 0) for n in range(60, 121)]
    items = read(FakeSdk(rows, INFO), polls=61)
    times_s = [at_once.session_time_s for at_once in of(CarsSeen, items)]
    assert times_s == pytest.approx([1.0, 1.2, 1.4, 1.6, 1.8, 2.0], abs=1 / 60)
    assert [race.race_control for race in of(RaceDescribed, items)] == ["caution"]


def test_gaps_what_is_left_and_the_tank_are_channels_too() -> None:
    items = read(FakeSdk([instant(1.0), instant(1.02)], INFO), polls=2)
    [began], frames = of(Began, items), of(Frame, items)
    values = named(began.channels, frames[1].values)
    assert (values["gap_ahead"], values["gap_behind"]) == (3.5, 10.75)
    assert (values["session_time_left"], values["laps_left"]) == (1200.5, 25)
    assert values["fuel_capacity"] == 40.0


def test_a_session_without_limits_has_nothing_left_of_them() -> None:
    endless = instant(1.0, SessionTimeRemain=604_800.0, SessionLapsRemainEx=32_767)
    items = read(FakeSdk([endless], INFO), polls=1)
    [began], [frame] = of(Began, items), of(Frame, items)
    values = named(began.channels, frame.values)
    assert values["session_time_left"] != values["session_time_left"]
    assert values["laps_left"] != values["laps_left"]
    assert of(CarsSeen, items)[0].time_left_s is None


def test_somebody_who_joins_is_in_the_race_and_does_not_begin_the_session_again() -> None:
    everybody = INFO["DriverInfo"]
    sdk = FakeSdk([instant(1.0), instant(1.5)], INFO | {"DriverInfo": without(everybody, "7")})
    ticks: list[Tick] = []
    reader = live.Reader(sdk, ticks.append)
    reader.poll(1)
    first = decoded(ticks.pop())
    sdk.info, sdk.session_info_update = INFO, 2
    reader.poll(2)
    second = decoded(ticks.pop())
    assert (len(of(Began, first)), len(of(Began, second))) == (1, 0)
    assert [car.car for car in of(CarsSeen, first)[0].cars] == ["12", "031"]
    assert [car.car for car in of(CarsSeen, second)[0].cars] == ["7", "12", "031"]


def without(info: dict[str, Any], number: str) -> dict[str, Any]:
    return info | {"Drivers": [one for one in info["Drivers"] if one["CarNumber"] != number]}


def decoded(tick: Tick) -> list[Observation]:
    return list(tick.ticks.tick(tick.captured_ns, tick.values, tick.arrays))


def test_without_the_arrays_of_all_cars_there_is_no_race() -> None:
    items = read(FakeSdk([row(1.0)], INFO), polls=1)
    assert [type(item) for item in items] == [Began, Frame]
