"""Parse the datagrams of Assetto Corsa.

The layout is that of the game's "AC Remote Telemetry Documentation", corrected by the datagrams
that the game sends: the accelerations are in the order lateral, vertical, longitudinal, against
their names, and the clutch is 1 when released. Text is UTF-16 in fields of 50 characters.
"""

import math
import struct
from typing import Final

from msgspec import Struct

from producers.sources.assetto.names import name_of

HANDSHAKE: Final = struct.pack("<iii", 1, 1, 0)
SUBSCRIBE_UPDATE: Final = struct.pack("<iii", 1, 1, 1)
SUBSCRIBE_SPOT: Final = struct.pack("<iii", 1, 1, 2)
DISMISS: Final = struct.pack("<iii", 1, 1, 3)

REPLY_MARK: Final = 4242
CAR_INFO: Final = struct.Struct("<c3xi3f6B2x3f4i5fif56f5f")
LAP_INFO: Final = struct.Struct("<ii100s100si")
REPLY: Final = struct.Struct("<100s100sii100s100s")


class Reply(Struct, frozen=True):
    """Hold the game's answer to a handshake, with names of car and track instead of ids.

    `driver` only separates own laps from others.
    """

    car: str = ""
    track: str = ""
    driver: str = ""


class LapInfo(Struct, frozen=True):
    """Hold one RTLap: a lap that a car of the session has finished."""

    car_number: int
    lap: int
    driver: str
    lap_ms: int


class CarInfo(Struct, frozen=True):
    """Hold one RTCarInfo in the game's units: g, ms, m/s, degrees of steering to the right, rad/s.

    Wheels are in the order FL, FR, RL, RR. `fraction` is the place on the lap, 0..1.
    """

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


def parse(datagram: bytes) -> CarInfo | None:
    """Parse an RTCarInfo; return None for other bytes or numbers that are not finite."""
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
    """Parse the answer to a handshake; return None for other bytes."""
    if len(datagram) != REPLY.size:
        return None
    car, driver, mark, _version, track, layout = REPLY.unpack(datagram)
    if mark != REPLY_MARK:
        return None
    place = " ".join(filter(None, [name_of(_text(track)), name_of(_text(layout))]))
    return Reply(car=name_of(_text(car))[:128], track=place[:128], driver=_text(driver))


def parse_lap(datagram: bytes) -> LapInfo | None:
    """Parse an RTLap; return None for other bytes."""
    if len(datagram) != LAP_INFO.size:
        return None
    car_number, lap, driver, _car, lap_ms = LAP_INFO.unpack(datagram)
    return LapInfo(car_number=car_number, lap=lap, driver=_text(driver), lap_ms=lap_ms)


def _text(field: bytes) -> str:
    """Return the text of a field up to a zero, or up to the % that the game writes instead."""
    text = field.decode("utf-16-le", errors="replace").split("\0")[0].split("%")[0]
    return "".join(letter for letter in text if letter.isprintable()).strip()
