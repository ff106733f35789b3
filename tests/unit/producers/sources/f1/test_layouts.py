import struct

import pytest

from producers.source import Began, Frame
from producers.sources import f1
from producers.sources.f1 import layouts
from producers.sources.f1.channels import STANDARD_GRAVITY
from producers.sources.f1.formats import FORMATS
from producers.sources.f1.header import PACKET_AT
from producers.sources.f1.layouts import LAYOUTS, SIZES
from producers.sources.f1.record import Record
from producers.sources.f1.session_facts import kind_of
from tests.tools.f1_game import Game, named

PUBLISHED = {
    2018: {0: 1341, 1: 147, 2: 841, 3: 25, 4: 1082, 5: 841, 6: 1085, 7: 1061},
    2019: {0: 1343, 1: 149, 2: 843, 3: 32, 4: 1104, 5: 843, 6: 1347, 7: 1143},
    2020: {0: 1464, 1: 251, 2: 1190, 3: 35, 4: 1213, 5: 1102, 6: 1307, 7: 1344, 8: 839, 9: 1169},
    2021: {0: 1464, 1: 625, 2: 970, 3: 36, 4: 1257, 5: 1102, 6: 1347, 7: 1058, 8: 839, 9: 1191,
           10: 882, 11: 1155},
    2022: {0: 1464, 1: 632, 2: 972, 3: 40, 4: 1257, 5: 1102, 6: 1347, 7: 1058, 8: 1015, 9: 1191,
           10: 948, 11: 1155},
    2023: {0: 1349, 1: 644, 2: 1131, 3: 45, 4: 1306, 5: 1107, 6: 1352, 7: 1239, 8: 1020, 9: 1218,
           10: 953, 11: 1460, 12: 231, 13: 217},
    2024: {0: 1349, 1: 753, 2: 1285, 3: 45, 4: 1350, 5: 1133, 6: 1352, 7: 1239, 8: 1020, 9: 1306,
           10: 953, 11: 1460, 12: 231, 13: 237, 14: 101},
    2025: {0: 1349, 1: 753, 2: 1285, 3: 45, 4: 1284, 5: 1133, 6: 1352, 7: 1239, 8: 1042, 9: 954,
           10: 1041, 11: 1460, 12: 231, 13: 273, 14: 101, 15: 1131},
    2026: {0: 1325, 1: 926, 2: 1399, 3: 45, 4: 1470, 5: 1233, 6: 1448, 7: 1445, 8: 1134, 9: 1062,
           10: 1133, 11: 1460, 12: 231, 13: 273, 14: 104, 15: 1231, 16: 269},
}  # fmt: skip


def one_frame(game: Game, *instead: bytes) -> dict[str, float]:
    """Return the frame that an instant makes, some of whose packets are others."""
    decoder, kind_at = f1.decoder(), PACKET_AT[game.format]
    kinds = {packet[kind_at] for packet in instead}
    rest = [packet for packet in game.instant() if packet[kind_at] not in kinds]
    packets = [*instead, *rest, *game.instant()]
    items = [item for packet in packets for item in decoder.feed(packet, 0)]
    [began] = [item for item in items if isinstance(item, Began)]
    return named(began.channels, next(item for item in items if isinstance(item, Frame)).values)


@pytest.mark.parametrize("packet_format", FORMATS)
def test_packets_are_as_long_as_published(packet_format: int) -> None:
    sizes = {kind: size for (year, kind), size in SIZES.items() if year == packet_format}
    assert sizes == PUBLISHED[packet_format]


def test_numbers_are_at_their_published_offsets() -> None:
    record = Record("speed:H 1x wear:4f gear:b")
    packet = bytearray(21)
    record.write(packet, 1, {"speed": 70_000, "gear": -1.4, "wear_fl": 3.0, "wear_rr": 2.0})
    assert packet == b"\0" + struct.pack("<Hx4fb", 65535, 0, 2, 3, 0, -1)
    assert record.read(packet, 1) == {
        "speed": 65535, "wear_rl": 0, "wear_rr": 2, "wear_fl": 3, "wear_fr": 0, "gear": -1,
    }  # fmt: skip


