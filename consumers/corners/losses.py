"""Where a lap lost time against the usual one: by corner, in entry, minimum and exit."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from consumers.corners.closed import ahead_m
from consumers.corners.passes import BEFORE_M, Slowest, slowest
from consumers.corners.trace import Trace
from consumers.corners.usual import Usual
from schemas.passes import Pass
from schemas.track import Corner

SLOWER: Final = 0.99
"""A car that arrives with less than this share of the usual speed brakes later, and not better."""


class Share(Struct, frozen=True):
    """Hold a corner's share of the lap in m, counted on beyond the line.

    Entry until `holds_m`, minimum until `leaves_m`, exit until `ends_m`.
    """

    corner: int
    begins_m: float
    holds_m: float
    leaves_m: float
    ends_m: float


class Seconds(Struct, frozen=True):
    """Hold the seconds that a corner lost in each phase."""

    entry_s: float
    minimum_s: float
    exit_s: float

    @property
    def net_s(self) -> float:
        """Return the corner's loss."""
        return self.entry_s + self.minimum_s + self.exit_s


def shares(
    trace: Trace, passes: Sequence[Pass], usual: Usual, corners: Sequence[Corner]
) -> list[Share]:
    """Return the shares of the corners in which the usual lap has a minimum of speed, in order.

    Each begins where the next before it ends, the first one within the lap.
    """
    found = slowest(usual.speed, usual.step_m, corners)
    ways = [
        _way(found[index - 1], own, trace, passes[own.corner], usual)
        for index, own in enumerate(found)
    ]
    made: list[Share] = []
    for own, way, following in zip(found, ways, [*ways[1:], *ways[:1]], strict=True):
        begins_m = made[-1].ends_m if made else (own.from_m - way.braked_m) % usual.length_m
        holds_m = begins_m + way.braked_m
        leaves_m = holds_m + own.to_m - own.from_m
        made.append(Share(own.corner, begins_m, holds_m, leaves_m, leaves_m + following.driven_m))
    return made


class _Way(Struct, frozen=True):
    """Hold the way from one hold to the next: what the corner before takes, and what this one."""

    driven_m: float
    braked_m: float


def _way(before: Slowest, own: Slowest, trace: Trace, made: Pass, usual: Usual) -> _Way:
    """Divide the way between two corners before the braking, the earlier one of both laps.

    The lap's own braking counts where it arrives slower; a car so slow that it need not brake lost
    all of that before. Where neither lap brakes, the fastest place counts.
    """
    straight_m = ahead_m(before.to_m, own.from_m, usual.length_m)

    def on_m(place_m: float) -> float:
        after_m = ahead_m(before.to_m, place_m - BEFORE_M, usual.length_m)
        if after_m <= straight_m:
            return after_m
        return 0.0 if usual.length_m - after_m < after_m - straight_m else straight_m

    own_m, usual_m = made.brakes_m, usual.passes[own.corner].brakes_m
    slower = usual_m is not None and trace.speed_at(usual_m) < SLOWER * usual.speed_at(usual_m)
    if own_m is not None and usual_m is not None:
        driven_m = on_m(own_m) if slower else min(on_m(own_m), on_m(usual_m))
    elif slower:
        driven_m = straight_m
    elif own_m is not None or usual_m is not None:
        driven_m = on_m(own_m if own_m is not None else usual_m or 0.0)
    else:
        first = int(before.to_m / usual.step_m)
        nodes = np.arange(first, first + int(straight_m / usual.step_m) + 1)
        fastest = int(usual.speed[nodes % len(usual.speed)].argmax())
        driven_m = min(fastest * usual.step_m, straight_m)
    return _Way(driven_m, straight_m - driven_m)


def losses(trace: Trace, usual: Usual, found: Sequence[Share]) -> tuple[list[Seconds], float]:
    """Return the loss of each share, and what the last corner of the lap before lost on this lap.

    Together they are the difference between both laps.
    """

    def lost_s(place_m: float) -> float:
        return trace.at_s(place_m) - usual.at_s(place_m)

    length_m = usual.length_m
    if not found:
        return [], lost_s(length_m)
    line_m = found[-1].ends_m // length_m * length_m
    carried_s = 0.0
    seconds = []
    for share in found:
        end_m = share.ends_m
        if share is found[-1] and share.leaves_m <= line_m < end_m:
            carried_s, end_m = lost_s(end_m) - lost_s(line_m), line_m
        places = (share.begins_m, share.holds_m, share.leaves_m, end_m)
        a, b, c, d = (lost_s(place_m) for place_m in places)
        seconds.append(Seconds(b - a, c - b, d - c))
    return seconds, carried_s
