"""How the own race stands against others: who is catching whom, and the place after a stop."""

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Final

PACE_LAPS: Final = 5
"""The last laps that a pace is the median of, as the coach's reference is."""


def pace_s(lap_times_s: Sequence[float]) -> float | None:
    """Return the pace of the last timed laps, oldest first; None without any."""
    timed = [time_s for time_s in lap_times_s if time_s > 0]
    return median(timed[-PACE_LAPS:]) if timed else None


def laps_to_catch(gap_s: float, behind_s: float, ahead_s: float) -> float | None:
    """Return after how many laps the car behind is level, at these lap times; None for never."""
    gained_s = ahead_s - behind_s
    return gap_s / gained_s if gained_s > 0 else None


def place_after_stop(stop_s: float, gaps_s: Iterable[float]) -> int:
    """Return the place that a stop leaves, counted from 1.

    `gaps_s` is how far each rival is behind; less than 0 for one ahead.
    """
    return 1 + sum(gap_s < stop_s for gap_s in gaps_s)
