"""A lap as drawn without mistakes, and the places and speeds that mistakes take from it."""

import math
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from producers.sources.sim.corners import Pass, Slowest, between
from producers.sources.sim.mistakes import Mistake
from producers.sources.sim.profile import Coast
from producers.sources.sim.track import Track

DIP_LEAST_M: Final = 40.0
ARC_RAMP: Final = 0.15
LIFT_SHARE: Final = 0.8
STAB_MPS2: Final = 8.0
SLOWEST_MPS: Final = 1.5


class Drawn(Struct, frozen=True):
    """Hold a lap as drawn: squares of speed under a ceiling, gears, and passes of corners."""

    squares: Sequence[float]
    gears: Sequence[int]
    ceiling: Sequence[float]
    held: Sequence[Slowest]
    passes: tuple[Pass, ...]


def onset_m(drawn: Drawn, turn: int) -> float:
    """Return where a turn's braking begins; raises ValueError where it needs none."""
    brakes_m = drawn.passes[turn - 1].brakes_m
    if brakes_m is None:
        raise ValueError(f"mistake: turn {turn} needs no brakes after the turn before it")
    return brakes_m


def shift_m(track: Track, drawn: Drawn, mistake: Mistake) -> float:
    """Return the shift in m of the braking curve with which braking begins `size` m earlier."""
    brakes_m = onset_m(drawn, mistake.turn)
    onset = (brakes_m - mistake.size) / track.step_m
    square = between(drawn.squares, onset, track.nodes)
    slow = drawn.held[mistake.turn - 1]
    nodes = range(int(brakes_m / track.step_m), slow.first)
    node = next((n for n in nodes if drawn.ceiling[n + 1] <= square), slow.first - 1)
    before, after = drawn.ceiling[node], drawn.ceiling[node + 1]
    place = node + min(max((before - square) / (before - after), 0.0), 1.0)
    return (place - onset) * track.step_m


def late_shift_m(track: Track, drawn: Drawn, mistake: Mistake) -> float:
    """Return the shift in m of the braking curve with which braking begins `size` m later.

    Meanwhile the car gains speed as it did in the metres before.
    """
    brakes_m, step_m = onset_m(drawn, mistake.turn), track.step_m
    onset = (brakes_m + mistake.size) / step_m
    node = int(brakes_m / step_m) - 1
    gains = drawn.squares[node] - drawn.squares[node - 1]
    square = drawn.squares[node] + gains * (onset - node)
    nodes = range(node + 1, 0, -1)
    place = next((n for n in nodes if drawn.ceiling[n] >= square), node)
    return max((onset - place) * step_m, mistake.size)


def dipped(track: Track, drawn: Drawn, mistake: Mistake, caps: Sequence[float]) -> list[float]:
    """Lower the speed around the slowest place by `size` m/s at most."""
    lowered = list(caps)
    slow = drawn.held[mistake.turn - 1]
    middle = (slow.first + slow.last) / 2
    reach = max((slow.last - slow.first) / 2 * 1.3, DIP_LEAST_M / track.step_m)
    for node in range(max(int(middle - reach), 0), min(int(middle + reach) + 2, len(lowered))):
        share = max(1 - ((node - middle) / reach) ** 2, 0.0) ** 2
        _lower(lowered, drawn, node, mistake.size * share)
    return lowered


def slowed(track: Track, drawn: Drawn, mistake: Mistake, caps: Sequence[float]) -> list[float]:
    """Lower the speed over the corner by `size` m/s, with ramps at its ends."""
    lowered = list(caps)
    nodes = track.nodes_of(track.corners[mistake.turn - 1])
    ramp = ARC_RAMP * len(nodes)
    for node in nodes:
        share = min((node - nodes[0]) / ramp, (nodes[-1] - node) / ramp, 1.0)
        _lower(lowered, drawn, node, mistake.size * share)
    return lowered


def _lower(caps: list[float], drawn: Drawn, node: int, by_mps: float) -> None:
    if by_mps > 0:
        speed = math.sqrt(drawn.squares[node]) - by_mps
        caps[node] = min(caps[node], max(speed, 1.0) ** 2)


def lift(track: Track, drawn: Drawn, mistake: Mistake) -> Coast:
    """Return the lift in the middle of the straight after a corner, no longer than most of it."""
    begins_m = drawn.passes[mistake.turn - 1].throttle_m
    ends_m = track.length_m
    if mistake.turn < len(track.corners):
        ends_m = onset_m(drawn, mistake.turn + 1)
    half_m = min(mistake.size, LIFT_SHARE * (ends_m - begins_m)) / 2
    middle_m = (begins_m + ends_m) / 2
    return Coast((middle_m - half_m) / track.step_m, (middle_m + half_m) / track.step_m)


def stab(track: Track, drawn: Drawn, begins_m: float, size_mps: float) -> tuple[int, float]:
    """Return the node at which a car has lost `size_mps`, and its square of speed there."""
    square = between(drawn.squares, begins_m / track.step_m, track.nodes)
    least = max(math.sqrt(square) - size_mps, SLOWEST_MPS) ** 2
    ends_m = begins_m + (square - least) / (2 * STAB_MPS2)
    return min(track.node(ends_m), track.nodes - 1), least
