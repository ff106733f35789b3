"""A drive as observations: frames at an even rate, and the sim's events."""

import math
from collections import deque
from collections.abc import Iterator
from typing import Final

from pitbox import __version__
from producers.source import Began, Frame, Observation
from producers.sources.channel_order import ABSENT
from producers.sources.sim.corners import between
from producers.sources.sim.instruments import GEAR, LAYOUT, SPEED, YAW
from producers.sources.sim.lap import Lap
from producers.sources.sim.laps import Cell, Drive
from producers.sources.sim.noise import measured
from producers.sources.sim.race import Race
from schemas.sim import Finished, LapReported, SessionOpened

REPORTED_AFTER_S: Final = 0.3
"""Delay of a lap's report after the line, as in real sims."""

ROLLS_OUT_S: Final = 1.5


def drive(race: Race, started_ns: int) -> Iterator[Observation]:
    """Drive a race as fast as possible; raises ValueError when it cannot be driven.

    The first frame has the time `started_ns`.
    """
    observations = _Observer(race, started_ns).observations()
    return measured(observations, race) if race.noise else observations


def lap_report(race: Race, lap: Lap, at_ns: int) -> LapReported:
    """Return the sim's report of a lap, in whole ms; the sectors add up to the lap."""
    first, second, _ = (round(sector_s, 3) for sector_s in lap.sectors_s())
    time_s = round(lap.time_s, 3)
    return LapReported(
        at_ns=at_ns,
        car=race.car,
        lap_number=lap.task.number,
        lap_time_s=time_s,
        own=True,
        sectors_s=(first, second, round(time_s - first - second, 3)),
        valid=lap.valid_until is None,
    )


class _Observer:
    def __init__(self, race: Race, started_ns: int) -> None:
        self._race = race
        self._track = race.check()
        self._started_ns = started_ns
        self._drive = Drive(race)
        self._ended: deque[tuple[float, Lap]] = deque()
        self._lap: Lap | None = None
        self._lap_began_s = 0.0
        self._last_s = self._best_s = ABSENT
        self._best: Lap | None = None
        self._over_s = math.inf

    def observations(self) -> Iterator[Observation]:
        """Yield the observations of the drive."""
        yield Began("", LAYOUT.channels, self._opened())
        frame, rate_hz = 0, self._race.rate_hz
        at_s = 0.0
        for cell in self._drive.cells():
            if cell.lap is not self._lap:
                self._cross(cell)
            while at_s < cell.ends_s:
                while self._ended and self._ended[0][0] <= at_s:
                    yield from self._report(*self._ended.popleft())
                if at_s > self._over_s:
                    return
                yield Frame(self._ns(frame / rate_hz), self._values(cell, at_s))
                frame += 1
                at_s = frame / rate_hz

    def _ns(self, at_s: float) -> int:
        return self._started_ns + round(at_s * 1e9)

    def _opened(self) -> SessionOpened:
        return SessionOpened(
            at_ns=self._started_ns,
            source="sim",
            source_version=__version__,
            kind="race" if self._race.start == "grid" else "practice",
            track=self._track.name,
            track_length_m=round(self._track.length_m, 3),
            car=self._race.car,
            car_model=self._race.car_model,
            sectors=3,
        )

    def _cross(self, cell: Cell) -> None:
        """Begin a lap; queue the report of the one before."""
        ended, self._lap = self._lap, cell.lap
        self._lap_began_s = cell.begins_s
        if ended is None or ended.task.number == 0:
            return
        self._ended.append((cell.begins_s + REPORTED_AFTER_S, ended))
        if ended.task.number == self._race.laps:
            self._over_s = cell.begins_s + ROLLS_OUT_S

    def _report(self, at_s: float, lap: Lap) -> Iterator[Observation]:
        report = lap_report(self._race, lap, self._ns(at_s))
        self._last_s = report.lap_time_s
        if report.valid and not self._best_s <= report.lap_time_s:
            self._best_s, self._best = report.lap_time_s, lap
        yield report
        if lap.task.number == self._race.laps:
            yield Finished(at_ns=self._ns(at_s))

    def _values(self, cell: Cell, at_s: float) -> list[float]:
        """Return a frame's values in the order of the layout: clock, dials, switches."""
        gone_s = at_s - cell.begins_s
        speed = cell.speed + cell.accel * gone_s
        if cell.way_m > 0:
            share = gone_s * (cell.speed + speed) / 2 / cell.way_m
        else:
            share = gone_s / (cell.ends_s - cell.begins_s)
        before = cell.before.dials
        dials = [a + share * (b - a) for a, b in zip(before, cell.after.dials, strict=True)]
        dials[GEAR] = before[GEAR]
        dials[SPEED] = speed
        dials[YAW] = math.remainder(dials[YAW], math.tau)
        place = cell.node + (share if cell.way_m > 0 else 0.0)
        return [*self._clock(cell.lap, place, at_s), *dials, *cell.before.switches]

    def _clock(self, lap: Lap, place: float, at_s: float) -> tuple[float, ...]:
        track = self._track
        distance_m = place * track.step_m
        lap_s = at_s - self._lap_began_s
        first_m, second_m = track.sector_ends_m
        return (
            at_s,
            lap.task.number,
            lap_s,
            self._last_s,
            self._best_s,
            self._delta_s(place, lap_s) if lap.task.number else ABSENT,
            distance_m,
            place / track.nodes,
            0.0 if distance_m < first_m else 1.0 if distance_m < second_m else 2.0,
            float(lap.valid_until is None or place < lap.valid_until),
        )

    def _delta_s(self, place: float, lap_s: float) -> float:
        if self._best is None:
            return ABSENT
        return lap_s - between(self._best.reached_s, place, self._track.nodes)
