"""The pit windows of the rest of a race: the fewest stops, and the laps on which each may be."""

import math
from typing import Final

from msgspec import Struct

from consumers.race.fuel import Usage, reserve
from consumers.race.stops import Tank

MOST_STOPS: Final = 200
LEAST_LAPS: Final = 1e-9


class Window(Struct, frozen=True):
    """State the first and the last lap, counted from now, at whose end the car may box."""

    earliest: int
    latest: int


def windows(
    crossings: int, fraction: float, tank: Tank, laps_fuel: Usage
) -> tuple[Window, ...] | None:
    """Return a window for each of the fewest stops with which the fuel lasts to the flag.

    Empty where no stop is needed; None where no number of stops does it: the fuel does not last to
    the next box, the tank is smaller than a lap takes, or its capacity is not known.
    """
    spare = reserve(laps_fuel, crossings - fraction)
    first = math.floor(tank.level / laps_fuel.per_lap + fraction + LEAST_LAPS)
    if first >= crossings and tank.level >= (crossings - fraction) * laps_fuel.per_lap + spare:
        return ()
    capacity = 0.0 if tank.capacity is None else tank.capacity
    full = math.floor(capacity / laps_fuel.per_lap + LEAST_LAPS)
    last = math.floor((capacity - spare) / laps_fuel.per_lap + LEAST_LAPS)
    if first < 1 or full < 1 or last < 1:
        return None
    first = min(first, crossings - 1)
    stops = 1 + max(0, math.ceil((crossings - first - last) / full))
    if stops > MOST_STOPS or crossings - 1 < stops:
        return None
    return tuple(
        Window(
            earliest=max(stop, crossings - last - (stops - stop) * full),
            latest=min(first + (stop - 1) * full, crossings - 1 - stops + stop),
        )
        for stop in range(1, stops + 1)
    )
