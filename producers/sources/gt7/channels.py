"""Convert a packet of Gran Turismo 7 into channels: units, axes and signs."""

import math
from typing import Final

from producers.sources.channel_order import ABSENT, CORNERS, corners, named
from producers.sources.gt7.packet import HANDBRAKE, HAS_TURBO, TRACTION_CONTROL, Packet, Vector

REVERSE: Final = 0
NEUTRAL: Final = 15
VACUUM_PA: Final = 101_325.0

BASE: Final = named(
    "session_time lap_number lap_time last_lap_time best_lap_time lap_distance throttle brake "
    "clutch handbrake gear engine_rpm engine_rpm_max manifold_pressure engine_coolant_temp "
    "engine_oil_temp engine_oil_pressure fuel_level speed velocity_x velocity_y velocity_z yaw "
    "pitch roll yaw_rate world_x world_y world_z tc_active laps_left fuel_capacity"
)
WHEEL: Final = corners("wheel_speed", "tyre_temp_middle", "susp_travel")
MOTION: Final = ("steering_angle", "accel_lat", "accel_long", "accel_vert")


def names(packet: Packet) -> tuple[str, ...]:
    """Return the names of the channels that a kind of packet gives, including those of laps."""
    return (*BASE, *WHEEL) if packet.steering is None else (*BASE, *WHEEL, *MOTION)


def car(packet: Packet) -> dict[str, float]:
    """Return pedals, gear, engine and fuel, and the laps that it has to last for."""
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
        "laps_left": max(0, packet.laps - packet.lap + 1) if packet.laps > 0 else ABSENT,
        "fuel_capacity": packet.fuel_capacity if packet.fuel_capacity > 0 else ABSENT,
    }


def _boost(packet: Packet) -> float:
    """Return gauge pressure in Pa; limited, for off the throttle the game sends below vacuum."""
    if not packet.flags & HAS_TURBO:
        return ABSENT
    return max(-VACUUM_PA, (packet.boost - 1) * 1e5)


def motion(packet: Packet) -> dict[str, float]:
    """Return position, orientation, velocity and, where sent, accelerations and steering."""
    forward = _rotate(packet.rotation, (0.0, 0.0, -1.0))
    left = _rotate(packet.rotation, (-1.0, 0.0, 0.0))
    up = _rotate(packet.rotation, (0.0, 1.0, 0.0))
    values = {
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
        values |= {"accel_lat": -sway, "accel_vert": heave, "accel_long": surge}
        values["steering_angle"] = ABSENT if packet.steering is None else packet.steering
    return values


def wheels(packet: Packet) -> dict[str, float]:
    """Return speed, surface temperature and travel of each wheel."""
    values: dict[str, float] = {}
    for index, corner in enumerate(CORNERS):
        # The sign of forward rotation differs between kinds of packet.
        values[f"wheel_speed_{corner}"] = abs(packet.wheel_rps[index]) * packet.tyre_radius[index]
        values[f"tyre_temp_middle_{corner}"] = packet.tyre_temps[index]
        values[f"susp_travel_{corner}"] = packet.suspension[index]
    return values


def _rotate(rotation: tuple[float, float, float, float], vector: Vector) -> Vector:
    """Rotate a vector of the car's frame into the world's, by the unit quaternion (x, y, z, w)."""
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
