"""The effect and cost of mistakes, by driving the same lap without them."""

import math
from collections.abc import Iterator
from itertools import islice
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from producers.sources.sim.corners import Pass
from producers.sources.sim.habit import losses_s
from producers.sources.sim.lap import Lap, plan
from producers.sources.sim.laps import Drive
from producers.sources.sim.mistakes import Mistake
from producers.sources.sim.race import Race
from producers.sources.sim.source import lap_report

DIFFERS_MPS: Final = 0.05
"""Difference of speed from which on a place counts as driven differently."""


class Truth(Struct, frozen=True):
    """State the effect of one mistake, against the same lap with all mistakes but this one.

    `cost_s` is the time lost on this lap. From `begins_m` to `ends_m` the speed differs. `made` is
    the pass of the corner with the mistake, `without` the one without it.
    """

    mistake: Mistake
    corner: str
    cost_s: float
    begins_m: float
    ends_m: float
    made: Pass
    without: Pass


class Driven(Struct, frozen=True):
    """State one flying lap: the sim's report of it, and the truth of its mistakes.

    `lost_s` is by turn, against the same lap with that corner driven by the driver's habit.
    """

    lap_number: int
    lap_time_s: float
    sectors_s: tuple[float, ...]
    valid: bool
    mistakes: tuple[Truth, ...]
    lost_s: tuple[float, ...]


def driven_laps(race: Race, laps: int) -> Iterator[Driven]:
    """Drive a race and yield its first flying laps; raises ValueError when it cannot be driven."""
    for lap in islice(Drive(race).laps(), 1, laps + 1):
        report = lap_report(race, lap, 0)
        yield Driven(
            lap_number=report.lap_number,
            lap_time_s=report.lap_time_s,
            sectors_s=report.sectors_s,
            valid=bool(report.valid),
            mistakes=tuple(truths(lap)),
            lost_s=losses_s(lap),
        )


def truths(lap: Lap) -> Iterator[Truth]:
    """Yield the truth of each mistake of a lap."""
    for mistake in lap.task.mistakes:
        yield _truth(lap, mistake)


def _truth(lap: Lap, mistake: Mistake) -> Truth:
    others = tuple(other for other in lap.task.mistakes if other is not mistake)
    without = plan(replace(lap.task, mistakes=others))
    track, turn = lap.task.track, mistake.turn - 1
    both = zip(lap.squares, without.squares, strict=True)
    differ = [
        node for node, (a, b) in enumerate(both) if abs(math.sqrt(a) - math.sqrt(b)) > DIFFERS_MPS
    ]
    return Truth(
        mistake=mistake,
        corner=track.corners[turn].name,
        cost_s=lap.time_s - without.time_s,
        begins_m=differ[0] * track.step_m if differ else math.nan,
        ends_m=differ[-1] * track.step_m if differ else math.nan,
        made=lap.passes[turn],
        without=without.passes[turn],
    )
