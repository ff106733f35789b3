"""Judge whether a lap's losses mean something: a car off the track, traffic, outliers."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from msgspec.structs import replace

from consumers.corners.frames import Frames
from consumers.corners.losses import Seconds, Share
from consumers.corners.trace import Trace
from pitbox.chunks.arrays import Column
from schemas.timing import Lap

OFF_M: Final = 100.0
OFF_S: Final = 0.1
"""A car that the sim calls off the track and that loses less drove over its edge only."""

EACH_Z: Final = 1.0
BOTH_Z: Final = 3.0
BESIDE_Z: Final = 1.5
DISTURBED_SHARE: Final = 0.35
"""Of two neighbouring corners, traffic costs the one at least this share of the other."""

OUTLIER_Z: Final = 3.0

FLAGS: Final = 0x8 | 0x10 | 0x20 | 0x100 | 0x4000 | 0x8000
"""Yellow, red, blue, yellow waved, caution, caution waved: a driver slows down or gives way."""

MOST_BITS: Final = 2.0**53

FOLLOWS_S: Final = 1.0
FOLLOWS_FOR_S: Final = 3.0
"""A driver who is that close to a car for so long of a lap drives its pace."""


def is_flagged(lap: Lap, frames: Frames) -> bool:
    """Return whether a flag was out for the driver on a lap."""
    flags = _within(lap, frames, "flags")
    if flags is None:
        return False
    known = flags[(flags >= 0) & (flags < MOST_BITS)]
    return bool((known.astype(np.int64) & FLAGS).any())


def is_following(lap: Lap, frames: Frames) -> bool:
    """Return whether a driver was close behind another car for some seconds of a lap."""
    gap_s = _within(lap, frames, "gap_ahead")
    if gap_s is None or lap.started_ns is None or lap.ended_ns is None or not len(gap_s):
        return False
    close = np.count_nonzero((gap_s > 0) & (gap_s < FOLLOWS_S)) / len(gap_s)
    return bool(close * (lap.ended_ns - lap.started_ns) / 1e9 >= FOLLOWS_FOR_S)


def _within(lap: Lap, frames: Frames, name: str) -> Column | None:
    """Return a channel between both crossings; None where there is none."""
    column = frames.columns.get(name)
    if column is None or lap.started_ns is None or lap.ended_ns is None:
        return None
    return column[(frames.times_ns > lap.started_ns) & (frames.times_ns < lap.ended_ns)]


def off_m(trace: Trace) -> float | None:
    """Return where the sim began to call a lap invalid, None where it did not."""
    if trace.valid is None:
        return None
    valid = trace.valid > 0.5
    # The first nodes may still describe the lap before.
    begins = int(valid.argmax())
    if not valid[begins]:
        return None
    invalid = np.flatnonzero(~valid[begins:])
    return float(begins + invalid[0]) * trace.step_m if len(invalid) else None


def share_at(place_m: float, found: Sequence[Share], length_m: float) -> int | None:
    """Return the index of the share that a place of the lap is in, None before the first one."""
    for index, share in enumerate(found):
        ends_m = min(share.ends_m, max(length_m, share.leaves_m))
        if share.begins_m <= place_m < ends_m or share.begins_m <= place_m + length_m < ends_m:
            return index
    return None


def with_off(found: Sequence[Share], index: int, place_m: float) -> list[Share]:
    """Return the shares with all that a car lost in the next entry, when it went off just before.

    It is no fault of the next corner that the car arrived there from the grass.
    """
    shares = list(found)
    if index + 1 < len(shares) and shares[index + 1].begins_m - place_m < OFF_M:
        following = shares[index + 1]
        shares[index] = replace(shares[index], ends_m=following.holds_m)
        shares[index + 1] = replace(following, begins_m=following.holds_m)
    return shares


def is_disturbed(seconds: Sequence[Seconds], sigmas: Column, found: Sequence[Share]) -> bool:
    """Return whether a lap lost as behind a slower car: in two neighbouring corners alike.

    One corner behind it loses in every phase, and also on the way to it or after it.
    """
    net = [
        (one.net_s, float(sigmas[share.corner, 3]))
        for one, share in zip(seconds, found, strict=True)
    ]
    return any(_lost_alike(*one, *other) for one, other in pairwise(net)) or _lost_throughout(
        seconds, sigmas, found
    )


def _lost_throughout(seconds: Sequence[Seconds], sigmas: Column, found: Sequence[Share]) -> bool:
    """Return whether the dearest corner lost in each phase, and the phase beside it too."""
    stands_out = [
        (one.entry_s, one.minimum_s, one.exit_s) / sigmas[share.corner, :3]
        for one, share in zip(seconds, found, strict=True)
    ]
    if not stands_out:
        return False
    dearest = max(range(len(seconds)), key=lambda index: seconds[index].net_s)
    before = [phases[2] for phases in stands_out[:dearest][-1:]]
    after = [phases[0] for phases in stands_out[dearest + 1 :][:1]]
    throughout = bool((stands_out[dearest] > EACH_Z).all())
    return throughout and max(before + after, default=0.0) > BESIDE_Z


def _lost_alike(one_s: float, one_sigma_s: float, other_s: float, other_sigma_s: float) -> bool:
    each = min(one_s / one_sigma_s, other_s / other_sigma_s)
    both = (one_s + other_s) / math.hypot(one_sigma_s, other_sigma_s)
    alike = min(one_s, other_s) >= DISTURBED_SHARE * max(one_s, other_s)
    return alike and each > EACH_Z and both > BOTH_Z


def outliers(lost: Column, sigmas: Column) -> list[int]:
    """Return the indices of the corners that lost far more than they vary."""
    found = (lost > OUTLIER_Z * sigmas).any(axis=1)
    return [int(corner) for corner in np.flatnonzero(found)]
