"""Instruments of real size: what a car does, as its sensors, pedals and network give it.

Sizes are of common games and loggers: speed in whole km/h, pedals in whole percent, a distance that
wanders by decimetres, frames that the network loses or delays.
"""

import math
import random
from collections.abc import Iterator, Sequence
from typing import Final

from producers.source import Frame, Observation
from producers.sources.sim.instruments import LAYOUT
from producers.sources.sim.race import Race

DISTANCE_M: Final = 0.4
WANDERS_S: Final = 3.0
SPEED_STEP_MPS: Final = 1 / 3.6
PEDAL_LAG_S: Final = 0.04
PEDAL_STEPS: Final = 100
BRAKE_SPREAD: Final = 0.1
"""Standard deviation of the brake's bite: pedals are not exactly the deceleration."""

LOST_SHARE: Final = 0.004
LOST_FRAMES: Final = 4
"""Probability that a loss of 1 to `LOST_FRAMES` frames begins at a frame."""

LATE_S: Final = 0.008
"""Delay by which a frame is stamped late at most."""

DISTANCE: Final = LAYOUT.names.index("lap_distance")
FRACTION: Final = LAYOUT.names.index("lap_fraction")
SPEED: Final = LAYOUT.names.index("speed")
THROTTLE: Final = LAYOUT.names.index("throttle")
BRAKE: Final = LAYOUT.names.index("brake")


class Wander:
    """Draw a value that returns to 0 within `WANDERS_S`, with a standard deviation of `spread`."""

    def __init__(self, chance: random.Random, spread: float, rate_hz: float) -> None:
        self._chance = chance
        self._keeps = math.exp(-1 / (WANDERS_S * rate_hz))
        self._shock = spread * math.sqrt(1 - self._keeps**2)
        self._value = spread * chance.gauss()

    def __next__(self) -> float:
        self._value = self._keeps * self._value + self._shock * self._chance.gauss()
        return self._value


def measured(observations: Iterator[Observation], race: Race) -> Iterator[Observation]:
    """Yield the observations of a race as real instruments give them; equal races equally."""
    chance = random.Random(f"{race.seed}/{race.car}/noise")
    sensors = _Sensors(race, chance)
    lost, last_ns = 0, 0
    for observation in observations:
        if not isinstance(observation, Frame):
            yield observation
            continue
        values = sensors.read(observation.values)
        late_ns = round(chance.uniform(0, LATE_S) * 1e9)
        if chance.random() < LOST_SHARE:
            lost = chance.randint(1, LOST_FRAMES)
        if lost:
            lost -= 1
            continue
        last_ns = max(observation.captured_ns + late_ns, last_ns)
        yield Frame(last_ns, values)


class _Sensors:
    """Hold the sensors of one car; call `read` for each frame in order."""

    def __init__(self, race: Race, chance: random.Random) -> None:
        self._length_m = race.check().length_m
        self._distance = Wander(chance, DISTANCE_M, race.rate_hz)
        self._bite = Wander(chance, BRAKE_SPREAD, race.rate_hz)
        self._follows = 1 - math.exp(-1 / (PEDAL_LAG_S * race.rate_hz))
        self._throttle = self._brake = 0.0

    def read(self, values: Sequence[float]) -> list[float]:
        read = list(values)
        # The line stays where it is: a lap's first and last metre are right.
        to_line_m = min(values[DISTANCE], self._length_m - values[DISTANCE])
        off_m = next(self._distance) * min(to_line_m / 20, 1.0)
        read[DISTANCE] = values[DISTANCE] + off_m
        read[FRACTION] = read[DISTANCE] / self._length_m
        read[SPEED] = round(values[SPEED] / SPEED_STEP_MPS) * SPEED_STEP_MPS
        pressed = min(max(values[BRAKE] * (1 + next(self._bite)), 0.0), 1.0)
        self._throttle += (values[THROTTLE] - self._throttle) * self._follows
        self._brake += (pressed - self._brake) * self._follows
        read[THROTTLE] = round(self._throttle * PEDAL_STEPS) / PEDAL_STEPS
        read[BRAKE] = round(self._brake * PEDAL_STEPS) / PEDAL_STEPS
        return read
