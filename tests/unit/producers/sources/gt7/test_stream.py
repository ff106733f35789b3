import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitbox.chunks.frames import row_struct
from producers.source import Began, Frame, Observation
from producers.sources import gt7
from producers.sources.gt7.packet import BODY, KIND_BY_LENGTH, KINDS, encrypt, parse
from schemas.channels import CHANNEL_BY_NAME
from schemas.sim import Finished, LapReported

TICK_NS = 16_666_667
LIVE, PAUSED, LOADING, TURBO = 1, 2, 4, 16
DEFAULTS = {
    "position": (10.0, 2.0, -30.0),
    "velocity": (0.0, 0.0, -50.0),
    "rotation": (0.0, 0.0, 0.0, 1.0),
    "angular_velocity": (0.0, 0.2, 0.0),
    "body_height": 0.07,
    "rpm": 6000.0,
    "fuel": 42.0,
    "capacity": 100.0,
    "speed": 50.0,
    "boost": 1.5,
    "oil_pressure": 6.0,
    "water": 85.0,
    "oil": 110.0,
    "temps": (61.0, 62.0, 63.0, 64.0),
    "number": 1,
    "lap": 1,
    "laps": 0,
    "best": -1,
    "last": -1,
    "time_of_day": 0,
    "grid": -1,
    "entrants": -1,
    "rpm_min": 8000,
    "rpm_max": 8500,
    "max_speed": 300,
    "flags": LIVE | TURBO,
    "gear": 0xF3,
    "throttle": 255,
    "brake": 51,
    "rps": (-100.0, -101.0, -102.0, -103.0),
    "radius": (0.3, 0.3, 0.35, 0.35),
    "suspension": (0.21, 0.22, 0.23, 0.24),
    "clutch": 0.25,
    "car": 3582,
}


def plain(kind: str = "A", extra: bytes = b"", **changes: object) -> bytes:
    fields = []
    for value in {**DEFAULTS, **changes}.values():
        fields += value if isinstance(value, tuple) else [value]
    length = next(known.length for known in KINDS if known.letter == kind)
    return (BODY.pack(b"0S7G", *fields) + extra).ljust(length, b"\0")


def packet(number: int, kind: str = "A", extra: bytes = b"", **changes: object) -> bytes:
    return encrypt(plain(kind, extra, number=number, **changes), seed=0x1234567)


def extended(running_ms: int = 0, steering: float = 0.5, throttle: int = 128) -> bytes:
    motion = struct.pack("<5f", steering, 0.0, 3.0, 1.0, 4.0)
    pedals = bytes([throttle, 0, 0, 0]) + bytes(24)
    return motion + pedals + b"TTTT" + struct.pack("<I", running_ms)


def feed(decoder: gt7.Decoder, *datagrams: bytes) -> list[Observation]:
    items: list[Observation] = []
    for index, datagram in enumerate(datagrams):
        items += decoder.feed(datagram, index * TICK_NS)
    return items


def values(items: list[Observation]) -> list[dict[str, float]]:
    """Return the frames of one session by channel name."""
    [began] = [item for item in items if isinstance(item, Began)]
    by_id = {channel.id: name for name, channel in CHANNEL_BY_NAME.items()}
    names = [by_id[channel] for channel in began.channels]
    return [dict(zip(names, f.values, strict=True)) for f in items if isinstance(f, Frame)]


@pytest.mark.parametrize("kind", [kind.letter for kind in KINDS])
def test_every_kind_of_packet_is_decrypted_with_its_own_mask(kind: str) -> None:
    datagram = packet(7, kind)
    decoder = gt7.decoder()
    assert datagram[:4] != b"0S7G"
    assert decoder.recognises(datagram)
    assert [type(item) for item in feed(decoder, datagram)] == [Began, Frame]


def test_a_packet_encrypted_with_another_kinds_mask_is_not_recognised() -> None:
    datagram = packet(7, "B")
    assert not gt7.decoder().recognises(datagram[:296])
    assert not gt7.decoder().recognises(plain("A"))


def test_a_packet_becomes_channels_in_si_units_and_our_axes() -> None:
    [frame] = values(feed(gt7.decoder(), packet(1)))
    assert frame["speed"] == 50
    assert frame["velocity_x"] == pytest.approx(50)
    assert frame["velocity_y"] == pytest.approx(0)
    assert (frame["world_x"], frame["world_y"], frame["world_z"]) == (10, 30, 2)
    assert frame["yaw"] == pytest.approx(math.pi / 2)
    assert frame["yaw_rate"] == pytest.approx(0.2)
    assert frame["manifold_pressure"] == pytest.approx(50_000)
    assert frame["engine_oil_pressure"] == pytest.approx(600_000)
    assert frame["brake"] == pytest.approx(0.2)
    assert frame["gear"] == 3
    assert frame["wheel_speed_fl"] == pytest.approx(30)
    assert frame["wheel_speed_rr"] == pytest.approx(36.05)
    assert frame["susp_travel_rl"] == pytest.approx(0.23)
    assert frame["tyre_temp_middle_fr"] == 62


