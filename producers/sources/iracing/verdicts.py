"""Pair iRacing's last lap time with its lap.

The sim's time is the one that counts, but arrives some seconds after the line, sometimes a lap
late. Crossings agree with it within 0.015 s at 60 Hz and identify its lap. For a lap that does not
count the sim's time becomes or stays -1.
"""

from collections import deque
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

SETTLED_S: Final = 1.5
"""Time after the line from which on the sim has judged the lap, where the data end."""

SECTORS_AGREE_S: Final = 0.05
LONGEST_S: Final = 1e6


class Lap(Struct, frozen=True):
    """Hold a lap between two crossings, in session time; `started_s` is NaN for an unseen start.

    `seen_s` is the first time that the car was seen on the lap, `slack_s` how much earlier than
    `ended_s` it may have ended.
    """

    number: int
    seen_s: float
    started_s: float
    ended_s: float
    marks_s: tuple[float, ...] = ()
    slack_s: float = 0.0


class TimedLap(Struct, frozen=True):
    """Hold the sim's time of a lap, None for a lap that does not count.

    `sectors_s` is empty unless all crossings were seen.
    """

    number: int
    time_s: float | None
    sectors_s: tuple[float, ...] = ()


class Verdicts:
    """Wait for the sim's word on ended laps; `inner` is the number of sectors but the first."""

    def __init__(self, inner: int) -> None:
        self._inner = inner
        self._waiting: deque[Lap] = deque(maxlen=4)
        self._judged: Lap | None = None
        self._last_s = ABSENT

    def ended(self, lap: Lap) -> None:
        """Note a lap that has ended."""
        self._waiting.append(lap)

    def tick(self, time_s: float, last_s: float) -> TimedLap | None:
        """Note the sim's last lap time; return the lap that it judges."""
        before, self._last_s = self._last_s, last_s
        if isnan(before):
            return None
        changed = last_s != before
        if 0 < last_s < LONGEST_S:
            return self._timed(time_s, last_s) if changed else None
        return self._untimed(time_s, 0 if changed else PROMPT_S)

    def close(self, time_s: float) -> TimedLap | None:
        """Return the lap that does not count where no further word of the sim comes."""
        return None if self._last_s > 0 else self._untimed(time_s, SETTLED_S)

    def _timed(self, time_s: float, last_s: float) -> TimedLap | None:
        lap = self._lap_of(time_s, last_s)
        if lap is None:
            return None
        while self._waiting.popleft() is not lap:
            pass  # Times come in order: the laps before get none.
        self._judged = lap
        return TimedLap(lap.number, last_s, _sectors(lap, self._inner, last_s))

    def _untimed(self, time_s: float, after_s: float) -> TimedLap | None:
        """Return the newest lap, which does not count; also one that the sim timed just before."""
        newest = self._waiting[-1] if self._waiting else self._judged
        if newest is None or isnan(self._last_s):
            return None
        since_s = time_s - newest.ended_s
        if newest is self._judged and (after_s > 0 or since_s > PROMPT_S):
            return None
        if since_s < after_s:
            return None
        self._judged = newest
        return TimedLap(newest.number, None)

    def _lap_of(self, time_s: float, last_s: float) -> Lap | None:
        """Return the lap of a lap time, None when it fits none."""
        if not self._waiting:
            return None
        known = [lap for lap in self._waiting if not isnan(lap.started_s)]
        best = min(known, key=lambda lap: _error_s(lap, last_s), default=None)
        if best is not None and _error_s(best, last_s) <= AGREES_S:
            newest = self._waiting[-1]
            prompt = time_s - newest.ended_s < PROMPT_S
            as_good = _error_s(newest, last_s) <= _error_s(best, last_s) + SAME_S
            return newest if prompt and as_good else best
        # For a lap with an unseen start only the sim knows the time, at most one lap late.
        recent = list(self._waiting)[:-3:-1]
        unseen = (lap for lap in recent if isnan(lap.started_s))
        return next((lap for lap in unseen if not _seen_s(lap) > last_s + AGREES_S), None)


def _seen_s(lap: Lap) -> float:
    """Return how long the car was seen on a lap at least; NaN for a lap not seen at all."""
    return lap.ended_s - lap.slack_s - lap.seen_s


def _error_s(lap: Lap, last_s: float) -> float:
    """Return how far a lap's duration is off the sim's time; NaN for a lap with an unseen start."""
    longest_s = lap.ended_s - lap.started_s
    off_s = max(last_s - longest_s, longest_s - lap.slack_s - last_s)
    return 0.0 if off_s < 0 else off_s


def _sectors(lap: Lap, inner: int, last_s: float) -> tuple[float, ...]:
    edges = (lap.started_s, *lap.marks_s, lap.ended_s)
    if not inner or len(lap.marks_s) != inner or lap.slack_s:
        return ()
    if not _error_s(lap, last_s) <= SECTORS_AGREE_S:
        return ()
    return tuple(round(b - a, 4) for a, b in pairwise(edges))
