"""Pace a drive by the real clock."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Final

from msgspec.structs import replace

from producers.source import Began, Frame, Observation
from producers.sources.sim.race import Race
from producers.sources.sim.source import drive

FASTEST: Final = 1000.0
MAX_BEHIND_S: Final = 0.25
"""Delay up to which late frames are made up for at once; a longer delay counts as a pause."""


class Pace:
    """Compute due times, `speed` times as fast as driven.

    A process that was stopped resumes where it was, as a paused game does.
    """

    def __init__(self, now_ns: int, speed: float) -> None:
        """Set the start of the monotonic clock, in ns."""
        self._started_ns = now_ns
        self._speed = speed

    def due_ns(self, driven_ns: int, now_ns: int) -> int:
        """Return the due time in ns of an observation `driven_ns` after the start."""
        due_ns = self._started_ns + round(driven_ns / self._speed)
        late_ns = now_ns - due_ns - round(MAX_BEHIND_S * 1e9)
        if late_ns > 0:
            self._started_ns += late_ns
            due_ns += late_ns
        return due_ns


def observations(race: Race, speed: float = 1.0) -> AsyncIterator[Observation]:
    """Drive a race in real time, or `speed` times as fast; stamp frames with their due times.

    Raises ValueError at once when the race cannot be driven or the speed is out of range.
    """
    if not 0 < speed <= FASTEST:
        raise ValueError(f"speed {speed:g} is not above 0 and at most {FASTEST:g}")
    return _paced(drive(race, 0), speed)


async def _paced(driven: Iterator[Observation], speed: float) -> AsyncIterator[Observation]:
    wall_ns = time.time_ns() - time.monotonic_ns()
    pace = Pace(time.monotonic_ns(), speed)
    for observation, driven_ns in timed(driven):
        due_ns = pace.due_ns(driven_ns, time.monotonic_ns())
        await asyncio.sleep(max(due_ns - time.monotonic_ns(), 0) / 1e9)
        yield stamped(observation, wall_ns + due_ns)


def timed(driven: Iterator[Observation]) -> Iterator[tuple[Observation, int]]:
    """Pair each observation of a drive from time 0 with its time in ns."""
    for observation in driven:
        if isinstance(observation, Frame):
            yield observation, observation.captured_ns
        elif isinstance(observation, Began):
            yield observation, observation.opened.at_ns
        else:
            yield observation, observation.at_ns


def stamped(observation: Observation, at_ns: int) -> Observation:
    """Return an observation with its time replaced by `at_ns`."""
    if isinstance(observation, Frame):
        return Frame(at_ns, observation.values)
    if isinstance(observation, Began):
        return replace(observation, opened=replace(observation.opened, at_ns=at_ns))
    return replace(observation, at_ns=at_ns)
