import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitbox.chunks.frames import row_struct
from producers.source import Began, Frame, Observation
from producers.sources import assetto
from producers.sources.assetto.packet import CAR_INFO, HANDSHAKE, LAP_INFO, REPLY
from schemas.channels import CHANNEL_BY_NAME
from schemas.sim import LapReported, SessionOpened

TICK_NS = 16_000_000


def info(**changes: float) -> bytes:
    fields = {
        "speed": 50.0,
        "pit": 0,
        "lateral": 1.0,
        "vertical": 0.1,
        "longitudinal": -0.5,
        "lap_ms": 10_000,
        "last_ms": 0,
        "best_ms": 0,
        "laps": 0,
        "clutch": 1.0,
        "steering": 90.0,
        "gear": 4,
        "fraction": 0.2,
    } | changes
    wheels = [0.0] * 56
    wheels[0:4] = [100.0, 101.0, 102.0, 103.0]
    wheels[12:16] = [0.1, 0.2, 0.3, 0.4]
    wheels[44:48] = [0.3, 0.3, 0.35, 0.35]
    wheels[52:56] = [0.01, 0.02, 0.03, 0.04]
    return CAR_INFO.pack(
        b"a", 328, fields["speed"] * 3.6, 0.0, fields["speed"],
        1, 1, 0, 1, int(fields["pit"]), 0,
        fields["lateral"], fields["vertical"], fields["longitudinal"],
        int(fields["lap_ms"]), int(fields["last_ms"]), int(fields["best_ms"]), int(fields["laps"]),
        0.75, 0.25, fields["clutch"], 7000.0, fields["steering"], int(fields["gear"]), 0.4,
        *wheels, fields["fraction"], 0.0, 5.0, 6.0, 7.0,
    )  # fmt: skip


def text(value: str) -> bytes:
    return (value + "%").encode("utf-16-le").ljust(100, b"\xfd")


def reply(car: str = "ks_audi_r8_lms", track: str = "monza", driver: str = "Somebody") -> bytes:
    return REPLY.pack(text(car), text(driver), 4242, 1, text(track), text(""))


def lap(driver: str, number: int = 3, milliseconds: int = 100_500) -> bytes:
    return LAP_INFO.pack(9, number, text(driver), text("car"), milliseconds)


def feed(decoder: assetto.Decoder, *datagrams: bytes) -> list[Observation]:
    items: list[Observation] = []
    for index, datagram in enumerate(datagrams):
        items += decoder.feed(datagram, index * TICK_NS)
    return items


def values(items: list[Observation]) -> list[dict[str, float]]:
    [began] = [item for item in items if isinstance(item, Began)]
    by_id = {channel.id: name for name, channel in CHANNEL_BY_NAME.items()}
    names = [by_id[channel] for channel in began.channels]
    return [dict(zip(names, f.values, strict=True)) for f in items if isinstance(f, Frame)]


def test_the_layouts_have_the_lengths_of_the_game_s_datagrams() -> None:
    assert (len(HANDSHAKE), len(reply()), len(info()), len(lap("x"))) == (12, 408, 328, 212)


def test_car_info_becomes_channels_in_si_units_and_our_axes() -> None:
    [frame] = values(feed(assetto.decoder(), info()))
    assert frame["speed"] == 50
    assert frame["accel_lat"] == pytest.approx(9.80665)
    assert frame["accel_long"] == pytest.approx(-4.903325)
    assert frame["steering_angle"] == pytest.approx(-math.pi / 2)
    assert frame["gear"] == 3
    assert frame["clutch"] == 0
    assert (frame["world_x"], frame["world_y"], frame["world_z"]) == (5, -7, 6)
    assert frame["wheel_speed_rr"] == pytest.approx(103 * 0.35)
    assert frame["slip_ratio_fr"] == pytest.approx(0.2)
    assert frame["susp_travel_rl"] == pytest.approx(0.03)
    assert frame["lap_number"] == 1
    assert math.isnan(frame["last_lap_time"])
    assert math.isnan(frame["lap_distance"])


def test_without_an_answer_to_the_handshake_a_session_begins_with_no_track() -> None:
    [began, _] = feed(assetto.decoder(), info())
    assert isinstance(began, Began)
    assert (began.session, began.opened.track, began.opened.car_model) == ("", "", "")


def test_the_answer_names_car_and_track_and_never_the_driver() -> None:
    items = feed(assetto.decoder(), reply(), info())
    began = items[0]
    assert isinstance(began, Began)
    assert (began.opened.track, began.opened.car_model) == ("Monza", "Audi R8 LMS")
    assert "Somebody" not in repr(items)


def test_an_answer_that_comes_late_states_the_session_again() -> None:
    items = feed(assetto.decoder(), info(), reply(), info(lap_ms=10_016))
    assert [type(item) for item in items] == [Began, Frame, SessionOpened, Frame]


