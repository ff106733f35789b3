"""Simulated drives, each made once per process: they are deterministic."""

from collections.abc import Iterable, Mapping
from functools import cache

import pytest

from producers.source import Frame, Observation
from producers.sources.sim import Race, drive
from producers.sources.sim.instruments import LAYOUT

START_NS = 1_700_000_000_000_000_000
SHORT_AND_LONG = ("pebble-lane", pytest.param("kestrel-vale", marks=pytest.mark.thorough))
"""The circuits; a lap of the long one costs three of the short one."""

Row = Mapping[str, float]


@cache
def driven(race: Race) -> tuple[Observation, ...]:
    """Return all observations of a race that starts at `START_NS`."""
    return tuple(drive(race, START_NS))


@cache
def rows_driven(race: Race) -> tuple[Row, ...]:
    """Return all frames of a race by channel."""
    return tuple(rows(driven(race)))


def rows(observations: Iterable[Observation]) -> list[Row]:
    """Return the frames among observations by channel."""
    return [row(item) for item in observations if isinstance(item, Frame)]


def row(frame: Frame) -> Row:
    """Return one frame by channel."""
    return dict(zip(LAYOUT.names, frame.values, strict=True))
