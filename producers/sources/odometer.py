"""Measure how far and how long a car has driven since the start line, for games that do not say."""

import math

from producers.sources.channel_order import ABSENT

MAX_GAP_S = 2.0


class Odometer:
    """Integrate speed over time since the line; NaN until the line was crossed.

    A gap longer than two seconds makes both unknown until the next crossing, for what was driven
    in it would be a guess.
    """

    def __init__(self) -> None:
        self.distance_m = ABSENT
        self.time_s = ABSENT
        self._speed = ABSENT

    def advance(self, elapsed_s: float, speed: float) -> None:
        """Drive on for some seconds, reaching a speed in m/s."""
        if not 0 <= elapsed_s <= MAX_GAP_S:
            self.distance_m = self.time_s = ABSENT
        else:
            before = speed if math.isnan(self._speed) else self._speed
            self.distance_m += (before + speed) / 2 * elapsed_s
            self.time_s += elapsed_s
        self._speed = speed

    def cross(self, beyond_s: float, speed: float) -> None:
        """Cross the line, some seconds before now."""
        self.time_s = beyond_s
        self.distance_m = beyond_s * speed
        self._speed = speed

    def forget(self) -> None:
        """Know neither until the line is crossed again."""
        self.distance_m = self.time_s = self._speed = ABSENT
