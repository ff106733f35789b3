"""How often the driver still crosses the line: the race ends with the first crossing at or after
the leader's flag.

Times are in s from now. Crossings are counted from now: the first one ends the lap being driven.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

SAME_S: Final = 1e-6
"""Times nearer than this are equal: sums of lap times are not exact."""

MAX_CROSSINGS: Final = 20_000
EDGE_SPREADS: Final = 2.0
"""A crossing nearer to the flag than so many standard deviations may fall on its other side."""


class Caution(Struct, frozen=True):
    """State how many laps, the one being driven included, are at caution pace, and their time.

    Raises ValueError for laps that take no time.
    """

    laps: int = 0
    lap_s: float = 0.0

    def __post_init__(self) -> None:
        """Check that laps take time."""
        if self.laps and not 0 < self.lap_s < math.inf:
            raise ValueError(f"lap_s of the caution is {self.lap_s}, which is out of range")


class Owed(Struct, frozen=True):
    """Hold a stop that a car has still to make: the time it loses by the end of its `lap`th lap."""

    lap: int
    stop_s: float


class Runner(Struct, frozen=True):
    """State where a car is and how it goes on.

    It has completed `laps`, and `fraction` of the next one; it laps in `lap_s` with a standard
    deviation of `spread_s`. Raises ValueError naming a field that is out of range.
    """

    laps: int
    fraction: float
    lap_s: float
    spread_s: float = 0.0
    stops: tuple[Owed, ...] = ()

    def __post_init__(self) -> None:
        """Check the fields that times are computed from."""
        for name, within in (
            ("fraction", 0 <= self.fraction <= 1),
            ("lap_s", 0 < self.lap_s < math.inf),
            ("spread_s", 0 <= self.spread_s < math.inf),
        ):
            if not within:
                raise ValueError(f"{name} is {getattr(self, name)}, which is out of range")


class Rules(Struct, frozen=True):
    """State when the leader gets the flag.

    That is after `laps` laps of the race, or `extra_laps` laps after its first crossing at or after
    `time_left_s`; of both the earlier. Raises ValueError when neither is given.
    """

    laps: int | None = None
    time_left_s: float | None = None
    extra_laps: int = 0

    def __post_init__(self) -> None:
        """Check that the race ends."""
        if self.laps is None and self.time_left_s is None:
            raise ValueError("neither laps nor time_left_s is given: the race has no end")


class Race(Struct, frozen=True):
    """Hold a race as it stands; `rivals` are those who may be the leader."""

    own: Runner
    rules: Rules
    rivals: tuple[Runner, ...] = ()
    caution: Caution = Caution()


class Flag(Struct, frozen=True):
    """State when the flag falls: at a crossing, counted from now, of the car at `place`."""

    at_s: float
    place: int
    crossing: int


class Remaining(Struct, frozen=True):
    """State how often a car still crosses the line; chance may make it `fewest` or `most`."""

    crossings: int
    fewest: int
    most: int


def remaining(race: Race) -> Remaining:
    """Count the own crossings until the race ends."""
    field = (race.own, *race.rivals)
    flags = _flags(field, race.rules, race.caution)
    counts = [_until(flag, field, race.caution) for flag in flags]
    return Remaining(
        crossings=counts[0][1],
        fewest=min(fewest for fewest, _, _ in counts),
        most=max(most for _, _, most in counts),
    )


def crossing_s(runner: Runner, number: int, caution: Caution) -> float:
    """Return when a car crosses the line for the `number`th time; 0 is the start of its lap."""
    slow = min(number, caution.laps)
    current_s = caution.lap_s if caution.laps else runner.lap_s
    driving_s = slow * caution.lap_s + (number - slow) * runner.lap_s - runner.fraction * current_s
    return driving_s + sum(stop.stop_s for stop in runner.stops if stop.lap <= number)


def first_at(runner: Runner, at_s: float, caution: Caution) -> int:
    """Return the number of a car's first crossing at or after an instant; at least 1."""
    numbers = range(1, MAX_CROSSINGS)
    return 1 + bisect_left(numbers, at_s - SAME_S, key=lambda n: crossing_s(runner, n, caution))


def _flags(field: Sequence[Runner], rules: Rules, caution: Caution) -> list[Flag]:
    """Return the flag that is expected, and then those that chance may bring instead."""
    by_laps = [] if rules.laps is None else [_lap_flag(field, rules.laps, caution)]
    if rules.time_left_s is None:
        return by_laps
    by_clock = _clock_flags(field, rules.time_left_s, rules.extra_laps, caution)
    return [min(flag, *by_laps, key=lambda one: one.at_s) if by_laps else flag for flag in by_clock]


def _lap_flag(field: Sequence[Runner], laps: int, caution: Caution) -> Flag:
    """Return the flag of the car that completes the race first."""
    numbers = [max(0, laps - runner.laps) for runner in field]
    times_s = [
        crossing_s(runner, number, caution) if number else 0.0
        for runner, number in zip(field, numbers, strict=True)
    ]
    place = times_s.index(min(times_s))
    return Flag(times_s[place], place, numbers[place])


def _clock_flags(
    field: Sequence[Runner], time_left_s: float, extra_laps: int, caution: Caution
) -> list[Flag]:
    """Return the flags of the car that leads when the clock reaches zero."""
    zero_s = max(0.0, time_left_s)
    driven = [_driven(runner, zero_s, caution) for runner in field]
    place = driven.index(max(driven))
    leader = field[place]
    number = first_at(leader, zero_s, caution)
    behind_s = crossing_s(leader, number, caution) - zero_s
    before_s = zero_s - crossing_s(leader, number - 1, caution)
    numbers = [number]
    if behind_s <= _edge_s((leader, number)):
        numbers.append(number + 1)
    if number > 1 and before_s <= _edge_s((leader, number - 1)):
        numbers.append(number - 1)
    return [
        Flag(crossing_s(leader, crossing, caution), place, crossing)
        for crossing in (number + extra_laps for number in numbers)
    ]


def _driven(runner: Runner, at_s: float, caution: Caution) -> float:
    """Return the laps that a car has driven at an instant, with the fraction of the last one."""
    number = first_at(runner, at_s, caution)
    before_s, after_s = (crossing_s(runner, n, caution) for n in (number - 1, number))
    standing_s = sum(stop.stop_s for stop in runner.stops if stop.lap == number)
    share = (at_s - before_s) / (after_s - before_s - standing_s)
    return runner.laps + number - 1 + min(1.0, share)


def _until(flag: Flag, field: Sequence[Runner], caution: Caution) -> tuple[int, int, int]:
    """Return the fewest, the expected and the most own crossings until a flag."""
    own, leader = field[0], field[flag.place]
    if flag.place == 0:
        return flag.crossing, flag.crossing, flag.crossing
    number = first_at(own, flag.at_s, caution)
    edge_s = _edge_s((own, number), (leader, flag.crossing))
    behind_s = crossing_s(own, number, caution) - flag.at_s
    before_s = flag.at_s - crossing_s(own, number - 1, caution)
    fewest = number - (number > 1 and before_s <= edge_s)
    return fewest, number, number + (behind_s <= edge_s)


def _edge_s(*drives: tuple[Runner, int]) -> float:
    """Return how far chance moves the crossings that end these drives against each other, in s."""
    variance = sum(
        runner.spread_s**2 * max(0.0, number - runner.fraction) for runner, number in drives
    )
    return max(SAME_S, EDGE_SPREADS * math.sqrt(variance))
