"""How each corner of a lap was driven, from its trace alone."""

from collections.abc import Collection, Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from consumers.corners.closed import ahead_m, gap_m, hold, minima
from consumers.corners.learning import HELD, RISES, RISES_MPS
from consumers.corners.pedals import (
    Braking,
    brakings,
    hardest,
    lift_m,
    pick_up_m,
    within,
)
from consumers.corners.trace import Trace
from pitbox.chunks.arrays import Column
from schemas.passes import Pass
from schemas.track import Corner, Track

BEFORE_M: Final = 8.0
"""A corner begins so far before its braking."""

NEAR_M: Final = 80.0
"""A minimum of speed further from every corner is none of a corner."""

TAKES_MPS: Final = 1.5
"""What a second braking takes at least."""

APART_M: Final = 40.0
"""What is braked or lifted nearer before the next braking belongs to that."""


class Slowest(Struct, frozen=True):
    """Hold where the lowest speed of a corner is held, in m; beyond the line places go on."""

    corner: int
    from_m: float
    to_m: float
    lowest_mps: float

    @property
    def middle_m(self) -> float:
        """Return the middle of the hold."""
        return (self.from_m + self.to_m) / 2


def slowest(
    speed: Column, step_m: float, corners: Sequence[Corner], slow: Collection[int] = ()
) -> list[Slowest]:
    """Return where a lap is slowest in each corner that has a minimum of speed, in order.

    The corners `slow`, by index, have one in any case: a car that lifts after a corner need not
    have been faster than in it.
    """
    length_m = len(speed) * step_m
    found: dict[int, Slowest] = {}
    places = [
        (lowest, _corner_of(lowest * step_m, corners, length_m))
        for lowest in minima(speed, RISES_MPS, RISES)
    ]
    missing = set(slow) - {corner for _, corner in places}
    places += [(_lowest(speed, step_m, corners[corner]), corner) for corner in sorted(missing)]
    for lowest, corner in places:
        if corner is None or (corner in found and found[corner].lowest_mps <= speed[lowest]):
            continue
        first, last = hold(speed, lowest, HELD)
        found[corner] = Slowest(
            corner, (first - 0.5) * step_m, (last + 0.5) * step_m, float(speed[lowest])
        )
    return [found[corner] for corner in sorted(found)]


def _corner_of(place_m: float, corners: Sequence[Corner], length_m: float) -> int | None:
    """Return the index of the corner that a place is in or nearest to."""
    gaps = [gap_m(place_m, one.entry_m, one.exit_m, length_m) for one in corners]
    nearest = min(range(len(gaps)), key=gaps.__getitem__, default=None)
    return nearest if nearest is not None and gaps[nearest] <= NEAR_M else None


def _lowest(speed: Column, step_m: float, corner: Corner) -> int:
    """Return the node at which a corner is slowest."""
    first = int(corner.entry_m / step_m)
    long_m = ahead_m(corner.entry_m, corner.exit_m, len(speed) * step_m)
    nodes = np.arange(first, first + int(long_m / step_m) + 1) % len(speed)
    return int(nodes[int(speed[nodes].argmin())])


class _Around(Struct, frozen=True):
    """Hold the middles of the holds before, of and after a corner, and its apex; counted on."""

    before_m: float
    apex_m: float
    own_m: float
    after_m: float


def passes_of(trace: Trace, track: Track, slow: Collection[int] = ()) -> tuple[Pass, ...]:
    """Return how each corner of a track was driven; `begins_m` is by this lap alone.

    The corners `slow`, by index, are those that are usually slowed down for.
    """
    corners = track.corners
    found = slowest(trace.speed, trace.step_m, corners, slow)
    braked, times_s = brakings(trace), _times_s(trace, corners)
    made: dict[int, Pass] = {}
    for index, own in enumerate(found):
        before, after = found[index - 1], found[(index + 1) % len(found)]
        around = _around(before, own, after, corners[own.corner], trace.length_m)
        made[own.corner] = _slow_pass(trace, corners, own, around, braked)
    whole = [
        made[index] if index in made else _fast_pass(trace, corner)
        for index, corner in enumerate(corners)
    ]
    return tuple(replace(one, time_s=time_s) for one, time_s in zip(whole, times_s, strict=True))


