"""Keep values within what their channels mean, as the decoders of games do."""

import math
from collections.abc import Iterable
from typing import Final

from producers.sources.channel_order import ABSENT

RATIOS: Final[tuple[str, ...]] = ("throttle", "brake", "clutch", "handbrake")
ABOVE_ZERO: Final[tuple[str, ...]] = ("last_lap_time", "best_lap_time", "position")


class Limits:
    """Limit a frame: pedals to 0..1; a lap time or position of 0 or less is absent.

    So is a place at 0, 0, which GPS gives without a fix.
    """

    def __init__(self, channels: Iterable[str]) -> None:
        """Prepare for frames with these channels."""
        given = set(channels)
        self._ratios = tuple(name for name in RATIOS if name in given)
        self._above_zero = tuple(name for name in ABOVE_ZERO if name in given)
        self._placed = {"latitude", "longitude"} <= given

    def apply(self, values: dict[str, float]) -> None:
        """Limit the values of a frame."""
        for name in self._ratios:
            value = values[name]
            values[name] = value if math.isnan(value) else min(1.0, max(0.0, value))
        for name in self._above_zero:
            if not values[name] > 0:
                values[name] = ABSENT
        if self._placed and values["latitude"] == values["longitude"] == 0:
            values["latitude"] = values["longitude"] = ABSENT
