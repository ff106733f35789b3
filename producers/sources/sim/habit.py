"""The seconds that each corner of a lap cost against the driver's habit, by driving it that way.

A driver's chance brakes early or slows too much without any mistake that was asked for: those
seconds are as lost as a mistake's.
"""

from typing import Final

from msgspec.structs import replace

from producers.sources.sim.driver import Intent
from producers.sources.sim.lap import Lap, plan

PARTS: Final = Intent.__struct_fields__


def losses_s(lap: Lap) -> tuple[float, ...]:
    """Return by turn the seconds lost against the lap with that corner driven by habit.

    Habit makes no mistake; hindrances and all other corners stay as they were.
    """
    return tuple(_lost_s(lap, corner.number, PARTS) for corner in lap.task.track.corners)


def parts_s(lap: Lap, turn: int) -> dict[str, float]:
    """Return the seconds lost in a corner by each part of its intent and each mistake, alone."""
    parts = {part: _lost_s(lap, turn, (part,), mistakes=True) for part in PARTS}
    for mistake in lap.task.mistakes:
        if mistake.turn == turn:
            others = tuple(other for other in lap.task.mistakes if other is not mistake)
            parts[mistake.kind] = lap.time_s - plan(replace(lap.task, mistakes=others)).time_s
    return parts


def _lost_s(lap: Lap, turn: int, parts: tuple[str, ...], mistakes: bool = False) -> float:
    made = lap.task.mistakes
    left = made if mistakes else tuple(mistake for mistake in made if mistake.turn != turn)
    return lap.time_s - plan(replace(lap.task, mistakes=left, habits={turn: parts})).time_s
