"""Choose the logged channels that the registry knows, and convert them to its units.

MoTeC's signs are those of the registry (MoTeC Interpreter manual: lateral G is positive for left
corners, suspension for bump); those of Assetto Corsa Competizione's own logs are not.
"""

import mmap
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from producers.importers.mapping import Mapped, Mapping, stated
from producers.importers.motec.ld import Log, Logged
from producers.importers.names import MOTEC, UNITS, superfluous, words
from producers.importers.units import NONE, Scale, scale
from schemas.channels import CHANNEL_BY_NAME

AMBIENT_PA: Final = 101_325.0
"""Loggers measure the absolute manifold pressure; the channel is above ambient."""

COMPETIZIONE: Final = {
    "SPEED": ("speed", "km/h", 1),
    "THROTTLE": ("throttle", "%", 1),
    "BRAKE": ("brake", "%", 1),
    "CLUTCH": ("clutch", "%", 1),
    "STEERANGLE": ("steering_angle", "deg", -1),
    "GEAR": ("gear", "", 1),
    "RPMS": ("engine_rpm", "rpm", 1),
    "G_LAT": ("accel_lat", "m/s2", -1),
    "G_LON": ("accel_long", "m/s2", 1),
    "ROTY": ("yaw_rate", "deg/s", -1),
    **{
        f"{name}_{place}": (f"{channel}_{corner}", unit, 1)
        for place, corner in (("LF", "fl"), ("RF", "fr"), ("LR", "rl"), ("RR", "rr"))
        for name, channel, unit in (
            ("WHEEL_SPEED", "wheel_speed", "m/s"),
            ("SUS_TRAVEL", "susp_travel", "mm"),
            ("BRAKE_TEMP", "brake_temp", "C"),
            ("TYRE_PRESS", "tyre_pressure", "psi"),
            ("TYRE_TAIR", "tyre_temp_core", "C"),
        )
    },
}
"""Assetto Corsa Competizione's names: the channel, the unit where the log states none, the sign."""

COMPETIZIONE_ONLY: Final = {"STEERANGLE", "ROTY"}
HELD: Final = ("last_lap_time", "best_lap_time")
"""These change at an instant, though they have a unit."""

LATERAL: Final = ("accel_lat", "yaw_rate")
BLOCK: Final = 4096


class Chosen(Struct, frozen=True):
    """Hold a logged channel and its conversion to a channel of the registry."""

    channel: str
    logged: Logged
    scale: Scale
    unit: str

    @property
    def is_held(self) -> bool:
        """Return whether a value holds until the next sample, as states do."""
        return self.channel in HELD or UNITS[self.channel] in ("", "bool", "bitset")

    def read(self, content: mmap.mmap | bytes, first: int, last: int) -> list[float]:
        """Return the samples from `first` until before `last`, in the registry's unit."""
        factor, offset = self.scale.factor, self.scale.offset
        values = self.logged.read(content, first, last)
        return [value * factor + offset for value in values]


def choose(log: Log) -> tuple[tuple[Chosen, ...], tuple[str, ...]]:
    """Return the channels that are used, and the names of the others, each with its unit."""
    best: dict[str, tuple[int, Chosen]] = {}
    named = {logged.name for logged in log.channels}
    competizione = named >= COMPETIZIONE_ONLY
    for logged in log.channels:
        chosen = _competizione(logged) if competizione else _motec(logged)
        if chosen is None:
            continue
        known_name = CHANNEL_BY_NAME.get(chosen.channel)
        rank = int(known_name is None or words(logged.name) != words(known_name.motec))
        known = best.get(chosen.channel)
        if known is None or rank < known[0]:
            best[chosen.channel] = rank, chosen
    for channel in superfluous(best):
        del best[channel]
    used = tuple(chosen for _, chosen in best.values())
    taken = {id(chosen.logged) for chosen in used}
    unused = [_titled(logged) for logged in log.channels if id(logged) not in taken]
    return used, (*unused, *log.unreadable)


def mapping_of(chosen: tuple[Chosen, ...], unused: tuple[str, ...]) -> Mapping:
    """Return what is stated about the channels of a log."""
    mapped = tuple(
        Mapped(one.channel, one.logged.name, stated(one.unit, f"{one.logged.rate_hz} Hz"))
        for one in chosen
    )
    return Mapping("MoTeC log", mapped, unused)


def turned(chosen: tuple[Chosen, ...], content: mmap.mmap | bytes) -> tuple[Chosen, ...]:
    """Return the channels with a steering angle that is positive to the left.

    The sign of a steering sensor is a matter of its installation; a car accelerates to the side to
    which it is steered.
    """
    steering = next((one for one in chosen if one.channel == "steering_angle"), None)
    lateral = next((one for name in LATERAL for one in chosen if one.channel == name), None)
    if steering is None or lateral is None or not _together(steering, lateral, content) < 0:
        return chosen
    opposite = Scale(-steering.scale.factor, -steering.scale.offset)
    return tuple(
        replace(one, scale=opposite, unit=f"{one.unit} to the right") if one is steering else one
        for one in chosen
    )


def _together(one: Chosen, other: Chosen, content: mmap.mmap | bytes) -> float:
    """Return the sum of the products of two channels, at the samples of the first one."""
    total = 0.0
    for first in range(0, one.logged.samples, BLOCK):
        last = min(first + BLOCK, one.logged.samples)
        ours, rate_hz = one.read(content, first, last), one.logged.rate_hz
        places = [at * other.logged.rate_hz // rate_hz for at in range(first, last)]
        until = min(places[-1] + 1, other.logged.samples)
        if until <= places[0]:
            break
        theirs = other.read(content, places[0], until)
        total += sum(
            value * theirs[place - places[0]]
            for value, place in zip(ours, places, strict=True)
            if place < until
        )
    return total


def _motec(logged: Logged) -> Chosen | None:
    channel = MOTEC.get(words(logged.name))
    if channel is None:
        return None
    unit = UNITS[channel]
    conversion = scale(logged.unit, unit)
    if conversion is None:
        return None
    if channel == "manifold_pressure":
        conversion = replace(conversion, offset=conversion.offset - AMBIENT_PA)
    return Chosen(channel, logged, conversion, logged.unit)


def _competizione(logged: Logged) -> Chosen | None:
    if logged.name not in COMPETIZIONE:
        return _motec(logged)
    channel, usual, sign = COMPETIZIONE[logged.name]
    unit = usual if logged.unit in NONE else logged.unit
    conversion = scale(unit, UNITS[channel])
    if conversion is None:
        return None
    return Chosen(channel, logged, Scale(sign * conversion.factor, sign * conversion.offset), unit)


def _titled(logged: Logged) -> str:
    return f"{logged.name} ({logged.unit})" if logged.unit not in NONE else logged.name
