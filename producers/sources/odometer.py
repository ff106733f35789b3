"""Measure distance and time since the start line, for games that do not send them."""

import math

from producers.sources.channel_order import ABSENT

MAX_GAP_S = 2.0


class Odometer:
    """Integrate speed over time since the line, by the trapezoidal rule; NaN before a crossing.

    A gap longer than `MAX_GAP_S` makes both NaN until the next crossing: the distance driven in it
    would be a guess.
    """

    def __init__(self) -> None:
        self.distance_m = ABSENT
        self.time_s = ABSENT
        self._speed = ABSENT

    def advance(self, elapsed_s: float, speed: float) -> None:
        """Add `elapsed_s` of driving that ended at `speed` in m/s."""
        if not 0 <= elapsed_s <= MAX_GAP_S:
            self.distance_m = self.time_s = ABSENT
        else:
            before = speed if math.isnan(self._speed) else self._speed
            self.distance_m += (before + speed) / 2 * elapsed_s
            self.time_s += elapsed_s
        self._speed = speed

    def cross(self, beyond_s: float, speed: float) -> None:
        """Restart both at the line, crossed `beyond_s` ago at `speed` in m/s."""
        self.time_s = beyond_s
        self.distance_m = beyond_s * speed
        self._speed = speed

    def forget(self) -> None:
        """Set both to NaN until the next crossing."""
        self.distance_m = self.time_s = self._speed = ABSENT
