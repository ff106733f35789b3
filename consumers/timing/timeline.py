"""Joined segments in the order they were driven, as passages from line to line.

Everything here follows from the segments alone and knows nothing of the order in which they came.
What makes it hard is that games count laps in their own way: the number may change some frames
before or after the line, not change at all after an out-lap or at the flag, fall back after a
flashback, or begin again when the session is restarted.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from consumers.timing.segments import OWN, Cut, Piece, Reports, Segment, merge_reports

SKEW_NS: Final = 5_000_000_000
"""How far lap number, line and report of one crossing lie apart at most."""

GLITCH_NS: Final = 10_000_000_000
REWIND_NS: Final = 2_000_000_000
RESTART_CLOCK_S: Final = 10.0
BACK_M: Final = 50.0

Void = tuple[int, int]
"""What was driven from the one ns to the other was taken back."""


class Step(Struct):
    """Place one piece on the timeline; `joined` is whether it follows the one before at once."""

    piece: Piece
    number: int | None
    cut: Cut | None
    joined: bool
    restarted: bool = False


class Passage(Struct):
    """Hold the pieces from one line crossing to the next.

    `number` is the sim's, `shift` is 1 for a passage after, -1 for one before the lap of that
    number. `start` and `end` are None when they were not seen; `grid` says that it began standing
    before the line. `label` is the number that the lap goes by, None when it goes by none.
    """

    number: int | None
    pieces: list[Piece]
    start: Cut | None
    grid: bool = False
    end: Cut | None = None
    whole: bool = True
    shift: int = 0
    label: int | None = None

    @property
    def begins_ns(self) -> int:
        """Return when it begins, as far as it was seen."""
        return self.start.at_ns if self.start else self.pieces[0].first_ns

    @property
    def jumped(self) -> bool:
        """Tell whether the car was moved by other means than driving."""
        return any(piece.jumped for piece in self.pieces)


class Epoch(Struct):
    """Hold what was driven between two restarts; the sim's lap numbers plus `offset` are unique."""

    starts_ns: int
    passages: list[Passage]
    offset: int = 0


class Timeline(Struct, frozen=True):
    """Hold all that was driven, in order."""

    epochs: tuple[Epoch, ...]
    voids: tuple[Void, ...]

    def epoch_of(self, at_ns: int) -> int:
        """Return the index of the epoch that an instant belongs to."""
        starts = [epoch.starts_ns for epoch in self.epochs]
        return max(bisect_right(starts, at_ns) - 1, 0)

    def is_void(self, at_ns: int) -> bool:
        """Tell whether what happened at an instant was taken back."""
        return any(start <= at_ns < end for start, end in self.voids)


def ordered(segments: Iterable[Segment]) -> list[Segment]:
    """Sort segments as they were driven, leaving out what another one holds already."""
    driven = [segment for segment in segments if segment.pieces]
    driven.sort(key=lambda s: (s.pieces[0].first_ns, -s.pieces[-1].last_ns, s.run, s.first))
    kept: list[Segment] = []
    until_ns = -1
    for segment in driven:
        last_ns = segment.pieces[-1].last_ns
        if last_ns > until_ns:
            kept.append(segment)
            until_ns = last_ns
    return kept


def timeline(segments: Iterable[Segment]) -> Timeline:
    """Lay segments out as epochs of passages."""
    everything = list(segments)
    rewinds = sorted(rewind for segment in everything for rewind in segment.rewinds)
    reports: Reports = {}
    for segment in everything:
        own = {OWN: segment.reports[OWN]} if OWN in segment.reports else {}
        reports = merge_reports({OWN: reports}, own).get(OWN, {})
    steps = _tidy(_steps(ordered(everything)))
    steps, voids = _without_void(steps, rewinds)
    _align(steps)
    epochs = _epochs(steps, reports)
    _label(epochs)
    return Timeline(tuple(epochs), voids)


def _steps(segments: list[Segment]) -> list[Step]:
    return [
        Step(piece, piece.number, piece.cut, joined=index > 0)
        for segment in segments
        for index, piece in enumerate(segment.pieces)
    ]


def _tidy(steps: list[Step]) -> list[Step]:
    """Let frames without a lap number, or with a passing nonsense, belong to the lap around."""
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
    """Return what remains of a cut once its lap number means nothing."""
    return replace(cut, step=False) if cut and (cut.line or cut.back) else None


def _without_void(
    steps: list[Step], rewinds: list[tuple[int, float]]
) -> tuple[list[Step], tuple[Void, ...]]:
    """Take back what flashbacks undid."""
    kept: list[Step] = []
    voids: list[Void] = []
    pending = list(rewinds)
    for step in steps:
        told, pending = _told_before(step, kept, pending)
        back = step.joined and step.cut is not None and step.cut.back
        unseen = told is not None and not step.joined
        if unseen or (back and (told is not None or step.piece.first_clock_s > RESTART_CLOCK_S)):
            to_s = told if told is not None and not back else step.piece.first_clock_s
            void = _undo(kept, to_s, step.piece.first_ns)
            voids += [void] if void else []
            step.cut = None if back else step.cut
        elif back:
            step.restarted = True
        kept.append(step)
    return kept, tuple(voids)


