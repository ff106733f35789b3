"""Name the channels of a source in the order that frames hold them."""

import math
from collections.abc import Iterable, Mapping
from typing import Final

from schemas.channels import CHANNEL_BY_NAME, ids

ABSENT: Final = math.nan
CORNERS: Final = ("fl", "fr", "rl", "rr")


def named(names: str) -> tuple[str, ...]:
    """Return the channels named in a text, between spaces."""
    return tuple(names.split())


def corners(*names: str) -> tuple[str, ...]:
    """Return the four wheel channels of each name."""
    return tuple(f"{name}_{corner}" for name in names for corner in CORNERS)


class Layout:
    """Hold the channels of a session and lay values out in their order."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(sorted(set(names), key=lambda name: CHANNEL_BY_NAME[name].id))
        self.channels = ids(*self.names)

    def row(self, values: Mapping[str, float]) -> list[float]:
        """Return the values in channel order, NaN where there is none."""
        return [values.get(name, ABSENT) for name in self.names]
