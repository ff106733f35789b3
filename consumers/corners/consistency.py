"""What the laps of a stint add up to: the theoretical best, and how even each corner was."""

from collections.abc import Iterable, Sequence
from statistics import median, pstdev
from typing import Final

from msgspec import Struct

from schemas.passes import Loss, Passes

WHOLE: Final = frozenset({"yes", "no_reference", "disturbed"})
"""Judgements of laps that were driven from line to line on the track."""


class Corner(Struct, frozen=True):
    """State how even a corner was driven over some laps; spreads are standard deviations in s."""

    corner: str
    laps: int
    best_s: float
    median_s: float
    spread_s: float
    entry_spread_s: float
    minimum_spread_s: float
    exit_spread_s: float


def theoretical_best_s(laps: Iterable[Passes]) -> float | None:
    """Return the time of a lap made of the best time in each corner; None without a whole lap."""
    corners = _times_s(laps)
    return sum(min(times_s) for times_s in corners.values()) if corners else None


def consistency(laps: Sequence[Passes]) -> tuple[Corner, ...]:
    """Return how even each corner was driven, in order; laps in traffic do not count."""
    clean = [one for one in laps if one.judged != "disturbed"]
    losses: dict[str, list[Loss]] = {}
    for one in clean:
        for loss in one.losses:
            losses.setdefault(loss.corner, []).append(loss)
    return tuple(
        Corner(
            corner=corner,
            laps=len(times_s),
            best_s=min(times_s),
            median_s=median(times_s),
            spread_s=pstdev(times_s),
            entry_spread_s=_spread_s(loss.entry_s for loss in losses.get(corner, ())),
            minimum_spread_s=_spread_s(loss.minimum_s for loss in losses.get(corner, ())),
            exit_spread_s=_spread_s(loss.exit_s for loss in losses.get(corner, ())),
        )
        for corner, times_s in _times_s(clean).items()
    )


def _times_s(laps: Iterable[Passes]) -> dict[str, list[float]]:
    """Return the times of whole laps by corner, of one version of the track: the last lap's."""
    whole = [one for one in laps if one.judged in WHOLE and one.passes]
    times_s: dict[str, list[float]] = {}
    for one in whole:
        if _track(one) == _track(whole[-1]):
            for made in one.passes:
                times_s.setdefault(made.corner, []).append(made.time_s)
    return times_s


def _track(passes: Passes) -> tuple[str, int]:
    return passes.track, passes.track_version


def _spread_s(values: Iterable[float]) -> float:
    known = list(values)
    return pstdev(known) if len(known) > 1 else 0.0
