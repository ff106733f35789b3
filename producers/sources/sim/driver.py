"""A driver: the way to take each corner, from skill and chance."""

import random
from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from producers.sources.sim.line import Swerve
from producers.sources.sim.track import Corner, Track


class Intent(Struct, frozen=True):
    """Hold the way to take a corner.

    `pace` is the share of the speed that grip allows. Braking begins `brakes_early_m` before it
    has to, the throttle opens `throttle_late_m` after it could. `aside_m` is the offset from the
    line to the outside.
    """

    pace: float
    brakes_early_m: float
    throttle_late_m: float
    aside_m: float


Habits = Mapping[int, tuple[str, ...]]
"""The fields of an `Intent` that a driver takes by habit, without chance, by turn."""

NO_HABITS: Final[Habits] = {}


class Driver(Struct, frozen=True):
    """Hold a driver: `skill` is nearness to the limit, `consistency` sameness of laps; 0..1."""

    skill: float
    consistency: float
    seed: int

    def intent(self, lap: int, corner: Corner) -> Intent:
        """Return the intent for a corner of a lap; equal arguments give equal intents."""
        return self._intent(corner, random.Random(f"{self.seed}/{lap}/{corner.number}").gauss)

    def habit(self, corner: Corner) -> Intent:
        """Return the intent without chance: the median of its intents over the laps."""
        return self._intent(corner, lambda: 0.0)

    def _intent(self, corner: Corner, chance: Callable[[], float]) -> Intent:
        habit = random.Random(f"{self.seed}/{corner.number}")
        lack, spread = 1 - self.skill, 1 - self.consistency
        return Intent(
            pace=min(1 - lack * habit.uniform(0.25, 0.6) + 0.08 * spread * chance(), 1.0),
            brakes_early_m=max(lack * habit.uniform(40, 120) + 30 * spread * chance(), 0.0),
            throttle_late_m=max(lack * habit.uniform(20, 90) + 50 * spread * chance(), 0.0),
            aside_m=min(max(4 * spread * chance(), -0.6), 0.6),
        )

    def intents(self, lap: int, track: Track, habits: Habits = NO_HABITS) -> tuple[Intent, ...]:
        """Return the intent for each corner of a lap."""
        return tuple(
            _by_habit(self.intent(lap, corner), self.habit(corner), habits.get(corner.number, ()))
            for corner in track.corners
        )


def _by_habit(intent: Intent, habit: Intent, fields: tuple[str, ...]) -> Intent:
    return replace(intent, **{field: getattr(habit, field) for field in fields})


def swerve(corner: Corner, intent: Intent) -> Swerve:
    """Return the swerve from the line that an intent makes in a corner."""
    ramp_m = max(corner.exit_m - corner.entry_m, 40.0)
    return Swerve(corner.apex_m, -corner.direction * intent.aside_m, ramp_m)
