"""Drive lap after lap, with fuel, tyres and stops."""

import random
from collections.abc import Iterator
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from producers.sources.sim.car import car_of
from producers.sources.sim.condition import WARMED_C, Condition
from producers.sources.sim.driver import Driver
from producers.sources.sim.instruments import Instruments, Reading
from producers.sources.sim.lap import FLYING, Lap, Task, plan
from producers.sources.sim.race import Race, litres_a_lap

GRID_STANDS_S: Final = 4.0
PIT_STANDS_S: Final = 3.0
TYRES_S: Final = 9.0
GRID_GAP_M: Final = 8.0
RESERVE_L: Final = 1.0
ROLLING_TYRE_C: Final = 84.0
ROLLING_FROM: Final = (0.955, 0.985)


class Cell(Struct, frozen=True, gc=False):
    """Hold the drive between two nodes, or a standstill at one; times count from the start."""

    lap: Lap
    node: int
    begins_s: float
    ends_s: float
    way_m: float
    speed: float
    accel: float
    before: Reading
    after: Reading


class Drive:
    """Drive a race: carry fuel, tyres and speed from each lap into the next."""

    def __init__(self, race: Race) -> None:
        """Prepare; raises ValueError when the race cannot be driven."""
        self._race = race
        self._track = race.check()
        self._car = car_of(race.car_model)
        self._driver = Driver(race.skill, race.consistency, race.seed)
        warm_c = ROLLING_TYRE_C if race.start == "rolling" else WARMED_C
        self._condition = Condition(self._car, race.fuel_l, warm_c)
        self._stint = 0
        self._in_pits = race.start == "pits"
        self._begins = FLYING
        self._now_s = 0.0

    def laps(self) -> Iterator[Lap]:
        """Drive without reading the instruments; yield each lap as planned, from lap 0 on."""
        for lap in self._plans():
            yield lap
            for _ in self._cells(lap, watched=False):
                pass

    def cells(self) -> Iterator[Cell]:
        """Drive and read the instruments; yield cells without end, for cars roll out."""
        for lap in self._plans():
            yield from self._cells(lap, watched=True)

    def _plans(self) -> Iterator[Lap]:
        lap = plan(self._start())
        while True:
            yield lap
            self._begins = lap.squares[-1]
            lap = plan(self._next(lap.task.number + 1))

    def _start(self) -> Task:
        race, lane = self._race, self._track.pit
        task = replace(self._task(0), mistakes=(), leaves_pit=False)
        if race.start == "rolling":
            fraction = race.start_lap_fraction
            if fraction is None:
                fraction = random.Random(f"{race.seed}/start").uniform(*ROLLING_FROM)
            return replace(task, first=self._track.node(fraction * self._track.length_m))
        if race.start == "grid":
            first = self._track.node(self._track.length_m - GRID_GAP_M * race.grid_slot)
            return replace(task, first=first, stands=(first, GRID_STANDS_S))
        first = self._track.node(self._track.length_m - lane.box_m)
        return replace(task, first=first, stands=(first, PIT_STANDS_S), enters_pit=True)

    def _next(self, number: int) -> Task:
        task = self._task(number)
        self._stint += 1
        self._in_pits = self._stops()
        if not self._in_pits:
            return task
        self._stint = 0
        box = self._track.node(self._track.length_m - self._track.pit.box_m)
        return replace(task, enters_pit=True, stands=(box, self._service_s()))

    def _task(self, number: int) -> Task:
        race = self._race
        return Task(
            track=self._track,
            car=self._car,
            driver=self._driver,
            number=number,
            mass_kg=self._condition.mass_kg,
            grip=self._condition.grip,
            begins=self._begins,
            leaves_pit=self._in_pits,
            mistakes=tuple(one for one in race.mistakes if one.lap == number),
            hindrances=tuple(one for one in race.hindrances if one.lap == number),
        )

    def _stops(self) -> bool:
        if self._race.stint_laps is not None and self._stint >= self._race.stint_laps:
            return True
        return self._condition.fuel_l < 2 * litres_a_lap(self._track) + RESERVE_L

    def _service_s(self) -> float:
        left_l = self._condition.fuel_l - litres_a_lap(self._track)
        return max((self._race.fuel_l - left_l) / self._car.refuel_lps, TYRES_S)

    def _cells(self, lap: Lap, watched: bool) -> Iterator[Cell]:
        task, condition = lap.task, self._condition
        chance = random.Random(f"{self._race.seed}/{task.number}/fuel")
        condition.burns = 1 + self._race.fuel_spread * chance.gauss()
        instruments = Instruments(lap, condition)
        stands_at, stands_s = task.stands or (-1, 0.0)
        start_s, step_m = self._now_s, self._track.step_m
        instant = instruments.instant(task.first)
        before = instruments.read(task.first, instant) if watched else None
        for node in range(task.first, self._track.nodes):
            reached_s = start_s + lap.reached_s[node]
            if node == stands_at:
                if task.number > 0:
                    condition.service(self._race.fuel_l)
                after = instruments.read(node, instant) if watched else None
                if before is not None and after is not None:
                    left_s = reached_s + stands_s
                    yield Cell(lap, node, reached_s, left_s, 0.0, 0.0, 0.0, before, after)
                before, reached_s = after, reached_s + stands_s
            ends_s = start_s + lap.reached_s[node + 1]
            condition.spend(instruments.load(instant), ends_s - reached_s)
            speed, instant = instant.speed, instruments.instant(node + 1)
            if before is not None:
                after = instruments.read(node + 1, instant)
                way_m = step_m * (lap.line.stretch[node] + lap.line.stretch[node + 1]) / 2
                accel = (lap.squares[node + 1] - lap.squares[node]) / (2 * way_m)
                yield Cell(lap, node, reached_s, ends_s, way_m, speed, accel, before, after)
                before = after
        self._now_s = start_s + lap.time_s
