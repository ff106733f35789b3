"""How much a driver's losses vary by corner and phase, so that chance is not taken for a mistake.

Each variance is shrunk to that of all corners, in units of what 2 m of earlier braking, 1 % of
speed and 3 m of later throttle cost in the corner.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from consumers.corners.losses import Seconds, Share
from consumers.corners.usual import Usual
from pitbox.chunks.arrays import Column

PHASES: Final = 4
"""Entry, minimum, exit, and the whole corner."""

EARLIER_M: Final = 2.0
SLOWER: Final = 0.01
LATER_M: Final = 3.0
LEAST_UNIT_S: Final = 0.002
LEAST_S: Final = 0.005
"""No driver's losses vary by less."""

SHRUNK_LAPS: Final = 4.0
UNSURE_LAPS: Final = 3.0
"""A variance of few laps may be far too small: that of so many is doubled."""

CLIPPED: Final = 2.0
OF_CLIPPED: Final = 0.92
"""The variance of a normal distribution that is clipped at 2 standard deviations."""

OF_FEW: Final = {1: 0.65, 2: 0.87}
"""Losses against so few laps vary more than those against the median of five."""

DECAY: Final = 0.97
ROBUST: Final = 1.4826
"""The standard deviation of a normal distribution over its median deviation."""


class Spread(Struct, frozen=True):
    """Hold sums of squares and weights, `PHASES` for each corner of the track, in units."""

    squares: tuple[float, ...] = ()
    weights: tuple[float, ...] = ()

    @property
    def is_known(self) -> bool:
        """Return whether a lap was added."""
        return any(self.weights)


def units_s(usual: Usual, found: Sequence[Share], corners: int) -> Column:
    """Return the unit of each corner and phase in s, float64[corners][PHASES]."""
    units = np.full((corners, PHASES), LEAST_UNIT_S)
    for share in found:
        fast, slow = usual.speed_at(share.begins_m), usual.speed_at(share.holds_m)
        entry_s = EARLIER_M * max(1 / slow - 1 / fast, 0.0)
        minimum_s = SLOWER * (usual.at_s(share.leaves_m) - usual.at_s(share.holds_m))
        units[share.corner, :3] = entry_s, minimum_s, _exit_unit_s(usual, share)
    np.maximum(units, LEAST_UNIT_S, out=units)
    units[:, :3] = np.sqrt(units[:, :3] * np.median(units[:, :3], axis=0))
    units[:, 3] = np.sqrt((units[:, :3] ** 2).sum(axis=1))
    return units


def _exit_unit_s(usual: Usual, share: Share) -> float:
    """Return what a throttle opened `LATER_M` later costs until the corner ends.

    The square of speed lacks what the first metres of acceleration give.
    """
    first, last = int(share.leaves_m / usual.step_m), int(share.ends_m / usual.step_m)
    nodes = np.arange(first, max(last, first + 1) + 1) % len(usual.speed)
    squares = usual.speed[nodes] ** 2
    near = min(len(squares) - 1, max(int(40.0 / usual.step_m), 1))
    gain = max((squares[near] - squares[0]) / (near * usual.step_m), 0.0) * LATER_M
    return float(np.sum(usual.step_m * gain / (2 * np.maximum(squares, 25.0) ** 1.5)))


def table(seconds: Sequence[Seconds], found: Sequence[Share], corners: int) -> Column:
    """Return the losses by corner and phase, float64[corners][PHASES], NaN without any."""
    values = np.full((corners, PHASES), np.nan)
    for share, one in zip(found, seconds, strict=True):
        values[share.corner] = one.entry_s, one.minimum_s, one.exit_s, one.net_s
    return values


def sigmas_s(spread: Spread, units: Column) -> Column:
    """Return the standard deviation by corner and phase in s, as `units`."""
    squares, weights = _arrays(spread, len(units))
    pooled = squares.sum(axis=0) / np.maximum(weights.sum(axis=0), 1e-9)
    variances = (squares + SHRUNK_LAPS * pooled) / (weights + SHRUNK_LAPS)
    variances *= 1 + UNSURE_LAPS / max(float(weights.max()), 1.0)
    sigmas: Column = np.maximum(np.sqrt(variances) * units, LEAST_S)
    return sigmas


def learned(spread: Spread, lost: Column, units: Column, laps: int) -> Spread:
    """Return a spread with the losses of a lap against the usual one of `laps` laps added.

    Outliers are clipped.
    """
    squares, weights = _arrays(spread, len(units))
    ratios = np.abs(lost / units)
    there = np.isfinite(ratios)
    if spread.is_known:
        limits = sigmas_s(spread, units) / units
    elif there.any():
        limits = np.broadcast_to(ROBUST * np.nanmedian(ratios, axis=0), ratios.shape)
    else:
        return spread
    clipped = np.minimum(np.where(there, ratios, 0.0), CLIPPED * limits)
    squares = squares * DECAY + clipped**2 * OF_FEW.get(laps, 1.0) / OF_CLIPPED
    weights = weights * DECAY + there
    return Spread(tuple(squares.ravel().tolist()), tuple(weights.ravel().tolist()))


def _arrays(spread: Spread, corners: int) -> tuple[Column, Column]:
    size = corners * PHASES
    squares = np.array(spread.squares or (0.0,) * size).reshape(corners, PHASES)
    weights = np.array(spread.weights or (0.0,) * size).reshape(corners, PHASES)
    return squares, weights
