from collections.abc import Sequence

import pytest

from producers.importers.table.plan import Plan, plan
from producers.source import SourceError


def planned(*columns: str, chosen: Sequence[str] = (), first: Sequence[str] = ()) -> Plan:
    return plan("a.csv", columns, dict(zip(columns, first, strict=False)), chosen)


def scales(found: Plan) -> dict[str, float]:
    return {column.channel: column.scale.factor for column in found.columns}


def test_columns_are_known_by_their_names_and_by_the_units_in_the_header() -> None:
    found = planned("Time (s)", "Ground Speed [km/h]", "brake (%)", "Throttle_pct", "RPM", "Gear")
    assert scales(found) == pytest.approx(
        {"throttle": 0.01, "brake": 0.01, "gear": 1, "engine_rpm": 1, "speed": 1 / 3.6}
    )
    assert not found.mapping.known
    assert found.time is not None
    assert found.time.name == "Time (s)"


def test_a_column_whose_unit_is_not_stated_is_not_used() -> None:
    found = planned("Time", "Speed", "Throttle", "Gear", "Fuel (kg)")
    assert scales(found) == {"gear": 1}
    assert found.mapping.unused == ("Speed", "Throttle", "Fuel (kg)")


def test_a_user_names_columns_and_units() -> None:
    found = planned("t", "v", "p", "Speed (km/h)", chosen=["time:ms=t", "speed:mph=v", "brake:%=p"])
    assert scales(found) == pytest.approx({"brake": 0.01, "speed": 0.44704})
    assert found.time is not None
    assert found.time.scale.factor == 1e-3
    assert found.mapping.unused == ("Speed (km/h)",)


def test_a_column_that_a_user_names_without_a_unit_is_taken_as_the_registry_s_and_said_so() -> None:
    found = planned("Time", "v", chosen=["speed=v"])
    assert [(one.channel, one.column, one.unit) for one in found.mapping.mapped] == [
        ("time", "Time", ""),
        ("speed", "v", "taken as m/s, the header states no unit"),
    ]


def test_a_user_overrules_the_unit_in_the_header() -> None:
    found = planned("Time", "v (bar)", "n (count)", chosen=["speed:mph=v (bar)", "gear=n (count)"])
    assert scales(found) == pytest.approx({"gear": 1, "speed": 0.44704})


def test_a_unit_in_the_header_counts_for_a_column_that_a_user_names() -> None:
    assert scales(planned("Time", "v [km/h]", chosen=["speed=v [km/h]"])) == pytest.approx(
        {"speed": 1 / 3.6}
    )


@pytest.mark.parametrize(
    ("columns", "chosen", "message"),
    [
        (("a", "Speed (m/s)"), (), r"no column that is known as the time: a, Speed \(m/s\)"),
        (("Time", "Timestamp", "Gear"), (), 'time may be "Time" or "Timestamp"'),
        (("Time", "Speed (m/s)", "GPS Speed (mph)"), (), r'speed may be "Speed \(m/s\)" or "GPS'),
        (("Time", "a", "b"), (), "none of its columns is known with its unit: Time, a, b"),
        (("Time", "Gear"), ("gear=x",), "has no column x"),
        (("Time", "v (bar)"), ("speed=v (bar)",), "speed: bar in the header is no unit of it"),
    ],
)
def test_a_table_that_lacks_a_time_or_has_two_columns_of_a_channel_is_refused(
    columns: tuple[str, ...], chosen: tuple[str, ...], message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        planned(*columns, chosen=chosen)


def test_of_a_time_and_a_session_s_time_the_first_one_is_the_time() -> None:
    found = planned("SessionTime", "Timestamp", "Gear")
    assert found.time is not None
    assert found.time.name == "Timestamp"
    assert sorted(scales(found)) == ["gear", "session_time"]


FEED = (
    "_time", "GameName", "TrackCode", "CarModel", "SessionTypeName", "CurrentLap",
    "DistanceRoundTrack", "SpeedMs", "Clutch", "SteeringAngle", "CurrentLapTime", "Throttle",
)  # fmt: skip


@pytest.mark.parametrize(
    ("game", "steering", "clutch"), [("iRacing", 1, -1), ("Automobilista 2", None, 1)]
)
def test_a_feed_of_crew_chief_is_read_as_its_game_writes_it(
    game: str, steering: float | None, clutch: float
) -> None:
    found = planned(*FEED, first=["", game])
    assert found.mapping.known
    assert scales(found).get("steering_angle") == steering
    assert scales(found)["clutch"] == clutch
    assert found.describing == (2, 3, 4)


def test_a_feed_of_another_game_has_only_what_all_games_have() -> None:
    found = planned(*FEED, first=["", "rFactor 2"])
    assert found.mapping.unused == ("Clutch", "SteeringAngle", "CurrentLapTime")


@pytest.mark.parametrize("prefix", ["", "DataCorePlugin.GameData.NewData."])
def test_simhub_s_names_are_known_with_and_without_their_prefix(prefix: str) -> None:
    names = [f"{prefix}{name}" for name in ("SpeedKmh", "Rpms", "Throttle", "TyreTemperature")]
    found = planned("Timestamp", *names)
    assert found.mapping.layout == "SimHub"
    assert scales(found) == pytest.approx({"throttle": 0.01, "engine_rpm": 1, "speed": 1 / 3.6})
    assert found.mapping.unused == (names[-1],)


def test_a_user_s_mapping_comes_before_that_of_a_layout() -> None:
    found = planned(
        "Timestamp",
        "SpeedKmh",
        "Rpms",
        "Raw",
        chosen=["engine_rpm=Raw", "tyre_temp_core_fl:F=Rpms"],
    )
    assert {one.channel: one.name for one in found.columns} == {
        "engine_rpm": "Raw",
        "speed": "SpeedKmh",
        "tyre_temp_core_fl": "Rpms",
    }


def test_iracing_s_variables_are_known_as_those_of_the_sim() -> None:
    found = planned("SessionTime", "Lap", "LapDistPct", "Speed", "Clutch", "LFpressure", "Odd")
    assert found.mapping.layout == "iRacing's variables"
    assert {"speed", "clutch", "tyre_pressure_fl"} <= {one.channel for one in found.mapping.mapped}
    assert found.mapping.unused == ("Odd",)


def test_a_lap_of_garage_61_is_known_without_a_time() -> None:
    names = ("Speed", "LapDistPct", "Lat", "Lon", "SteeringWheelAngle", "Clutch", "ABSActive")
    found = planned(*names)
    assert found.mapping.layout == "lap of Garage 61"
    assert found.time is None
    assert {"abs_active", "steering_angle"} <= {one.channel for one in found.mapping.mapped}
    assert "session_time" not in {one.channel for one in found.mapping.mapped}


def test_latitude_and_longitude_are_in_degrees_without_a_unit_too() -> None:
    found = planned("Time", "Latitude", "GPS Longitude (deg)", "Gear")
    assert scales(found) == {"gear": 1, "latitude": 1, "longitude": 1}


def test_a_latitude_alone_is_not_used() -> None:
    assert planned("Time", "Lat", "Gear").mapping.unused == ("Lat",)