def test_a_value_that_the_game_does_not_send_is_absent_and_never_zero() -> None:
    electric = packet(1, capacity=0.0, fuel=0.0, flags=LIVE)
    [frame] = values(feed(gt7.decoder(), electric))
    absent = ("fuel_level", "manifold_pressure", "last_lap_time", "best_lap_time", "lap_distance")
    assert all(math.isnan(frame[name]) for name in absent)
    assert "steering_angle" not in frame


@pytest.mark.parametrize(("nibble", "gear"), [(0, -1), (15, 0), (1, 1), (8, 8)])
def test_reverse_and_neutral_have_their_numbers(nibble: int, gear: int) -> None:
    [frame] = values(feed(gt7.decoder(), packet(1, gear=0xF0 | nibble)))
    assert frame["gear"] == gear


def test_a_turn_to_the_left_leans_the_yaw_to_the_left() -> None:
    quarter = (0.0, math.sin(math.pi / 4), 0.0, math.cos(math.pi / 4))
    [frame] = values(feed(gt7.decoder(), packet(1, rotation=quarter, velocity=(-50.0, 0.0, 0.0))))
    assert math.cos(frame["yaw"]) == pytest.approx(-1)
    assert frame["velocity_x"] == pytest.approx(50)


def test_the_longer_kinds_add_motion_pedals_and_the_lap_clock() -> None:
    [frame] = values(feed(gt7.decoder(), packet(1, "C", extended(running_ms=61_500))))
    assert frame["steering_angle"] == 0.5
    assert (frame["accel_lat"], frame["accel_vert"], frame["accel_long"]) == (-3, 1, 4)
    assert frame["throttle"] == pytest.approx(128 / 255)
    assert frame["lap_time"] == 61.5
    assert math.isnan(frame["lap_distance"])


def test_repeated_and_overtaken_packets_are_left_out() -> None:
    decoder = gt7.decoder()
    items = feed(decoder, packet(1), packet(2), packet(2), packet(1), packet(4))
    assert len(values(items)) == 3
    assert decoder.left_out.total == 2


def test_a_restarted_console_gives_frames_again() -> None:
    items = feed(gt7.decoder(), packet(100_000), packet(3))
    assert len([item for item in items if isinstance(item, Frame)]) == 2


@pytest.mark.parametrize("flags", [LIVE | PAUSED, LIVE | LOADING, PAUSED | LOADING])
def test_a_pause_makes_no_frames_and_no_distance(flags: int) -> None:
    driving = [packet(n, "C", extended(100)) for n in range(1, 4)]
    pause = [packet(n, "C", extended(100), flags=flags) for n in range(4, 400)]
    items = feed(gt7.decoder(), *driving, *pause, packet(400, "C", extended(150)))
    frames = values(items)
    assert len(frames) == 4
    assert frames[-1]["lap_distance"] - frames[-2]["lap_distance"] < 1


def test_menus_make_no_frames() -> None:
    assert feed(gt7.decoder(), packet(1, flags=0, lap=-1)) == []


def test_a_replay_gives_frames_only_before_any_live_driving() -> None:
    replay = gt7.decoder()
    assert len(feed(replay, packet(1, flags=TURBO), packet(2, flags=TURBO))) == 3
    assert len(feed(replay, packet(3), packet(4, flags=TURBO), packet(5))) == 3


def test_distance_and_time_count_from_the_line() -> None:
    items = feed(gt7.decoder(), *(packet(n, lap=0 if n < 5 else 1) for n in range(1, 66)))
    frames = values(items)
    assert all(math.isnan(frame["lap_distance"]) for frame in frames[:4])
    assert frames[4]["lap_distance"] == 0
    assert frames[-1]["lap_time"] == pytest.approx(1, abs=1e-6)
    assert frames[-1]["lap_distance"] == pytest.approx(50, abs=1e-4)


def test_after_a_long_gap_distance_is_unknown_until_the_next_line() -> None:
    decoder = gt7.decoder()
    items = list(decoder.feed(packet(1, lap=0), 0))
    items += decoder.feed(packet(2, lap=1), TICK_NS)
    items += decoder.feed(packet(300, lap=1), 5_000_000_000)
    items += decoder.feed(packet(301, lap=2, last=95_000), 5_000_000_000 + TICK_NS)
    distances = [frame["lap_distance"] for frame in values(items)]
    assert math.isnan(distances[2])
    assert distances[3] == 0


def test_a_lap_is_reported_when_the_game_sends_its_time() -> None:
    items = feed(gt7.decoder(), packet(1), packet(2, lap=2, last=99_036, best=99_036), packet(3))
    [lap] = [item for item in items if isinstance(item, LapReported)]
    assert (lap.lap_number, lap.lap_time_s, lap.own) == (1, 99.036, True)


