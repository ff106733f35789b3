"""Lengthen a segment by a chunk in which nothing happens, as nearly every live one is.

The result is that of summing up the chunk and joining it, at half of the cost.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import isfinite, isinf, isnan, nan

from consumers.timing.crossings import Edge
from consumers.timing.segments import Changes, Piece, Segment, burn
from consumers.timing.summary import SMOOTH_M, fuel_of
from pitbox.chunks.columns import Column


def lengthen(
    segment: Segment, times_ns: Sequence[int], found: Sequence[Column | None]
) -> Segment | None:
    """Return a segment with one more chunk; None when that has to be summed up and joined.

    `times_ns` and `found` are those of the chunk after its last, with the channels that laps need.
    """
    newest, tail = segment.newest, segment.tail
    if newest is None or tail is None or not times_ns:
        return None
    clock, number, last_lap_time_s, distance, fraction, sector, valid, level, mass, speed, pit = (
        found
    )
    fuel = level or mass
    if (
        not (_counts_on(tail.number, number) and _stays(newest.last_lap_time_s, last_lap_time_s))
        or not (_stays(newest.sector, sector) and _stays(newest.valid, valid))
        or not _stays(newest.pit, pit)
        or (clock and _falls(tail.clock_s, clock))
        or (fraction and _falls(tail.fraction, fraction))
        or (distance and _moves(tail.distance_m, distance))
        or (fuel and _is_infinite(fuel))
        or (speed and isinf(speed[-1]))
    ):
        return None
    last_ns = times_ns[-1]
    last_clock_s = clock[-1] if clock else nan
    last_m = distance[-1] if distance else nan
    piece = Piece(
        run=newest.run,
        number=newest.number,
        cut=newest.cut,
        frames=newest.frames + len(times_ns),
        first_ns=newest.first_ns,
        first_clock_s=newest.first_clock_s,
        last_ns=last_ns,
        last_clock_s=last_clock_s,
        first_m=newest.first_m,
        last_m=last_m,
        jumped=newest.jumped,
        valid=newest.valid,
        pit=newest.pit,
        sector=newest.sector,
        last_lap_time_s=newest.last_lap_time_s,
        fuel=burn(newest.fuel, fuel_of(fuel, 0, len(times_ns))),
    )
    last_fraction = fraction[-1] if fraction else nan
    speed_mps = speed[-1] if speed else nan
    return Segment(
        run=segment.run,
        first=segment.first,
        last=segment.last + 1,
        ended=segment.ended,
        newest=piece,
        head=segment.head,
        tail=Edge(last_ns, last_clock_s, tail.number, last_m, last_fraction, speed_mps),
        opened=segment.opened,
        finished_ns=segment.finished_ns,
        rewinds=segment.rewinds,
        reports=segment.reports,
        left_out=segment.left_out,
    )


def _counts_on(before: int | None, number: Column | None) -> bool:
    """Return whether the lap number stays what it was."""
    if not number:
        return before is None
    return all(map(isnan, number)) if before is None else number.count(before) == len(number)


def _stays(changes: Changes, column: Column | None) -> bool:
    """Return whether a channel has the value of its last change, or none at all."""
    if not column or (changes and column.count(changes[-1][2]) == len(column)):
        return True
    return all(map(isnan, column))


def _falls(before: float, column: Column) -> bool:
    """Return whether a value is below the one before it, or is infinite."""
    return any(b < a for a, b in pairwise((before, *column))) or _is_infinite(column)


def _moves(before_m: float, distance: Column) -> bool:
    """Return whether the car may have passed the line or been moved."""
    steps = pairwise((before_m, *distance))
    moves = any(b < a or b - a >= SMOOTH_M or a < 0 <= b for a, b in steps)
    return moves or _is_infinite(distance)


def _is_infinite(column: Column) -> bool:
    return not isfinite(sum(column)) and any(map(isinf, column))
