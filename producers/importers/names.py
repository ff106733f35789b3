"""Find the channel that a name in a recording means, whatever its case and the order of its words.

"Tyre Temp FL Inner", "tyre_temp_inner_fl" and "TireTemperatureInnerLF" are one channel.
"""

import re
from collections.abc import Collection, Iterable
from typing import Final

from schemas.channels import CHANNELS

UNITS: Final = {one.name: one.unit for one in CHANNELS} | {"latitude": "deg", "longitude": "deg"}
"""The unit of each channel, and of a place on Earth, which becomes one on the map."""

WORD: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
SAME_WORDS: Final = {
    "tire": "tyre",
    "temperature": "temp",
    "pressure": "pres",
    "press": "pres",
    "centre": "middle",
    "center": "middle",
    "position": "pos",
    "suspension": "susp",
    "eng": "engine",
    "lateral": "lat",
    "longitudinal": "long",
    "lon": "long",
    "vertical": "vert",
    "distance": "dist",
    "lf": "fl",
    "rf": "fr",
    "lr": "rl",
}
ALIASES: Final = {
    "Corr Speed": "speed",
    "Vehicle Speed": "speed",
    "Speed": "speed",
    "GPS Speed": "speed",
    "Throttle": "throttle",
    "Throttle Pedal": "throttle",
    "Brake": "brake",
    "Brake Pedal": "brake",
    "Clutch": "clutch",
    "Handbrake": "handbrake",
    "Steering Angle": "steering_angle",
    "Steering Wheel Angle": "steering_angle",
    "Steering": "steering_angle",
    "RPM": "engine_rpm",
    "RPMs": "engine_rpm",
    "Engine Speed": "engine_rpm",
    "Engine Water Temp": "engine_coolant_temp",
    "Water Temp": "engine_coolant_temp",
    "Coolant Temp": "engine_coolant_temp",
    "Oil Temp": "engine_oil_temp",
    "Oil Pressure": "engine_oil_pressure",
    "Fuel": "fuel_level",
    "Fuel Remaining": "fuel_level",
    "Gyro Yaw Velocity": "yaw_rate",
    "Yaw Velocity": "yaw_rate",
    "G Lat": "accel_lat",
    "G Long": "accel_long",
    "G Vert": "accel_vert",
    "Lateral Acceleration": "accel_lat",
    "Longitudinal Acceleration": "accel_long",
    "Vertical Acceleration": "accel_vert",
    "Lap": "lap_number",
    "Current Lap": "lap_number",
    "Lap Count": "lap_number",
    "Current Lap Time": "lap_time",
    "Last Lap Time": "last_lap_time",
    "Previous Lap Time": "last_lap_time",
    "Ambient Temp": "air_temp",
    "Elapsed Time": "session_time",
    "Latitude": "latitude",
    "Lat": "latitude",
    "GPS Latitude": "latitude",
    "GPS Lat": "latitude",
    "Longitude": "longitude",
    "Long": "longitude",
    "GPS Longitude": "longitude",
    "GPS Long": "longitude",
}
WHEEL_ALIASES: Final = {
    "Damper Pos": "susp_travel",
    "Damper Travel": "susp_travel",
    "Susp Travel": "susp_travel",
}


def words(name: str) -> tuple[str, ...]:
    """Return the words of a name in alphabetical order, each in one of its spellings."""
    found = (word.casefold() for word in WORD.findall(name))
    return tuple(sorted(SAME_WORDS.get(word, word) for word in found))


def _table(named: Iterable[tuple[str, str]]) -> dict[tuple[str, ...], str]:
    """Return channels by words; a name of two channels is none of them."""
    table: dict[tuple[str, ...], str] = {}
    ambiguous = set()
    for name, channel in named:
        if table.setdefault(words(name), channel) != channel:
            ambiguous.add(words(name))
    return {key: channel for key, channel in table.items() if key not in ambiguous}


ALIASED: Final = [
    *ALIASES.items(),
    *(
        (f"{name} {corner}", f"{channel}_{corner}")
        for name, channel in WHEEL_ALIASES.items()
        for corner in ("fl", "fr", "rl", "rr")
    ),
]
ANY: Final = _table(
    [*((one.motec, one.name) for one in CHANNELS), *((one.name, one.name) for one in CHANNELS),
     *ALIASED]
)  # fmt: skip
"""The channels by the words of their names in MoTeC and in the registry, and of aliases.

"Lap Time" is the last lap's in MoTeC, and the running one in the registry: it is neither here.
"""

MOTEC: Final = ANY | _table([*((one.motec, one.name) for one in CHANNELS), *ALIASED])
"""The channels by the words of their names in a log of MoTeC."""


def superfluous(channels: Collection[str]) -> frozenset[str]:
    """Return which of latitude and longitude are of no use: alone, or beside a place on the map."""
    given = frozenset(channels)
    both = frozenset({"latitude", "longitude"})
    usable = both <= given and not given & {"world_x", "world_y"}
    return frozenset() if usable else both & given


def mapped_places(channels: Iterable[str]) -> frozenset[str]:
    """Return channels with a place on the map instead of latitude and longitude."""
    on_map = {"latitude": "world_x", "longitude": "world_y"}
    return frozenset(on_map.get(channel, channel) for channel in channels)