def test_a_time_that_arrives_late_is_of_the_lap_before() -> None:
    items = feed(
        gt7.decoder(),
        packet(1, lap=2, last=99_036),
        packet(2, lap=3, last=99_036),
        packet(3, lap=3, last=98_500),
    )
    laps = [item for item in items if isinstance(item, LapReported)]
    assert [(lap.lap_number, lap.lap_time_s) for lap in laps] == [(2, 98.5)]


def test_the_last_lap_of_a_race_is_reported_without_a_new_lap_number() -> None:
    items = feed(
        gt7.decoder(), packet(1, lap=3, laps=3, last=90_000), packet(2, lap=3, laps=3, last=91_000)
    )
    [lap] = [item for item in items if isinstance(item, LapReported)]
    assert (lap.lap_number, lap.lap_time_s) == (3, 91.0)


def test_a_race_is_finished_once() -> None:
    laps = [packet(n, lap=3 if n < 3 else 4, laps=3, last=90_000 + n // 2) for n in range(1, 4)]
    items = feed(gt7.decoder(), *laps)
    assert len([item for item in items if isinstance(item, Finished)]) == 1
    assert len([item for item in items if isinstance(item, LapReported)]) == 1


@pytest.mark.parametrize(
    "change", [{"car": 77}, {"lap": 1}, {"last": -1}, {"best": -1}, {"time_of_day": 1}], ids=str
)
def test_a_new_session_begins_when_the_game_starts_again(change: dict[str, int]) -> None:
    before = {"lap": 2, "last": 90_000, "best": 90_000, "time_of_day": 60_000}
    items = feed(gt7.decoder(), packet(1, **before), packet(2, **{**before, **change}))
    assert [type(item) for item in items] == [Began, Frame, Began, Frame]


def test_a_visit_to_a_menu_ends_the_session() -> None:
    items = feed(gt7.decoder(), packet(1), packet(2, flags=0, lap=-1), packet(3))
    assert [type(item) for item in items] == [Began, Frame, Began, Frame]


def test_midnight_ends_no_session() -> None:
    day_ms = 24 * 3600 * 1000
    items = feed(gt7.decoder(), packet(1, time_of_day=day_ms - 1), packet(2, time_of_day=5))
    assert [type(item) for item in items] == [Began, Frame, Frame]


def test_a_car_of_more_than_eight_gears_overwrites_its_number() -> None:
    [began, _] = feed(gt7.decoder(), packet(1, car=0x3F9D70A4))
    assert isinstance(began, Began)
    assert began.opened.car_model == ""


def test_numbers_that_are_not_finite_make_no_frame() -> None:
    decoder = gt7.decoder()
    assert feed(decoder, packet(1, speed=math.nan), packet(2, velocity=(math.inf, 0.0, 0.0))) == []
    assert decoder.left_out.total == 2


@given(st.binary(max_size=400))
def test_any_bytes_are_ignored_without_an_error(datagram: bytes) -> None:
    decoder = gt7.decoder()
    assert list(decoder.feed(datagram, 0)) == []
    assert decoder.left_out.total == 1


@given(st.sampled_from(sorted(KIND_BY_LENGTH)), st.data())
def test_any_packet_of_the_game_decodes_without_an_error(length: int, data: st.DataObject) -> None:
    body = data.draw(st.binary(min_size=length - 4, max_size=length - 4))
    datagram = encrypt(b"0S7G" + body, seed=1)
    decoder = gt7.decoder()
    items = [*decoder.feed(datagram, 0), *decoder.feed(packet(1), TICK_NS)]
    assert parse(datagram) is None or items
    for item in items:
        assert not isinstance(item, Frame) or row_struct(len(item.values)).pack(*item.values)


def test_packets_that_arrive_all_at_once_are_as_far_apart_as_their_numbers() -> None:
    decoder = gt7.decoder()
    items: list[Observation] = []
    for number in range(1, 66):
        items += decoder.feed(packet(number, lap=0 if number < 5 else 1), 0)
    last = values(items)[-1]
    assert last["session_time"] == pytest.approx(64 / 60, abs=1e-6)
    assert last["lap_distance"] == pytest.approx(50, abs=1e-4)


def test_a_repeated_lap_time_is_reported_when_packets_arrive_all_at_once() -> None:
    decoder = gt7.decoder()
    items: list[Observation] = []
    for number in range(400):
        lap, last = 1 + number // 120, 2000 if number >= 120 else -1
        items += decoder.feed(packet(number, lap=lap, last=last), 0)
    laps = [item for item in items if isinstance(item, LapReported)]
    assert [(lap.lap_number, lap.lap_time_s) for lap in laps] == [(1, 2.0), (2, 2.0)]
