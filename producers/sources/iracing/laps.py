"""Pair iRacing's last lap time with its lap, and time sectors by crossing.

The sim's time is the one that counts, but arrives some seconds after the line, sometimes a lap
late. Crossings, interpolated between ticks, agree with it within 0.015 s at 60 Hz and identify its
lap. For a lap that does not count the sim's time becomes or stays -1.
"""

from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from math import isnan
from typing import Final

from msgspec import Struct

from producers.sources.channel_order import ABSENT

AGREES_S: Final = 0.1
SAME_S: Final = 0.02
"""Difference below which two laps fit a time equally well."""

PROMPT_S: Final = 5.0
"""Time after the line until which a lap time counts as that of the newest lap."""

SECTORS_AGREE_S: Final = 0.05
LONGEST_S: Final = 1e6
LONGEST_STEP: Final = 0.1
"""Largest share of a lap between two ticks; a larger step is a jump to the pits."""


class Lap(Struct, frozen=True):
    """Hold a lap between two crossings, in session time; `started_s` is NaN for an unseen start.

    `seen_s` is the first time that the car was seen on the lap.
    """

    number: int
    seen_s: float
    started_s: float
    ended_s: float
    marks_s: tuple[float, ...]


class TimedLap(Struct, frozen=True):
    """Hold the sim's time of a lap, None for a lap that does not count.

    `sectors_s` is empty unless all crossings were seen.
    """

    number: int
    time_s: float | None
    sectors_s: tuple[float, ...]


class LapBook:
    """Follow laps tick by tick; `sector_starts` are fractions of the lap that begin with 0."""

    def __init__(self, sector_starts: Sequence[float] = ()) -> None:
        self._inner = tuple(sector_starts[1:])
        self._waiting: deque[Lap] = deque(maxlen=4)
        self._number: int | None = None
        self._time_s = self._fraction = self._last_s = ABSENT
        self._marks_s: list[float] = []
        self._seen_s = ABSENT
        self._untimed: Lap | None = None
        self.started_s = ABSENT
        self.sector = 0

    def tick(self, time_s: float, number: int, fraction: float, last_s: float) -> TimedLap | None:
        """Note session time, lap number, fraction of the lap and the sim's last lap time.

        `last_s` is -1 for none, NaN when the sim lacks the variable. Return the lap that this tick
        shows to be timed, or not to count.
        """
        if self._number is None:
            self._seen_s = time_s
        else:
            self._move(time_s, number, fraction)
        self.sector = sum(start <= fraction for start in self._inner)
        timed = None if isnan(self._last_s) else self._timed(time_s, last_s)
        self._number, self._time_s, self._fraction = number, time_s, fraction
        self._last_s = last_s
        return timed

    def _move(self, time_s: float, number: int, fraction: float) -> None:
        step = fraction - self._fraction
        if number == self._number and 0 <= step <= LONGEST_STEP:
            self._mark(self._fraction, fraction, time_s)
        elif number == (self._number or 0) + 1 and 0 <= step + 1 <= LONGEST_STEP:
            crossed_s = self._at(1 - self._fraction, step + 1, time_s)
            self._mark(self._fraction, 1, crossed_s)
            marks = tuple(self._marks_s)
            since = self._seen_s, self.started_s
            self._waiting.append(Lap(self._number or 0, *since, crossed_s, marks))
            self._seen_s = self.started_s = crossed_s
            self._marks_s = []
            self._fraction, self._time_s = 0.0, crossed_s
            self._mark(0, fraction, time_s)
        elif number != self._number or abs(step) > LONGEST_STEP:
            self._seen_s, self.started_s, self._marks_s = time_s, ABSENT, []

    def _mark(self, before: float, after: float, time_s: float) -> None:
        for start in self._inner:
            if before < start <= after:
                self._marks_s.append(self._at(start - before, after - before, time_s))

    def _at(self, part: float, whole: float, time_s: float) -> float:
        """Interpolate the time at which a part of the way since the last tick was done."""
        share = part / whole if whole > 0 else 1.0
        return self._time_s + share * (time_s - self._time_s)

    def _timed(self, time_s: float, last_s: float) -> TimedLap | None:
        if not self._waiting:
            return None
        if 0 < last_s < LONGEST_S and last_s != self._last_s:
            lap = self._lap_of(time_s, last_s)
            if lap is None:
                return None
            while self._waiting.popleft() is not lap:
                pass  # Times come in order: the laps before get none.
            return TimedLap(lap.number, last_s, _sectors(lap, len(self._inner), last_s))
        newest = self._waiting[-1]
        if last_s > 0 or newest is self._untimed or time_s - newest.ended_s < PROMPT_S:
            return None
        self._untimed = newest
        return TimedLap(newest.number, None, ())

    def _lap_of(self, time_s: float, last_s: float) -> Lap | None:
        """Return the lap of a lap time, None when it fits none."""
        known = [lap for lap in self._waiting if not isnan(lap.started_s)]
        best = min(known, key=lambda lap: _error(lap, last_s), default=None)
        if best is not None and _error(best, last_s) <= AGREES_S:
            newest = self._waiting[-1]
            prompt = time_s - newest.ended_s < PROMPT_S
            as_good = _error(newest, last_s) <= _error(best, last_s) + SAME_S
            return newest if prompt and as_good else best
        # For a lap with an unseen start only the sim knows the time, at most one lap late.
        recent = list(self._waiting)[:-3:-1]
        unseen = (lap for lap in recent if isnan(lap.started_s))
        return next((lap for lap in unseen if lap.ended_s - lap.seen_s <= last_s + AGREES_S), None)


def _error(lap: Lap, last_s: float) -> float:
    return abs(lap.ended_s - lap.started_s - last_s)


def _sectors(lap: Lap, inner: int, last_s: float) -> tuple[float, ...]:
    edges = (lap.started_s, *lap.marks_s, lap.ended_s)
    if not inner or len(lap.marks_s) != inner or not _error(lap, last_s) <= SECTORS_AGREE_S:
        return ()
    return tuple(round(b - a, 4) for a, b in pairwise(edges))
