"""Convert the numbers of packets into channels: units, axes and signs.

In the game's world x and z span the ground plane and y is up; its car frame is x left, y up, z
forward. Steering is positive to the right. Lateral acceleration and yaw rate are positive to the
left, as in the registry. Pitch comes from the forward vector: in older formats the pitch field
contradicts it and is wrong.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from producers.sources.channel_order import ABSENT, CORNERS, corners, named
from producers.sources.f1 import layouts

STANDARD_GRAVITY: Final = 9.80665
PASCALS_PER_PSI: Final = 6894.757293
UNIT_VECTOR: Final = 32767
FLAGS: Final = {0: 0.0, 1: 4.0, 2: 32.0, 3: 8.0, 4: 16.0}
"""The bits of the channel `flags` by the game's number; -1 is unknown."""

OFF_TRACK: Final = range(3, 9)
"""The surfaces beside tarmac, kerb and concrete: rock, gravel, mud, sand, grass, water."""

LONGEST_S: Final = 1e6

Fields = Mapping[str, Any]
Channels = dict[str, float]

NAMES: Final = named(
    "session_time lap_number lap_time last_lap_time best_lap_time lap_distance sector lap_valid "
    "position throttle brake clutch gear brake_bias engine_rpm engine_rpm_max engine_coolant_temp "
    "fuel_mass ers_energy ers_deploy_mode speed velocity_x velocity_y velocity_z accel_lat "
    "accel_long accel_vert yaw pitch roll yaw_rate world_x world_y world_z tc_level abs_level "
    "drs_state pit_limiter in_pit_lane flags air_temp track_temp session_time_left laps_left "
    "fuel_mass_capacity"
)
WHEEL: Final = corners(
    *named("wheel_speed tyre_pressure tyre_temp_middle tyre_temp_core tyre_wear brake_temp"),
    "susp_travel",
)


def names(packet_format: int) -> tuple[str, ...]:
    """Return the names of the channels that a format gives."""
    surface = ("steering_angle", "wheels_off_track") if packet_format >= 2019 else ()
    slip = corners("slip_ratio") if packet_format >= 2022 else ()
    gaps = ("gap_ahead", "gap_behind") if packet_format >= 2023 else ()
    return (*NAMES, *WHEEL, *surface, *slip, *gaps)


def seconds(fields: Fields, name: str) -> float:
    """Return a time in s, from a field in s, in ms, or in minutes and ms; NaN for none."""
    time_s = fields.get(f"{name}_s")
    if time_s is None:
        time_s = (fields[f"{name}_ms"] + 60_000 * fields.get(f"{name}_min", 0)) / 1000
    return time_s if 0 < time_s < LONGEST_S else ABSENT


def motion(fields: Fields) -> Channels:
    """Return position, orientation, speed and acceleration of a car."""
    return {
        "speed": math.hypot(fields["velocity_x"], fields["velocity_y"], fields["velocity_z"]),
        "accel_lat": _acceleration(fields, "lateral"),
        "accel_long": _acceleration(fields, "longitudinal"),
        "accel_vert": _acceleration(fields, "vertical"),
        "yaw": _turned(fields["yaw"] - math.pi / 2),
        "pitch": -math.asin(max(-1.0, min(1.0, fields["forward_y"] / UNIT_VECTOR))),
        "roll": fields["roll"],
        "world_x": fields["x"],
        "world_y": -fields["z"],
        "world_z": fields["y"],
    }


def _acceleration(fields: Fields, name: str) -> float:
    in_g: float | None = fields.get(f"{name}_g")
    return STANDARD_GRAVITY * (fields[f"{name}_mg"] / 1000 if in_g is None else in_g)


def _turned(angle: float) -> float:
    """Return an angle in rad between -pi and pi."""
    return math.remainder(angle, math.tau) if math.isfinite(angle) else ABSENT


