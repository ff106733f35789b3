"""Decode Assetto Corsa's remote telemetry (UDP 9996).

The game sends no session id, no track length and no clock but the lap's. Session time is the sum of
lap times; lap distance is the speed integrated since the line. A session lasts until the car or the
track changes, or the lap counter starts again.
"""

import math
from collections.abc import Iterator
from typing import Final

from producers.left_out import Tally
from producers.source import Began, Frame, Observation
from producers.sources.assetto.packet import CarInfo, LapInfo, Reply, parse, parse_lap, parse_reply
from producers.sources.channel_order import ABSENT, CORNERS, Layout, corners, named
from producers.sources.odometer import Odometer
from schemas.sim import LapReported, SessionOpened

STANDARD_GRAVITY: Final = 9.80665
LONGEST_MS: Final = 1_000_000_000
OVERTAKEN_MS: Final = 500
"""Largest step back of the lap clock that counts as a datagram overtaken on its way."""

NEAR_MS: Final = 1000
"""A lap time this close to the running clock came before the counter; the lap is the next one."""

LINE_MS: Final = 5000
"""Longest time between the last datagram of a lap and its end; beyond it, the rest is a guess."""

NAMES: Final = named(
    "session_time lap_number lap_time last_lap_time best_lap_time lap_distance lap_fraction "
    "throttle brake clutch steering_angle gear engine_rpm speed accel_lat accel_long accel_vert "
    "world_x world_y world_z abs_active tc_active in_pit_lane"
)
WHEEL: Final = corners("wheel_speed", "susp_travel", "slip_ratio")