def test_another_car_begins_another_session() -> None:
    items = feed(assetto.decoder(), reply(), info(), reply("bmw_m3"), info(lap_ms=10_016))
    assert [type(item) for item in items] == [Began, Frame, Began, Frame]


def test_while_paused_the_game_repeats_itself_and_no_frames_are_made() -> None:
    decoder = assetto.decoder()
    items = feed(decoder, *[info()] * 100)
    assert len(values(items)) == 1
    assert decoder.left_out.total == 99


def test_a_finished_lap_is_reported_with_the_game_s_time() -> None:
    items = feed(
        assetto.decoder(),
        info(lap_ms=99_990, fraction=0.999),
        info(lap_ms=6, laps=1, last_ms=100_000, best_ms=100_000, fraction=0.001),
    )
    [reported] = [item for item in items if isinstance(item, LapReported)]
    assert (reported.lap_number, reported.lap_time_s, reported.own) == (1, 100.0, True)
    after = values(items)[-1]
    assert (after["lap_number"], after["lap_time"]) == (2, 0.006)
    assert after["lap_distance"] == pytest.approx(0.3)


def test_the_fraction_of_the_lap_does_not_wrap_before_the_lap_is_counted() -> None:
    items = feed(
        assetto.decoder(),
        info(lap_ms=99_980, fraction=0.9999),
        info(lap_ms=99_996, fraction=0.0001),
        info(lap_ms=12, laps=1, last_ms=100_000, fraction=0.0002),
    )
    assert [frame["lap_fraction"] for frame in values(items)] == pytest.approx([0.9999, 1, 0.0002])


def test_a_restarted_session_begins_anew() -> None:
    items = feed(assetto.decoder(), info(laps=2, best_ms=90_000), info(laps=0, lap_ms=5))
    assert [type(item) for item in items] == [Began, Frame, Began, Frame]


def test_a_session_restarted_within_its_first_lap_begins_anew() -> None:
    items = feed(assetto.decoder(), info(lap_ms=60_000), info(lap_ms=5))
    assert [type(item) for item in items] == [Began, Frame, Began, Frame]


@pytest.mark.parametrize("counts_first", [True, False])
def test_a_time_and_the_count_of_its_lap_may_come_one_after_the_other(counts_first: bool) -> None:
    between = {"lap_ms": 10, "laps": 2} if counts_first else {"lap_ms": 99_995, "last_ms": 99_990}
    items = feed(
        assetto.decoder(),
        info(lap_ms=99_980, laps=1, last_ms=100_500),
        info(**{"laps": 1, "last_ms": 100_500} | between),
        info(lap_ms=30, laps=2, last_ms=99_990),
    )
    laps = {r.lap_number: r.lap_time_s for r in items if isinstance(r, LapReported)}
    assert laps == {2: 99.99}


def test_laps_of_others_are_recognised_by_the_driver_name() -> None:
    items = feed(assetto.decoder(), reply(driver="Me"), lap("Me"), lap("Them"))
    [reported] = items
    assert isinstance(reported, LapReported)
    assert (reported.car, reported.lap_number, reported.own) == ("9", 3, False)


def test_laps_are_ignored_while_the_driver_is_unknown() -> None:
    assert feed(assetto.decoder(), lap("Them")) == []


def test_only_the_game_s_datagrams_are_recognised() -> None:
    decoder = assetto.decoder()
    assert decoder.recognises(info())
    assert decoder.recognises(reply())
    assert not decoder.recognises(bytes(328))
    assert not decoder.recognises(bytes(408))
    assert not decoder.recognises(HANDSHAKE)


@given(st.binary(max_size=420))
def test_any_bytes_are_ignored_without_an_error(datagram: bytes) -> None:
    decoder = assetto.decoder()
    assert [type(item) for item in decoder.feed(datagram, 0)] in ([], [LapReported])


@given(st.binary(min_size=320, max_size=320), st.binary(min_size=320, max_size=320))
def test_any_car_info_decodes_without_an_error(first: bytes, second: bytes) -> None:
    head = struct.pack("<c3xi", b"a", 328)
    decoder = assetto.decoder()
    items = feed(decoder, head + first, head + second)
    assert len(items) + decoder.left_out.total >= 2
    for item in items:
        assert not isinstance(item, Frame) or row_struct(len(item.values)).pack(*item.values)


def test_datagrams_that_were_overtaken_are_left_out_and_begin_nothing() -> None:
    decoder = assetto.decoder()
    items = feed(
        decoder,
        info(lap_ms=99_970),
        info(lap_ms=99_990),
        info(lap_ms=99_980),
        info(lap_ms=6, laps=1, last_ms=100_000),
        info(lap_ms=99_995),
        info(lap_ms=20, laps=1, last_ms=100_000),
    )
    assert [frame["session_time"] for frame in values(items)] == pytest.approx(
        [0, 0.02, 0.036, 0.05]
    )
    assert decoder.left_out.total == 2
