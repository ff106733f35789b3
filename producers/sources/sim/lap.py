"""One lap, planned before it is driven: line, speeds and mistakes."""

import math
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from producers.sources.sim.car import Car
from producers.sources.sim.corners import (
    Pass,
    between,
    brake_early,
    brake_late,
    passes,
    slowest,
)
from producers.sources.sim.drawn import Drawn
from producers.sources.sim.driver import NO_HABITS, Driver, Habits, Intent, swerve
from producers.sources.sim.hindrances import Hindrance
from producers.sources.sim.line import Line, Swerve, line
from producers.sources.sim.mistakes import Mistake
from producers.sources.sim.profile import Coast, Way, accelerate, brake, limits, soften
from producers.sources.sim.slips import Press, Slide, Slips, beside, hindered, slips_of
from producers.sources.sim.track import Track

FLYING: Final = 60.0**2
PIT_RAMP_M: Final = 60.0
GRASS_MPS2: Final = 0.8


class Task(Struct, frozen=True):
    """Hold every input of one lap's plan.

    `begins` is the square of speed at the first node; `stands` is (node, seconds) of a standstill;
    `first` is the first node, above 0 for a lap that does not begin at the line.
    """

    track: Track
    car: Car
    driver: Driver
    number: int
    mass_kg: float
    grip: float
    begins: float = FLYING
    enters_pit: bool = False
    leaves_pit: bool = False
    stands: tuple[int, float] | None = None
    first: int = 0
    mistakes: tuple[Mistake, ...] = ()
    hindrances: tuple[Hindrance, ...] = ()
    habits: Habits = NO_HABITS


class Lap(Struct, frozen=True):
    """Hold a planned lap, node by node; `reached_s` counts from the lap's first node.

    `valid_until` is the node at which the car leaves the track, None when it stays on it.
    """

    task: Task
    line: Line
    squares: Sequence[float]
    gears: Sequence[int]
    reached_s: Sequence[float]
    passes: tuple[Pass, ...]
    valid_until: int | None
    slides: tuple[Slide, ...] = ()
    presses: tuple[Press, ...] = ()

    @property
    def time_s(self) -> float:
        """Return the lap's duration."""
        return self.reached_s[-1]

    def at_s(self, distance_m: float) -> float:
        """Return the time at which a distance is reached."""
        return between(self.reached_s, distance_m / self.task.track.step_m, self.task.track.nodes)

    def sectors_s(self) -> tuple[float, ...]:
        """Return the duration of each sector."""
        first, second = (self.at_s(end_m) for end_m in self.task.track.sector_ends_m)
        return first, second - first, self.time_s - second


def plan(task: Task) -> Lap:
    """Plan a lap; raises ValueError when a mistake cannot be made on it."""
    driven = line(task.track, _swerves(task))
    way = Way(task.track, task.car, driven, task.mass_kg, task.grip)
    intents = _intents(task)
    off = [node for node, aside_m in enumerate(driven.offset_m) if _is_off(task, node, aside_m)]
    slips = Slips(_capped(task, limits(way, intents)))
    drawn = _draw(way, task, intents, slips, off)
    if task.hindrances or any(mistake.kind != "off-track" for mistake in task.mistakes):
        slips = hindered(task.track, task.hindrances, task.driver.seed, slips.caps, drawn)
        slips = slips_of(task.track, task.mistakes, slips, drawn)
        drawn = _draw(way, task, intents, slips, off)
    squares = soften(drawn.squares)
    return Lap(
        task=task,
        line=driven,
        squares=squares,
        gears=drawn.gears,
        reached_s=_times(task, driven, squares),
        passes=drawn.passes,
        valid_until=off[0] if off else None,
        slides=slips.slides,
        presses=slips.presses,
    )


def _intents(task: Task) -> tuple[Intent, ...]:
    return task.driver.intents(task.number, task.track, task.habits)


def _draw(
    way: Way, task: Task, intents: Sequence[Intent], slips: Slips, off: Sequence[int]
) -> Drawn:
    track, turns = way.track, list(enumerate(intents, 1))
    early_m = [intent.brakes_early_m + slips.early_m.get(turn, 0.0) for turn, intent in turns]
    late_m = [
        max(intent.throttle_late_m + slips.late_m.get(turn, 0.0), 0.0) for turn, intent in turns
    ]
    braking = brake(way, slips.caps)
    held = slowest(track, braking)
    if slips.stabs:
        braking = brake(way, [min(c, slips.stabs.get(n, c)) for n, c in enumerate(slips.caps)])
    ceiling = brake_early(track, braking, held, early_m)
    for turn, later in slips.later.items():
        ceiling = brake_late(track, ceiling, held, turn, later)
    coasts = [Coast(node, node + 1, GRASS_MPS2) for node in off]
    for slow, late in zip(held, late_m, strict=True):
        coasts.append(Coast(slow.last, slow.last + late / track.step_m))
    squares, gears = accelerate(way, ceiling, [*coasts, *slips.coasts], task.begins)
    taken = tuple(passes(track, squares, ceiling, held, late_m))
    return Drawn(squares, gears, ceiling, held, taken)


def _swerves(task: Task) -> Iterator[Swerve]:
    track = task.track
    for corner, intent in zip(track.corners, _intents(task), strict=True):
        yield swerve(corner, intent)
    for mistake in task.mistakes:
        if aside := beside(track, mistake):
            yield aside
    pit, long_m = track.pit, track.length_m
    if task.enters_pit:
        inside_m = pit.entry_m - PIT_RAMP_M
        yield Swerve(long_m, pit.aside_m, PIT_RAMP_M, 2 * inside_m)
    if task.leaves_pit:
        yield Swerve(0.0, pit.aside_m, PIT_RAMP_M, 2 * (pit.exit_m - PIT_RAMP_M))


def _is_off(task: Task, node: int, aside_m: float) -> bool:
    return abs(aside_m) > task.track.half_width_m and not in_pit_lane(task, node)


def in_pit_lane(task: Task, node: int) -> bool:
    """Return whether a node of the lap lies in the pit lane."""
    track = task.track
    at_m = node * track.step_m
    entered = task.enters_pit and at_m >= track.length_m - track.pit.entry_m
    return entered or (task.leaves_pit and at_m <= track.pit.exit_m)


def _capped(task: Task, caps: list[float]) -> list[float]:
    """Limit the squares of speed to that of the pit lane, and to 0 at a standstill."""
    limit = task.track.pit.limit_mps**2
    if task.enters_pit or task.leaves_pit:
        # A node's channels hold until the next node, so the limit covers that one too.
        lane = [in_pit_lane(task, node) for node in range(len(caps))]
        held = [here or before for here, before in zip(lane, [lane[0], *lane], strict=False)]
        caps = [min(c, limit) if h else c for c, h in zip(caps, held, strict=True)]
    if task.stands is not None:
        caps[task.stands[0]] = 0.0
    return caps


def _times(task: Task, driven: Line, squares: Sequence[float]) -> list[float]:
    """Return when each node is reached; those before the first one at once."""
    speeds = [math.sqrt(square) for square in squares]
    step_m, now_s = task.track.step_m, 0.0
    stands_at, stands_s = task.stands or (-1, 0.0)
    reached = [0.0] * (task.first + 1)
    for node in range(task.first, task.track.nodes):
        way_m = step_m * (driven.stretch[node] + driven.stretch[node + 1]) / 2
        now_s += 2 * way_m / (speeds[node] + speeds[node + 1])
        now_s += stands_s if node == stands_at else 0.0
        reached.append(now_s)
    return reached