class Decoder:
    """Turn datagrams of Assetto Corsa into observations; see `producers.source.Decoder`."""

    name = "assetto"

    def __init__(self) -> None:
        self.left_out = Tally()
        self._layout = Layout([*NAMES, *WHEEL])
        self._reply = Reply()
        self._last: CarInfo | None = None
        self._odometer = Odometer()
        self._clock_s = 0.0

    def recognises(self, datagram: bytes) -> bool:
        """Return whether these bytes are car info or the answer to a handshake."""
        return parse(datagram) is not None or parse_reply(datagram) is not None

    def feed(self, datagram: bytes, captured_ns: int) -> Iterator[Observation]:
        """Decode one datagram, in order of arrival; yield its observations."""
        if (info := parse(datagram)) is not None:
            yield from self._driven(info, captured_ns)
        elif (reply := parse_reply(datagram)) is not None:
            yield from self._answered(reply, captured_ns)
        elif (lap := parse_lap(datagram)) is not None:
            yield from self._others(lap, captured_ns)
        else:
            self.left_out.add("unknown")

    def close(self) -> Iterator[Observation]:
        """Yield nothing: each datagram is whole."""
        return iter(())

    def _driven(self, info: CarInfo, captured_ns: int) -> Iterator[Observation]:
        if info == self._last or self._is_overtaken(info):
            # A paused game repeats its last datagram.
            self.left_out.add("late")
            return
        if self._begins(info):
            self._odometer, self._clock_s = Odometer(), 0.0
            yield Began("", self._layout.channels, self._opened(captured_ns))
        else:
            self._drive(info)
            yield from self._report(info, captured_ns)
        fraction = self._fraction(info)
        self._last = info
        yield Frame(captured_ns, self._layout.row(self._values(info, fraction)))

    def _answered(self, reply: Reply, captured_ns: int) -> Iterator[SessionOpened]:
        before, self._reply = self._reply, reply
        if before == Reply() and self._last is not None:
            yield self._opened(captured_ns)
        elif before != reply:
            self._last = None

    def _others(self, lap: LapInfo, captured_ns: int) -> Iterator[LapReported]:
        if not self._reply.driver or lap.driver == self._reply.driver:
            return
        if not 0 < lap.lap_ms < LONGEST_MS:
            return
        yield LapReported(
            at_ns=captured_ns,
            car=str(lap.car_number),
            lap_number=lap.lap,
            lap_time_s=lap.lap_ms / 1000,
            own=False,
        )

    def _is_overtaken(self, info: CarInfo) -> bool:
        last = self._last
        if last is None or not 0 <= last.laps - info.laps <= 1:
            return False
        behind_ms = last.lap_ms - info.lap_ms
        if info.laps < last.laps:
            behind_ms += last.last_ms
        return 0 < behind_ms <= OVERTAKEN_MS

    def _begins(self, info: CarInfo) -> bool:
        last = self._last
        if last is None or info.laps < last.laps or info.best_ms <= 0 < last.best_ms:
            return True
        return info.laps == last.laps == 0 and info.lap_ms < last.lap_ms

    def _opened(self, captured_ns: int) -> SessionOpened:
        return SessionOpened(
            at_ns=captured_ns,
            source=self.name,
            track=self._reply.track,
            car_model=self._reply.car,
        )

    def _drive(self, info: CarInfo) -> None:
        """Advance distance and session time by the game's lap clock, free of network delay."""
        last = self._last
        if last is None:
            return
        elapsed_ms = info.lap_ms - last.lap_ms
        if info.laps > last.laps:
            self._odometer.cross(info.lap_ms / 1000, info.speed)
            rest_ms = info.last_ms - last.lap_ms
            elapsed_ms = info.lap_ms + (rest_ms if 0 <= rest_ms <= LINE_MS else 0)
        elif elapsed_ms < 0:
            self._odometer.forget()
            elapsed_ms = info.lap_ms
        else:
            self._odometer.advance(elapsed_ms / 1000, info.speed)
        self._clock_s += elapsed_ms / 1000

    def _report(self, info: CarInfo, captured_ns: int) -> Iterator[LapReported]:
        last = self._last
        if last is None or not 0 < info.last_ms < LONGEST_MS:
            return
        if info.laps > last.laps or info.last_ms != last.last_ms:
            counted = info.laps > last.laps or abs(info.lap_ms - info.last_ms) > NEAR_MS
            yield LapReported(
                at_ns=captured_ns,
                car="",
                lap_number=info.laps if counted else info.laps + 1,
                lap_time_s=info.last_ms / 1000,
                own=True,
            )

    def _fraction(self, info: CarInfo) -> float:
        """Return the place on the lap; hold it at 1 until the game counts the lap."""
        last = self._last
        wrapped = last is not None and last.fraction > 0.9 and info.fraction < 0.1
        if wrapped and last is not None and info.laps == last.laps and info.lap_ms >= last.lap_ms:
            return 1.0
        return info.fraction

    def _values(self, info: CarInfo, fraction: float) -> dict[str, float]:
        values = {
            "session_time": self._clock_s,
            "lap_number": info.laps + 1,
            "lap_time": info.lap_ms / 1000,
            "last_lap_time": _seconds(info.last_ms),
            "best_lap_time": _seconds(info.best_ms),
            "lap_distance": self._odometer.distance_m,
            "lap_fraction": fraction,
            "throttle": info.throttle,
            "brake": info.brake,
            "clutch": 1 - info.clutch,
            "steering_angle": -math.radians(info.steering),
            "gear": info.gear - 1,
            "engine_rpm": info.rpm,
            "speed": info.speed,
            "accel_lat": info.lateral_g * STANDARD_GRAVITY,
            "accel_long": info.longitudinal_g * STANDARD_GRAVITY,
            "accel_vert": info.vertical_g * STANDARD_GRAVITY,
            "world_x": info.position[0],
            "world_y": -info.position[2],
            "world_z": info.position[1],
            "abs_active": info.abs_active,
            "tc_active": info.tc_active,
            "in_pit_lane": info.in_pit,
        }
        for index, corner in enumerate(CORNERS):
            values[f"wheel_speed_{corner}"] = info.wheel_rps[index] * info.tyre_radius[index]
            values[f"susp_travel_{corner}"] = info.suspension[index]
            values[f"slip_ratio_{corner}"] = info.slip_ratio[index]
        return values


def decoder() -> Decoder:
    """Return a fresh decoder."""
    return Decoder()


def _seconds(milliseconds: int) -> float:
    return milliseconds / 1000 if milliseconds > 0 else ABSENT
