"""Bring channels of different rates onto one clock.

States hold until the next sample. Measured values are interpolated between two samples, angles the
shorter way round, and values that restart at the line never over it. After a channel's last sample
it is absent.
"""

import math
import mmap
from collections.abc import Callable, Sequence
from typing import Final

from producers.importers.motec.channels import Chosen
from producers.sources.channel_order import ABSENT

HIGHEST_HZ: Final = 100
"""The highest rate of frames; of faster channels the values at the frames are kept."""

ANGLES: Final = ("yaw", "wind_dir")
RESTARTING: Final = ("lap_time", "lap_distance", "lap_fraction")

Between = Callable[[Sequence[float], int, float], float]
"""Returns the value at a share of the way from a sample, by index, to the next one."""


def frame_rate_hz(chosen: Sequence[Chosen]) -> int:
    """Return the rate of frames: that of the fastest channel, within the limit."""
    return min(max(one.logged.rate_hz for one in chosen), HIGHEST_HZ)


def resampled(
    chosen: Chosen, content: mmap.mmap | bytes, frames: range, rate_hz: int
) -> list[float]:
    """Return the values of a channel at consecutive frames of a clock."""
    own_hz, samples = chosen.logged.rate_hz, chosen.logged.samples
    first = max(frames.start * own_hz // rate_hz - 1, 0)
    last = min((frames.stop - 1) * own_hz // rate_hz + 3, samples)
    if last <= first:
        return [ABSENT] * len(frames)
    values = chosen.read(content, first, last)
    between = _way(chosen)
    end = len(values) - 1
    found = []
    for frame in frames:
        sample, rest = divmod(frame * own_hz, rate_hz)
        at = sample - first
        if at < end and rest:
            found.append(between(values, at, rest / rate_hz))
        else:
            found.append(values[at] if at <= end else ABSENT)
    return found


def _way(chosen: Chosen) -> Between:
    if chosen.is_held:
        return _held
    if chosen.channel in ANGLES:
        return _turned
    return _restarted if chosen.channel in RESTARTING else _straight


def _held(values: Sequence[float], at: int, _: float) -> float:
    return values[at]


def _straight(values: Sequence[float], at: int, share: float) -> float:
    return values[at] + share * (values[at + 1] - values[at])


def _turned(values: Sequence[float], at: int, share: float) -> float:
    turn = math.remainder(values[at + 1] - values[at], math.tau)
    return math.remainder(values[at] + share * turn, math.tau)


def _restarted(values: Sequence[float], at: int, share: float) -> float:
    """Return the value before or after the line, as the steps beside this one go on."""
    before, after = values[at], values[at + 1]
    if after >= before:
        return before + share * (after - before)
    gained = before - values[at - 1] if at and values[at - 1] < before else 0.0
    gains = values[at + 2] - after if at + 2 < len(values) else gained
    since_line = after - max(gains, 0.0) * (1 - share)
    return since_line if since_line >= 0 else before + share * gained
