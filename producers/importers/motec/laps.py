"""Find where laps begin in a log, and count laps, time and distance from there.

The first of these that a log has decides: beacons of the .ldx, a lap clock that restarts, a lap
number without a lap distance. Without any, the log's own channels are used as they are.
"""

import math
import mmap
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Final

from producers.importers.motec.channels import Chosen
from producers.sources.channel_order import ABSENT
from producers.sources.odometer import Odometer

BLOCK: Final = 4096
MAX_LAPS: Final = 20_000


def starts_s(
    chosen: Mapping[str, Chosen], content: mmap.mmap | bytes, beacons_s: Sequence[float]
) -> list[float]:
    """Return when laps begin, in s since the log's start, ascending."""
    if beacons_s:
        found = iter(beacons_s)
    elif "lap_time" in chosen:
        found = _restarts_s(chosen["lap_time"], content)
    elif "lap_number" in chosen and not measures_distance(chosen):
        found = _counts_s(chosen["lap_number"], content)
    else:
        return []
    return sorted(start_s for start_s, _ in zip(found, range(MAX_LAPS), strict=False))


def measures_distance(chosen: Mapping[str, Chosen]) -> bool:
    """Return whether the lap distance is logged as often as the speed, or more often."""
    distance, speed = chosen.get("lap_distance"), chosen.get("speed")
    if distance is None:
        return False
    return speed is None or distance.logged.rate_hz >= speed.logged.rate_hz


def _restarts_s(clock: Chosen, content: mmap.mmap | bytes) -> Iterator[float]:
    """Yield when a lap clock was at 0, by its first sample after that."""
    before = 0.0
    for at, value in _samples(clock, content):
        start_s = at / clock.logged.rate_hz - value
        if value > 0 and (before <= 0 or value < before) and start_s >= 0:
            yield start_s
        before = value


def _counts_s(number: Chosen, content: mmap.mmap | bytes) -> Iterator[float]:
    """Yield when a lap number rose: half-way between its samples."""
    before: float | None = None
    for at, value in _samples(number, content):
        if before is not None and value > before:
            yield (at - 0.5) / number.logged.rate_hz
        before = value


def _samples(chosen: Chosen, content: mmap.mmap | bytes) -> Iterator[tuple[int, float]]:
    for first in range(0, chosen.logged.samples, BLOCK):
        last = min(first + BLOCK, chosen.logged.samples)
        yield from enumerate(chosen.read(content, first, last), start=first)


def longest_m(
    chosen: Mapping[str, Chosen], content: mmap.mmap | bytes, starts_s: Sequence[float]
) -> float:
    """Return the distance from a start after which the next one was missed: 1.5 laps.

    It is inf where no lap was measured.
    """
    if "speed" not in chosen or len(starts_s) < 2:
        return math.inf
    lengths_m = [0.0] * (len(starts_s) + 1)
    for at, speed in _samples(chosen["speed"], content):
        lap = bisect_right(starts_s, at / chosen["speed"].logged.rate_hz)
        lengths_m[lap] += speed / chosen["speed"].logged.rate_hz
    return 1.5 * median(lengths_m[1:-1])


class LapCounter:
    """Count laps from their starts: number, time and distance of the lap at each instant.

    The distance is the speed integrated since the line. All but the number is NaN before the first
    start, and the distance also beyond `longest_m`, because a start was missed then.
    """

    def __init__(
        self, starts_s: Sequence[float], first_number: int, longest_m: float = math.inf
    ) -> None:
        """Set the starts and the number of the lap in which the log begins."""
        self._longest_m = longest_m
        self._starts_s = starts_s
        self._first_number = first_number
        self._odometer = Odometer()
        self._passed = 0
        self._time_s = 0.0

    def at(self, time_s: float, speed: float) -> tuple[float, float, float]:
        """Return lap number, lap time and lap distance at the next instant of the log."""
        passed = bisect_right(self._starts_s, time_s)
        if passed > self._passed:
            self._odometer.cross(time_s - self._starts_s[passed - 1], speed)
        else:
            self._odometer.advance(time_s - self._time_s, speed)
        self._passed, self._time_s = passed, time_s
        lap_time_s = time_s - self._starts_s[passed - 1] if passed else ABSENT
        distance_m = self._odometer.distance_m
        if distance_m > self._longest_m:
            distance_m = ABSENT
        return float(self._first_number + passed), lap_time_s, distance_m
