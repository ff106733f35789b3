import pytest

from producers.importers.names import ANY, MOTEC, mapped_places, superfluous, words
from schemas.channels import CHANNELS


@pytest.mark.parametrize(
    ("name", "channel"),
    [
        ("Tyre Temp FL Inner", "tyre_temp_inner_fl"),
        ("Tyre Temp FR Center", "tyre_temp_middle_fr"),
        ("TireTemperatureOuterRR", "tyre_temp_outer_rr"),
        ("ground speed", "speed"),
        ("BRAKE POS", "brake"),
        ("Brake Position", "brake"),
        ("Gyro Yaw Velocity", "yaw_rate"),
        ("G Force Lat", "accel_lat"),
        ("Damper Pos RL", "susp_travel_rl"),
        ("Tyre Pres LF", "tyre_pressure_fl"),
        ("Eng Oil Temp", "engine_oil_temp"),
        ("Lap Time", "last_lap_time"),
        ("Running Lap Time", "lap_time"),
    ],
)
def test_a_name_of_motec_means_a_channel_in_any_case_and_order(name: str, channel: str) -> None:
    assert MOTEC[words(name)] == channel


@pytest.mark.parametrize(
    "name", ["G Force Lat - Front", "Tyre Temp RL", "Fuel Used (Raw)", "Fuel Pres", ""]
)
def test_a_name_with_another_meaning_is_no_channel(name: str) -> None:
    assert words(name) not in MOTEC


def test_a_name_of_two_channels_is_none_of_them_outside_motec() -> None:
    assert words("Lap Time") not in ANY


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
def test_each_channel_has_its_name_of_motec(channel) -> None:  # type: ignore[no-untyped-def]
    assert MOTEC[words(channel.motec)] == channel.name


@pytest.mark.parametrize(
    ("channels", "unused"),
    [
        (["latitude", "longitude", "speed"], []),
        (["latitude", "speed"], ["latitude"]),
        (["latitude", "longitude", "world_x"], ["latitude", "longitude"]),
    ],
)
def test_a_place_on_earth_is_of_use_if_it_is_whole_and_the_only_one(
    channels: list[str], unused: list[str]
) -> None:
    assert sorted(superfluous(channels)) == unused


def test_a_place_on_earth_becomes_one_on_the_map() -> None:
    found = mapped_places(["latitude", "longitude", "speed"])
    assert found == {"world_x", "world_y", "speed"}
