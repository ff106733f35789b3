"""Sets of chunk numbers, as ranges with both ends included.

A set is a tuple of ascending ranges that neither overlap nor touch.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import Final

from schemas.telemetry import Range

Ranges = tuple[Range, ...]

NONE: Final[Ranges] = ()


def normal(ranges: Iterable[Range]) -> Ranges:
    """Return the set of ranges in any order and overlap; a range with last < first is empty."""
    merged: list[Range] = []
    for first, last in sorted(part for part in ranges if part[0] <= part[1]):
        if merged and first <= merged[-1][1] + 1:
            if last > merged[-1][1]:
                merged[-1] = (merged[-1][0], last)
        else:
            merged.append((first, last))
    return tuple(merged)


def of(numbers: Iterable[int]) -> Ranges:
    """Return the set of single numbers, in any order; ascending runs cost one pass."""
    parts: list[Range] = []
    first = last = None
    for number in numbers:
        if last is not None and first is not None and first <= number <= last + 1:
            last = max(last, number)
            continue
        if last is not None and first is not None:
            parts.append((first, last))
        first = last = number
    if last is not None and first is not None:
        parts.append((first, last))
    return normal(parts)


def union(left: Ranges, right: Ranges) -> Ranges:
    """Return the numbers that are in either set."""
    if not left or not right:
        return left or right
    if len(right) == 1 and left[-1][1] + 1 == right[0][0]:
        return (*left[:-1], (left[-1][0], right[0][1]))
    return normal((*left, *right))


def minus(left: Ranges, right: Ranges) -> Ranges:
    """Return the numbers of the left set that are not in the right one."""
    rest: list[Range] = []
    index = 0
    for first, last in left:
        while index < len(right) and right[index][1] < first:
            index += 1
        start, scan = first, index
        while scan < len(right) and right[scan][0] <= last:
            if start < right[scan][0]:
                rest.append((start, right[scan][0] - 1))
            start = right[scan][1] + 1
            scan += 1
        if start <= last:
            rest.append((start, last))
    return tuple(rest)


def within(ranges: Ranges, first: int, last: int) -> Ranges:
    """Return the numbers of a set from `first` to `last`."""
    start = bisect_left(ranges, first, key=_last)
    stop = bisect_right(ranges, last, key=_first)
    return tuple((max(low, first), min(high, last)) for low, high in ranges[start:stop])


def _first(part: Range) -> int:
    return part[0]


def _last(part: Range) -> int:
    return part[1]


def count(ranges: Iterable[Range]) -> int:
    """Return the size of a set."""
    return sum(last - first + 1 for first, last in ranges)


def contains(ranges: Ranges, number: int) -> bool:
    """Return whether a number is in a set."""
    index = bisect_right(ranges, (number, 2**63)) - 1
    return index >= 0 and number <= ranges[index][1]
