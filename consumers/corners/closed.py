"""Curves over a closed track: the end of each joins its beginning."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pitbox.chunks.arrays import Column

Mask = NDArray[np.bool_]
Run = tuple[int, int]
"""First and last index of a run, both included; the last is above the count across the line."""


def ahead_m(from_m: float, to_m: float, length_m: float) -> float:
    """Return the way in m from one place on to another."""
    return (to_m - from_m) % length_m


def gap_m(place_m: float, from_m: float, to_m: float, length_m: float) -> float:
    """Return how far a place is from the nearer end of a stretch, 0 within it."""
    into_m, long_m = ahead_m(from_m, place_m, length_m), ahead_m(from_m, to_m, length_m)
    return 0.0 if into_m <= long_m else min(into_m - long_m, length_m - into_m)


def smooth(values: Column, sigma: float) -> Column:
    """Smooth a closed curve by a Gaussian of `sigma` cells."""
    waves = np.fft.rfftfreq(len(values))
    damped = np.fft.rfft(values) * np.exp(-2 * (np.pi * sigma * waves) ** 2)
    return np.fft.irfft(damped, len(values))


def runs(mask: Mask) -> list[Run]:
    """Return the runs in which a closed mask is True, in order of their first index."""
    count = len(mask)
    if mask.all():
        return [(0, count - 1)]
    begins = np.flatnonzero(mask & ~np.roll(mask, 1))
    ends = np.flatnonzero(mask & ~np.roll(mask, -1))
    if len(begins) and ends[0] < begins[0]:
        ends = np.append(ends[1:], ends[0] + count)
    return list(zip(begins.tolist(), ends.tolist(), strict=True))


def joined(found: Sequence[Run], count: int, gap: int) -> list[Run]:
    """Join runs with fewer than `gap` indices between them."""
    together: list[Run] = []
    for run in found:
        if together and run[0] - together[-1][1] - 1 < gap:
            together[-1] = together[-1][0], run[1]
        else:
            together.append(run)
    if len(together) > 1 and together[0][0] + count - together[-1][1] - 1 < gap:
        first, last = together[0], together.pop()
        together[0] = last[0], first[1] + count
        together.append(together.pop(0))
    return together


def minima(values: Column, least: float, share: float) -> list[int]:
    """Return the indices of the minima of a closed curve that is positive.

    On both sides of a minimum the curve rises by `least`, or by `share` of the minimum where that
    is less.
    """
    start = int(values.argmax())
    rolled = np.roll(values, -start).tolist()
    lowest = highest = 0
    falling, found = True, []
    for index, value in enumerate([*rolled, rolled[0]]):
        if falling:
            low = rolled[lowest]
            if value < low:
                lowest = index
            elif value - low >= min(least, share * low):
                found.append((start + lowest) % len(rolled))
                falling, highest = False, index
        elif value > rolled[highest % len(rolled)]:
            highest = index
        elif rolled[highest % len(rolled)] - value >= min(least, share * value):
            falling, lowest = True, index
    return sorted(found)


def hold(values: Column, lowest: int, share: float) -> Run:
    """Return the run around a minimum in which a closed curve is at most `1 + share` times it."""
    count, limit = len(values), values[lowest] * (1 + share)
    first = last = lowest
    while last - first < count and values[(first - 1) % count] <= limit:
        first -= 1
    while last - first < count and values[(last + 1) % count] <= limit:
        last += 1
    return (first, last) if first >= 0 else (first + count, last + count)
