"""Convert channels into the numbers of packets, in the game's units and axes.

The inverse of `producers.sources.f1.channels`.
"""

import math
from collections.abc import Mapping
from typing import Final

from producers.sources.channel_order import CORNERS
from producers.sources.f1.channels import FLAGS, PASCALS_PER_PSI, STANDARD_GRAVITY, UNIT_VECTOR
from schemas.sim import LapReported

FUEL_KG_PER_L: Final = 0.75
GRASS: Final = 7
DRIVING: Final = {"driver_status": 4, "result_status": 2}

Values = Mapping[str, float]


def motion(now: Values) -> Values:
    """Return the fields of a motion packet."""
    yaw, pitch, roll = (now.get(name, 0.0) for name in ("yaw", "pitch", "roll"))
    ahead, left = now.get("velocity_x", now.get("speed", 0.0)), now.get("velocity_y", 0.0)
    forward_x, forward_z = math.cos(yaw), -math.sin(yaw)
    return {
        "x": now.get("world_x", 0.0),
        "y": now.get("world_z", 0.0),
        "z": -now.get("world_y", 0.0),
        "velocity_x": ahead * forward_x + left * forward_z,
        "velocity_y": now.get("velocity_z", 0.0),
        "velocity_z": ahead * forward_z - left * forward_x,
        "forward_x": UNIT_VECTOR * math.cos(pitch) * forward_x,
        "forward_y": -UNIT_VECTOR * math.sin(pitch),
        "forward_z": UNIT_VECTOR * math.cos(pitch) * forward_z,
        "right_x": -UNIT_VECTOR * math.cos(roll) * forward_z,
        "right_y": -UNIT_VECTOR * math.sin(roll),
        "right_z": UNIT_VECTOR * math.cos(roll) * forward_x,
        "lateral_g": now.get("accel_lat", 0.0) / STANDARD_GRAVITY,
        "longitudinal_g": now.get("accel_long", 0.0) / STANDARD_GRAVITY,
        "vertical_g": now.get("accel_vert", 0.0) / STANDARD_GRAVITY,
        "yaw": math.remainder(yaw + math.pi / 2, math.tau),
        "pitch": pitch,
        "roll": roll,
    }


def movement(now: Values) -> Values:
    """Return the fields of an extended motion packet."""
    values = {
        "local_x": now.get("velocity_y", 0.0),
        "local_y": now.get("velocity_z", 0.0),
        "local_z": now.get("velocity_x", now.get("speed", 0.0)),
        "turning_y": now.get("yaw_rate", 0.0),
        "front_wheels_angle": -now.get("steering_angle", 0.0),
    }
    for corner in CORNERS:
        values[f"wheel_speed_{corner}"] = now.get(f"wheel_speed_{corner}", 0.0)
        values[f"suspension_{corner}"] = 1000 * now.get(f"susp_travel_{corner}", 0.0)
        values[f"slip_ratio_{corner}"] = now.get(f"slip_ratio_{corner}", 0.0)
    return values


def lap(now: Values) -> Values:
    """Return the fields of lap data."""
    return {
        "last_lap_ms": 1000 * now.get("last_lap_time", 0.0),
        "lap_ms": 1000 * now.get("lap_time", 0.0),
        "distance": now.get("lap_distance", 0.0),
        "position": now.get("position", 1),
        "lap": now.get("lap_number", 0),
        "pit_status": now.get("in_pit_lane", 0),
        "sector": now.get("sector", 0),
        "invalid": 1 - now.get("lap_valid", 1),
        **split("ahead", now.get("gap_ahead", 0.0)),
        **DRIVING,
    }


def telemetry(now: Values) -> Values:
    """Return the fields of a telemetry packet."""
    values = {
        "speed_kmh": 3.6 * now.get("speed", 0.0),
        "throttle": now.get("throttle", 0.0),
        "steer": max(-1.0, min(1.0, -now.get("steering_angle", 0.0))),
        "brake": now.get("brake", 0.0),
        "clutch": 100 * now.get("clutch", 0.0),
        "gear": now.get("gear", 0),
        "rpm": now.get("engine_rpm", 0),
        "drs": now.get("drs_state", 0),
        "engine_temp": now.get("engine_coolant_temp", 0),
    }
    for corner in CORNERS:
        surface = now.get(f"tyre_temp_middle_{corner}", 0)
        values[f"surface_temp_{corner}"] = surface
        values[f"core_temp_{corner}"] = now.get(f"tyre_temp_core_{corner}", surface)
        values[f"brake_temp_{corner}"] = now.get(f"brake_temp_{corner}", 0)
        values[f"pressure_psi_{corner}"] = now.get(f"tyre_pressure_{corner}", 0) / PASCALS_PER_PSI
    off = round(now.get("wheels_off_track", 0.0))
    values |= {f"surface_{corner}": GRASS for corner in CORNERS[:off]}
    return values


def status(now: Values) -> Values:
    """Return the fields of a status packet."""
    return {
        "traction_control": now.get("tc_level", 0),
        "abs": now.get("abs_level", 0),
        "brake_bias": 100 * now.get("brake_bias", 0.0),
        "pit_limiter": now.get("pit_limiter", 0),
        "flag": next((n for n, bit in FLAGS.items() if int(bit) & int(now.get("flags", 0))), 0),
        "fuel_capacity": now.get("fuel_mass_capacity", 0.0),
        "fuel": now.get("fuel_mass", FUEL_KG_PER_L * now.get("fuel_level", 0.0)),
        "max_rpm": now.get("engine_rpm_max", 0),
        "ers_energy": now.get("ers_energy", 0.0),
        "ers_mode": now.get("ers_deploy_mode", 0),
    }


def damage(now: Values) -> Values:
    """Return the fields of a damage packet."""
    return {f"wear_pct_{corner}": 100 * now.get(f"tyre_wear_{corner}", 0.0) for corner in CORNERS}


def history(report: LapReported) -> Values:
    """Return the fields of a finished lap in a session history."""
    sectors_s = report.sectors_s if len(report.sectors_s) == 3 else (0.0, 0.0, 0.0)
    values: dict[str, float] = {
        "lap_ms": 1000 * report.lap_time_s,
        "valid": 0 if report.valid is False else 0b1111,
    }
    for sector, sector_s in enumerate(sectors_s, start=1):
        values |= split(f"sector{sector}", sector_s)
    return values


def split(name: str, time_s: float) -> Values:
    """Return the fields of a time: whole minutes, and the remaining ms."""
    minutes, rest_ms = divmod(round(1000 * time_s), 60_000)
    return {f"{name}_min": minutes, f"{name}_ms": rest_ms}
