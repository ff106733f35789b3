"""What mistakes did, and what they cost, by driving the same lap without them."""

import math
from collections.abc import Iterator
from itertools import islice
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from producers.sources.sim.corners import Pass
from producers.sources.sim.lap import Lap, plan
from producers.sources.sim.laps import Drive
from producers.sources.sim.mistakes import Mistake
from producers.sources.sim.race import Race
from producers.sources.sim.source import lap_report

FELT_MPS: Final = 0.05
"""A place is driven otherwise from this difference on."""


class Truth(Struct, frozen=True):
    """State what one mistake did, against the same lap with all mistakes but this one.

    `cost_s` is lost on this lap; `begins_m` to `ends_m` is where the speed differs, and `made` and
    `without` are how the corner was taken and would have been.
    """

    mistake: Mistake
    corner: str
    cost_s: float
    begins_m: float
    ends_m: float
    made: Pass
    without: Pass


class Driven(Struct, frozen=True):
    """State one flying lap: what the sim reports of it, and the truth of its mistakes."""

    lap_number: int
    lap_time_s: float
    sectors_s: tuple[float, ...]
    valid: bool
    mistakes: tuple[Truth, ...]


def driven_laps(race: Race, laps: int) -> Iterator[Driven]:
    """Drive a race and yield its first flying laps; raises ValueError when it cannot be driven."""
    for lap in islice(Drive(race).laps(), 1, laps + 1):
        report = lap_report(race, lap, 0)
        yield Driven(
            lap_number=report.lap_number,
            lap_time_s=report.lap_time_s,
            sectors_s=report.sectors_s,
            valid=bool(report.valid),
            mistakes=tuple(_truth(lap, mistake) for mistake in lap.task.mistakes),
        )


def _truth(lap: Lap, mistake: Mistake) -> Truth:
    others = tuple(other for other in lap.task.mistakes if other is not mistake)
    without = plan(replace(lap.task, mistakes=others))
    track, turn = lap.task.track, mistake.turn - 1
    both = zip(lap.squares, without.squares, strict=True)
    felt = [node for node, (a, b) in enumerate(both) if abs(math.sqrt(a) - math.sqrt(b)) > FELT_MPS]
    return Truth(
        mistake=mistake,
        corner=track.corners[turn].name,
        cost_s=lap.time_s - without.time_s,
        begins_m=felt[0] * track.step_m if felt else math.nan,
        ends_m=felt[-1] * track.step_m if felt else math.nan,
        made=lap.passes[turn],
        without=without.passes[turn],
    )
