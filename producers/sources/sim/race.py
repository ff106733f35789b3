"""The description of a drive: one car on one track, lap after lap."""

from typing import Final, Literal

from msgspec import Struct

from producers.sources.sim.car import DEFAULT, car_of
from producers.sources.sim.circuits import track
from producers.sources.sim.hindrances import Hindrance
from producers.sources.sim.hindrances import check as check_hindrance
from producers.sources.sim.mistakes import Mistake
from producers.sources.sim.mistakes import check as check_mistake
from producers.sources.sim.track import Track

LITRES_PER_KM: Final = 0.6
MOST_FUEL_SPREAD: Final = 0.05
"""A lap takes less than twice `LITRES_PER_KM` even three standard deviations beyond its mean."""


class Race(Struct, frozen=True):
    """Describe one drive of one car; equal races are driven alike.

    The race ends after `laps` flying laps, None for never. It begins on lap 0: `rolling` at speed
    from `start_lap_fraction` (None spreads cars before the line by their seeds), on the `grid`
    standing at `grid_slot` (1 is foremost), or in the `pits`. A stop ends every stint of
    `stint_laps`; with None the car stops when its fuel is too little for another lap. Fuel per lap
    varies by a standard deviation of the share `fuel_spread`. `noise` measures with real
    instruments instead of exact ones.
    """

    track: str = "kestrel-vale"
    car: str = "27"
    car_model: str = DEFAULT.model
    seed: int = 27
    skill: float = 0.97
    consistency: float = 0.95
    laps: int | None = None
    rate_hz: float = 60.0
    mistakes: tuple[Mistake, ...] = ()
    hindrances: tuple[Hindrance, ...] = ()
    noise: bool = False
    start: Literal["rolling", "grid", "pits"] = "rolling"
    start_lap_fraction: float | None = None
    grid_slot: int = 1
    fuel_l: float = 60.0
    stint_laps: int | None = None
    fuel_spread: float = 0.0

    def check(self) -> Track:
        """Check the race and return its track; raises ValueError naming the faulty field."""
        driven = track(self.track)
        ranges = {
            "skill": (0.5, self.skill, 1.0),
            "consistency": (0.0, self.consistency, 1.0),
            "laps": (1, 1 if self.laps is None else self.laps, 1e6),
            "rate_hz": (1.0, self.rate_hz, 1000.0),
            "start_lap_fraction": (0.0, self.start_lap_fraction or 0.0, 0.999),
            "grid_slot": (1, self.grid_slot, 50),
            "fuel_l": (3 * litres_a_lap(driven), self.fuel_l, car_of(self.car_model).tank_l),
            "fuel_spread": (0.0, self.fuel_spread, MOST_FUEL_SPREAD),
            "stint_laps": (1, 1 if self.stint_laps is None else self.stint_laps, 1e6),
        }
        for name, (least, value, most) in ranges.items():
            if not least <= value <= most:
                raise ValueError(f"{name} {value:g} is not between {least:g} and {most:g}")
        for mistake in self.mistakes:
            check_mistake(mistake, driven)
        for hindrance in self.hindrances:
            check_hindrance(hindrance, driven)
        for name, asked in (("mistake", self.mistakes), ("hindrance", self.hindrances)):
            late = max((one.lap for one in asked), default=0)
            if self.laps is not None and late > self.laps:
                raise ValueError(f"{name}: lap {late} comes after the last, {self.laps}")
        return driven


def litres_a_lap(driven: Track) -> float:
    """Return the fuel in litres that a lap takes at most."""
    return LITRES_PER_KM * driven.length_m / 1000
