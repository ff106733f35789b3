"""The fuel that laps take, with its spread. All amounts are in the unit of the car's tank: litres,
in F1 kg.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from msgspec import Struct

CERTAIN: Final = 1.645
"""Standard deviations that 95 % of a normal distribution stay below."""

LEAST_SAMPLES: Final = 2
"""A spread takes two laps."""


class Usage(Struct, frozen=True):
    """State the fuel of a lap at race pace: mean, standard deviation and number of laps measured.

    `caution` is that of a lap at caution pace, None for the same.
    """

    per_lap: float
    spread: float = 0.0
    samples: int = LEAST_SAMPLES
    caution: float | None = None


def burned(levels: Iterable[float]) -> tuple[float, ...]:
    """Return the fuel of each lap from the levels at the line; a lap with a refuel is none."""
    return tuple(before - after for before, after in pairwise(levels) if after < before)


def usage(samples: Sequence[float], caution: float | None = None) -> Usage | None:
    """Sum up the fuel of laps; None for fewer than two, of which no spread is known."""
    count = len(samples)
    if count < LEAST_SAMPLES:
        return None
    mean = sum(samples) / count
    variance = sum((sample - mean) ** 2 for sample in samples) / (count - 1)
    return Usage(mean, math.sqrt(variance), count, caution)


def needed(laps_fuel: Usage, crossings: int, fraction: float, caution_laps: int = 0) -> float:
    """Return the mean fuel until a crossing, when `fraction` of the lap being driven is done."""
    slow_lap = laps_fuel.per_lap if laps_fuel.caution is None else laps_fuel.caution
    slow = min(crossings, caution_laps)
    current = slow_lap if caution_laps else laps_fuel.per_lap
    return max(0.0, slow * slow_lap + (crossings - slow) * laps_fuel.per_lap - fraction * current)


def reserve(laps_fuel: Usage, laps: float) -> float:
    """Return the fuel above the mean with which 95 % of drives of these laps arrive.

    Laps scatter, and the mean of a few samples is off itself: the variance of the sum of n laps
    predicted from k samples is the lap's times n + n²/k.
    """
    scatter = max(0.0, laps) + max(0.0, laps) ** 2 / laps_fuel.samples
    return CERTAIN * laps_fuel.spread * math.sqrt(scatter)


def saving_target(level: float, laps: float) -> float:
    """Return the fuel per lap with which a level lasts for these laps; raises ValueError at 0."""
    if laps <= 0:
        raise ValueError(f"laps is {laps}: no lap is left to save fuel on")
    return level / laps
