"""Map iRacing's variables to channels: one table for the live reader and for telemetry files.

Units are traps: "%" means 0..1, pressures come in kPa, Pa and bar, the clutch is 1 when engaged,
wear is what remains, and left/middle/right of a tread are seen from above, so that the inner side
of a left wheel is its right.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from msgspec import Struct

from producers.sources.channel_order import ABSENT
from producers.sources.iracing.session import Facts

STANDARD_GRAVITY: Final = 9.80665
AMBIENT_PA: Final = 101_325.0
PASCAL: Final = {"Pa": 1.0, "kPa": 1e3, "bar": 1e5, "psi": 6894.757}
PIT_LIMITER: Final = 0x10
FLAG_BITS: Final = 0xFFFFFF
"""What a float32 can hold of the 32 flags; the start lights above it are left out."""

Convert = Callable[..., float]


class Reading(Struct, frozen=True):
    """Say which variables a channel is read from, and how."""

    channel: str
    variables: tuple[str, ...]
    convert: Convert


AS_IS: Final = {
    "session_time": "SessionTime",
    "lap_number": "Lap",
    "lap_distance": "LapDist",
    "lap_fraction": "LapDistPct",
    "steering_angle": "SteeringWheelAngle",
    "gear": "Gear",
    "engine_rpm": "RPM",
    "engine_coolant_temp": "WaterTemp",
    "engine_oil_temp": "OilTemp",
    "fuel_level": "FuelLevel",
    "ers_energy": "EnergyERSBattery",
    "ers_deploy_mode": "dcMGUKDeployMode",
    "speed": "Speed",
    "velocity_x": "VelocityX",
    "velocity_y": "VelocityY",
    "velocity_z": "VelocityZ",
    "accel_lat": "LatAccel",
    "accel_long": "LongAccel",
    "pitch": "Pitch",
    "roll": "Roll",
    "yaw_rate": "YawRate",
    "world_z": "Alt",
    "abs_active": "BrakeABSactive",
    "tc_level": "dcTractionControl",
    "abs_level": "dcABS",
    "drs_state": "DRS_Status",
    "in_pit_lane": "OnPitRoad",
    "air_temp": "AirTemp",
    "track_temp": "TrackTempCrew",
    "wind_speed": "WindVel",
    "wind_dir": "WindDir",
}
RATIOS: Final = {
    "throttle": "Throttle",
    "brake": "Brake",
    "handbrake": "HandbrakeRaw",
    "rain": "Precipitation",
}
ABOVE_ZERO: Final = {
    "last_lap_time": "LapLastLapTime",
    "best_lap_time": "LapBestLapTime",
    "position": "PlayerCarPosition",
}
PREFIX: Final = {"fl": "LF", "fr": "RF", "rl": "LR", "rr": "RR"}


def readings(units: Mapping[str, str], facts: Facts) -> tuple[Reading, ...]:
    """Return how to read every channel that these variables, given with their units, allow."""
    found: dict[str, Reading] = {}
    for reading in _candidates(units, facts):
        if all(variable in units for variable in reading.variables):
            found.setdefault(reading.channel, reading)
    return tuple(found.values())


def _candidates(units: Mapping[str, str], facts: Facts) -> Iterator[Reading]:
    """Yield every way to read a channel, the better one first."""
    for table, convert in ((AS_IS, _same), (RATIOS, _ratio), (ABOVE_ZERO, _above_zero)):
        for channel, variable in table.items():
            yield Reading(channel, (variable,), convert)
    yield from _engine(units, facts)
    yield from _motion(facts)
    for corner in PREFIX:
        yield from _wheel(units, corner)
    yield Reading("track_temp", ("TrackTemp",), _same)
    yield Reading("track_wetness", ("TrackWetness",), _wetness)
    yield Reading("flags", ("SessionFlags",), lambda flags: _bits(flags, FLAG_BITS))
    yield Reading("pit_limiter", ("EngineWarnings",), _pit_limiter)
    yield Reading("lap_delta_best", ("LapDeltaToBestLap", "LapDeltaToBestLap_OK"), _if_valid)


def _engine(units: Mapping[str, str], facts: Facts) -> Iterator[Reading]:
    yield Reading("clutch", ("Clutch",), lambda engaged: _ratio(1 - engaged))
    yield Reading("brake_bias", ("dcBrakeBias",), lambda front: _above_zero(front) / 100)
    oil = PASCAL.get(units.get("OilPress", ""), 1e5)
    yield Reading("engine_oil_pressure", ("OilPress",), lambda pressure: pressure * oil)
    manifold = PASCAL.get(units.get("ManifoldPress", ""), 1e5)
    yield Reading(
        "manifold_pressure",
        ("ManifoldPress",),
        lambda absolute: absolute * manifold - AMBIENT_PA,
    )
    density = facts.fuel_kg_per_l
    if density is not None:
        yield Reading("fuel_use_rate", ("FuelUsePerHour",), lambda rate: rate / density)
    redline = facts.redline_rpm
    if redline is not None:
        yield Reading("engine_rpm_max", ("RPM",), lambda _rpm: redline)


def _motion(facts: Facts) -> Iterator[Reading]:
    # iRacing's vertical acceleration holds gravity; a channel means the same for every source.
    yield Reading("accel_vert", ("VertAccel",), lambda up: up - STANDARD_GRAVITY)
    # Yaw counts from the track's own axis; from east, it fits the world's coordinates.
    turn = 0.0 if facts.north_offset is None else math.pi / 2 - facts.north_offset
    yield Reading("yaw", ("Yaw",), lambda yaw: math.remainder(yaw + turn, math.tau))


def _wheel(units: Mapping[str, str], corner: str) -> Iterator[Reading]:
    prefix = PREFIX[corner]
    yield Reading(f"wheel_speed_{corner}", (f"{prefix}speed",), _same)
    pressure = PASCAL.get(units.get(f"{prefix}pressure", ""), 1e3)
    yield Reading(f"tyre_pressure_{corner}", (f"{prefix}pressure",), lambda value: value * pressure)
    inner, outer = ("R", "L") if prefix.startswith("L") else ("L", "R")
    for place, side in (("inner", inner), ("middle", "M"), ("outer", outer)):
        yield Reading(f"tyre_temp_{place}_{corner}", (f"{prefix}temp{side}",), _same)
        yield Reading(f"tyre_temp_{place}_{corner}", (f"{prefix}tempC{side}",), _same)
    if f"{prefix}tempM" in units:
        yield Reading(f"tyre_temp_core_{corner}", (f"{prefix}tempCM",), _same)
    treads = tuple(f"{prefix}wear{side}" for side in "LMR")
    yield Reading(f"tyre_wear_{corner}", treads, _worn)
    yield Reading(f"susp_travel_{corner}", (f"{prefix}shockDefl",), _same)
    yield Reading(f"susp_travel_{corner}", (f"{prefix}SHshockDefl",), _same)
    yield Reading(f"ride_height_{corner}", (f"{prefix}rideHeight",), _same)


def _same(value: float) -> float:
    return value


def _ratio(value: float) -> float:
    return min(1.0, max(0.0, value))


def _above_zero(value: float) -> float:
    return value if value > 0 else ABSENT


def _if_valid(value: float, valid: float) -> float:
    return value if valid else ABSENT


def _worn(left: float, middle: float, right: float) -> float:
    return 1 - (left + middle + right) / 3


def _wetness(level: float) -> float:
    """Return 0 for dry (1) to 1 for extremely wet (7); 0 is unknown."""
    return (level - 1) / 6 if level > 0 else ABSENT


def _pit_limiter(warnings: float) -> float:
    return _bits(warnings, PIT_LIMITER) / PIT_LIMITER


def _bits(field: float, mask: int) -> float:
    return ABSENT if math.isnan(field) else int(field) & mask
