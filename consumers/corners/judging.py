"""Judge a lap against the usual one: what each corner lost, and whether that means something."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from consumers.corners.losses import Seconds, Share, losses, shares
from consumers.corners.spread import Spread, learned, sigmas_s, table, units_s
from consumers.corners.trace import Trace
from consumers.corners.usual import Masked, Usual
from consumers.corners.verdicts import (
    OFF_S,
    is_disturbed,
    off_m,
    outliers,
    share_at,
    with_off,
)
from pitbox.chunks.arrays import Column
from schemas.passes import Judged, Loss, Pass
from schemas.track import Corner

LAPS: Final = 2
"""The laps that a usual one takes at least."""


class Judgement(Struct, frozen=True):
    """Hold a lap against the usual one.

    `lost`, `sigmas` and `units` are float64[corners][PHASES] in s. Shares from `until` on have no
    losses, for the car went off at `off_m` before.
    """

    judged: Judged
    found: tuple[Share, ...]
    seconds: tuple[Seconds, ...]
    carried_s: float
    units: Column
    laps: int
    lost: Column
    sigmas: Column
    until: int
    off_m: float | None = None

    def losses(self, corners: Sequence[Corner]) -> tuple[Loss, ...]:
        """Return the losses of a lap as facts."""
        return tuple(
            _loss(corners[share.corner], seconds, self.sigmas[share.corner])
            for share, seconds in zip(self.found, self.seconds, strict=True)
        )[: self.until]

    def masked(self) -> list[Masked]:
        """Return the corners that are not the driver's usual way."""
        off = self.found[self.until - 1 :] if self.judged == "off" else ()
        out = {share.corner for share in off} | set(outliers(self.lost, self.sigmas))
        return [
            Masked(share.corner, share.begins_m, share.ends_m)
            for share in self.found
            if share.corner in out
        ]

    def learned(self, spread: Spread) -> Spread:
        """Return a spread with the losses of the lap added that show how the driver varies."""
        if self.judged == "disturbed":
            return spread
        lost = self.lost.copy()
        if self.judged == "off":
            lost[[share.corner for share in self.found[self.until - 1 :]]] = np.nan
        return learned(spread, lost, self.units, self.laps)

    def begun(self, passes: Sequence[Pass], length_m: float) -> tuple[Pass, ...]:
        """Return passes that begin with their shares; a corner without one is before the next."""
        begins_m: dict[int, float] = {}
        following = self.found[0].begins_m if self.found else 0.0
        shares_m = {share.corner: share.begins_m for share in self.found}
        for corner in reversed(range(len(passes))):
            following = shares_m.get(corner, following)
            begins_m[corner] = following % length_m
        return tuple(
            replace(one, begins_m=begins_m[corner]) if self.found else one
            for corner, one in enumerate(passes)
        )


def judge(
    trace: Trace,
    passes: Sequence[Pass],
    usual: Usual,
    spread: Spread,
    corners: Sequence[Corner],
    *,
    held_up: bool,
) -> Judgement:
    """Judge a lap against the usual one, by how the driver varies; `held_up` by a flag or a car."""
    found = shares(trace, passes, usual, corners)
    judgement = _weighed(trace, usual, spread, found, len(corners))
    if len(usual.laps) < LAPS or not spread.is_known:
        return replace(judgement, judged="no_reference")
    place_m = off_m(trace)
    index = None if place_m is None else share_at(place_m, found, usual.length_m)
    if place_m is not None and index is not None:
        reached = with_off(found, index, place_m)
        off = _weighed(trace, usual, spread, reached, len(corners))
        if off.seconds[index].net_s >= OFF_S:
            return replace(off, judged="off", until=index + 1, off_m=place_m)
    if held_up or is_disturbed(judgement.seconds, judgement.sigmas, found):
        return replace(judgement, judged="disturbed")
    return judgement


def _weighed(
    trace: Trace, usual: Usual, spread: Spread, found: Sequence[Share], corners: int
) -> Judgement:
    """Return the losses of shares, with how they vary; of a spread not known yet by themselves."""
    seconds, carried_s = losses(trace, usual, found)
    units, laps = units_s(usual, found, corners), len(usual.laps)
    lost = table(seconds, found, corners)
    varies = spread if spread.is_known else learned(spread, lost, units, laps)
    return Judgement(
        judged="yes",
        found=tuple(found),
        seconds=tuple(seconds),
        carried_s=carried_s,
        units=units,
        laps=laps,
        lost=lost,
        sigmas=sigmas_s(varies, units),
        until=len(found),
    )


def _loss(corner: Corner, seconds: Seconds, sigmas: Column) -> Loss:
    entry_s, minimum_s, exit_s, whole_s = sigmas.tolist()
    return Loss(
        corner=corner.name,
        entry_s=seconds.entry_s,
        minimum_s=seconds.minimum_s,
        exit_s=seconds.exit_s,
        entry_spread_s=entry_s,
        minimum_spread_s=minimum_s,
        exit_spread_s=exit_s,
        spread_s=whole_s,
    )
