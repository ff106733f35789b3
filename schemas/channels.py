"""The channel registry: every channel that a car can have, in one table.

Ids are append-only and never reused: a chunk names its channels by id, and old chunks must decode
for ever. Names follow MoTeC word order in snake_case; SI units; ratios 0..1; axes ISO 8855
(x forward, y left, z up). A channel that a sim does not give is absent: NaN on the wire, NULL in
Postgres, never 0.
"""

from itertools import pairwise
from typing import Final

from msgspec import Struct


class Channel(Struct, frozen=True):
    """Describe one channel: its wire id, name, unit, MoTeC name and sign convention."""

    id: int
    name: str
    unit: str
    motec: str
    about: str = ""


CHANNELS: Final = (
    Channel(0, "session_time", "s", "Session Time"),
    Channel(1, "lap_number", "", "Lap Number", "of the lap being driven, as the sim counts"),
    Channel(2, "lap_time", "s", "Running Lap Time", "running"),
    Channel(3, "last_lap_time", "s", "Lap Time"),
    Channel(4, "best_lap_time", "s", "Best Lap Time"),
    Channel(5, "lap_delta_best", "s", "Lap Gain Loss"),
    Channel(6, "lap_distance", "m", "Lap Distance", "from the start line"),
    Channel(7, "lap_fraction", "ratio", "Lap Fraction"),
    Channel(8, "sector", "", "Sector", "0, 1, 2"),
    Channel(9, "lap_valid", "bool", "Lap Valid", "as the sim judges so far"),
    Channel(10, "position", "", "Race Position"),
    Channel(11, "throttle", "ratio", "Throttle Pos"),
    Channel(12, "brake", "ratio", "Brake Pos"),
    Channel(13, "clutch", "ratio", "Clutch Pos", "1 = pressed"),
    Channel(14, "handbrake", "ratio", "Handbrake Pos"),
    Channel(15, "steering_angle", "rad", "Steered Angle", "positive = left"),
    Channel(16, "gear", "", "Gear", "-1 reverse, 0 neutral, 1 first"),
    Channel(17, "brake_bias", "ratio", "Brake Bias Setting", "share of the front"),
    Channel(18, "engine_rpm", "rpm", "Engine RPM"),
    Channel(19, "engine_rpm_max", "rpm", "Engine RPM Max"),
    Channel(20, "engine_torque", "N.m", "Engine Torque"),
    Channel(21, "manifold_pressure", "Pa", "Manifold Pres", "gauge"),
    Channel(22, "engine_coolant_temp", "degC", "Engine Temp"),
    Channel(23, "engine_oil_temp", "degC", "Eng Oil Temp"),
    Channel(24, "engine_oil_pressure", "Pa", "Eng Oil Pres"),
    Channel(25, "fuel_level", "l", "Fuel Level"),
    Channel(26, "fuel_mass", "kg", "Fuel Mass", "for sims that give mass only (F1)"),
    Channel(27, "fuel_use_rate", "l/h", "Fuel Use Rate"),
    Channel(28, "ers_energy", "J", "ERS Energy"),
    Channel(29, "ers_deploy_mode", "", "ERS Deploy Mode"),
    Channel(30, "speed", "m/s", "Ground Speed"),
    Channel(31, "velocity_x", "m/s", "Velocity Long", "forward, car frame"),
    Channel(32, "velocity_y", "m/s", "Velocity Lat", "left, car frame"),
    Channel(33, "velocity_z", "m/s", "Velocity Vert", "up, car frame"),
    Channel(34, "accel_lat", "m/s2", "G Force Lat", "positive = left"),
    Channel(35, "accel_long", "m/s2", "G Force Long", "positive = forward"),
    Channel(36, "accel_vert", "m/s2", "G Force Vert", "positive = up"),
    Channel(37, "yaw", "rad", "Yaw", "positive = left"),
    Channel(38, "pitch", "rad", "Pitch", "positive = nose down"),
    Channel(39, "roll", "rad", "Roll", "positive = right side down"),
    Channel(40, "yaw_rate", "rad/s", "Yaw Rate", "positive = left"),
    Channel(41, "world_x", "m", "World Pos X", "right-handed map plane, with world_y"),
    Channel(42, "world_y", "m", "World Pos Y", "right-handed map plane, with world_x"),
    Channel(43, "world_z", "m", "World Pos Z", "up"),
    Channel(44, "wheel_speed_fl", "m/s", "Wheel Speed FL"),
    Channel(45, "wheel_speed_fr", "m/s", "Wheel Speed FR"),
    Channel(46, "wheel_speed_rl", "m/s", "Wheel Speed RL"),
    Channel(47, "wheel_speed_rr", "m/s", "Wheel Speed RR"),
    Channel(48, "tyre_pressure_fl", "Pa", "Tyre Pressure FL"),
    Channel(49, "tyre_pressure_fr", "Pa", "Tyre Pressure FR"),
    Channel(50, "tyre_pressure_rl", "Pa", "Tyre Pressure RL"),
    Channel(51, "tyre_pressure_rr", "Pa", "Tyre Pressure RR"),
    Channel(52, "tyre_temp_inner_fl", "degC", "Tyre Temp Inner FL"),
    Channel(53, "tyre_temp_inner_fr", "degC", "Tyre Temp Inner FR"),
    Channel(54, "tyre_temp_inner_rl", "degC", "Tyre Temp Inner RL"),
    Channel(55, "tyre_temp_inner_rr", "degC", "Tyre Temp Inner RR"),
    Channel(56, "tyre_temp_middle_fl", "degC", "Tyre Temp Middle FL"),
    Channel(57, "tyre_temp_middle_fr", "degC", "Tyre Temp Middle FR"),
    Channel(58, "tyre_temp_middle_rl", "degC", "Tyre Temp Middle RL"),
    Channel(59, "tyre_temp_middle_rr", "degC", "Tyre Temp Middle RR"),
    Channel(60, "tyre_temp_outer_fl", "degC", "Tyre Temp Outer FL"),
    Channel(61, "tyre_temp_outer_fr", "degC", "Tyre Temp Outer FR"),
    Channel(62, "tyre_temp_outer_rl", "degC", "Tyre Temp Outer RL"),
    Channel(63, "tyre_temp_outer_rr", "degC", "Tyre Temp Outer RR"),
    Channel(64, "tyre_temp_core_fl", "degC", "Tyre Temp Core FL"),
    Channel(65, "tyre_temp_core_fr", "degC", "Tyre Temp Core FR"),
    Channel(66, "tyre_temp_core_rl", "degC", "Tyre Temp Core RL"),
    Channel(67, "tyre_temp_core_rr", "degC", "Tyre Temp Core RR"),
    Channel(68, "tyre_wear_fl", "ratio", "Tyre Wear FL", "0 new, 1 gone"),
    Channel(69, "tyre_wear_fr", "ratio", "Tyre Wear FR", "0 new, 1 gone"),
    Channel(70, "tyre_wear_rl", "ratio", "Tyre Wear RL", "0 new, 1 gone"),
    Channel(71, "tyre_wear_rr", "ratio", "Tyre Wear RR", "0 new, 1 gone"),
    Channel(72, "brake_temp_fl", "degC", "Brake Temp FL"),
    Channel(73, "brake_temp_fr", "degC", "Brake Temp FR"),
    Channel(74, "brake_temp_rl", "degC", "Brake Temp RL"),
    Channel(75, "brake_temp_rr", "degC", "Brake Temp RR"),
    Channel(76, "susp_travel_fl", "m", "Susp Pos FL", "positive = compressed"),
    Channel(77, "susp_travel_fr", "m", "Susp Pos FR", "positive = compressed"),
    Channel(78, "susp_travel_rl", "m", "Susp Pos RL", "positive = compressed"),
    Channel(79, "susp_travel_rr", "m", "Susp Pos RR", "positive = compressed"),
    Channel(80, "ride_height_fl", "m", "Ride Height FL"),
    Channel(81, "ride_height_fr", "m", "Ride Height FR"),
    Channel(82, "ride_height_rl", "m", "Ride Height RL"),
    Channel(83, "ride_height_rr", "m", "Ride Height RR"),
    Channel(84, "slip_ratio_fl", "-", "Wheel Slip FL"),
    Channel(85, "slip_ratio_fr", "-", "Wheel Slip FR"),
    Channel(86, "slip_ratio_rl", "-", "Wheel Slip RL"),
    Channel(87, "slip_ratio_rr", "-", "Wheel Slip RR"),
    Channel(88, "abs_active", "bool", "ABS Active"),
    Channel(89, "tc_active", "bool", "TC Active"),
    Channel(90, "tc_level", "", "TC Setting"),
    Channel(91, "abs_level", "", "ABS Setting"),
    Channel(92, "drs_state", "", "DRS State"),
    Channel(93, "pit_limiter", "bool", "Pit Limiter"),
    Channel(94, "in_pit_lane", "bool", "In Pit Lane"),
    Channel(
        95, "flags", "bitset", "Flags", "1 chequered, 2 white, 4 green, 8 yellow, 16 red, 32 blue"
    ),
    Channel(96, "air_temp", "degC", "Air Temp"),
    Channel(97, "track_temp", "degC", "Track Temp"),
    Channel(98, "track_wetness", "ratio", "Track Wetness"),
    Channel(99, "rain", "ratio", "Rain"),
    Channel(100, "wind_speed", "m/s", "Wind Speed"),
    Channel(101, "wind_dir", "rad", "Wind Direction"),
    Channel(102, "gap_ahead", "s", "Gap Ahead", "to the car a position ahead"),
    Channel(103, "gap_behind", "s", "Gap Behind", "to the car a position behind"),
    Channel(104, "session_time_left", "s", "Session Time Left"),
    Channel(105, "laps_left", "", "Laps Left", "of the race, with the one being driven"),
    Channel(106, "fuel_capacity", "l", "Fuel Capacity"),
    Channel(107, "fuel_mass_capacity", "kg", "Fuel Mass Capacity", "beside fuel_mass"),
    Channel(108, "brake_pressure_front", "Pa", "Brake Pres Front"),
    Channel(109, "brake_pressure_rear", "Pa", "Brake Pres Rear"),
    Channel(110, "wheels_off_track", "", "Wheels Off Track", "0 to 4"),
)

CHANNEL_BY_NAME: Final = {channel.name: channel for channel in CHANNELS}


def ids(*names: str) -> tuple[int, ...]:
    """Look up channel ids by name; raises KeyError naming the unknown one."""
    return tuple(CHANNEL_BY_NAME[name].id for name in names)


def bitmap(channel_ids: tuple[int, ...]) -> bytes:
    """Pack strictly ascending channel ids into a little-endian bitmap, one bit an id.

    Raises ValueError when the ids are not strictly ascending.
    """
    if any(left >= right for left, right in pairwise(channel_ids)):
        raise ValueError(f"channel ids must be strictly ascending, got {channel_ids}")
    bits = sum(1 << channel_id for channel_id in channel_ids)
    return bits.to_bytes((bits.bit_length() + 7) // 8, "little")


def from_bitmap(packed: bytes) -> tuple[int, ...]:
    """Unpack a bitmap into ascending channel ids, including unknown (newer) ones."""
    bits = int.from_bytes(packed, "little")
    return tuple(position for position in range(bits.bit_length()) if bits >> position & 1)
