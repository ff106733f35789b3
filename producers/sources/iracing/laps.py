"""Pair iRacing's last lap time with its lap, and time sectors by crossing.

The sim's time arrives most of a second after the line, sometimes a lap late, and is the one that
counts; crossings, interpolated between ticks, agree with it within 0.015 s at 60 Hz and tell which
lap it is of.
"""

from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from math import isnan
from typing import Final

from msgspec import Struct

from producers.sources.layout import ABSENT

AGREES_S: Final = 0.1
SECTORS_AGREE_S: Final = 0.05
LONGEST_S: Final = 1e6
LONGEST_STEP: Final = 0.1
"""Of a lap, between two ticks: more is a jump to the pits, not driving."""


class Lap(Struct, frozen=True):
    """Hold a lap between two crossings, in session time; `started_s` NaN when it was not seen."""

    number: int
    started_s: float
    ended_s: float
    marks_s: tuple[float, ...]


class TimedLap(Struct, frozen=True):
    """Hold the sim's time of a lap; no sectors when they were not all driven."""

    number: int
    time_s: float
    sectors_s: tuple[float, ...]


class LapBook:
    """Follow laps tick by tick."""

    def __init__(self, sector_starts: Sequence[float] = ()) -> None:
        self._inner = tuple(sector_starts[1:])
        self._waiting: deque[Lap] = deque(maxlen=4)
        self._number: int | None = None
        self._time_s = self._fraction = self._said_s = ABSENT
        self._marks_s: list[float] = []
        self.started_s = ABSENT
        self.sector = 0

    def tick(self, time_s: float, number: int, fraction: float, said_s: float) -> TimedLap | None:
        """Take session time, lap, fraction of it and the sim's last lap time, -1 for none.

        Return the lap whose time this tick tells, if any.
        """
        if self._number is not None:
            self._move(time_s, number, fraction)
        self.sector = sum(start <= fraction for start in self._inner)
        told = None if isnan(self._said_s) else self._tell(said_s)
        self._number, self._time_s, self._fraction = number, time_s, fraction
        self._said_s = said_s
        return told

    def _move(self, time_s: float, number: int, fraction: float) -> None:
        step = fraction - self._fraction
        if number == self._number and 0 <= step <= LONGEST_STEP:
            self._mark(self._fraction, fraction, time_s)
        elif number == (self._number or 0) + 1 and 0 <= step + 1 <= LONGEST_STEP:
            crossed_s = self._at(1 - self._fraction, step + 1, time_s)
            self._mark(self._fraction, 1, crossed_s)
            marks = tuple(self._marks_s)
            self._waiting.append(Lap(self._number or 0, self.started_s, crossed_s, marks))
            self.started_s, self._marks_s = crossed_s, []
            self._fraction, self._time_s = 0.0, crossed_s
            self._mark(0, fraction, time_s)
        elif number != self._number:
            self.started_s, self._marks_s = ABSENT, []
        elif abs(step) > LONGEST_STEP:
            self._marks_s = []

    def _mark(self, before: float, after: float, time_s: float) -> None:
        for start in self._inner:
            if before < start <= after:
                self._marks_s.append(self._at(start - before, after - before, time_s))

    def _at(self, part: float, whole: float, time_s: float) -> float:
        """Return when a part of the way since the last tick was done."""
        share = part / whole if whole > 0 else 1.0
        return self._time_s + share * (time_s - self._time_s)

    def _tell(self, said_s: float) -> TimedLap | None:
        if not 0 < said_s < LONGEST_S or said_s == self._said_s or not self._waiting:
            return None
        known = [lap for lap in self._waiting if not isnan(lap.started_s)]
        best = min(known, key=lambda lap: _error(lap, said_s), default=None)
        if best is None or _error(best, said_s) > AGREES_S:
            # Driven into before the first tick: only the sim can have timed it.
            best = next((lap for lap in self._waiting if isnan(lap.started_s)), None)
        if best is None:
            return None
        self._waiting.remove(best)
        return TimedLap(best.number, said_s, _sectors(best, len(self._inner), said_s))


def _error(lap: Lap, said_s: float) -> float:
    return abs(lap.ended_s - lap.started_s - said_s)


def _sectors(lap: Lap, inner: int, said_s: float) -> tuple[float, ...]:
    edges = (lap.started_s, *lap.marks_s, lap.ended_s)
    if not inner or len(lap.marks_s) != inner or not _error(lap, said_s) <= SECTORS_AGREE_S:
        return ()
    return tuple(round(b - a, 4) for a, b in pairwise(edges))