def movement(fields: Fields) -> Channels:
    """Return the channels that the game sends of the driver's own car only."""
    values = {
        "velocity_x": fields["local_z"],
        "velocity_y": fields["local_x"],
        "velocity_z": fields["local_y"],
        "yaw_rate": fields["turning_y"],
        "steering_angle": -fields.get("front_wheels_angle", ABSENT),
    }
    for corner in CORNERS:
        values[f"wheel_speed_{corner}"] = fields[f"wheel_speed_{corner}"]
        values[f"susp_travel_{corner}"] = fields[f"suspension_{corner}"] / 1000
        values[f"slip_ratio_{corner}"] = fields.get(f"slip_ratio_{corner}", ABSENT)
    return values


def lap(fields: Fields) -> Channels:
    """Return the place on the lap and the game's lap clocks; the best lap only before 2021."""
    best = "best_lap_s" in fields
    return {
        "lap_number": fields["lap"],
        "lap_time": fields["lap_s"] if "lap_s" in fields else fields["lap_ms"] / 1000,
        "last_lap_time": seconds(fields, "last_lap"),
        "best_lap_time": seconds(fields, "best_lap") if best else ABSENT,
        "lap_distance": fields["distance"],
        "sector": fields["sector"],
        "lap_valid": float(not fields["invalid"]),
        "position": fields["position"] or ABSENT,
        "in_pit_lane": float(fields["pit_status"] > 0),
        "gap_ahead": seconds(fields, "ahead") if "ahead_ms" in fields else ABSENT,
    }


def telemetry(fields: Fields) -> Channels:
    """Return pedals, gear, engine, tyres and brakes."""
    percent = "throttle_pct" in fields
    values = {
        "speed": fields["speed_kmh"] / 3.6,
        "throttle": fields["throttle_pct"] / 100 if percent else fields["throttle"],
        "brake": fields["brake_pct"] / 100 if percent else fields["brake"],
        "clutch": fields["clutch"] / 100,
        "gear": fields["gear"],
        "engine_rpm": fields["rpm"],
        "engine_coolant_temp": fields["engine_temp"],
        "drs_state": fields["drs"],
    }
    if "surface_fl" in fields:
        surfaces = [fields[f"surface_{corner}"] for corner in CORNERS]
        values["wheels_off_track"] = sum(surface in OFF_TRACK for surface in surfaces)
    for corner in CORNERS:
        values[f"tyre_pressure_{corner}"] = fields[f"pressure_psi_{corner}"] * PASCALS_PER_PSI
        values[f"tyre_temp_middle_{corner}"] = fields[f"surface_temp_{corner}"]
        values[f"tyre_temp_core_{corner}"] = fields[f"core_temp_{corner}"]
        values[f"brake_temp_{corner}"] = fields[f"brake_temp_{corner}"]
    return values


def status(fields: Fields) -> Channels:
    """Return fuel, energy and settings; until 2020 also tyre wear."""
    values = {
        "brake_bias": fields["brake_bias"] / 100,
        "engine_rpm_max": fields["max_rpm"] or ABSENT,
        "fuel_mass": fields["fuel"],
        "ers_energy": fields["ers_energy"],
        "ers_deploy_mode": fields["ers_mode"],
        "tc_level": fields["traction_control"],
        "abs_level": fields["abs"],
        "pit_limiter": fields["pit_limiter"],
        "flags": FLAGS.get(fields["flag"], ABSENT),
        "fuel_mass_capacity": fields["fuel_capacity"] or ABSENT,
    }
    return values | damage(fields) if "wear_pct_fl" in fields else values


def damage(fields: Fields) -> Channels:
    """Return tyre wear."""
    return {f"tyre_wear_{corner}": fields[f"wear_pct_{corner}"] / 100 for corner in CORNERS}


def session(fields: Fields) -> Channels:
    """Return the weather and the session's clock."""
    return {
        "air_temp": fields["air_temp"],
        "track_temp": fields["track_temp"],
        "session_time_left": fields["time_left"],
    }


CONVERTERS: Final[dict[int, Callable[[Fields], Channels]]] = {
    layouts.MOTION: motion,
    layouts.LAP: lap,
    layouts.TELEMETRY: telemetry,
    layouts.MOTION_EX: movement,
    layouts.STATUS: status,
    layouts.DAMAGE: damage,
    layouts.SESSION: session,
}
