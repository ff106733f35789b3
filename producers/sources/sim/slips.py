"""The effect of mistakes and hindrances on a lap's plan."""

import math
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from producers.sources.sim.corners import Later
from producers.sources.sim.drawn import (
    Drawn,
    dipped,
    late_shift_m,
    lift,
    onset_m,
    shift_m,
    slowed,
    stab,
)
from producers.sources.sim.hindrances import Hindrance, held_back, moved_pedals
from producers.sources.sim.line import Swerve
from producers.sources.sim.mistakes import Kind, Mistake
from producers.sources.sim.profile import Coast
from producers.sources.sim.track import Corner, Track

WIDE_S: Final = 1.9
LOCKED_SHARE: Final = 0.45
"""Share of the braking that is lost while the wheels are locked."""

LOCKS_AFTER_M: Final = 12.0
DEEP_SLOWS: Final = 0.12
"""Speed in m/s that is scrubbed off in the corner for each metre of a mistake's size."""

WAITS: Final[dict[Kind, float]] = {
    "late-throttle": 1.0,
    "too-fast-in": 3.0,
    "lock-up": 3.0,
    "wide": 6.0,
    "early-throttle": 1.5,
}
"""Metres without throttle at the exit for each metre of a mistake's size."""

DEEP_ASIDE: Final = 0.2
STAB_AFTER_M: Final = 15.0
SLIDES_BEFORE_M: Final = 6.0


class Slide(Struct, frozen=True):
    """Describe a slide between two nodes, without pedals, up to an angle in rad, left positive."""

    first: int
    last: int
    angle: float

    def at(self, node: int) -> float:
        """Return the angle at a node."""
        share = (node - self.first) / (self.last - self.first)
        return self.angle * math.sin(math.pi * share) ** 2 if 0 < share < 1 else 0.0


class Press(Struct, frozen=True):
    """Describe a throttle that is pressed to no effect between two nodes: the tyres slide."""

    first: int
    last: int


class Slips(Struct, frozen=True):
    """Hold the effect of mistakes and hindrances.

    `caps` are limits as squares of speed, `stabs` those that leave the corner's own minimum alone,
    by node. By turn: m added before braking and before the throttle, and a longer way to the
    minimum.
    """

    caps: Sequence[float]
    stabs: dict[int, float] = {}
    early_m: dict[int, float] = {}
    late_m: dict[int, float] = {}
    later: dict[int, Later] = {}
    coasts: tuple[Coast, ...] = ()
    slides: tuple[Slide, ...] = ()
    presses: tuple[Press, ...] = ()


def hindered(
    track: Track,
    hindrances: Sequence[Hindrance],
    seed: int,
    caps: Sequence[float],
    drawn: Drawn,
) -> Slips:
    """Return the effect of hindrances on a lap as it was drawn without any."""
    pedals = moved_pedals(track, hindrances, seed)
    return Slips(
        caps=held_back(track, hindrances, drawn.squares, caps),
        early_m={turn: early_m for turn, (early_m, _) in pedals.items()},
        late_m={turn: late_m for turn, (_, late_m) in pedals.items()},
    )


def slips_of(track: Track, mistakes: Iterable[Mistake], slips: Slips, drawn: Drawn) -> Slips:
    """Add the effect of mistakes, sized by the lap as it was drawn without them.

    Raises ValueError for braking early or late in a turn without any braking.
    """
    for mistake in mistakes:
        slips = _with(slips, track, drawn, mistake)
    return slips


def _with(slips: Slips, track: Track, drawn: Drawn, mistake: Mistake) -> Slips:
    turn, size = mistake.turn, mistake.size
    if mistake.kind in WAITS:
        slips = replace(slips, late_m=slips.late_m | {turn: WAITS[mistake.kind] * size})
    match mistake.kind:
        case "brakes-early":
            early_m = shift_m(track, drawn, mistake)
            slips = replace(slips, early_m=slips.early_m | {turn: early_m})
        case "slow-minimum":
            slips = replace(slips, caps=dipped(track, drawn, mistake, slips.caps))
        case "slow-arc":
            slips = replace(slips, caps=slowed(track, drawn, mistake, slips.caps))
        case "too-fast-in":
            later = Later(late_shift_m(track, drawn, mistake), DEEP_SLOWS * size)
            slips = replace(slips, later=slips.later | {turn: later})
        case "lock-up":
            from_m = onset_m(drawn, turn) + LOCKS_AFTER_M
            later = Later(size, DEEP_SLOWS * size, from_m, size / LOCKED_SHARE)
            slips = replace(slips, later=slips.later | {turn: later})
        case "early-throttle":
            opens = drawn.held[turn - 1].last
            press = Press(opens - max(round(size / track.step_m), 1), opens)
            slips = replace(slips, presses=(*slips.presses, press))
        case "lift":
            slips = replace(slips, coasts=(*slips.coasts, lift(track, drawn, mistake)))
        case "second-brake" | "spin":
            slips = _stabbed(slips, track, drawn, mistake)
    return slips


def _stabbed(slips: Slips, track: Track, drawn: Drawn, mistake: Mistake) -> Slips:
    """Lose `size` m/s at once after the exit has begun, by the brakes or by sliding."""
    begins_m = drawn.passes[mistake.turn - 1].throttle_m + STAB_AFTER_M
    last, least = stab(track, drawn, begins_m, mistake.size)
    slips = replace(slips, stabs=slips.stabs | {last: least})
    if mistake.kind == "second-brake":
        return slips
    angle = track.corners[mistake.turn - 1].direction * min(mistake.size / 20, 1.5)
    slide = Slide(track.node(begins_m - SLIDES_BEFORE_M), last, angle)
    return replace(slips, slides=(*slips.slides, slide))


def beside(track: Track, mistake: Mistake) -> Swerve | None:
    """Return the swerve that a mistake makes, None for one on the line."""
    corner = track.corners[mistake.turn - 1]
    match mistake.kind:
        case "off-track" | "wide":
            return wide(track, corner, mistake.size)
        case "too-fast-in" | "lock-up":
            return wide(track, corner, min(DEEP_ASIDE * mistake.size, track.half_width_m - 1))
        case "spin":
            return wide(track, corner, track.half_width_m - 1)
    return None


def wide(track: Track, corner: Corner, aside_m: float) -> Swerve:
    """Return the swerve of a car that runs wide after the exit, as sharp as its speed allows."""
    radius_m = 1 / abs(track.curvature[track.node(corner.apex_m)])
    ramp_m = max(WIDE_S * math.sqrt(15 * radius_m), 50.0)
    return Swerve(corner.exit_m + 0.8 * ramp_m, -corner.direction * aside_m, ramp_m)
