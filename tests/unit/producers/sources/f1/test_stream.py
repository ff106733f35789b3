import math
import random
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pitbox.chunks.frames import row_struct
from producers.source import Began, Frame, Observation
from producers.sources import f1
from producers.sources.f1 import layouts
from producers.sources.f1.formats import FORMATS
from producers.sources.f1.layouts import LAYOUTS, SIZES
from schemas.sim import Finished, LapReported, RaceDescribed, Rewound, SessionOpened
from tests.tools.f1_game import START_NS, TICK_S, UID, Game, named, timed

TICK_NS = round(TICK_S * 1e9)
OLD = (2018, 2019, 2020)
WITH_HISTORY = tuple(year for year in FORMATS if year >= 2021)


def decode(packets: Iterable[bytes], step_ns: int = TICK_NS // 8) -> list[Observation]:
    """Return the observations of packets that arrive evenly."""
    decoder = f1.decoder()
    return [
        item
        for index, packet in enumerate(packets)
        for item in decoder.feed(packet, START_NS + index * step_ns)
    ]


def decode_all(packets: Iterable[bytes], step_ns: int = TICK_NS // 8) -> list[Observation]:
    """Return the observations of packets that arrive evenly, to the end of a recording."""
    decoder = f1.decoder()
    items = [
        item
        for index, packet in enumerate(packets)
        for item in decoder.feed(packet, START_NS + index * step_ns)
    ]
    return [*items, *decoder.close()]


def frames(items: Iterable[Observation]) -> list[dict[str, float]]:
    """Return the frames of one session by channel."""
    known = list(items)
    channels = next(item.channels for item in known if isinstance(item, Began))
    return [named(channels, item.values) for item in known if isinstance(item, Frame)]


def laps(items: Iterable[Observation]) -> list[tuple[int, float]]:
    """Return number and time of the laps of the driver's car."""
    reports = [item for item in items if isinstance(item, LapReported)]
    return [(lap.lap_number, lap.lap_time_s) for lap in reports if lap.own]


def running(time_s: float) -> dict[str, Any]:
    return {"lap_s": time_s, "lap_ms": round(1000 * time_s)}


def last(time_s: float) -> dict[str, Any]:
    return {"last_lap_s": time_s, "last_lap_ms": round(1000 * time_s)}


def same(left: list[dict[str, float]], right: list[dict[str, float]]) -> bool:
    return [list(map(str, frame.values())) for frame in left] == [
        list(map(str, frame.values())) for frame in right
    ]


@pytest.mark.parametrize("packet_format", FORMATS)
def test_a_session_begins_with_its_first_packet_and_has_a_frame_an_instant(
    packet_format: int,
) -> None:
    game = Game(packet_format, player=3)
    items = decode([game.weekend(1), *game.drive(4)])
    assert [type(item) for item in items] == [
        Began, SessionOpened, RaceDescribed, Frame, Frame, Frame
    ]  # fmt: skip
    began, opened = items[0], items[1]
    assert isinstance(began, Began)
    assert isinstance(opened, SessionOpened)
    assert began.session == f"f1-{UID:016x}"
    assert (opened.kind, opened.track, opened.track_length_m) == ("practice", "Catalunya", 4664)
    assert (opened.car, opened.sectors) == ("3", 3)
    assert str(packet_format) in opened.source_version or packet_format == 2018
    assert all(isinstance(item, Frame) and item.captured_ns >= START_NS for item in items[3:])


@given(seed=st.integers(0, 1 << 32), packet_format=st.sampled_from(FORMATS))
@settings(max_examples=settings.default.max_examples // 2)
def test_packets_of_an_instant_come_in_any_order_and_twice(seed: int, packet_format: int) -> None:
    game, chance = Game(packet_format), random.Random(seed)
    instants = [game.drive(distance=100.0 + tick) for tick in range(5)]
    shuffled = [
        packet for instant in instants for packet in chance.sample(instant * 2, k=2 * len(instant))
    ]
    straight = frames(decode(packet for instant in instants for packet in instant))
    assert len(straight) == 4
    assert same(frames(decode(shuffled)), straight)


def test_a_packet_that_was_overtaken_by_the_next_instant_is_ignored() -> None:
    game, decoder = Game(), f1.decoder()
    first, second, third = game.instant(), game.instant(), game.instant()
    packets = [*first[:-1], *second, first[-1], first[0], *third]
    items = [item for packet in packets for item in decoder.feed(packet, 0)]
    assert [frame["session_time"] for frame in frames(items)] == pytest.approx([100, 100 + TICK_S])
    assert decoder.left_out.total == 2


def test_values_of_a_lost_packet_are_held_for_a_quarter_second() -> None:
    game = Game()
    kind_at = 6
    packets = game.drive(2)
    packets += [p for p in game.drive(30) if p[kind_at] != layouts.TELEMETRY]
    packets += game.drive(2)
    rpm = [frame["engine_rpm"] for frame in frames(decode(packets))]
    assert rpm[:16] == [11_000] * 16
    assert all(map(math.isnan, rpm[18:32]))
    assert rpm[32] == 11_000


def test_settings_come_rarely_and_are_held() -> None:
    game = Game()
    packets = [game.weekend(air_temp=21), *game.drive(1)]
    del game.car[layouts.STATUS]
    items = frames(decode(packets + game.drive(600)))
    assert [items[-1][name] for name in ("fuel_mass", "air_temp")] == [50, 21]


def test_menus_buttons_and_lobbies_give_no_observation() -> None:
    game = Game()
    menu = [game.packet(kind, session=0) for year, kind in LAYOUTS if year == 2025]
    buttons = [game.event(b"BUTN", flashback_frame=1) for _ in range(100)]
    assert decode([*menu, *buttons]) == []
    driven = decode([*game.drive(2), *menu, *buttons, *game.drive(2)])
    assert [type(item) for item in driven] == [Began, Frame, Frame, Frame]


def test_a_session_that_only_has_events_does_not_begin() -> None:
    skipped = Game(session=UID + 1)
    game = Game()
    packets = [*game.drive(2), skipped.event(b"SPTP"), skipped.history(0, timed(80_000))]
    items = decode([*packets, *game.drive(2)])
    assert [type(item) for item in items] == [Began, Frame, Frame, Frame]


def test_a_lap_is_reported_when_the_lap_number_rises() -> None:
    for packet_format in FORMATS:
        game = Game(packet_format)
        sectors = {
            "sector1_s": 25.5, "sector1_ms": 25_500, "sector2_s": 30.25, "sector2_ms": 30_250,
        }  # fmt: skip
        packets = game.drive(3, lap=4, **running(80.99), **last(82.5), **sectors)
        packets += game.drive(2, lap=5, **running(0.01), **last(81.0))
        [lap] = [item for item in decode(packets) if isinstance(item, LapReported)]
        assert (lap.lap_number, lap.lap_time_s, lap.own, lap.valid) == (4, 81.0, True, True)
        assert lap.sectors_s == (25.5, 30.25, 25.25)


def test_a_lap_with_the_same_time_as_the_one_before_is_reported_too() -> None:
    game = Game(2019)
    packets = game.drive(2, lap=4, **running(80.99), **last(81.0))
    packets += game.drive(2, lap=5, **running(0.0), **last(81.0))
    assert laps(decode(packets)) == [(4, 81.0)]


def test_a_lap_time_that_comes_late_is_of_the_lap_that_ended() -> None:
    game = Game(2020)
    packets = game.drive(2, lap=4, **running(80.99), **last(82.5))
    packets += game.drive(5, lap=5, **running(0.1))
    packets += game.drive(5, **last(81.0))
    assert laps(decode(packets)) == [(4, 81.0)]


@pytest.mark.parametrize("packet_format", FORMATS)
def test_at_the_flag_the_number_of_the_lap_stays(packet_format: int) -> None:
    game = Game(packet_format)
    packets = game.drive(3, lap=5, **running(80.98), **last(82.5))
    packets += game.drive(3, lap=5, **running(81.01), **last(81.0))
    packets += [game.event(b"CHQF"), game.event(b"SEND", frame=0), *game.drive(2)]
    items = decode(packets)
    assert laps(items) == [(5, 81.0)]
    assert len([item for item in items if isinstance(item, Finished)]) == 2


def test_at_the_flag_a_lap_that_was_left_for_the_garage_gets_no_time() -> None:
    game = Game(2020)
    packets = game.drive(3, lap=4, **running(30.0), **last(82.5))
    packets += game.drive(3, lap=5, **running(80.98))
    packets += game.drive(3, **running(81.01), **last(81.0))
    assert laps(decode(packets)) == [(5, 81.0)]


def test_packets_without_a_frame_number_after_the_end_are_no_flashback() -> None:
    game = Game()
    packets = [*game.drive(3), game.event(b"SEND", frame=0)]
    game.time_s, game.frame, game.overall_frame = 0.0, 0, 0
    items = decode([*packets, *game.instant()])
    assert [type(item) for item in items] == [Began, Frame, Frame, Frame, Finished]


@pytest.mark.parametrize("packet_format", WITH_HISTORY)
def test_the_history_corrects_a_lap_and_reports_the_others(packet_format: int) -> None:
    game = Game(packet_format, player=2)
    packets = [game.weekend()]
    packets += game.drive(2, lap=1, **running(80.98))
    packets += game.drive(2, lap=2, **running(0.01), **last(81.0))
    own = game.history(2, timed(81_000, 25_500, 30_250, 25_250, valid=6), timed(0, 11_000))
    other = game.history(7, timed(82_000, 26_000, 30_500, 25_500), timed(81_500), timed(0))
    items = decode([*packets, own, own, other, other])
    reports = [item for item in items if isinstance(item, LapReported)]
    assert [(lap.car, lap.own, lap.lap_number, lap.lap_time_s, lap.valid) for lap in reports] == [
        ("2", True, 1, 81.0, True),
        ("2", True, 1, 81.0, False),
        ("7", False, 1, 82.0, True),
        ("7", False, 2, 81.5, True),
    ]
    assert [lap.sectors_s for lap in reports[1:]] == [(25.5, 30.25, 25.25), (26, 30.5, 25.5), ()]


def test_sectors_of_more_than_a_minute_are_reported_where_the_format_can() -> None:
    lap = timed(165_000, 61_000, 70_500, 33_500)
    for packet_format, sectors_s in ((2023, (61.0, 70.5, 33.5)), (2022, ())):
        game = Game(packet_format)
        items = decode([*game.drive(1), game.history(0, lap)])
        [report] = [item for item in items if isinstance(item, LapReported)]
        assert report.sectors_s == sectors_s


def test_the_last_history_of_the_driver_comes_without_a_session() -> None:
    game = Game()
    farewell = game.history(0, timed(81_000), timed(80_500), session=0)
    ghost = game.history(5, timed(70_000), session=0)
    assert laps(decode([farewell, *game.drive(2), ghost, farewell])) == [(1, 81.0), (2, 80.5)]


def test_without_a_history_laps_of_the_others_come_from_lap_data() -> None:
    for packet_format in OLD:
        game = Game(packet_format)
        packets = [game.weekend(10)]
        for lap, time_s in ((1, 0.0), (2, 82.25)):
            game.tick(1.0)
            car = {"lap": lap, "last_lap_s": time_s, "lap_s": 82.0 if lap == 1 else 0.5}
            packets.append(game.packet(layouts.LAP, items={0: {"lap": 1}, 7: car}))
        [report] = [item for item in decode(packets) if isinstance(item, LapReported)]
        assert (report.car, report.own, report.lap_time_s) == ("7", False, 82.25)


def test_in_a_time_trial_the_others_are_ghosts() -> None:
    game = Game()
    packets = [game.weekend(18), *game.drive(2), game.history(1, timed(70_000))]
    packets.append(game.history(0, timed(81_000)))
    assert [lap.car for lap in decode(packets) if isinstance(lap, LapReported)] == ["0"]


@pytest.mark.parametrize("packet_format", [2025, 2026])
def test_the_best_lap_of_a_time_trial_is_reported_though_its_lap_data_were_lost(
    packet_format: int,
) -> None:
    game = Game(packet_format, player=1)
    best = timed(81_000, 25_500, 30_250, 25_250) | {"car": 1, "valid": 1}
    best |= {f"sector{n}_ms": best[f"sector{n}_ms"] for n in (1, 2, 3)}

    def positions(begun: int) -> bytes:
        packet = bytearray(game.packet(layouts.LAP_POSITIONS, {"laps": 8}))
        layout = LAYOUTS[packet_format, layouts.LAP_POSITIONS]
        for lap in range(begun):
            packet[layout.item_at(lap) + 1] = 1
        return bytes(packet)

    packets = [game.weekend(18), *game.drive(2), positions(1)]
    best_packet = game.packet(layouts.TIME_TRIAL, items={0: best})
    items = decode([*packets, best_packet, positions(3), best_packet, positions(4)])
    [lap] = [item for item in items if isinstance(item, LapReported)]
    assert (lap.lap_number, lap.lap_time_s, lap.valid) == (2, 81.0, True)
    assert lap.sectors_s == (25.5, 30.25, 25.25)


@pytest.mark.parametrize("packet_format", WITH_HISTORY)
@pytest.mark.parametrize(
    ("each", "back", "flashback_s"),
    [(30, 45, 100.25), pytest.param(60, 90, 100.5, marks=pytest.mark.thorough)],
)
def test_a_flashback_is_reported_once_and_its_laps_are_reported_again(
    packet_format: int, each: int, back: int, flashback_s: float
) -> None:
    game = Game(packet_format)
    ended = game.history(0, timed(81_000), timed(0))
    packets = game.drive(each, lap=1, **running(80.98))
    packets += [*game.drive(each, lap=2, **running(0.1), **last(81.0)), ended]
    flashback = {"flashback_frame": game.frame - back, "flashback_s": flashback_s}
    packets.append(game.event(b"FLBK", **flashback))
    game.time_s -= each * 1.6 * TICK_S
    game.frame -= round(each * 1.6)
    packets += game.drive(each, lap=1, **running(80.0), **last(0.0))
    packets += [*game.drive(each, lap=2, **running(0.1), **last(81.0)), ended]
    items = decode(packets)
    [rewound] = [item for item in items if isinstance(item, Rewound)]
    assert rewound.session_time_s == flashback_s
    assert laps(items) == [(1, 81.0), (1, 81.0)]
    times = [frame["session_time"] for frame in frames(items)]
    assert sum(after < before for before, after in pairwise(times)) == 1


@pytest.mark.parametrize("packet_format", FORMATS)
def test_an_unannounced_flashback_is_detected_by_the_session_s_time(packet_format: int) -> None:
    game = Game(packet_format)
    packets = game.drive(120)
    game.time_s -= 1.5
    game.frame -= 90
    items = decode(packets + game.drive(30))
    [rewound] = [item for item in items if isinstance(item, Rewound)]
    assert rewound.session_time_s == pytest.approx(100.5, abs=0.02)
    assert len(frames(items)) == 149


@pytest.mark.parametrize("packet_format", FORMATS)
def test_a_session_that_starts_again_under_its_id_is_no_flashback(packet_format: int) -> None:
    game = Game(packet_format)
    packets = game.drive(120)
    game.time_s, game.frame, game.overall_frame = 0.0, 0, 0
    items = decode(packets + game.drive(30))
    assert not [item for item in items if isinstance(item, Rewound)]
    assert frames(items)[-1]["session_time"] < 1


def test_a_spectator_gives_no_frames() -> None:
    game = Game()
    packets = [*game.drive(3), game.weekend(spectating=1, spectated=5), *game.drive(30)]
    assert len(frames(decode([*packets, game.weekend(), *game.drive(3)]))) == 5


@pytest.mark.parametrize("packet_format", FORMATS)
def test_a_player_without_a_car_reports_the_laps_of_the_others(packet_format: int) -> None:
    game = Game(packet_format, player=255)
    kinds = [kind for year, kind in LAYOUTS if year == packet_format]
    packets = [game.weekend(), *(game.packet(kind) for kind in kinds)]
    if packet_format >= 2021:
        packets.append(game.history(4, timed(81_000)))
    items = decode([*packets, game.tick().weekend()])
    assert not [item for item in items if isinstance(item, Frame)]
    assert [lap.own for lap in items if isinstance(lap, LapReported)] == (
        [False] if packet_format >= 2021 else []
    )


def test_late_packets_of_a_session_do_not_begin_it_again_after_the_next_one() -> None:
    first, second = Game(), Game(session=UID + 1)
    late = first.drive(3)
    packets = [*late, *first.drive(1), *second.drive(2), *late, *second.drive(2)]
    items = decode_all(packets)
    sessions = [item.session for item in items if isinstance(item, Began)]
    assert sessions == [f"f1-{UID:016x}", f"f1-{UID + 1:016x}"]
    assert len([item for item in items if isinstance(item, Frame)]) == 4 + 4


def test_the_format_may_be_changed_while_driving() -> None:
    old, new = Game(2024), Game(2026)
    items = decode_all([*old.drive(3), *new.drive(3)])
    began = [item for item in items if isinstance(item, Began)]
    assert [item.session for item in began] == [f"f1-{UID:016x}"] * 2
    assert [item.opened.source_version[-4:] for item in began] == ["2024", "2026"]


@pytest.mark.parametrize("seconds", [0.1, 0.05, 1 / 30])
def test_any_packet_rate_gives_all_frames(seconds: float) -> None:
    game = Game()
    packets: list[bytes] = []
    for _ in range(20):
        packets += game.instant()
        game.tick(seconds - TICK_S)
    found = frames(decode(packets))
    assert len(found) == 19
    assert not any(math.isnan(frame["engine_rpm"]) for frame in found)


@given(
    kind=st.sampled_from(sorted(SIZES)),
    body=st.binary(min_size=1, max_size=64),
    patch=st.dictionaries(st.integers(0, 1500), st.binary(min_size=1, max_size=8), max_size=6),
)
@example(kind=(2018, 2), body=b"\x01", patch={14: b"\x00"})
@settings(max_examples=3 * settings.default.max_examples)
def test_no_damaged_packet_raises_or_gives_values_that_a_chunk_cannot_hold(
    kind: tuple[int, int], body: bytes, patch: dict[int, bytes]
) -> None:
    packet_format, _ = kind
    game = Game(packet_format)
    size = SIZES[kind]
    header = game.packet(layouts.EVENT)[: LAYOUTS[packet_format, layouts.EVENT].head_at]
    damaged = bytearray((header + body * size)[:size])
    damaged[3 if packet_format == 2018 else 5 if packet_format < 2023 else 6] = kind[1]
    for at, content in patch.items():
        damaged[at : at + len(content)] = content[: max(0, size - at)]
    packets = [game.weekend(), *game.drive(2), bytes(damaged), *game.drive(2)]
    for item in decode(packets):
        if isinstance(item, Frame):
            assert row_struct(len(item.values)).pack(*item.values)
        if isinstance(item, LapReported):
            assert 0 <= item.lap_time_s < 1e6
            assert all(0 <= sector_s < 1e6 for sector_s in item.sectors_s)
        if isinstance(item, Rewound):
            assert 0 <= item.session_time_s < 1e7
