"""Order the channels of a source as frames hold them: by ascending id."""

import math
from collections.abc import Iterable, Mapping
from typing import Final

from schemas.channels import CHANNEL_BY_NAME, ids

ABSENT: Final = math.nan
LARGEST: Final = 3.4e38
"""Largest value of a float32, rounded down."""

CORNERS: Final = ("fl", "fr", "rl", "rr")


def named(names: str) -> tuple[str, ...]:
    """Split a text of channel names at its spaces."""
    return tuple(names.split())


def corners(*names: str) -> tuple[str, ...]:
    """Return the four wheel channels of each name."""
    return tuple(f"{name}_{corner}" for name in names for corner in CORNERS)


class Layout:
    """Hold the channels of a session, and put values in their order."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(sorted(set(names), key=lambda name: CHANNEL_BY_NAME[name].id))
        self.channels = ids(*self.names)

    def row(self, values: Mapping[str, float]) -> list[float]:
        """Return the values in channel order; NaN for a missing one or one beyond float32."""
        found = [values.get(name, ABSENT) for name in self.names]
        return [value if -LARGEST < value < LARGEST else ABSENT for value in found]
