"""Spans of time that flashbacks took back."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

Void = tuple[int, int]
"""A span of the driver's clock (ns) that a flashback took back; the end is not part of it."""


def is_void(voids: Sequence[Void], at_ns: int) -> bool:
    """Return whether an instant was taken back; `voids` are ascending and do not overlap."""
    place = bisect_right(voids, at_ns, key=_start) - 1
    return place >= 0 and at_ns < voids[place][1]


def within(voids: Sequence[Void], from_ns: int, until_ns: int) -> tuple[Void, ...]:
    """Return the voids that reach into the time between two instants."""
    first = bisect_right(voids, from_ns, key=_end)
    return tuple(voids[first : bisect_left(voids, until_ns, key=_start)])


def apart(voids: Iterable[Void]) -> tuple[Void, ...]:
    """Return voids ascending, those that overlap as one."""
    apart: list[Void] = []
    for start, end in sorted(voids):
        if apart and start < apart[-1][1]:
            apart[-1] = apart[-1][0], max(end, apart[-1][1])
        else:
            apart.append((start, end))
    return tuple(apart)


def _start(void: Void) -> int:
    return void[0]


def _end(void: Void) -> int:
    return void[1]
