"""The effect of mistakes on a lap's plan, sized by the same lap without them."""

import math
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from producers.sources.sim.corners import Pass, Slowest, between
from producers.sources.sim.line import Swerve
from producers.sources.sim.mistakes import Mistake
from producers.sources.sim.track import Corner, Track

WIDE_S: Final = 1.9
DIP_LEAST_M: Final = 40.0


class Drawn(Struct, frozen=True):
    """Hold a lap as drawn: squares of speed under a ceiling, gears, and passes of corners."""

    squares: Sequence[float]
    gears: Sequence[int]
    ceiling: Sequence[float]
    held: Sequence[Slowest]
    passes: tuple[Pass, ...]


class Slips(Struct, frozen=True):
    """Hold the effect of mistakes: limits as squares of speed, and m added by turn."""

    caps: Sequence[float]
    early_m: dict[int, float] = {}
    late_m: dict[int, float] = {}


def slips_of(
    track: Track, mistakes: Iterable[Mistake], caps: Sequence[float], drawn: Drawn
) -> Slips:
    """Return the effect of mistakes; raises ValueError for early braking in a turn without any."""
    lowered = list(caps)
    early_m: dict[int, float] = {}
    late_m: dict[int, float] = {}
    for mistake in mistakes:
        if mistake.kind == "brakes-early":
            early_m[mistake.turn] = _shift_m(track, drawn, mistake)
        elif mistake.kind == "late-throttle":
            late_m[mistake.turn] = mistake.size
        elif mistake.kind == "slow-minimum":
            _dip(track, drawn, mistake, lowered)
    return Slips(lowered, early_m, late_m)


def wide(track: Track, corner: Corner, aside_m: float) -> Swerve:
    """Return the swerve of a car that runs wide after the exit, as sharp as its speed allows."""
    radius_m = 1 / abs(track.curvature[track.node(corner.apex_m)])
    ramp_m = max(WIDE_S * math.sqrt(15 * radius_m), 50.0)
    return Swerve(corner.exit_m + 0.8 * ramp_m, -corner.direction * aside_m, ramp_m)


def _shift_m(track: Track, drawn: Drawn, mistake: Mistake) -> float:
    """Return the shift in m of the braking curve with which braking begins `size` m earlier."""
    brakes_m = drawn.passes[mistake.turn - 1].brakes_m
    if brakes_m is None:
        raise ValueError(f"mistake: turn {mistake.turn} needs no brakes after the turn before it")
    onset = (brakes_m - mistake.size) / track.step_m
    square = between(drawn.squares, onset, track.nodes)
    slow = drawn.held[mistake.turn - 1]
    nodes = range(int(brakes_m / track.step_m), slow.first)
    node = next((n for n in nodes if drawn.ceiling[n + 1] <= square), slow.first - 1)
    before, after = drawn.ceiling[node], drawn.ceiling[node + 1]
    place = node + min(max((before - square) / (before - after), 0.0), 1.0)
    return (place - onset) * track.step_m


def _dip(track: Track, drawn: Drawn, mistake: Mistake, caps: list[float]) -> None:
    """Lower the speed around the slowest place by `size` m/s at most."""
    slow = drawn.held[mistake.turn - 1]
    middle = (slow.first + slow.last) / 2
    reach = max((slow.last - slow.first) / 2 * 1.3, DIP_LEAST_M / track.step_m)
    for node in range(max(int(middle - reach), 0), min(int(middle + reach) + 2, len(caps))):
        share = max(1 - ((node - middle) / reach) ** 2, 0.0) ** 2
        if share > 0:
            speed = math.sqrt(drawn.squares[node]) - mistake.size * share
            caps[node] = min(caps[node], max(speed, 1.0) ** 2)
