"""Map iRacing's variables to channels: one table for the live reader and for telemetry files.

Units differ from their names: "%" means 0..1, pressures are in kPa, Pa or bar, the clutch is 1 when
engaged, and wear is the remaining share. Left, middle and right of a tread are seen from above, so
the inner side of a left wheel is its right.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from msgspec import Struct

from producers.sources.channel_order import ABSENT
from producers.sources.iracing.field import UNLIMITED_LAPS, UNLIMITED_S
from producers.sources.iracing.session import Facts

STANDARD_GRAVITY: Final = 9.80665
AMBIENT_PA: Final = 101_325.0
PASCAL: Final = {"Pa": 1.0, "kPa": 1e3, "bar": 1e5, "psi": 6894.757}
PIT_LIMITER: Final = 0x10
FLAG_BITS: Final = 0xFFFFFF
"""The 24 of 32 flag bits that a float32 holds exactly; the start lights above are left out."""

Convert = Callable[..., float]


class Reading(Struct, frozen=True):
    """Name the variables that a channel is read from, and their conversion."""

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
    """Return a reading for every channel that the variables allow; `units` is by variable."""
    found: dict[str, Reading] = {}
    for reading in _candidates(units, facts):
        if all(variable in units for variable in reading.variables):
            found.setdefault(reading.channel, reading)
    return tuple(found.values())


def _candidates(units: Mapping[str, str], facts: Facts) -> Iterator[Reading]:
    """Yield the possible readings of each channel, the best one first."""
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
    yield Reading(
        "session_time_left", ("SessionTimeRemain",), lambda left: _limited(left, UNLIMITED_S)
    )
    for laps in ("SessionLapsRemainEx", "SessionLapsRemain"):
        yield Reading("laps_left", (laps,), lambda left: _limited(left, UNLIMITED_LAPS))
    for axle, wheel in (("front", "LF"), ("rear", "LR")):
        pressure = f"{wheel}brakeLinePress"
        pascals = PASCAL.get(units.get(pressure, ""), 1e5)
        yield Reading(f"brake_pressure_{axle}", (pressure,), partial(_times, pascals))
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
    capacity = facts.fuel_capacity_l
    if capacity is not None:
        yield Reading("fuel_capacity", ("FuelLevel",), lambda _level: capacity)
    redline = facts.redline_rpm
    if redline is not None:
        yield Reading("engine_rpm_max", ("RPM",), lambda _rpm: redline)


def _motion(facts: Facts) -> Iterator[Reading]:
    # iRacing's vertical acceleration includes gravity; the channel does not.
    yield Reading("accel_vert", ("VertAccel",), lambda up: up - STANDARD_GRAVITY)
    # iRacing's yaw counts from the track's own axis; the channel counts from east, as world_x does.
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


def _limited(left: float, unlimited: float) -> float:
    """Return what is left of a session; NaN for one without that limit."""
    return left if 0 <= left < unlimited else ABSENT


def _times(factor: float, value: float) -> float:
    return factor * value


def _if_valid(value: float, valid: float) -> float:
    return value if valid else ABSENT


def _worn(left: float, middle: float, right: float) -> float:
    return 1 - (left + middle + right) / 3


def _wetness(level: float) -> float:
    """Return wetness from 0 for dry (1) to 1 for extremely wet (7); NaN for unknown (0)."""
    return (level - 1) / 6 if level > 0 else ABSENT


def _pit_limiter(warnings: float) -> float:
    return _bits(warnings, PIT_LIMITER) / PIT_LIMITER


def _bits(field: float, mask: int) -> float:
    return ABSENT if math.isnan(field) else int(field) & mask