@pytest.mark.parametrize("packet_format", FORMATS)
@pytest.mark.parametrize("player", [0, 19])
def test_a_car_is_read_from_every_format(packet_format: int, player: int) -> None:
    game = Game(packet_format, player)
    game.car[layouts.TELEMETRY] |= {
        "throttle": 0.75, "throttle_pct": 75, "brake": 0.25, "brake_pct": 25, "clutch": 40,
        "gear": -1, "drs": 1, "engine_temp": 110,
        **{f"brake_temp_{wheel}": 100 * n for n, wheel in enumerate(("rl", "rr", "fl", "fr"), 1)},
        **{f"pressure_psi_{wheel}": 20 + n for n, wheel in enumerate(("rl", "rr", "fl", "fr"))},
    }  # fmt: skip
    game.car[layouts.LAP] |= {
        "lap": 7, "lap_s": 12.5, "lap_ms": 12_500, "last_lap_s": 81.25, "last_lap_ms": 81_250,
        "sector": 2, "invalid": 1, "pit_status": 2,
    }  # fmt: skip
    wear = {f"wear_pct_{wheel}": 10 * n for n, wheel in enumerate(("rl", "rr", "fl", "fr"), 1)}
    game.car[layouts.STATUS] |= wear
    game.car[layouts.DAMAGE] |= wear
    frame = one_frame(game)
    expected = {
        "session_time": 100, "speed": 50, "world_x": 10, "world_y": 30, "world_z": 2,
        "throttle": 0.75, "brake": 0.25, "clutch": 0.4, "gear": -1, "engine_rpm": 11_000,
        "drs_state": 1, "engine_coolant_temp": 110, "fuel_mass": 50, "brake_bias": 0.56,
        "engine_rpm_max": 13_000, "lap_number": 7, "lap_time": 12.5, "last_lap_time": 81.25,
        "lap_distance": 100, "sector": 2, "lap_valid": 0, "in_pit_lane": 1, "position": 3,
        "brake_temp_rl": 100, "brake_temp_rr": 200, "brake_temp_fl": 300, "brake_temp_fr": 400,
        "tyre_wear_rl": 0.1, "tyre_wear_rr": 0.2, "tyre_wear_fl": 0.3, "tyre_wear_fr": 0.4,
        "tyre_pressure_rl": 137_895.146, "tyre_pressure_fr": 158_579.417,
    }  # fmt: skip
    assert {name: frame[name] for name in expected} == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("packet_format", FORMATS)
def test_left_is_positive_and_forward_is_x_in_every_format(packet_format: int) -> None:
    game = Game(packet_format)
    own = {
        "local_x": 1.5, "local_y": 0.25, "local_z": 49.0, "turning_y": 0.5,
        "front_wheels_angle": -0.125, "wheel_speed_fl": 48.0, "suspension_rr": 25.0,
    }  # fmt: skip
    game.car[layouts.MOTION] |= {
        "lateral_g": 2.0, "lateral_mg": 2000, "longitudinal_g": -1.0, "longitudinal_mg": -1000,
        "forward_x": 0, "forward_y": 16_384, "forward_z": -28_377, "yaw": 3.141592, "roll": 0.125,
    }  # fmt: skip
    if packet_format >= 2023:
        frame = one_frame(game, game.packet(layouts.MOTION_EX, own))
    else:
        motion = {0: game.car[layouts.MOTION]}
        frame = one_frame(game, game.packet(layouts.MOTION, items=motion, tail=own))
    expected = {
        "velocity_x": 49.0, "velocity_y": 1.5, "velocity_z": 0.25, "yaw_rate": 0.5,
        "wheel_speed_fl": 48.0, "susp_travel_rr": 0.025,
        "accel_lat": 2 * STANDARD_GRAVITY, "accel_long": -STANDARD_GRAVITY,
        "yaw": 1.570796, "pitch": -0.5236, "roll": 0.125,
    }  # fmt: skip
    assert {name: frame[name] for name in expected} == pytest.approx(expected, rel=1e-4)
    assert frame.get("steering_angle", 0.125) == 0.125
    assert ("steering_angle" in frame) == (packet_format >= 2019)


@pytest.mark.parametrize(
    ("packet_format", "session_type", "kind"),
    [
        (2018, 1, "practice"),
        (2018, 9, "qualifying"),
        (2018, 10, "race"),
        (2020, 12, "time_trial"),
        (2021, 12, "race"),
        (2023, 13, "time_trial"),
        (2024, 13, "qualifying"),
        (2025, 15, "race"),
        (2026, 18, "time_trial"),
        (2026, 0, "unknown"),
        (2026, 99, "unknown"),
    ],
)
def test_sessions_are_numbered_differently_in_each_format(
    packet_format: int, session_type: int, kind: str
) -> None:
    assert kind_of(packet_format, session_type) == kind


@pytest.mark.parametrize("packet_format", FORMATS)
def test_packets_that_are_longer_or_shorter_are_not_recognised(packet_format: int) -> None:
    decoder = f1.decoder()
    for kind in (k for year, k in LAYOUTS if year == packet_format):
        packet = Game(packet_format).packet(kind)
        assert decoder.recognises(packet)
        for other in (packet[:-1], packet + b"\0", packet[:20], packet[:4], packet[:1], b""):
            assert not decoder.recognises(other)
            assert list(decoder.feed(other, 0)) == []
    assert decoder.left_out.total == 6 * sum(year == packet_format for year, _ in LAYOUTS)
