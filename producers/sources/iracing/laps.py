"""Follow the laps of iRacing, and time their sectors by crossing.

Crossings are interpolated between ticks. The lap counter may change some ticks before or after the
line. A lap that ends in a hole of the data ends at an instant that is known only roughly.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from producers.sources.channel_order import ABSENT
from producers.sources.iracing.verdicts import Lap, TimedLap, Verdicts

SKEW_S: Final = 1.0
"""Largest time between the line and the change of the lap counter."""

HOLE_S: Final = 0.25
"""Time between two ticks from which on the car's way between them is not known."""

LONGEST_STEP: Final = 0.1
"""Largest share of a lap between two ticks; a larger step is a jump to the pits."""


class Line(Struct, frozen=True):
    """Hold a crossing of the line that the lap counter has yet to confirm.

    `marks` is the number of sector marks before it.
    """

    crossed_s: float
    marks: int


class LapBook:
    """Follow laps tick by tick; `sector_starts` are fractions of the lap that begin with 0."""

    def __init__(self, sector_starts: Sequence[float] = ()) -> None:
        self._inner = tuple(sector_starts[1:])
        self._verdicts = Verdicts(len(self._inner))
        self._number: int | None = None
        self._time_s = self._fraction = ABSENT
        self._marks_s: list[float] = []
        self._seen_s = ABSENT
        self._line: Line | None = None
        self._counted_s: float | None = None
        self.started_s = ABSENT
        self.sector = 0

    def tick(self, time_s: float, number: int, fraction: float, last_s: float) -> TimedLap | None:
        """Note session time, lap number, fraction of the lap and the sim's last lap time.

        `last_s` is -1 for none, NaN when the sim lacks the variable. Return the lap that this tick
        shows to be timed, or not to count.
        """
        if self._number is None:
            self._number, self._seen_s = number, time_s
        else:
            jumped = self._drive(time_s, fraction)
            self._count(time_s, number, fraction, jumped)
        self.sector = sum(start <= fraction for start in self._inner)
        self._time_s, self._fraction = time_s, fraction
        return self._verdicts.tick(time_s, last_s)

    def aside(self, time_s: float, last_s: float) -> TimedLap | None:
        """Note the sim's last lap time while the car is not on track, where only a time counts."""
        return self._verdicts.tick(time_s, last_s) if last_s > 0 else None

    def close(self) -> TimedLap | None:
        """Return the lap that the sim has judged without another word, at the end of the data."""
        return self._verdicts.close(self._time_s)

    def _drive(self, time_s: float, fraction: float) -> bool:
        """Follow the car's place on the lap; return whether it jumped to another one."""
        step, hole = fraction - self._fraction, time_s - self._time_s > HOLE_S
        if 0 <= step + 1 <= LONGEST_STEP and not hole:
            crossed_s = self._at(1 - self._fraction, step + 1, time_s)
            self._mark(self._fraction, 1, crossed_s)
            self._line = Line(crossed_s, len(self._marks_s))
            self._fraction, self._time_s = 0.0, crossed_s
            self._mark(0, fraction, time_s)
        elif abs(step) > LONGEST_STEP:
            self._line = None
            return True
        else:
            self._mark(self._fraction, fraction, time_s)
        return False

    def _count(self, time_s: float, number: int, fraction: float, jumped: bool) -> None:
        """Bring together the line and the counter, of which either may come first."""
        before, self._number = self._number or 0, number
        if number == before + 1:
            self._counted_s = time_s
        elif number != before:
            self._skip(before, number, time_s)
            return
        line, counted_s = self._line, self._counted_s
        if line is not None and counted_s is not None:
            self._end(number - 1, line)
        elif counted_s is not None:
            early = fraction > 1 - LONGEST_STEP and time_s - counted_s <= SKEW_S
            if jumped or not early:
                self._end_unseen(number - 1, time_s)
        elif jumped or (line is not None and time_s - line.crossed_s > SKEW_S):
            # The car was moved, or went back over the line and forward again.
            self._lose(time_s)

    def _end(self, number: int, line: Line) -> None:
        before, after = self._marks_s[: line.marks], self._marks_s[line.marks :]
        lap = Lap(number, self._seen_s, self.started_s, line.crossed_s, tuple(before))
        self._verdicts.ended(lap)
        self._seen_s = self.started_s = line.crossed_s
        self._marks_s = after
        self._line = self._counted_s = None

    def _end_unseen(self, number: int, time_s: float) -> None:
        slack_s = max(time_s - self._time_s, SKEW_S)
        self._verdicts.ended(Lap(number, self._seen_s, self.started_s, time_s, (), slack_s))
        self._lose(time_s)

    def _skip(self, before: int, number: int, time_s: float) -> None:
        """Note a change by more than one lap; in a hole the last of these laps may be timed."""
        if number > before and time_s - self._time_s > HOLE_S:
            self._verdicts.ended(Lap(number - 1, ABSENT, ABSENT, time_s))
        self._lose(time_s)

    def _lose(self, time_s: float) -> None:
        self._seen_s, self.started_s, self._marks_s = time_s, ABSENT, []
        self._line = self._counted_s = None

    def _mark(self, before: float, after: float, time_s: float) -> None:
        for start in self._inner:
            if before < start <= after:
                self._marks_s.append(self._at(start - before, after - before, time_s))

    def _at(self, part: float, whole: float, time_s: float) -> float:
        """Interpolate the time at which a part of the way since the last tick was done."""
        share = part / whole if whole > 0 else 1.0
        return self._time_s + share * (time_s - self._time_s)
