"""Laps of a made-up ring with four corners, by formula: every second of a loss is known."""

import math
from collections.abc import Mapping

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from consumers.corners.frames import Frames
from schemas.timing import Lap
from schemas.track import Corner, Track

START_NS = 1_700_000_000_000_000_000
LENGTH_M = 2000.0
FASTEST_MPS = 60.0
BRAKES_MPS2 = 10.0
GAINS_MPS2 = 5.0
APEXES_M = (300.0, 800.0, 1300.0, 1750.0)
LOWEST_MPS = (25.0, 30.0, 20.0, 35.0)
HALF_HOLD_M = 20.0
HALF_BEND_M = 40.0
RATE_HZ = 60.0

CORNERS = tuple(
    Corner(
        name=f"T{number}",
        entry_m=apex_m - HALF_BEND_M,
        apex_m=apex_m,
        exit_m=apex_m + HALF_BEND_M,
        left=True,
    )
    for number, apex_m in enumerate(APEXES_M, 1)
)
TRACK = Track(
    session="s", driver="ada", at_ns=0, track="ring", version=1, length_m=LENGTH_M, corners=CORNERS
)

Values = NDArray[np.float64]
ByCorner = Mapping[int, float]
"""A change of the usual way, by the index of the corner."""


class Change(Struct, frozen=True):
    """Describe how a lap differs from the usual one.

    `early_m` is braked earlier, `late_m` longer without throttle, `slow_mps` the lowest speed
    lower; `again` brakes a second time, by that many m/s, 60 m after the apex.
    """

    early_m: ByCorner = {}
    late_m: ByCorner = {}
    slow_mps: ByCorner = {}
    again_mps: ByCorner = {}


class Profile(Struct, frozen=True):
    """Hold speed and pedals at each metre."""

    speed: Values
    throttle: Values
    brake: Values


def profile(change: Change) -> Profile:
    """Return how a lap is driven."""
    places_m = np.arange(int(LENGTH_M)).astype(np.float64)
    squares = np.full(len(places_m), FASTEST_MPS**2)
    throttle, brake = np.ones(len(places_m)), np.zeros(len(places_m))
    for index, apex_m in enumerate(APEXES_M):
        lowest = LOWEST_MPS[index] - change.slow_mps.get(index, 0.0)
        early_m, late_m = change.early_m.get(index, 0.0), change.late_m.get(index, 0.0)
        before_m = (apex_m - HALF_HOLD_M - early_m - places_m) % LENGTH_M
        after_m = (places_m - apex_m - HALF_HOLD_M - late_m) % LENGTH_M
        held = (places_m - apex_m + HALF_HOLD_M + early_m) % LENGTH_M
        holds = held <= 2 * HALF_HOLD_M + early_m + late_m
        coasts = (places_m - apex_m - HALF_HOLD_M) % LENGTH_M <= late_m if late_m else holds & False
        braked, gained = (
            lowest**2 + 2 * BRAKES_MPS2 * before_m,
            lowest**2 + 2 * GAINS_MPS2 * after_m,
        )
        for value, pedal, press in ((braked, 0.0, 0.5), (gained, 1.0, 0.0)):
            lower = value < squares
            squares = np.where(lower, value, squares)
            throttle, brake = np.where(lower, pedal, throttle), np.where(lower, press, brake)
        squares = np.where(holds, lowest**2, squares)
        throttle, brake = np.where(holds, 0.3, throttle), np.where(holds, 0.0, brake)
        throttle = np.where(coasts, 0.0, throttle)
    for index, by_mps in change.again_mps.items():
        squares, throttle, brake = _stabbed(index, by_mps, squares, throttle, brake)
    return Profile(np.sqrt(squares), throttle, brake)


def _stabbed(
    index: int, by_mps: float, squares: Values, throttle: Values, brake: Values
) -> tuple[Values, Values, Values]:
    at = int(APEXES_M[index] + 60)
    lowest = math.sqrt(squares[at]) - by_mps
    stop = at + int((squares[at] - lowest**2) / (2 * BRAKES_MPS2))
    squares, throttle, brake = squares.copy(), throttle.copy(), brake.copy()
    for metre in range(at, stop):
        squares[metre] = squares[at] - 2 * BRAKES_MPS2 * (metre - at)
        throttle[metre], brake[metre] = 0.0, 0.5
    for metre in range(stop, stop + 500):
        gained = lowest**2 + 2 * GAINS_MPS2 * (metre - stop)
        if metre >= len(squares) or gained >= squares[metre]:
            break
        squares[metre] = gained
    return squares, throttle, brake


def time_s(change: Change) -> float:
    """Return the time of a lap."""
    return float(_times(profile(change).speed)[-1])


def _times(speed: Values) -> Values:
    ahead = np.append(speed[1:], speed[0])
    return np.concatenate(([0.0], np.cumsum(2 / (speed + ahead))))


def lap(
    number: int, change: Change | None = None, rate_hz: float = RATE_HZ, **channels: float | None
) -> tuple[Lap, Frames]:
    """Return a lap and its frames; a channel given is held at that value, or absent for None."""
    driven = profile(change or Change())
    times_s = _times(driven.speed)
    total_s = float(times_s[-1])
    started_ns = START_NS + number * 100_000_000_000
    frame_s = np.arange(-1, int(total_s * rate_hz) + 3) / rate_hz + 0.3 / rate_hz
    within_s = frame_s % total_s
    metres = np.interp(within_s, times_s, np.arange(len(times_s)).astype(np.float64))
    bends = np.zeros(len(driven.speed))
    for corner in CORNERS:
        turn = math.tau / len(CORNERS) / (2 * HALF_BEND_M)
        bends[int(corner.entry_m) : int(corner.exit_m)] = turn
    speed = _at(metres, driven.speed)
    columns = {
        "lap_distance": metres,
        "speed": speed,
        "throttle": _at(metres, driven.throttle),
        "brake": _at(metres, driven.brake),
        "yaw_rate": speed * _at(metres, bends),
        "accel_lat": speed**2 * _at(metres, bends),
        "lap_valid": np.ones(len(metres)),
    }
    for name, value in channels.items():
        columns.pop(name, None)
        if value is not None:
            columns[name] = np.full(len(metres), value)
    frames = Frames(
        times_ns=started_ns + np.round(frame_s * 1e9).astype(np.int64),
        columns=columns,
        chunks=(number * 10, number * 10 + 9),
    )
    return lap_fact(number, started_ns, total_s), frames


def lap_fact(number: int, started_ns: int, total_s: float) -> Lap:
    """Return the fact of a whole lap."""
    ended_ns = started_ns + round(total_s * 1e9)
    return Lap(
        session="s",
        driver="ada",
        at_ns=ended_ns,
        car="7",
        own=True,
        lap_number=number,
        revision=1,
        lap_time_s=total_s,
        timed_by="crossing",
        started_ns=started_ns,
        ended_ns=ended_ns,
        run=1,
    )


def _at(metres: Values, values: Values) -> Values:
    closed = np.append(values, values[0])
    return np.interp(metres, np.arange(len(closed)).astype(np.float64), closed)
