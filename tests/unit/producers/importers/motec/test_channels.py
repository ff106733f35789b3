import math

import pytest

from producers.importers.motec.channels import Chosen, choose, mapping_of, turned
from producers.importers.motec.ld import read_log
from tests.tools.ld_file import Channel, file


def chosen(*channels: Channel) -> dict[str, list[float]]:
    """Return the values of the chosen channels."""
    content = file(*channels)
    used, _ = choose(read_log(content, "a.ld"))
    used = turned(used, content)
    return {one.channel: one.read(content, 0, one.logged.samples) for one in used}


def test_values_are_in_the_units_of_the_registry() -> None:
    found = chosen(
        Channel("Ground Speed", "km/h", 10, [36]),
        Channel("Throttle Pos", "%", 10, [50]),
        Channel("Steered Angle", "deg", 10, [90]),
        Channel("Engine Temp", "C", 10, [80]),
        Channel("Eng Oil Pres", "kPa", 10, [400]),
        Channel("G Force Lat", "G", 10, [1]),
        Channel("Susp Pos FL", "mm", 10, [12]),
    )
    expected = {
        "speed": 10,
        "throttle": 0.5,
        "steering_angle": math.pi / 2,
        "engine_coolant_temp": 80,
        "engine_oil_pressure": 400_000,
        "accel_lat": 9.80665,
        "susp_travel_fl": 0.012,
    }
    assert {name: pytest.approx(values[0]) for name, values in found.items()} == expected


def test_manifold_pressure_is_above_ambient() -> None:
    found = chosen(Channel("Manifold Pres", "kPa", 10, [101.325]))
    assert found["manifold_pressure"] == pytest.approx([0], abs=0.1)


def test_what_is_not_used_is_named_with_its_unit() -> None:
    log = read_log(
        file(
            Channel("Ground Speed", "km/h", 10, [36]),
            Channel("Fuel Pres", "kPa", 10, [1]),
            Channel("Beacon", "", 1, [1], "h"),
            Channel("Throttle Pos", "V", 10, [1]),
            Channel("Gear", "", 0, [1]),
        ),
        "a.ld",
    )
    used, unused = choose(log)
    assert [one.channel for one in used] == ["speed"]
    assert unused == ("Fuel Pres (kPa)", "Beacon", "Throttle Pos (V)", "Gear")
    assert list(mapping_of(used, unused).lines()) == [
        "MoTeC log: 1 of 5 columns are used",
        "  speed = Ground Speed in km/h, 10 Hz",
        "  not used: Fuel Pres (kPa), Beacon, Throttle Pos (V), Gear",
    ]


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_channels_with_one_meaning_the_one_with_motec_s_name_is_used(order: int) -> None:
    both = [
        Channel("GPS Speed", "km/h", 10, [72]),
        Channel("Ground Speed", "km/h", 10, [36]),
    ]
    log = read_log(file(*both[::order]), "a.ld")
    used, unused = choose(log)
    assert [one.logged.name for one in used] == ["Ground Speed"]
    assert unused == ("GPS Speed (km/h)",)


def test_a_steering_sensor_that_counts_to_the_right_is_turned_round() -> None:
    lateral = Channel("G Force Lat", "G", 10, [1, -1, 0.5])
    angle = [0.2, -0.2, 0.1]
    right = Channel("Steered Angle", "rad", 10, [-one for one in angle])
    left = Channel("Steered Angle", "rad", 10, angle)
    for steered in (right, left):
        assert chosen(lateral, steered)["steering_angle"] == pytest.approx(angle)


def test_a_steering_sensor_alone_keeps_its_sign() -> None:
    found = chosen(Channel("Steered Angle", "rad", 10, [-0.5]))
    assert found["steering_angle"] == pytest.approx([-0.5])


def test_steering_is_compared_with_a_channel_of_another_rate_and_length() -> None:
    lateral = Channel("G Force Lat", "G", 5, [1, 1, -1, -1] * 5)
    steered = Channel("Steered Angle", "rad", 20, ([-0.1] * 8 + [0.1] * 8) * 6)
    assert chosen(steered, lateral)["steering_angle"][:2] == pytest.approx([0.1, 0.1])


def test_logs_of_assetto_corsa_competizione_have_signs_and_units_of_their_own() -> None:
    found = chosen(
        Channel("SPEED", "km/h", 60, [36]),
        Channel("STEERANGLE", "", 60, [-90]),
        Channel("ROTY", "", 60, [-180]),
        Channel("G_LAT", "m/s^2", 60, [-3]),
        Channel("TYRE_PRESS_LF", "..", 60, [27]),
        Channel("TYRE_TAIR_RR", "C", 60, [80]),
        Channel("WHEEL_SPEED_LR", "m/s", 60, [10]),
        Channel("ABS", "..", 60, [0]),
    )
    expected = {
        "speed": 10,
        "steering_angle": math.pi / 2,
        "yaw_rate": math.pi,
        "accel_lat": 3,
        "tyre_pressure_fl": 27 * 6894.757,
        "tyre_temp_core_rr": 80,
        "wheel_speed_rl": 10,
    }
    assert {name: pytest.approx(values[0]) for name, values in found.items()} == expected


@pytest.mark.parametrize(
    ("name", "unit", "held"),
    [("Gear", "", True), ("Lap Time", "s", True), ("Ground Speed", "km/h", False)],
)
def test_states_are_held_and_measured_values_are_not(name: str, unit: str, held: bool) -> None:
    [one] = choose(read_log(file(Channel(name, unit, 10, [1])), "a.ld"))[0]
    assert isinstance(one, Chosen)
    assert one.is_held is held
