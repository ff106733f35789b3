import math
from collections.abc import Iterable

import pytest

from consumers.timing import replay
from producers.chunker import Chunker, chunks
from producers.source import Began, Frame, Observation
from producers.sources import f1
from producers.sources.channel_order import Layout
from producers.sources.f1 import layouts
from producers.sources.f1.channels import names
from producers.sources.f1.encode import Encoder
from producers.sources.f1.layouts import SIZES
from schemas.sim import Finished, LapReported, Rewound, SessionOpened
from tests.tools.f1_game import START_NS, TICK_S, named

LAYOUT = Layout(names(2025))
OPENED = SessionOpened(
    at_ns=START_NS,
    source="sim",
    kind="race",
    track="Monza",
    track_length_m=5793,
    car="12",
    car_model="Ferrari",
    sectors=3,
)
COUNTED = (
    "lap_number", "gear", "position", "sector", "pit_limiter", "tc_level", "abs_level",
    "drs_state", "ers_deploy_mode", "laps_left", "wheels_off_track",
)  # fmt: skip
SESSION = 77
LAP_S = 10.0


def frame(number: int, **channels: float) -> Frame:
    """Return a frame of a car, a tick after the one before."""
    clock = {"session_time": 50 + number * TICK_S, "speed": 60.0, "velocity_x": 60.0}
    values = {"lap_number": 1, "lap_valid": 1, "position": 1} | clock | channels
    return Frame(START_NS + round(number * TICK_S * 1e9), LAYOUT.row(values))


def round_trip(observations: Iterable[Observation]) -> list[Observation]:
    """Return the observations that the real source decodes from encoded ones."""
    encoder, decoder, at_ns = Encoder(SESSION), f1.decoder(), START_NS
    items: list[Observation] = []
    for observation in observations:
        if isinstance(observation, Frame):
            at_ns = observation.captured_ns
        for packet in encoder.feed(observation):
            assert decoder.recognises(packet)
            items += decoder.feed(packet, at_ns)
    return [*items, *decoder.close()]


def frames(items: Iterable[Observation]) -> list[dict[str, float]]:
    known = list(items)
    channels = next(item.channels for item in known if isinstance(item, Began))
    return [named(channels, item.values) for item in known if isinstance(item, Frame)]


def test_encoded_channels_are_decoded_to_the_same_values() -> None:
    given = {name: 0.01 + index / 1000 for index, name in enumerate(LAYOUT.names)}
    given |= dict.fromkeys(COUNTED, 2) | {"lap_valid": 0, "in_pit_lane": 1}
    given |= {name: 20 + index for index, name in enumerate(LAYOUT.names) if "temp" in name}
    given |= {"engine_rpm": 11_000, "engine_rpm_max": 13_000, "brake_bias": 0.56, "clutch": 0.25}
    given |= {"session_time": 50, "velocity_x": 60, "velocity_y": 0, "velocity_z": 0, "speed": 60}
    given |= {"flags": 32, "session_time_left": 600, "gap_behind": math.nan}
    given |= {"lap_time": 10.5, "last_lap_time": 20.25, "best_lap_time": math.nan}
    [one, _] = frames(round_trip([Began("", LAYOUT.channels, OPENED), frame(0, **given), frame(1)]))
    assert one == pytest.approx(given, rel=1e-4, abs=1e-4, nan_ok=True)


def test_the_session_is_decoded_as_it_was_encoded() -> None:
    items = round_trip(
        [Began("", LAYOUT.channels, OPENED), *map(frame, range(3)), Finished(at_ns=1)]
    )
    assert isinstance(items[0], Began)
    assert items[0].session == f"f1-{SESSION:016x}"
    opened = [item for item in items if isinstance(item, SessionOpened)][-1]
    for name in ("kind", "track", "track_length_m", "car", "car_model", "sectors"):
        assert getattr(opened, name) == getattr(OPENED, name)
    assert isinstance(items[-1], Finished)


