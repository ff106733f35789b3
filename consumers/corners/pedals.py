"""What a driver's feet did on a lap: braking, picking up the throttle, lifting it."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from consumers.corners.closed import Mask, ahead_m, joined, runs
from consumers.corners.trace import Trace
from pitbox.chunks.arrays import Column

PRESSED: Final = 0.1
SLOWS_MPS2: Final = 2.5
"""A car without a brake channel brakes where it slows by more than this."""

GAP_M: Final = 12.0
OPEN: Final = 0.5
CLOSED: Final = 0.15
"""The throttle is picked up where it leaves this share on the way to half of its travel."""

SUSTAINED_M: Final = 20.0
LIFTED: Final = 0.3
LIFT_M: Final = 12.0


class Braking(Struct, frozen=True):
    """Hold one braking: places in m, which go on beyond the line, and the speed that it takes."""

    begins_m: float
    ends_m: float
    takes_mps: float


def brakings(trace: Trace) -> list[Braking]:
    """Return the brakings of a lap, by the pedal, else by the deceleration."""
    signal, limit = (trace.brake, PRESSED) if trace.brake is not None else _slowing(trace)
    gap = int(GAP_M / trace.step_m)
    found = []
    for first, last in joined(runs(signal > limit), trace.nodes, gap):
        before, at = signal[(first - 1) % trace.nodes], signal[first % trace.nodes]
        share = (limit - before) / (at - before) if at > before else 1.0
        takes_mps = trace.speed[(first - 1) % trace.nodes] - trace.speed[last % trace.nodes]
        found.append(
            Braking(
                begins_m=(first - 1 + float(share)) * trace.step_m,
                ends_m=last * trace.step_m,
                takes_mps=float(takes_mps),
            )
        )
    return found


def _slowing(trace: Trace) -> tuple[Column, float]:
    """Return the deceleration at each node in m/s²: half the fall of speed squared over the way."""
    squares = trace.speed**2
    return (np.roll(squares, 1) - np.roll(squares, -1)) / (4 * trace.step_m), SLOWS_MPS2


def pick_up_m(trace: Trace, from_m: float, to_m: float) -> float | None:
    """Return where the throttle leaves the closed position on its way to half open and held."""
    if trace.throttle is None:
        return None
    places, values = _stretch(trace, trace.throttle, from_m, to_m)
    opened = _first_sustained(values > OPEN, max(int(SUSTAINED_M / trace.step_m), 1))
    if opened is None:
        return None
    closed = np.flatnonzero(values[:opened] < CLOSED)
    if not len(closed):
        return float(places[0])
    before = int(closed[-1])
    share = (CLOSED - values[before]) / (values[before + 1] - values[before])
    return float(places[before] + share * trace.step_m)


def lift_m(trace: Trace, from_m: float, to_m: float) -> float | None:
    """Return where a throttle that was open is closed again before `to_m`."""
    if trace.throttle is None:
        return None
    places, values = _stretch(trace, trace.throttle, from_m, to_m)
    opened = _first_sustained(values > OPEN, max(int(SUSTAINED_M / trace.step_m), 1))
    if opened is None:
        return None
    least = max(int(LIFT_M / trace.step_m), 1)
    lifted = _first_sustained(values[opened:] < LIFTED, least, to_the_end=False)
    return None if lifted is None else float(places[opened + lifted])


def _stretch(trace: Trace, column: Column, from_m: float, to_m: float) -> tuple[Column, Column]:
    """Return places and values of the nodes from a place to a later one, at least two."""
    first = int(np.ceil(from_m / trace.step_m))
    last = max(int(to_m / trace.step_m), first + 1)
    nodes = np.arange(first, last + 1)
    return np.multiply(nodes, trace.step_m), column[nodes % trace.nodes]


def _first(mask: Mask) -> int | None:
    found = int(mask.argmax()) if len(mask) else 0
    return found if len(mask) and mask[found] else None


def _first_sustained(mask: Mask, count: int, *, to_the_end: bool = True) -> int | None:
    """Return the first index from which on `count` values are True, or all until the end."""
    begin = 0
    while (found := _first(mask[begin:])) is not None:
        begin += found
        ends = _first(~mask[begin:])
        if ends is None:
            return begin if to_the_end or len(mask) - begin >= count else None
        if ends >= count:
            return begin
        begin += ends
    return None


def within(found: Sequence[Braking], from_m: float, to_m: float, length_m: float) -> list[Braking]:
    """Return the brakings that begin between a place and a later one, with places counted on."""
    moved = [_moved(one, ahead_m(from_m, one.begins_m, length_m) + from_m) for one in found]
    return sorted((one for one in moved if one.begins_m < to_m), key=lambda one: one.begins_m)


def hardest(found: Sequence[Braking]) -> Braking | None:
    """Return the braking that takes most speed."""
    return max(found, key=lambda one: one.takes_mps, default=None)


def _moved(braking: Braking, begins_m: float) -> Braking:
    ends_m = begins_m + braking.ends_m - braking.begins_m
    return Braking(begins_m, ends_m, braking.takes_mps)
