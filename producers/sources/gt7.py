"""Gran Turismo 7: packets of the console in, observations out.

The game has no session id, no track and no distance. A session lasts until the car, the kind of
packet or the mode (driving or replay) changes or the lap counter or the lap times start again;
lap distance is the speed integrated since the line, so it is the length of the driven path. Oil and
water temperature are passed on as sent, though the game never moves them. Replays count as driving
until the console has sent live driving; from then on they are left out.
"""

import math
from collections.abc import Iterator
from typing import Final

from producers.source import Began, Frame, Observation
from producers.sources.gt7_packet import (
    HANDBRAKE,
    HAS_TURBO,
    TRACTION_CONTROL,
    Packet,
    Vector,
    decrypt,
    parse,
)
from producers.sources.layout import ABSENT, CORNERS, Layout, corners, named
from producers.sources.odometer import Odometer
from schemas.sim import Finished, LapReported, SessionOpened

REVERSE: Final = 0
NEUTRAL: Final = 15
FIRST_CODE_OVERWRITTEN: Final = 1_000_000
REORDERED_AT_MOST: Final = 600
LATE_REPORT_S: Final = 1.0
VACUUM_PA: Final = 101_325.0

BASE: Final = named(
    "lap_number lap_time last_lap_time best_lap_time lap_distance throttle brake clutch handbrake "
    "gear engine_rpm engine_rpm_max manifold_pressure engine_coolant_temp engine_oil_temp "
    "engine_oil_pressure fuel_level speed velocity_x velocity_y velocity_z yaw pitch roll yaw_rate "
    "world_x world_y world_z tc_active"
)
WHEEL: Final = corners("wheel_speed", "tyre_temp_middle", "susp_travel")
MOTION: Final = ("steering_angle", "accel_lat", "accel_long", "accel_vert")


class Decoder:
    """Turn packets of Gran Turismo 7 into observations; see `producers.source.Decoder`."""

    name = "gt7"

    def __init__(self) -> None:
        self.ignored = 0
        self._last: Packet | None = None
        self._last_ns = 0
        self._layout = Layout(())
        self._odometer = Odometer()
        self._laps = LapReports()
        self._finished = False
        self._been_live = False

    def recognises(self, datagram: bytes) -> bool:
        """Tell whether these bytes decrypt to the game's magic."""
        return decrypt(datagram) is not None

    def feed(self, datagram: bytes, captured_ns: int) -> Iterator[Observation]:
        """Take one packet as it arrived; yield what it tells."""
        packet = parse(datagram)
        if packet is None or self._repeats(packet):
            self.ignored += 1
            return
        self._been_live |= packet.live
        if not packet.driving or (self._been_live and not packet.live):
            self._last_ns = captured_ns
            return
        if self._begins(packet):
            yield self._begin(packet, captured_ns)
        else:
            self._drive(packet, captured_ns)
            yield from self._laps.tell(packet, captured_ns)
            yield from self._finish(packet, captured_ns)
        self._last, self._last_ns = packet, captured_ns
        yield Frame(captured_ns, self._layout.row(self._values(packet)))

    def _repeats(self, packet: Packet) -> bool:
        """Tell whether a packet was seen already, or is overtaken; a restart counts from anew."""
        return self._last is not None and 0 <= self._last.number - packet.number < REORDERED_AT_MOST

    def _begins(self, packet: Packet) -> bool:
        last = self._last
        return (
            last is None
            or packet.car != last.car
            or packet.kind != last.kind
            or packet.lap < last.lap
            or packet.live != last.live
            or (packet.last_ms < 0 <= last.last_ms)
            or (packet.best_ms < 0 <= last.best_ms)
        )

    def _begin(self, packet: Packet, captured_ns: int) -> Began:
        self._odometer = Odometer()
        self._laps = LapReports()
        self._finished = False
        names = [*BASE, *WHEEL]
        if packet.steering is not None:
            names += MOTION
        self._layout = Layout(names)
        if packet.running_ms is not None and packet.running_ms < 1000:
            self._odometer.cross(packet.running_ms / 1000, packet.speed)
        opened = SessionOpened(
            at_ns=captured_ns,
            source=self.name,
            source_version=f"packet {packet.kind.letter}",
            kind="race" if packet.laps > 0 else "unknown",
            car_model=f"car {packet.car}" if 0 < packet.car < FIRST_CODE_OVERWRITTEN else "",
        )
        return Began("", self._layout.channels, opened)

    def _drive(self, packet: Packet, captured_ns: int) -> None:
        last = self._last
        self._odometer.advance((captured_ns - self._last_ns) / 1e9, packet.speed)
        if last is not None and packet.lap > last.lap:
            self._laps.cross(last, self._odometer.time_s)
            self._odometer.cross(_beyond_line_s(packet, last), packet.speed)

    def _finish(self, packet: Packet, captured_ns: int) -> Iterator[Finished]:
        if not self._finished and 0 < packet.laps < packet.lap:
            self._finished = True
            yield Finished(at_ns=captured_ns)

    def _values(self, packet: Packet) -> dict[str, float]:
        running = packet.running_ms
        return {
            "lap_number": packet.lap,
            "lap_time": self._odometer.time_s if running is None else self._running(packet),
            "last_lap_time": _seconds(packet.last_ms),
            "best_lap_time": _seconds(packet.best_ms),
            "lap_distance": self._odometer.distance_m,
            **_car(packet),
            **_motion(packet),
            **_wheels(packet),
        }

    def _running(self, packet: Packet) -> float:
        """Return the game's lap clock, which restarts a packet after the lap counter moved."""
        running_s = (packet.running_ms or 0) / 1000
        return self._odometer.time_s if self._odometer.time_s < 0.02 else running_s


