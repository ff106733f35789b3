"""The nearest place of a learned line."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pitbox.chunks.arrays import Column

REACH_M: Final = 60.0
"""How far ahead of the last place the next one is looked for: lines run close to each other."""

BACK_M: Final = 10.0
FAR_M: Final = 30.0
"""A car further from the line is not on the track."""


def project(x: Column, y: Column, line: NDArray[np.float64], length_m: float) -> Column | None:
    """Return the place in m of each frame of one lap on a line, float64[nodes][2].

    The frames begin near the line's first node. Places are less than 0 before it and above the
    length after it. None when the car is never near the line.
    """
    nodes = len(line)
    step_m = length_m / nodes
    ways = np.roll(line, -1, axis=0) - line
    squares = np.maximum((ways**2).sum(axis=1), 1e-9)
    window = np.arange(-int(BACK_M / step_m) - 1, int(REACH_M / step_m) + 1)
    points = np.column_stack((x, y))
    places = np.empty(len(points))
    at, lost = 0, 0
    for frame, point in enumerate(points):
        near = (at + window) % nodes
        offsets = point - line[near]
        shares = np.clip((offsets * ways[near]).sum(axis=1) / squares[near], 0.0, 1.0)
        gaps = ((offsets - shares[:, None] * ways[near]) ** 2).sum(axis=1)
        best = int(gaps.argmin())
        lost += bool(gaps[best] > FAR_M**2)
        places[frame] = (at + window[best] + shares[best]) * step_m
        at += int(window[best])
    return places if lost < len(points) / 2 else None
