"""A race of several simulated cars, as the driver of the first one is shown it.

The cars share clock and track and do not hinder each other.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from producers.source import Began, Frame, Observation
from producers.sources.cadence import CARS_HZ, slot
from producers.sources.channel_order import ABSENT
from producers.sources.sim.car import car_of
from producers.sources.sim.instruments import LAYOUT
from producers.sources.sim.race import Race
from producers.sources.sim.source import drive
from schemas.sim import MAX_CARS, CarSeen, CarsSeen, Entry, LapReported, RaceDescribed

KEPT: Final = 5000
"""The least places of a car that gaps are measured at: a thousand seconds."""

CLOCK, LAP, DISTANCE, LAST, BEST, X, Y, PIT = (
    LAYOUT.names.index(name)
    for name in (
        *("session_time", "lap_number", "lap_distance", "last_lap_time", "best_lap_time"),
        *("world_x", "world_y", "in_pit_lane"),
    )
)


def field(races: Sequence[Race], started_ns: int) -> Iterator[Observation]:
    """Drive the first race, and yield the cars of all races five times a second beside it.

    Raises ValueError for more cars than one event holds, for two of one number, and for cars on
    different tracks.
    """
    _, *others = races
    if len(races) > MAX_CARS:
        raise ValueError(f"{len(races)} cars, at most {MAX_CARS} can be shown")
    for name in ("car", "track"):
        values = {getattr(race, name) for race in races}
        if len(values) != (len(races) if name == "car" else 1):
            raise ValueError(f"{name}: the cars of a race share one track, each with its number")
    return _shown(races, [Runner(race, started_ns) for race in others], started_ns)


def _shown(
    races: Sequence[Race], runners: "Sequence[Runner]", started_ns: int
) -> Iterator[Observation]:
    own = races[0]
    length_m = own.check().length_m
    itself, shown = Trail(own.car), -1
    for item in drive(own, started_ns):
        yield item
        if isinstance(item, Began):
            yield _described(races, started_ns)
        if isinstance(item, Frame) and slot(item.values[CLOCK]) != shown:
            shown = slot(item.values[CLOCK])
            itself.add(item, length_m)
            for runner in runners:
                yield from runner.drive_until(item.captured_ns, length_m)
            trails = [itself, *(runner.trail for runner in runners if runner.trail.is_known)]
            yield _seen(trails, own.car, item)


class Trail:
    """Record where one car was, and when; `is_over` once it has finished."""

    def __init__(self, car: str) -> None:
        self.car = car
        self.is_over = False
        self._places_m: list[float] = []
        self._times_s: list[float] = []
        self._frame: Frame | None = None

    @property
    def is_known(self) -> bool:
        """Return whether the car was seen."""
        return self._frame is not None

    @property
    def driven_m(self) -> float:
        """Return the way since the race's start line."""
        return self._places_m[-1]

    @property
    def rank(self) -> tuple[float, float]:
        """Return a key by which cars are ordered: those that finished, in their order, first."""
        return (0, self._times_s[-1]) if self.is_over else (1, -self.driven_m)

    def add(self, frame: Frame, length_m: float) -> None:
        """Add a frame; a car never goes back."""
        values = frame.values
        place_m = values[LAP] * length_m + values[DISTANCE]
        self._places_m.append(max([place_m, *self._places_m[-1:]]))
        self._times_s.append(values[CLOCK])
        if len(self._places_m) > 2 * KEPT:
            del self._places_m[:KEPT], self._times_s[:KEPT]
        self._frame = frame

    def passed_s(self, place_m: float) -> float | None:
        """Return when the car was at a place, None where that was not seen."""
        after = bisect_left(self._places_m, place_m)
        if not 0 < after < len(self._places_m):
            return None
        (left_m, right_m), (left_s, right_s) = (
            (values[after - 1], values[after]) for values in (self._places_m, self._times_s)
        )
        return left_s + (right_s - left_s) * (place_m - left_m) / (right_m - left_m)

    def seen(self, position: int, leader: "Trail") -> CarSeen:
        """Return the car as others are shown it."""
        assert self._frame is not None
        values = self._frame.values
        behind_s = 0.0
        if leader is not self:
            passed_s = leader.passed_s(self.driven_m)
            behind_s = ABSENT if passed_s is None else self._times_s[-1] - passed_s
        return CarSeen(
            car=self.car,
            lap=int(values[LAP]),
            distance_dm=round(10 * values[DISTANCE]),
            x_dm=round(10 * values[X]),
            y_dm=round(10 * values[Y]),
            position=position,
            gap_ms=_ms(behind_s),
            where="finished" if self.is_over else "pit" if values[PIT] else "track",
            last_ms=_ms(values[LAST]),
            best_ms=_ms(values[BEST]),
        )


class Runner:
    """Drive another car of the race along with the own one."""

    def __init__(self, race: Race, started_ns: int) -> None:
        self.trail = Trail(race.car)
        self._drive = drive(replace(race, rate_hz=CARS_HZ), started_ns)

    def drive_until(self, until_ns: int, length_m: float) -> Iterator[LapReported]:
        """Drive up to an instant; yield the laps that are reported meanwhile."""
        for item in self._drive:
            if isinstance(item, LapReported):
                yield replace(item, own=False)
            elif isinstance(item, Frame):
                self.trail.add(item, length_m)
                if item.captured_ns >= until_ns - round(0.5e9 / CARS_HZ):
                    return
        self.trail.is_over = True


def _described(races: Sequence[Race], at_ns: int) -> RaceDescribed:
    own, tank_l = races[0], car_of(races[0].car_model).tank_l
    entries = [Entry(race.car, f"Driver {race.car}", race.car, race.car_model) for race in races]
    return RaceDescribed(at_ns=at_ns, entries=tuple(entries), laps=own.laps, fuel_capacity=tank_l)


def _seen(trails: Sequence[Trail], own: str, frame: Frame) -> CarsSeen:
    ordered = sorted(trails, key=lambda trail: trail.rank)
    return CarsSeen(
        at_ns=frame.captured_ns,
        own=own,
        session_time_s=round(frame.values[CLOCK], 3),
        cars=tuple(trail.seen(place, ordered[0]) for place, trail in enumerate(ordered, start=1)),
    )


def _ms(time_s: float) -> int | None:
    return None if math.isnan(time_s) else round(1000 * time_s)