def _times_s(trace: Trace, corners: Sequence[Corner]) -> list[float]:
    """Return the time in each corner, from the middle of the straight before to that after it."""
    length_m = trace.length_m
    cuts = []
    for before, corner in zip([*corners[-1:], *corners], corners, strict=False):
        way_m = ahead_m(before.exit_m, corner.entry_m, length_m)
        touch = way_m > ahead_m(before.exit_m, corner.apex_m, length_m)
        cuts.append(before.exit_m + (0.0 if touch else way_m / 2))
    return [
        trace.time_s(cut_m, cut_m + (ahead_m(cut_m, next_m, length_m) or length_m))
        for cut_m, next_m in zip(cuts, [*cuts[1:], *cuts[:1]], strict=True)
    ]


def _around(
    before: Slowest, own: Slowest, after: Slowest, corner: Corner, length_m: float
) -> _Around:
    own_m = own.middle_m % length_m
    back_m = ahead_m(before.middle_m, own_m, length_m) or length_m
    on_m = ahead_m(own_m, after.middle_m, length_m) or length_m
    past_m = ahead_m(corner.apex_m, own_m, length_m)
    apex_m = own_m - (past_m if past_m < length_m / 2 else past_m - length_m)
    return _Around(own_m - back_m, apex_m, own_m, own_m + on_m)


def _slow_pass(
    trace: Trace,
    corners: Sequence[Corner],
    own: Slowest,
    around: _Around,
    braked: Sequence[Braking],
) -> Pass:
    """Return how a corner with a minimum of speed was driven."""
    corner, length_m = corners[own.corner], trace.length_m
    # A second braking after the apex may have made the lowest speed.
    turned_m = min(around.apex_m, around.own_m)
    main = hardest(within(braked, around.before_m, turned_m, length_m))
    following = hardest(within(braked, around.own_m, around.after_m, length_m))
    until_m = following.begins_m if following else around.after_m
    again = [
        one
        for one in within(braked, turned_m, until_m - APART_M, length_m)
        if one.takes_mps >= TAKES_MPS
    ]
    pick_up = pick_up_m(trace, around.own_m, until_m)
    lift = _lift_m(trace, around.own_m, until_m - APART_M, corners)
    begins_m = corner.entry_m if main is None else main.begins_m
    return Pass(
        corner=corner.name,
        begins_m=(begins_m if main is None else begins_m - BEFORE_M) % length_m,
        time_s=0.0,
        entry_mps=trace.speed_at(begins_m),
        minimum_m=around.own_m,
        minimum_mps=own.lowest_mps,
        exit_mps=trace.speed_at(corner.exit_m),
        brakes_m=None if main is None else main.begins_m % length_m,
        throttle_m=None if pick_up is None else pick_up % length_m,
        brakes_again_m=again[0].begins_m % length_m if again else None,
        lifts_m=None if lift is None else lift % length_m,
    )


def _lift_m(trace: Trace, from_m: float, to_m: float, corners: Sequence[Corner]) -> float | None:
    """Return where the throttle is lifted on a straight: in a corner that may be needed."""
    found = lift_m(trace, from_m, to_m)
    if found is None:
        return None
    at_m, length_m = found % trace.length_m, trace.length_m
    inside = any(gap_m(at_m, one.entry_m, one.exit_m, length_m) == 0 for one in corners)
    return None if inside else found


def _fast_pass(trace: Trace, corner: Corner) -> Pass:
    """Return how a corner without a minimum of speed was driven."""
    lowest = _lowest(trace.speed, trace.step_m, corner)
    return Pass(
        corner=corner.name,
        begins_m=corner.entry_m,
        time_s=0.0,
        entry_mps=trace.speed_at(corner.entry_m),
        minimum_m=lowest * trace.step_m,
        minimum_mps=float(trace.speed[lowest]),
        exit_mps=trace.speed_at(corner.exit_m),
    )