def _told_before(
    step: Step, kept: list[Step], pending: list[tuple[int, float]]
) -> tuple[float | None, list[tuple[int, float]]]:
    """Return the flashback that the sim told between what was driven before and a step."""
    told: float | None = None
    while pending and pending[0][0] <= step.piece.first_ns + REWIND_NS:
        at_ns, to_s = pending[0]
        goes_back = step.cut is not None and step.cut.back
        if at_ns > step.piece.first_ns and not goes_back:
            break
        pending = pending[1:]
        if kept and at_ns >= kept[-1].piece.last_ns - REWIND_NS:
            told = to_s
    return told, pending


def _undo(kept: list[Step], to_s: float, at_ns: int) -> Void | None:
    from_ns = at_ns
    while kept and kept[-1].piece.first_clock_s >= to_s:
        from_ns = kept.pop().piece.first_ns
    if kept and kept[-1].piece.last_clock_s > to_s:
        piece = kept[-1].piece
        share = (to_s - piece.first_clock_s) / (piece.last_clock_s - piece.first_clock_s)
        from_ns = piece.first_ns + round(share * (piece.last_ns - piece.first_ns))
    return (from_ns, at_ns) if from_ns < at_ns else None


def _align(steps: list[Step]) -> None:
    """Bring together line and lap number where the one changes some frames after the other."""
    for before, step, after in zip(steps, steps[1:], steps[2:], strict=False):
        if not (step.cut and after.cut and step.joined and after.joined):
            continue
        if step.piece.last_ns - step.piece.first_ns > SKEW_NS:
            continue
        if step.cut.line and not step.cut.step and after.cut.step and not after.cut.line:
            step.number, step.cut = after.number, replace(step.cut, step=True)
            after.cut = None
        elif step.cut.step and not step.cut.line and after.cut.line and not after.cut.step:
            step.number, step.cut = before.number, None
            after.cut = replace(after.cut, step=True)


def _epochs(steps: list[Step], reports: Reports) -> list[Epoch]:
    epochs: list[Epoch] = []
    passage: Passage | None = None
    for step in steps:
        if passage is None or _restarts(passage, step):
            passage = _begin(step, joined=False)
            epochs.append(Epoch(step.piece.first_ns, [passage]))
            continue
        shift = _next_shift(passage, step, reports)
        if shift is None:
            passage.pieces.append(step.piece)
            passage.whole = passage.whole and step.joined
            continue
        passage.end = step.cut if step.joined else None
        if shift < 0:
            passage.shift = -1
        following = _begin(step, step.joined)
        following.shift = max(shift, 0)
        passage = following
        epochs[-1].passages.append(passage)
    return epochs


def _begin(step: Step, joined: bool) -> Passage:
    grid = not joined and step.piece.first_m <= 0
    return Passage(step.number, [step.piece], step.cut if joined else None, grid)


def _restarts(passage: Passage, step: Step) -> bool:
    if step.restarted:
        return True
    return step.number is not None and passage.number is not None and step.number < passage.number


def _next_shift(passage: Passage, step: Step, reports: Reports) -> int | None:
    """Tell whether a step begins another passage: None for no, else how its number is shifted.

    1: the sim did not count on, but this follows the lap of that number. -1: this is the lap of
    that number, and what was before is not.
    """
    if step.number != passage.number:
        return 0
    if not step.joined:
        back_m = passage.pieces[-1].last_m - step.piece.first_m
        return 0 if step.number is None and back_m > BACK_M else None
    if step.cut is None or not _passes_line(passage, step.cut):
        return None
    if step.number is None:
        return 0
    return 1 if passage.start is not None or _is_reported(passage, step.cut, reports) else -1


def _passes_line(passage: Passage, cut: Cut) -> bool:
    if passage.start is None:
        return cut.line
    return cut.line and not passage.jumped and cut.at_ns - passage.start.at_ns > SKEW_NS


def _is_reported(passage: Passage, cut: Cut, reports: Reports) -> bool:
    versions = reports.get(passage.number, ()) if passage.number is not None else ()
    return any(passage.begins_ns < r.at_ns <= cut.at_ns + SKEW_NS for r in versions)


def _label(epochs: list[Epoch]) -> None:
    """Give every passage the number it goes by, each number once over all epochs."""
    highest = 0
    for index, epoch in enumerate(epochs):
        numbers = [p.number + min(p.shift, 0) for p in epoch.passages if p.number is not None]
        if not numbers:
            highest = _count(epoch, highest)
            continue
        if index > 0:
            epoch.offset = highest + 1 - min(1, *numbers)
        _name(epoch)
        labels = [p.label for p in epoch.passages if p.label is not None]
        highest = max([highest, *labels])


def _count(epoch: Epoch, highest: int) -> int:
    """Count laps for a sim that does not; nothing is a lap before the line was passed once."""
    if len(epoch.passages) < 2:
        return highest
    epoch.offset = highest
    for number, passage in enumerate(epoch.passages, start=highest + 1):
        passage.label = number
    return highest + len(epoch.passages)


def _name(epoch: Epoch) -> None:
    taken = {p.number for p in epoch.passages if p.shift == 0}
    last = -math.inf
    for passage in epoch.passages:
        number = passage.number
        if number is None:
            continue
        if passage.shift > 0:
            number = max(number + 1, int(last) + 1)
        elif passage.shift < 0:
            number -= 1
        if passage.shift == 0 or (number not in taken and number >= 0):
            passage.label = number + epoch.offset
            taken.add(number)
            last = number
