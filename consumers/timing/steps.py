"""The pieces of all segments in the order they were driven, each with the lap it was a part of.

Games count in their own way: the number may be missing or nonsense for some frames, change a few
frames before or after the line, or fall back after a flashback. This module corrects that.
"""

import math
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from consumers.timing.crossings import Cut, lasted_s
from consumers.timing.segments import Piece, Segment

SKEW_S: Final = 5.0
SKEW_NS: Final = round(SKEW_S * 1e9)
"""How far lap number, line and report of one crossing lie apart at most."""

GLITCH_NS: Final = 10_000_000_000
REWIND_NS: Final = 2_000_000_000
RESTART_CLOCK_S: Final = 10.0
"""A session clock that goes back to less than this without a flashback begins again."""

Void = tuple[int, int]
"""A span of the driver's clock (ns) that a flashback took back; the end is not part of it."""


Place = tuple[int, int]
"""The index of a segment in driven order, and of a piece in it."""


class Reach(Struct, frozen=True, gc=False):
    """Hold how far cars get in the pieces up to one, and how that judges crossings.

    `moved_m` is the longest lap whose end was taken as a move of the car, `passed_m` the shortest
    one whose end was not. `last_ns` is the latest time before the piece.
    """

    furthest_m: float = 0.0
    moved_m: float = -math.inf
    passed_m: float = math.inf
    last_ns: int = -1
    until_ns: int = -1

    def judges_as(self, furthest_m: float) -> bool:
        """Return whether crossings are judged in the same way by another longest lap."""
        return self.moved_m < furthest_m / 2 <= self.passed_m


class Step(Struct):
    """Place one piece on the timeline; `joined` is whether it follows the one before at once.

    `rewinds` and `spans` are how many flashbacks and spans taken back were known when it was kept.
    """

    piece: Piece
    number: int | None
    cut: Cut | None
    joined: bool
    place: Place
    restarted: bool = False
    reach: Reach = Reach()
    rewinds: int = 0
    spans: int = 0

    @property
    def is_solid(self) -> bool:
        """Return whether no step before it changes, or is changed by, what comes after it.

        It lasts so long that nothing reaches over it, and its number is the sim's.
        """
        piece = self.piece
        if self.number is None or self.number != piece.number or (piece.cut and piece.cut.back):
            return False
        lasts = piece.last_ns - piece.first_ns > REWIND_NS and _lasted_s(piece) > SKEW_S
        return lasts and piece.first_ns >= self.reach.last_ns


class Start(Struct, frozen=True):
    """Hold what lay before a solid step: the place from which steps can be laid out again."""

    step: Step
    spans: tuple[Void, ...]


class Laid(Struct, frozen=True):
    """Hold the driven steps, from the start on, and all spans taken back as they were found."""

    steps: list[Step]
    spans: tuple[Void, ...]


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
    laid = _without_void(driven, rewinds, start)
    if start and laid.steps[0] is not steps[0]:
        return None
    _align(laid.steps)
    return laid


def is_void(voids: Sequence[Void], at_ns: int) -> bool:
    """Return whether an instant was taken back; `voids` are ascending and do not overlap."""
    place = bisect_right(voids, at_ns, key=_start) - 1
    return place >= 0 and at_ns < voids[place][1]


def within(voids: Sequence[Void], from_ns: int, until_ns: int) -> tuple[Void, ...]:
    """Return the voids that reach into the time between two instants."""
    first = bisect_right(voids, from_ns, key=_end)
    return tuple(voids[first : bisect_left(voids, until_ns, key=_start)])


def _start(void: Void) -> int:
    return void[0]


def _end(void: Void) -> int:
    return void[1]


def apart(voids: Iterable[Void]) -> tuple[Void, ...]:
    """Return voids ascending, those that overlap as one."""
    apart: list[Void] = []
    for start, end in sorted(voids):
        if apart and start < apart[-1][1]:
            apart[-1] = apart[-1][0], max(end, apart[-1][1])
        else:
            apart.append((start, end))
    return tuple(apart)


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


def _without_void(
    steps: list[Step], rewinds: Sequence[tuple[int, float]], start: Start | None
) -> Laid:
    """Remove the steps that flashbacks took back."""
    kept = steps[:1] if start else []
    spans = list(start.spans) if start else []
    pending = deque(rewinds[start.step.rewinds :] if start else rewinds)
    for step in steps[len(kept) :]:
        rewound_to_s = _rewind_before(step, kept, pending)
        back = step.joined and step.cut is not None and step.cut.back
        rewound = rewound_to_s is not None
        unseen = rewound and not step.joined
        if unseen or (back and (rewound or step.piece.first_clock_s > RESTART_CLOCK_S)):
            to_s = step.piece.first_clock_s if back or rewound_to_s is None else rewound_to_s
            void = _undo(kept, to_s, step.piece.first_ns)
            spans += [void] if void else []
            step.cut = None if back else step.cut
        elif back:
            step.restarted = True
        step.rewinds, step.spans = len(rewinds) - len(pending), len(spans)
        kept.append(step)
    return Laid(kept, tuple(spans))


def _rewind_before(step: Step, kept: list[Step], pending: deque[tuple[int, float]]) -> float | None:
    """Return the session time of the sim's last flashback before a step; leave later ones."""
    rewound_to_s: float | None = None
    while pending and pending[0][0] <= step.piece.first_ns + REWIND_NS:
        at_ns, to_s = pending[0]
        goes_back = step.cut is not None and step.cut.back
        if at_ns > step.piece.first_ns and not goes_back:
            break
        pending.popleft()
        if kept and at_ns >= kept[-1].piece.last_ns - REWIND_NS:
            rewound_to_s = to_s
    return rewound_to_s


def _undo(kept: list[Step], to_s: float, at_ns: int) -> Void | None:
    from_ns = at_ns
    while kept and kept[-1].piece.first_clock_s >= to_s:
        from_ns = kept.pop().piece.first_ns
    if kept and kept[-1].piece.last_clock_s > to_s:
        piece = kept[-1].piece
        share = (to_s - piece.first_clock_s) / (piece.last_clock_s - piece.first_clock_s)
        if math.isfinite(share):  # the piece's first frames may lack the session's clock
            from_ns = piece.first_ns + round(share * (piece.last_ns - piece.first_ns))
    return (from_ns, at_ns) if from_ns < at_ns else None


def _lasted_s(piece: Piece) -> float:
    return lasted_s((piece.first_ns, piece.first_clock_s), (piece.last_ns, piece.last_clock_s))


def _align(steps: list[Step]) -> None:
    """Bring together line and lap number where the one changes some frames after the other."""
    for before, step, after in zip(steps, steps[1:], steps[2:], strict=False):
        if not (step.cut and after.cut and step.joined and after.joined):
            continue
        if _lasted_s(step.piece) > SKEW_S:
            continue
        if step.cut.line and not step.cut.step and after.cut.step and not after.cut.line:
            step.number, step.cut = after.number, replace(step.cut, step=True)
            after.cut = None
        elif step.cut.step and not step.cut.line and after.cut.line and not after.cut.step:
            step.number, step.cut = before.number, None
            after.cut = replace(after.cut, step=True)
