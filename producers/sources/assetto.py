"""Assetto Corsa: its remote telemetry (UDP 9996) in, observations out.

Layout by the game's "AC Remote Telemetry Documentation", with what the game really sends: the
accelerations stand in the order lateral, vertical, longitudinal, whatever their names say, and the
clutch is 1 when released. Text is UTF-16 in fields of 50. The game tells no session id and no track
length; lap distance is the speed integrated since the line.
"""

import math
import struct
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from producers.source import Began, Frame, Observation
from producers.sources.layout import ABSENT, CORNERS, Layout, corners, named
from producers.sources.odometer import Odometer
from schemas.sim import LapReported, SessionOpened

STANDARD_GRAVITY: Final = 9.80665
HANDSHAKE: Final = struct.pack("<iii", 1, 1, 0)
SUBSCRIBE_UPDATE: Final = struct.pack("<iii", 1, 1, 1)
SUBSCRIBE_SPOT: Final = struct.pack("<iii", 1, 1, 2)
DISMISS: Final = struct.pack("<iii", 1, 1, 3)

REPLY_MARK: Final = 4242
CAR_INFO: Final = struct.Struct("<c3xi3f6B2x3f4i5fif56f5f")
LAP_INFO: Final = struct.Struct("<ii100s100si")
REPLY: Final = struct.Struct("<100s100sii100s100s")

NAMES: Final = named(
    "lap_number lap_time last_lap_time best_lap_time lap_distance lap_fraction throttle brake "
    "clutch steering_angle gear engine_rpm speed accel_lat accel_long accel_vert world_x world_y "
    "world_z abs_active tc_active in_pit_lane"
)
WHEEL: Final = corners("wheel_speed", "susp_travel", "slip_ratio")


class Reply(Struct, frozen=True):
    """Hold the game's answer to a handshake; the driver's name only tells laps apart in here."""

    car: str = ""
    track: str = ""
    driver: str = ""


class LapInfo(Struct, frozen=True):
    """Hold one RTLap: a car of the session has finished a lap."""

    car_number: int
    lap: int
    driver: str
    lap_ms: int


class CarInfo(Struct, frozen=True):
    """Hold one RTCarInfo in the game's units: g, ms, degrees of the wheel to the right, rad/s."""

    speed: float
    abs_active: int
    tc_active: int
    in_pit: int
    lateral_g: float
    vertical_g: float
    longitudinal_g: float
    lap_ms: int
    last_ms: int
    best_ms: int
    laps: int
    throttle: float
    brake: float
    clutch: float
    rpm: float
    steering: float
    gear: int
    wheel_rps: tuple[float, ...]
    slip_ratio: tuple[float, ...]
    tyre_radius: tuple[float, ...]
    suspension: tuple[float, ...]
    fraction: float
    position: tuple[float, ...]


