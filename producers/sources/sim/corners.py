"""How corners are taken: where they hold a car, where it brakes, where it may accelerate."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from producers.sources.sim.track import Track

AT_MINIMUM: Final = 1.004
"""Speeds whose squares are within this of the lowest are the minimum of a corner."""


class Pass(Struct, frozen=True):
    """Say how a corner was driven, in m from the line.

    `brakes_m` is the middle of pressing the brake pedal, None for a corner taken without;
    `throttle_m` is where the throttle may be opened again.
    """

    turn: int
    brakes_m: float | None
    minimum_m: float
    minimum_mps: float
    throttle_m: float


class Slowest(Struct, frozen=True):
    """Say from which node to which a corner holds cars to its lowest speed."""

    first: int
    last: int


def slowest(track: Track, braking: Sequence[float]) -> list[Slowest]:
    """Return where each corner is slowest."""
    found = []
    for corner in track.corners:
        nodes = track.nodes_of(corner)
        least = min(braking[node] for node in nodes) * AT_MINIMUM
        held = [node for node in nodes if braking[node] <= least]
        found.append(Slowest(held[0], held[-1]))
    return found


def brake_early(
    track: Track, braking: Sequence[float], held: Sequence[Slowest], early_m: Iterable[float]
) -> list[float]:
    """Return the squares of speed of a driver who brakes some m before each corner's limit."""
    earlier = list(braking)
    after = 0
    for slow, metres in zip(held, early_m, strict=True):
        if metres > 0:
            shift = metres / track.step_m
            for node in range(after, slow.first):
                earlier[node] = min(braking[node], between(braking, node + shift, slow.first))
        after = slow.last
    return earlier


def passes(
    track: Track,
    squares: Sequence[float],
    ceiling: Sequence[float],
    held: Sequence[Slowest],
    late_m: Sequence[float],
) -> Iterator[Pass]:
    """Tell how each corner was driven, before peaks are rounded off."""
    after = 0
    for corner, slow, late in zip(track.corners, held, late_m, strict=True):
        lowest = min(track.nodes_of(corner), key=squares.__getitem__)
        onset = _onset(squares, ceiling, after, slow.first)
        yield Pass(
            turn=corner.number,
            brakes_m=None if onset is None else onset * track.step_m,
            minimum_m=lowest * track.step_m,
            minimum_mps=math.sqrt(squares[lowest]),
            throttle_m=slow.last * track.step_m + late,
        )
        after = slow.last


def _onset(
    squares: Sequence[float], ceiling: Sequence[float], after: int, until: int
) -> float | None:
    """Return where, between two nodes, a car meets the ceiling after it was fastest."""
    fastest = max(range(after, until), key=squares.__getitem__, default=after)
    nodes = range(max(fastest, after + 2), until)
    met = next((node for node in nodes if squares[node] >= ceiling[node] * (1 - 1e-9)), None)
    if met is None or squares[met - 1] >= ceiling[met - 1] * (1 - 1e-9):
        return None
    gains = squares[met - 1] - squares[met - 2]
    falls = ceiling[met - 1] - ceiling[met]
    return met - 1 + min((ceiling[met - 1] - squares[met - 1]) / (gains + falls), 1.0)


def between(values: Sequence[float], place: float, last: int) -> float:
    """Return the value at a place between nodes, held from the last one on."""
    if place >= last:
        return values[last]
    node = int(place)
    return values[node] + (place - node) * (values[node + 1] - values[node])
