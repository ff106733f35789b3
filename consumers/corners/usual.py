"""A driver's usual lap: the median of his last ones, or of any chosen laps.

The median of the time in each cell, because a best lap holds luck. Corners in which a lap was an
outlier are left out of it, in half of the laps at most: otherwise a driver who changed would never
be learned.
"""

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from consumers.corners.trace import Trace, time_at
from pitbox.chunks.arrays import Column
from schemas.passes import Pass

WINDOW: Final = 5

SLOWER: Final = 1.05
"""Laps so much slower than the newest one say nothing of how it is driven now."""

Indices = NDArray[np.intp]


class Masked(Struct, frozen=True, array_like=True):
    """Hold a corner, by index, that is left out, and its share of the lap in m, counted on."""

    corner: int
    from_m: float
    to_m: float


class Driven(Struct, frozen=True):
    """Hold a lap that counts: the time in each cell and the speed at each node, as bytes."""

    lap_number: int
    cells_s: bytes
    speed: bytes
    passes: tuple[Pass, ...]
    masked: tuple[Masked, ...] = ()


class Usual(Struct, frozen=True):
    """Hold the usual lap on the nodes of a track; `times_s` has one more, as in a trace."""

    laps: tuple[int, ...]
    step_m: float
    times_s: Column
    speed: Column
    passes: tuple[Pass, ...]

    @property
    def length_m(self) -> float:
        """Return the length of the track."""
        return len(self.speed) * self.step_m

    def at_s(self, place_m: float) -> float:
        """Return the time at a place, which goes on beyond the line."""
        return time_at(self.times_s, self.step_m, place_m)

    def speed_at(self, place_m: float) -> float:
        """Return the speed at the node before a place in m/s."""
        return float(self.speed[int(place_m / self.step_m) % len(self.speed)])


def driven(lap_number: int, trace: Trace, passes: tuple[Pass, ...]) -> Driven:
    """Return a lap as it is kept."""
    speed = trace.speed.astype(np.float32)
    return Driven(lap_number, trace.cells_s.tobytes(), speed.tobytes(), passes)


def added(
    window: Sequence[Driven], lap: Driven, outliers: Iterable[Masked], size: int = WINDOW
) -> tuple[Driven, ...]:
    """Return a window with a lap added, and its outliers masked as far as enough laps remain."""
    kept = list(window)[-(size - 1) :]
    most = (len(kept) + 1) // 2
    masked = tuple(
        outlier
        for outlier in outliers
        if sum(_is_masked(one, outlier.corner) for one in kept) < most
    )
    return (*kept, replace(lap, masked=masked))


def near(window: Sequence[Driven], time_s: float) -> tuple[Driven, ...]:
    """Return the laps of a window that were not far slower than a new one."""
    limit_s = SLOWER * time_s
    return tuple(one for one in window if float(np.sum(np.frombuffer(one.cells_s))) <= limit_s)


def usual_of(window: Sequence[Driven], length_m: float) -> Usual:
    """Return the usual lap of at least one lap."""
    cells_s = np.array([np.frombuffer(one.cells_s) for one in window])
    speed = np.array([np.frombuffer(one.speed, np.float32) for one in window], np.float64)
    step_m = length_m / cells_s.shape[1]
    counts = np.full(cells_s.shape[1], len(window))
    for row, one in enumerate(window):
        for masked in one.masked:
            cells = _cells(masked, step_m, cells_s.shape[1])
            cells_s[row, cells] = speed[row, cells] = np.inf
            counts[cells] -= 1
    usual_s = _median(cells_s, counts)
    return Usual(
        laps=tuple(one.lap_number for one in window),
        step_m=step_m,
        times_s=np.concatenate(([0.0], np.cumsum(usual_s))),
        speed=_median(speed, counts),
        passes=tuple(
            _usual_pass([one.passes[index] for one in window if not _is_masked(one, index)])
            for index in range(len(window[0].passes))
        ),
    )


def _median(rows: Column, counts: Indices) -> Column:
    """Return the median of each column; infinite values are the last of their column."""
    ordered = np.sort(rows, axis=0)
    columns = np.arange(rows.shape[1])
    low, high = (counts - 1) // 2, counts // 2
    return np.divide(ordered[low, columns] + ordered[high, columns], 2)


def _cells(masked: Masked, step_m: float, count: int) -> Indices:
    first, last = int(masked.from_m // step_m), int(masked.to_m // step_m)
    return np.mod(np.arange(first, min(last + 1, first + count)), count)


def _is_masked(lap: Driven, corner: int) -> bool:
    return any(masked.corner == corner for masked in lap.masked)


def _usual_pass(passes: Sequence[Pass]) -> Pass:
    """Return the median of each field; None where less than half of the passes have a value."""
    values = {}
    for name in Pass.__struct_fields__:
        if name == "corner":
            continue
        known = [value for one in passes if (value := getattr(one, name)) is not None]
        values[name] = median(known) if 2 * len(known) > len(passes) else None
    return replace(passes[0], **values)