class Decoder:
    """Turn datagrams of Assetto Corsa into observations; see `producers.source.Decoder`."""

    name = "assetto"

    def __init__(self) -> None:
        self.ignored = 0
        self._layout = Layout([*NAMES, *WHEEL])
        self._reply = Reply()
        self._last: CarInfo | None = None
        self._odometer = Odometer()

    def recognises(self, datagram: bytes) -> bool:
        """Tell whether these bytes are car info or the answer to a handshake."""
        return parse(datagram) is not None or parse_reply(datagram) is not None

    def feed(self, datagram: bytes, captured_ns: int) -> Iterator[Observation]:
        """Take one datagram as it arrived; yield what it tells."""
        if (info := parse(datagram)) is not None:
            yield from self._driven(info, captured_ns)
        elif (reply := parse_reply(datagram)) is not None:
            yield from self._answered(reply, captured_ns)
        elif (lap := parse_lap(datagram)) is not None:
            yield from self._others(lap, captured_ns)
        else:
            self.ignored += 1

    def _driven(self, info: CarInfo, captured_ns: int) -> Iterator[Observation]:
        if info == self._last:
            # Paused, the game repeats itself.
            self.ignored += 1
            return
        if self._begins(info):
            self._odometer = Odometer()
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
        if not self._reply.driver or lap.driver == self._reply.driver or lap.lap_ms <= 0:
            return
        yield LapReported(
            at_ns=captured_ns,
            car=str(lap.car_number),
            lap_number=lap.lap,
            lap_time_s=lap.lap_ms / 1000,
            own=False,
        )

    def _begins(self, info: CarInfo) -> bool:
        last = self._last
        return last is None or info.laps < last.laps or (info.best_ms <= 0 < last.best_ms)

    def _opened(self, captured_ns: int) -> SessionOpened:
        return SessionOpened(
            at_ns=captured_ns,
            source=self.name,
            track=self._reply.track,
            car_model=self._reply.car,
        )

    def _drive(self, info: CarInfo) -> None:
        """Measure on the game's lap clock, which arrival does not disturb."""
        last = self._last
        if last is None:
            return
        if info.laps > last.laps:
            self._odometer.cross(info.lap_ms / 1000, info.speed)
        elif info.lap_ms < last.lap_ms:
            self._odometer.forget()
        else:
            self._odometer.advance((info.lap_ms - last.lap_ms) / 1000, info.speed)

    def _report(self, info: CarInfo, captured_ns: int) -> Iterator[LapReported]:
        last = self._last
        if last is None or info.last_ms <= 0:
            return
        if info.laps > last.laps or info.last_ms != last.last_ms:
            yield LapReported(
                at_ns=captured_ns,
                car="",
                lap_number=info.laps,
                lap_time_s=info.last_ms / 1000,
                own=True,
            )

    def _fraction(self, info: CarInfo) -> float:
        """Return the place on the lap, held at its end until the game counts the lap."""
        last = self._last
        wrapped = last is not None and last.fraction > 0.9 and info.fraction < 0.1
        if wrapped and last is not None and info.laps == last.laps and info.lap_ms >= last.lap_ms:
            return 1.0
        return info.fraction

    def _values(self, info: CarInfo, fraction: float) -> dict[str, float]:
        values = {
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


def parse(datagram: bytes) -> CarInfo | None:
    """Lay out an RTCarInfo; None when the bytes are not one."""
    if len(datagram) != CAR_INFO.size:
        return None
    v = CAR_INFO.unpack(datagram)
    if v[0] != b"a" or v[1] != CAR_INFO.size or not all(map(math.isfinite, v[2:])):
        return None
    return CarInfo(
        speed=v[4],
        abs_active=v[6],
        tc_active=v[7],
        in_pit=v[9],
        lateral_g=v[11],
        vertical_g=v[12],
        longitudinal_g=v[13],
        lap_ms=v[14],
        last_ms=v[15],
        best_ms=v[16],
        laps=v[17],
        throttle=v[18],
        brake=v[19],
        clutch=v[20],
        rpm=v[21],
        steering=v[22],
        gear=v[23],
        wheel_rps=v[25:29],
        slip_ratio=v[37:41],
        tyre_radius=v[69:73],
        suspension=v[77:81],
        fraction=v[81],
        position=v[83:86],
    )


def parse_reply(datagram: bytes) -> Reply | None:
    """Lay out the answer to a handshake; None when the bytes are not one."""
    if len(datagram) != REPLY.size:
        return None
    car, driver, mark, _version, track, layout = REPLY.unpack(datagram)
    if mark != REPLY_MARK:
        return None
    place = " ".join(filter(None, [_text(track), _text(layout)]))
    return Reply(car=_text(car), track=place, driver=_text(driver))


def parse_lap(datagram: bytes) -> LapInfo | None:
    """Lay out an RTLap; None when the bytes are not one."""
    if len(datagram) != LAP_INFO.size:
        return None
    car_number, lap, driver, _car, lap_ms = LAP_INFO.unpack(datagram)
    return LapInfo(car_number=car_number, lap=lap, driver=_text(driver), lap_ms=lap_ms)


def _text(field: bytes) -> str:
    """Return the text of a field, which ends with a zero or, as the game does, with a %."""
    text = field.decode("utf-16-le", errors="replace").split("\0")[0].split("%")[0]
    return "".join(letter for letter in text if letter.isprintable()).strip()


def _seconds(milliseconds: int) -> float:
    return milliseconds / 1000 if milliseconds > 0 else ABSENT
