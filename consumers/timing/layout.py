"""The pieces of all segments in the order they were driven, each with the lap it was a part of.

Games count in their own way: the number may be missing or nonsense for some frames, change a few
frames before or after the line, or fall back after a flashback. This module corrects that.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from msgspec.structs import replace

from consumers.timing.crossings import Cut
from consumers.timing.flashbacks import without_void
from consumers.timing.segments import Piece, Segment
from consumers.timing.steps import SKEW_S, Laid, Reach, Start, Step, piece_lasted_s

GLITCH_NS: Final = 10_000_000_000


def lay_out(
    segments: Sequence[Segment], rewinds: Sequence[tuple[int, float]], start: Start | None = None
) -> Laid | None:
    """Return the driven pieces of segments in driven order as steps, from a start on.

    None when they change what lay before the start: then an earlier one is needed.
    """
    steps = _steps(segments, start)
    if not _untangle(steps, start):
        return None
    driven = _tidy(steps)
    laid = without_void(driven, rewinds, start)
    if start and laid.steps[0] is not steps[0]:
        return None
    _align(laid.steps)
    return laid


def ordered(segments: Iterable[Segment]) -> list[Segment]:
    """Return segments in driven order, without those that another one contains."""
    driven = [
        ((oldest.first_ns, -newest.last_ns, segment.run, segment.first), segment)
        for segment in segments
        if (oldest := segment.oldest) and (newest := segment.newest)
    ]
    kept: list[Segment] = []
    until_ns = -1
    for place, segment in sorted(driven, key=_place):
        last_ns = -place[1]
        if last_ns > until_ns:
            kept.append(segment)
            until_ns = last_ns
    return kept


def _place(placed: tuple[tuple[int, int, int, int], Segment]) -> tuple[int, int, int, int]:
    return placed[0]


def _steps(segments: Sequence[Segment], start: Start | None) -> list[Step]:
    at, first = start.step.place if start else (0, 0)
    steps: list[Step] = []
    for index, segment in enumerate(segments[at:], at):
        steps += [
            Step(piece, piece.number, piece.cut, place > 0, (index, place))
            for place, piece in enumerate(segment.pieces[first:], first)
        ]
        first = 0
    if start:
        steps[0] = replace(start.step, piece=steps[0].piece)
    return steps


def _untangle(steps: list[Step], start: Start | None) -> bool:
    """Take a crossing after less than half of a lap as a move of the car.

    Return False when crossings before the start would be taken otherwise.
    """
    reach = start.step.reach if start else Reach()
    lengths_m = (s.piece.last_m for s in steps if s.piece.last_m > 0)
    furthest_m = max(lengths_m, default=0.0)
    furthest_m = max(furthest_m, reach.furthest_m)
    if start and not reach.judges_as(furthest_m):
        return False
    if steps and not start:
        steps[0].reach = reach = _reaching(reach, steps[0].piece)
    for before, step in pairwise(steps):
        cut, last_m = step.cut, before.piece.last_m
        if step.joined and cut and cut.line and last_m > 0:
            moved = last_m < furthest_m / 2
            if moved:
                before.piece = replace(before.piece, jumped=True)
                unseen = replace(cut, line=False, slack_s=math.inf)
                step.cut = unseen if cut.step or cut.back else None
                reach = replace(reach, moved_m=max(reach.moved_m, last_m))
            else:
                reach = replace(reach, passed_m=min(reach.passed_m, last_m))
        step.reach = reach = _reaching(reach, step.piece)
    return True


def _reaching(before: Reach, piece: Piece) -> Reach:
    """Return how far cars get up to a piece."""
    return Reach(
        furthest_m=piece.last_m if piece.last_m > before.furthest_m else before.furthest_m,
        moved_m=before.moved_m,
        passed_m=before.passed_m,
        last_ns=before.until_ns,
        until_ns=max(before.until_ns, piece.last_ns),
    )


def _tidy(steps: list[Step]) -> list[Step]:
    """Assign frames without a lap number, or with a briefly wrong one, to the lap around them."""
    for index in range(1, len(steps) - 1):
        before, step, after = steps[index - 1 : index + 2]
        if step.joined and after.joined and _is_glitch(before, step, after):
            step.number = None
    if all(step.number is None for step in steps):
        return steps
    for before, step in pairwise(steps):
        if not step.joined:
            continue
        if step.number is None:
            step.number, step.cut = before.number, _only_line(step.cut)
        elif before.number == step.number:
            step.cut = _only_line(step.cut)
    for step, after in zip(steps[-2::-1], steps[:0:-1], strict=True):
        if step.number is None:
            step.number = after.number
            if after.joined:
                after.cut = _only_line(after.cut)
    return steps


def _is_glitch(before: Step, step: Step, after: Step) -> bool:
    low, number, high = before.number, step.number, after.number
    if low is None or number is None or high is None:
        return False
    brief = step.piece.last_ns - step.piece.first_ns < GLITCH_NS
    resumes = low <= high <= low + 1 and not low <= number <= high
    return resumes and (brief or low > 1) and not (step.cut and step.cut.back)


def _only_line(cut: Cut | None) -> Cut | None:
    """Return a cut without its change of lap number; None when nothing else made it."""
    return replace(cut, step=False) if cut and (cut.line or cut.back) else None


def _align(steps: list[Step]) -> None:
    """Bring together line and lap number where the one changes some frames after the other."""
    for before, step, after in zip(steps, steps[1:], steps[2:], strict=False):
        if not (step.cut and after.cut and step.joined and after.joined):
            continue
        if piece_lasted_s(step.piece) > SKEW_S:
            continue
        if step.cut.line and not step.cut.step and after.cut.step and not after.cut.line:
            step.number, step.cut = after.number, replace(step.cut, step=True)
            after.cut = None
        elif step.cut.step and not step.cut.line and after.cut.line and not after.cut.step:
            step.number, step.cut = before.number, None
            after.cut = replace(after.cut, step=True)
