"""The driving of corners: places of lowest speed, of braking and of accelerating."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from producers.sources.sim.track import Track

SCRUBS_OVER_M: Final = 12.0
AT_MINIMUM: Final = 1.004
"""Squares of speed up to this times the lowest one belong to the minimum of a corner."""


class Pass(Struct, frozen=True):
    """Describe how a corner was driven, in m from the line.

    `brakes_m` is the middle of pressing the brake pedal, None for a corner without braking. From
    `throttle_m` on the throttle may be open.
    """

    turn: int
    brakes_m: float | None
    minimum_m: float
    minimum_mps: float
    throttle_m: float


class Slowest(Struct, frozen=True):
    """Hold the first and last node at which a corner limits cars to its lowest speed."""

    first: int
    last: int


class Later(Struct, frozen=True):
    """Describe the way to a corner's lowest speed as `shift_m` longer.

    The shift grows over `over_m` from `from_m` on, where the brakes hold less; 0 shifts the whole
    braking. After it the car is slower by `slows_mps`.
    """

    shift_m: float
    slows_mps: float
    from_m: float = 0.0
    over_m: float = 0.0

    def at_m(self, distance_m: float) -> float:
        """Return the shift at a place."""
        if self.over_m == 0:
            return self.shift_m
        return self.shift_m * min(max((distance_m - self.from_m) / self.over_m, 0.0), 1.0)


def slowest(track: Track, braking: Sequence[float]) -> list[Slowest]:
    """Return the slowest part of each corner."""
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
    """Return the squares of speed of a driver who brakes `early_m` before each corner's limit."""
    earlier = list(braking)
    after = 0
    for slow, metres in zip(held, early_m, strict=True):
        if metres > 0:
            shift = metres / track.step_m
            for node in range(after, slow.first):
                earlier[node] = min(braking[node], between(braking, node + shift, slow.first))
        after = slow.last
    return earlier


def brake_late(
    track: Track, braking: Sequence[float], held: Sequence[Slowest], turn: int, later: Later
) -> list[float]:
    """Return the squares of speed of a driver whose braking comes late in one corner.

    The car asks for more grip than there is and runs wide.
    """
    late = list(braking)
    after = held[turn - 2].last if turn > 1 else 0
    slow = held[turn - 1]
    until = min(slow.first + int(later.shift_m / track.step_m) + 1, track.nodes)
    for node in range(after + 1, until):
        place = max(node - later.at_m(node * track.step_m) / track.step_m, after)
        late[node] = max(braking[node], between(braking, place, track.nodes))
    for node in range(until, slow.last + 1):
        share = min((node - until) * track.step_m / SCRUBS_OVER_M, 1.0)
        late[node] = max(math.sqrt(late[node]) - later.slows_mps * share, 1.0) ** 2
    return late


def passes(
    track: Track,
    squares: Sequence[float],
    ceiling: Sequence[float],
    held: Sequence[Slowest],
    late_m: Sequence[float],
) -> Iterator[Pass]:
    """Yield how each corner was driven, from speeds before `soften` rounds their peaks."""
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
    """Return the place in nodes at which a car meets the ceiling after its fastest one."""
    fastest = max(range(after, until), key=squares.__getitem__, default=after)
    nodes = range(max(fastest, after + 2), until)
    met = next((node for node in nodes if squares[node] >= ceiling[node] * (1 - 1e-9)), None)
    if met is None or squares[met - 1] >= ceiling[met - 1] * (1 - 1e-9):
        return None
    gains = squares[met - 1] - squares[met - 2]
    falls = ceiling[met - 1] - ceiling[met]
    return met - 1 + min((ceiling[met - 1] - squares[met - 1]) / (gains + falls), 1.0)


def between(values: Sequence[float], place: float, last: int) -> float:
    """Interpolate the value at a place in nodes; from `last` on, its value holds."""
    if place >= last:
        return values[last]
    node = int(place)
    return values[node] + (place - node) * (values[node + 1] - values[node])
