"""Put latitude and longitude on a plane: x east, y north, in m from an origin."""

import math
from typing import Final

from producers.sources.channel_order import ABSENT

METRES_PER_DEGREE: Final = 111_194.93
"""Metres in a degree of latitude on a sphere of 6371 km, exact enough for a track's size."""


class Projection:
    """Project places near an origin, which is the first place unless it is given."""

    def __init__(self, origin: tuple[float, float] | None = None) -> None:
        """Set the origin: latitude and longitude in degrees."""
        self._origin = origin

    def place(self, latitude: float, longitude: float) -> tuple[float, float]:
        """Return x and y in m; NaN for no place on Earth."""
        if not (abs(latitude) <= 90 and abs(longitude) <= 180):
            return ABSENT, ABSENT
        self._origin = self._origin or (latitude, longitude)
        south, west = self._origin
        east_m = (longitude - west) * METRES_PER_DEGREE * math.cos(math.radians(south))
        return east_m, (latitude - south) * METRES_PER_DEGREE