def test_a_second_session_and_one_without_a_clock_are_decoded_too() -> None:
    began = Began("", LAYOUT.channels, OPENED)
    drive = [frame(n, session_time=math.nan) for n in range(3)]
    items = round_trip([began, *map(frame, range(3)), began, *drive])
    sessions = [item.session for item in items if isinstance(item, Began)]
    assert sessions == [f"f1-{SESSION:016x}", f"f1-{SESSION + 1:016x}"]
    times = [one["session_time"] for one in frames(items)]
    assert times == pytest.approx([50, 50 + TICK_S, 50 + 2 * TICK_S, 0, TICK_S, 2 * TICK_S])


def test_only_packets_of_the_game_are_encoded() -> None:
    encoder = Encoder(SESSION)
    observations = [Began("", LAYOUT.channels, OPENED), *(frame(n) for n in range(600))]
    sent = [packet for item in observations for packet in encoder.feed(item)]
    assert {len(packet) for packet in sent} <= set(SIZES.values())
    kinds = [packet[6] for packet in sent]
    assert kinds.count(layouts.MOTION) == kinds.count(layouts.TELEMETRY) == 600
    assert 95 <= kinds.count(layouts.DAMAGE) <= 101
    assert 20 <= kinds.count(layouts.SESSION) <= 22
    assert kinds.count(layouts.PARTICIPANTS) <= 3


def circuit(laps: int, time_s: float = LAP_S) -> list[Observation]:
    """Drive laps of 500 m and 10 s; the sim reports a time a little after each line."""
    observations: list[Observation] = [Began("", LAYOUT.channels, OPENED)]
    ticks = round(LAP_S / TICK_S)
    for tick in range(laps * ticks + 30):
        lap, within = divmod(tick, ticks)
        share = within / ticks
        if within == 20 and lap > 0:
            report = LapReported(
                at_ns=START_NS, car="12", lap_number=lap, lap_time_s=time_s, own=True,
                sectors_s=(2.5, 5.0, time_s - 7.5), valid=True,
            )  # fmt: skip
            observations.append(report)
        place = {
            "lap_number": lap + 1, "lap_time": share * LAP_S, "lap_distance": share * 500,
            "last_lap_time": time_s if lap else 0.0, "sector": (share >= 0.25) + (share >= 0.75),
        }  # fmt: skip
        observations.append(frame(tick, speed=50.0, velocity_x=50.0, **place))
    return observations


@pytest.mark.parametrize("driven", [2, pytest.param(3, marks=pytest.mark.thorough)])
def test_encoded_laps_are_the_laps_that_timing_folds(driven: int) -> None:
    items = round_trip(circuit(driven))
    laps = replay.laps(chunks(items, Chunker("ada", 1, chunk_ms=50)))
    timed = [lap for lap in laps if lap.lap_time_s]
    assert [(lap.lap_number, lap.lap_time_s, lap.timed_by) for lap in timed] == [
        (number, LAP_S, "sim") for number in range(1, driven + 1)
    ]
    assert all(lap.sectors_s == (2.5, 5.0, 2.5) and lap.valid and lap.car == "12" for lap in timed)
    assert all(lap.complete for lap in timed)


@pytest.mark.thorough
def test_a_flashback_over_the_line_takes_the_lap_back_until_it_is_driven_again() -> None:
    drive = circuit(2)
    at = next(index for index, item in enumerate(drive) if isinstance(item, LapReported)) + 60
    back = at - 200
    last, first = drive[at - 1], drive[back]
    assert isinstance(last, Frame)
    assert isinstance(first, Frame)
    rewound = Rewound(at_ns=last.captured_ns, session_time_s=50 + (back - 1) * TICK_S)
    later_ns = last.captured_ns - first.captured_ns + 4_000_000_000
    again = [
        Frame(item.captured_ns + later_ns, item.values) if isinstance(item, Frame) else item
        for item in circuit(2, time_s=10.05)[back:]
    ]
    items = round_trip([*drive[:at], rewound, *again])
    assert len([item for item in items if isinstance(item, Rewound)]) == 1
    laps = replay.laps(chunks(items, Chunker("ada", 1, chunk_ms=50)))
    timed = {lap.lap_number: (lap.lap_time_s, lap.valid) for lap in laps if lap.lap_time_s}
    assert timed == {1: (10.05, False), 2: (10.05, True)}
