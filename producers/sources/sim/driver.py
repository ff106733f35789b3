"""A driver: what is made of each corner, of skill and chance."""

import random

from msgspec import Struct

from producers.sources.sim.line import Swerve
from producers.sources.sim.track import Corner, Track


class Intent(Struct, frozen=True):
    """Hold how a corner is driven.

    `pace` is the share of the speed that grip allows; braking begins `brakes_early_m` before it
    has to, and the throttle is opened `throttle_late_m` after it could be; `aside_m` is how far to
    the outside of the line.
    """

    pace: float
    brakes_early_m: float
    throttle_late_m: float
    aside_m: float


class Driver(Struct, frozen=True):
    """Hold a driver's habits, 0..1 both: how near to the limit, and how alike lap after lap."""

    skill: float
    consistency: float
    seed: int

    def intent(self, lap: int, corner: Corner) -> Intent:
        """Return how a corner of a lap is driven: the same whenever and however often asked."""
        habit = random.Random(f"{self.seed}/{corner.number}")
        chance = random.Random(f"{self.seed}/{lap}/{corner.number}")
        lack, spread = 1 - self.skill, 1 - self.consistency
        return Intent(
            pace=min(1 - lack * habit.uniform(0.25, 0.6) + 0.08 * spread * chance.gauss(), 1.0),
            brakes_early_m=max(lack * habit.uniform(40, 120) + 30 * spread * chance.gauss(), 0.0),
            throttle_late_m=max(lack * habit.uniform(20, 90) + 50 * spread * chance.gauss(), 0.0),
            aside_m=min(max(4 * spread * chance.gauss(), -0.6), 0.6),
        )

    def intents(self, lap: int, track: Track) -> tuple[Intent, ...]:
        """Return how each corner of a lap is driven."""
        return tuple(self.intent(lap, corner) for corner in track.corners)


def swerve(corner: Corner, intent: Intent) -> Swerve:
    """Return how far a corner is driven beside the line."""
    ramp_m = max(corner.exit_m - corner.entry_m, 40.0)
    return Swerve(corner.apex_m, -corner.direction * intent.aside_m, ramp_m)
