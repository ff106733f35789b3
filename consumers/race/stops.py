"""The number to type at the stop, to box now or one lap later, in both meanings that sims have."""

import math
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from consumers.race.crossings import Owed, Race, Remaining, remaining
from consumers.race.fuel import Usage, needed, reserve

WHOLE: Final = 1e-6
"""What is above a whole number by less is that number: sums of laps are not exact."""

NOW: Final = 1
LATER: Final = 2


class Tank(Struct, frozen=True):
    """State the fuel in the car, and how much its tank holds; None where the sim does not say."""

    level: float
    capacity: float | None = None


class Amount(Struct, frozen=True):
    """State what to type: the fuel to add, or the level to fill to, in whole units.

    `fits` is whether the tank takes it all; if not, both fill the tank and another stop is needed.
    """

    add: int
    fill_to: int
    fits: bool


class Box(Struct, frozen=True):
    """State a stop at the end of the `lap`th lap from now.

    `likely` is for the crossings expected, `to_type` for the most that chance may bring: they
    differ on a knife's edge only. `reaches` is whether the fuel lasts to the box. Behind the flag
    there is nothing to type, and the amounts add nothing.
    """

    lap: int
    left: Remaining
    reaches: bool
    behind_flag: bool
    likely: Amount
    to_type: Amount

    @property
    def on_the_edge(self) -> bool:
        """Return whether chance decides which of two numbers is right."""
        return self.likely != self.to_type


def box(lap: int, race: Race, tank: Tank, laps_fuel: Usage, stop_s: float = 0.0) -> Box:
    """Decide what to type at a stop at the end of the `lap`th lap, which loses `stop_s`."""
    own, caution_laps = race.own, race.caution.laps
    stopping = replace(own, stops=(*own.stops, Owed(lap, stop_s)))
    left = remaining(replace(race, own=stopping))
    arrives = tank.level - needed(laps_fuel, lap, own.fraction, caution_laps)

    def amount(crossings: int) -> Amount:
        laps = crossings - own.fraction
        whole = needed(laps_fuel, crossings, own.fraction, caution_laps) + reserve(laps_fuel, laps)
        short = whole - tank.level if lap < crossings else 0.0
        return _amount(arrives, max(0.0, short), tank.capacity)

    return Box(
        lap=lap,
        left=left,
        reaches=arrives >= -WHOLE,
        behind_flag=lap >= left.most,
        likely=amount(left.crossings),
        to_type=amount(left.most),
    )


def _amount(arrives: float, short: float, capacity: float | None) -> Amount:
    """Return what to type for `short` more fuel in a car that arrives with a level."""
    room = math.inf if capacity is None else capacity - arrives
    add = min(short, room)
    return Amount(add=_up(add), fill_to=_up(max(0.0, arrives + add)), fits=short <= room + WHOLE)


def _up(amount: float) -> int:
    return math.ceil(amount - WHOLE)