class LapReports:
    """Pair the game's last lap time with the lap that it is of.

    The time changes with the lap counter, or late; at the flag it may change without it.
    """

    def __init__(self) -> None:
        self._crossed: Packet | None = None
        self._driven_s = ABSENT
        self._waited_ns = 0
        self._last_ms: int | None = None

    def cross(self, before: Packet, driven_s: float) -> None:
        """Remember the packet before the counter moved, and how long the lap took by our clock."""
        self._crossed, self._driven_s, self._waited_ns = before, driven_s, 0

    def tell(self, packet: Packet, captured_ns: int) -> Iterator[LapReported]:
        """Yield the finished lap once its time is there."""
        before, self._last_ms = self._last_ms, packet.last_ms
        changed = before is not None and packet.last_ms != before
        if packet.last_ms <= 0:
            return
        if self._crossed is not None:
            self._waited_ns = self._waited_ns or captured_ns
            same = abs(packet.last_ms / 1000 - self._driven_s) < 0.05
            late = captured_ns - self._waited_ns > LATE_REPORT_S * 1e9
            if packet.last_ms != self._crossed.last_ms or (late and same):
                yield self._report(packet, self._crossed.lap, captured_ns)
        elif changed:
            yield self._report(packet, packet.lap, captured_ns)

    def _report(self, packet: Packet, lap: int, captured_ns: int) -> LapReported:
        self._crossed = None
        return LapReported(
            at_ns=captured_ns,
            car="",
            lap_number=lap,
            lap_time_s=packet.last_ms / 1000,
            own=True,
        )


def decoder() -> Decoder:
    """Return a fresh decoder."""
    return Decoder()


def _seconds(milliseconds: int) -> float:
    return milliseconds / 1000 if milliseconds > 0 else ABSENT


def _beyond_line_s(packet: Packet, last: Packet) -> float:
    """Return how long ago the line was crossed, as far as the game's clocks tell."""
    if packet.running_ms is None:
        return 0.0
    if packet.running_ms >= (last.running_ms or 0) and packet.last_ms > 0:
        return max(0.0, (packet.running_ms - packet.last_ms) / 1000)
    return packet.running_ms / 1000


def _car(packet: Packet) -> dict[str, float]:
    gears = {REVERSE: -1, NEUTRAL: 0}
    return {
        "throttle": packet.throttle / 255,
        "brake": packet.brake / 255,
        "clutch": packet.clutch,
        "handbrake": float(bool(packet.flags & HANDBRAKE)),
        "gear": gears.get(packet.gear, packet.gear),
        "engine_rpm": packet.rpm,
        "engine_rpm_max": packet.rpm_alert or ABSENT,
        "manifold_pressure": _boost(packet),
        "engine_coolant_temp": packet.water_temp,
        "engine_oil_temp": packet.oil_temp,
        "engine_oil_pressure": packet.oil_pressure * 1e5,
        "fuel_level": packet.fuel if packet.fuel_capacity > 0 else ABSENT,
        "tc_active": float(bool(packet.flags & TRACTION_CONTROL)),
    }


def _boost(packet: Packet) -> float:
    """Return gauge pressure in Pa; off the throttle the game falls below a vacuum."""
    if not packet.flags & HAS_TURBO:
        return ABSENT
    return max(-VACUUM_PA, (packet.boost - 1) * 1e5)


def _motion(packet: Packet) -> dict[str, float]:
    forward = _rotate(packet.rotation, (0.0, 0.0, -1.0))
    left = _rotate(packet.rotation, (-1.0, 0.0, 0.0))
    up = _rotate(packet.rotation, (0.0, 1.0, 0.0))
    motion = {
        "speed": packet.speed,
        "velocity_x": _dot(packet.velocity, forward),
        "velocity_y": _dot(packet.velocity, left),
        "velocity_z": _dot(packet.velocity, up),
        "yaw": math.atan2(-forward[2], forward[0]),
        "pitch": -math.asin(max(-1.0, min(1.0, forward[1]))),
        "roll": math.atan2(left[1], up[1]),
        "yaw_rate": packet.angular_velocity[1],
        "world_x": packet.position[0],
        "world_y": -packet.position[2],
        "world_z": packet.position[1],
    }
    if packet.sway_heave_surge is not None:
        sway, heave, surge = packet.sway_heave_surge
        motion |= {"accel_lat": -sway, "accel_vert": heave, "accel_long": surge}
        motion["steering_angle"] = ABSENT if packet.steering is None else packet.steering
    return motion


def _wheels(packet: Packet) -> dict[str, float]:
    wheels: dict[str, float] = {}
    for index, corner in enumerate(CORNERS):
        # Forward is negative in some kinds of packet and positive in others.
        wheels[f"wheel_speed_{corner}"] = abs(packet.wheel_rps[index]) * packet.tyre_radius[index]
        wheels[f"tyre_temp_middle_{corner}"] = packet.tyre_temps[index]
        wheels[f"susp_travel_{corner}"] = packet.suspension[index]
    return wheels


def _rotate(rotation: tuple[float, float, float, float], vector: Vector) -> Vector:
    """Turn a vector of the car's frame into the world's, by the unit quaternion (x, y, z, w)."""
    x, y, z, w = rotation
    a, b, c = vector
    tx, ty, tz = 2 * (y * c - z * b), 2 * (z * a - x * c), 2 * (x * b - y * a)
    return (
        a + w * tx + y * tz - z * ty,
        b + w * ty + z * tx - x * tz,
        c + w * tz + x * ty - y * tx,
    )


def _dot(left: Vector, right: Vector) -> float:
    return left[0] * right[0] + left[1] * right[1] + left[2] * right[2]
