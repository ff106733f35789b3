"""What keeps a driver from his own pace on a part of a lap: traffic and flags."""

import math
import random
from collections.abc import Iterable, Sequence
from typing import Final, Literal, get_args

import msgspec
from msgspec import Struct

from producers.sources.sim.mistakes import pairs_of
from producers.sources.sim.track import Corner, Track

Kind = Literal["traffic", "yellow", "blue"]
KINDS: Final = get_args(Kind)
FLAG_BITS: Final[dict[Kind, int]] = {"traffic": 0, "yellow": 0x8, "blue": 0x20}
"""Bits of the channel `flags`, those of iRacing's irsdk_Flags."""

FOLLOWS_S: Final = 0.6
"""The gap to a slower car that cannot be passed."""

MOST_SLOWER: Final = 0.6
PEDALS_M: Final = 6.0
"""Distance by which a car ahead moves braking and throttle, at most, to either side."""

RAMP_M: Final = 60.0


class Hindrance(Struct, frozen=True, forbid_unknown_fields=True):
    """Describe a part of a flying lap on which the car is `slower` by that share of its speed.

    Behind a slower car ("traffic") the pedals also move earlier or later. "yellow" and "blue" set
    the flag.
    """

    lap: int
    from_m: float
    until_m: float
    kind: Kind = "traffic"
    slower: float = 0.03

    def holds(self, distance_m: float) -> bool:
        """Return whether a place is on this part of the lap."""
        return self.from_m <= distance_m <= self.until_m

    def touches(self, corner: Corner, before_m: float = 0.0) -> bool:
        """Return whether a corner, or the way `before_m` to it, is on this part of the lap."""
        return self.from_m <= corner.exit_m and self.until_m >= corner.entry_m - before_m


def parse(text: str) -> Hindrance:
    """Parse "lap=4,from_m=900,until_m=2000,kind=traffic"; raises ValueError naming the fault."""
    try:
        return msgspec.convert(pairs_of(text), Hindrance, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(
            f'hindrance "{text}": {error}; write lap=4,from_m=900,until_m=2000,kind=KIND '
            f"with KIND one of {', '.join(KINDS)}, and slower=0.03"
        ) from None


def check(asked: Hindrance, track: Track) -> None:
    """Raise ValueError when a hindrance does not fit a track."""
    if asked.lap < 1:
        raise ValueError(f"hindrance: lap {asked.lap} is no flying lap, these count from 1")
    if not 0 <= asked.from_m < asked.until_m <= track.length_m:
        raise ValueError(
            f"hindrance: {asked.from_m:g} to {asked.until_m:g} m is no part of "
            f"{track.name}, which has {track.length_m:.0f} m"
        )
    if not 0 <= asked.slower <= MOST_SLOWER:
        raise ValueError(f"hindrance: slower {asked.slower:g} is not between 0 and {MOST_SLOWER:g}")


def held_back(
    track: Track, hindrances: Iterable[Hindrance], squares: Sequence[float], caps: Sequence[float]
) -> list[float]:
    """Limit squares of speed to the share of `squares`, an unhindered lap, that is possible."""
    limited = list(caps)
    for hindrance in hindrances:
        for node in range(track.node(hindrance.from_m), track.node(hindrance.until_m) + 1):
            at_m = node * track.step_m
            inside_m = max(min(at_m - hindrance.from_m, hindrance.until_m - at_m), 0.0)
            share = 1 - hindrance.slower * min(inside_m / RAMP_M, 1.0)
            limited[node] = min(limited[node], squares[node] * share**2)
    return limited


def moved_pedals(
    track: Track, hindrances: Iterable[Hindrance], seed: int
) -> dict[int, tuple[float, float]]:
    """Return by turn the m by which braking is earlier, and the throttle later, in traffic."""
    moved: dict[int, tuple[float, float]] = {}
    for hindrance in hindrances:
        for corner in track.corners:
            if hindrance.kind == "traffic" and hindrance.holds(corner.apex_m):
                chance = random.Random(f"{seed}/{hindrance.lap}/{corner.number}/traffic")
                early_m = chance.uniform(-PEDALS_M, PEDALS_M)
                moved[corner.number] = early_m, chance.uniform(-PEDALS_M, PEDALS_M)
    return moved


def flags_at(hindrances: Iterable[Hindrance], distance_m: float) -> float:
    """Return the bits of the channel `flags` at a place."""
    bits = 0
    for hindrance in hindrances:
        bits |= FLAG_BITS[hindrance.kind] * hindrance.holds(distance_m)
    return float(bits)


def gap_ahead_s(hindrances: Iterable[Hindrance], distance_m: float) -> float:
    """Return the gap to the car ahead at a place, NaN where there is none."""
    behind = any(one.kind == "traffic" and one.holds(distance_m) for one in hindrances)
    return FOLLOWS_S if behind else math.nan
