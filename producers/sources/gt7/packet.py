"""Decrypt and parse the packets of Gran Turismo 7.

The layout is the community's (Nenkai/PDTools and its issues 14 and 18). There are four kinds, each
longer than the one before: A (296 bytes), B (316, adds motion), ~ (344, adds pedals) and C (368,
adds the running lap time). The car's frame is x right, y up, z backward; the world's y is up.
"""

import math
import struct
from typing import Final

from Crypto.Cipher import Salsa20
from msgspec import Struct

MAGIC: Final = b"0S7G"
KEY: Final = b"Simulator Interface Packet GT7 ver 0.0"[:32]
NONCE_AT: Final = 0x40

Vector = tuple[float, float, float]
Wheels = tuple[float, float, float, float]


class Kind(Struct, frozen=True):
    """Describe one kind of packet: the heartbeat that requests it, its length and cipher mask."""

    letter: str
    length: int
    mask: int


KINDS: Final = (
    Kind("A", 296, 0xDEADBEAF),
    Kind("B", 316, 0xDEADBEEF),
    Kind("~", 344, 0x55FABB4F),
    Kind("C", 368, 0xDEADBEEF),
)
KIND_BY_LENGTH: Final = {kind.length: kind for kind in KINDS}

BODY: Final = struct.Struct("<4s3f3f4f3fff4xfffffff4fihhiiihhHHHHBBBx16x4f4f4f32xf4x4x4x32xi")
MOTION: Final = struct.Struct("<f4xfff")
RUNNING: Final = struct.Struct("<I")
MOTION_AT: Final = 0x128
PEDAL_AT: Final = 0x13C
RUNNING_AT: Final = 0x15C

IN_LIVE: Final = 1 << 0
PAUSED: Final = 1 << 1
LOADING: Final = 1 << 2
HAS_TURBO: Final = 1 << 4
HANDBRAKE: Final = 1 << 6
TRACTION_CONTROL: Final = 1 << 11


class Packet(Struct, frozen=True):
    """Hold one packet in the game's units; None for a field that its kind lacks.

    Wheels are in the order FL, FR, RL, RR. `boost` is in bar with 1 as ambient, times are in ms
    with -1 for none.
    """

    kind: Kind
    position: Vector
    velocity: Vector
    rotation: tuple[float, float, float, float]
    angular_velocity: Vector
    rpm: float
    fuel: float
    fuel_capacity: float
    speed: float
    boost: float
    oil_pressure: float
    water_temp: float
    oil_temp: float
    tyre_temps: Wheels
    number: int
    lap: int
    laps: int
    best_ms: int
    last_ms: int
    time_of_day_ms: int
    rpm_alert: int
    flags: int
    gear: int
    throttle: int
    brake: int
    wheel_rps: Wheels
    tyre_radius: Wheels
    suspension: Wheels
    clutch: float
    car: int
    steering: float | None = None
    sway_heave_surge: Vector | None = None
    running_ms: int | None = None

    @property
    def live(self) -> bool:
        """Return whether this is live driving, not a replay."""
        return bool(self.flags & IN_LIVE)

    @property
    def in_menu(self) -> bool:
        """Return whether the game shows a menu, with no car on a track."""
        return not self.live and self.lap < 0

    @property
    def driving(self) -> bool:
        """Return whether the car is simulated: not paused, not loading, not in a menu."""
        return not self.in_menu and not self.flags & (PAUSED | LOADING)


def decrypt(datagram: bytes) -> bytes | None:
    """Return the plain packet; None when the bytes are no packet of the game."""
    kind = KIND_BY_LENGTH.get(len(datagram))
    if kind is None:
        return None
    seed = int.from_bytes(datagram[NONCE_AT : NONCE_AT + 4], "little")
    nonce = struct.pack("<II", seed ^ kind.mask, seed)
    if Salsa20.new(key=KEY, nonce=nonce).decrypt(datagram[:4]) != MAGIC:
        return None
    return Salsa20.new(key=KEY, nonce=nonce).decrypt(datagram)


def encrypt(plain: bytes, seed: int) -> bytes:
    """Encrypt a packet as the console does, with a nonce made from a 32-bit seed."""
    nonce = struct.pack("<II", seed ^ KIND_BY_LENGTH[len(plain)].mask, seed)
    sealed = Salsa20.new(key=KEY, nonce=nonce).encrypt(plain)
    return sealed[:NONCE_AT] + struct.pack("<I", seed) + sealed[NONCE_AT + 4 :]


def parse(datagram: bytes) -> Packet | None:
    """Decrypt and parse a packet; return None for other bytes or numbers that are not finite."""
    plain = decrypt(datagram)
    if plain is None:
        return None
    v = BODY.unpack_from(plain)
    if not all(map(math.isfinite, v[1:28])):
        return None
    kind = KIND_BY_LENGTH[len(plain)]
    steering, motion = _motion(plain, kind)
    return Packet(
        kind=kind,
        position=v[1:4],
        velocity=v[4:7],
        rotation=v[7:11],
        angular_velocity=v[11:14],
        rpm=v[15],
        fuel=v[16],
        fuel_capacity=v[17],
        speed=v[18],
        boost=v[19],
        oil_pressure=v[20],
        water_temp=v[21],
        oil_temp=v[22],
        tyre_temps=v[23:27],
        number=v[27],
        lap=v[28],
        laps=v[29],
        best_ms=v[30],
        last_ms=v[31],
        time_of_day_ms=v[32],
        rpm_alert=v[36],
        flags=v[38],
        gear=v[39] & 0xF,
        throttle=plain[PEDAL_AT] if len(plain) > PEDAL_AT else v[40],
        brake=v[41],
        wheel_rps=v[42:46],
        tyre_radius=v[46:50],
        suspension=v[50:54],
        clutch=v[54],
        car=v[55],
        steering=steering,
        sway_heave_surge=motion,
        running_ms=RUNNING.unpack_from(plain, RUNNING_AT)[0] if len(plain) > RUNNING_AT else None,
    )


def _motion(plain: bytes, kind: Kind) -> tuple[float | None, Vector | None]:
    if kind.letter == "A":
        return None, None
    steering, sway, heave, surge = MOTION.unpack_from(plain, MOTION_AT)
    return steering, (sway, heave, surge)
