"""The driven frames as passages from line to line.

Everything here follows from the segments alone, whatever the order in which they came.
A passage is not always the lap that the sim numbers: an out-lap may share the number of the lap
after it, the number may stay at the flag, or begin again when the session is restarted.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable
from typing import Final, Literal

from msgspec import Struct

from consumers.timing.crossings import Cut, lasted_s
from consumers.timing.reports import Reports
from consumers.timing.segments import Changes, Piece, Segment, chain
from consumers.timing.steps import SKEW_NS, SKEW_S, Step, Void, lay_out

PRECISE_S: Final = 0.25
"""The largest slack of both crossings for a lap to be timed by them."""

LONGEST_S: Final = 3600.0
"""A car that takes longer from line to line was not driven meanwhile."""

BACK_M: Final = 50.0
"""A car that is this much further back after a hole is on another lap."""


MAX_LABEL: Final = 2**31 - 1
"""The largest lap number that is stored; restarts add up to more only if numbers are made up."""


class Passage(Struct):
    """Hold the pieces from one line crossing to the next.

    `number` is the sim's, `shift` is 1 for a passage after, -1 for one before the lap of that
    number. `start` and `end` are None when they were not seen; `grid` marks a standing start
    before the line. `label` is the lap's number over all epochs, None without one.
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
        """Return whether the car was moved by other means than driving."""
        return any(piece.jumped for piece in self.pieces)

    @property
    def is_approach(self) -> bool:
        """Return whether it is only the way to the line, on which no lap is driven."""
        return self.start is None and self.pieces[-1].last_m < 0

    def crossing_s(self) -> float | None:
        """Return the time between both crossings.

        None when one was not seen well, or the car did not drive all the way between them.
        """
        start, end = self.start, self.end
        if start is None or end is None or max(start.slack_s, end.slack_s) > PRECISE_S:
            return None
        if self.jumped:
            return None
        crossing_s = lasted_s((start.at_ns, start.clock_s), (end.at_ns, end.clock_s))
        return crossing_s if crossing_s < LONGEST_S else None

    def changes(self, channel: Literal["valid", "pit", "sector", "last_lap_time_s"]) -> Changes:
        """Return when a channel changed, over all pieces."""
        joined: Changes = ()
        for piece in self.pieces:
            joined = chain(joined, getattr(piece, channel))
        return joined


class Epoch(Struct):
    """Hold the passages between two restarts; the sim's lap numbers plus `offset` are unique."""

    starts_ns: int
    passages: list[Passage]
    offset: int = 0


class Timeline(Struct, frozen=True):
    """Hold all epochs in order, and the spans taken back."""

    epochs: tuple[Epoch, ...]
    voids: tuple[Void, ...]

    def epoch_of(self, at_ns: int) -> int:
        """Return the index of the epoch that an instant belongs to."""
        return max(bisect_right(self.epochs, at_ns, key=_starts_ns) - 1, 0)

    def counts_as(self, other: "Timeline") -> bool:
        """Return whether a lap number at an instant means the same lap in another timeline."""
        return self._counting() == other._counting() and self.voids == other.voids

    def _counting(self) -> list[tuple[int, int]]:
        """Return since when which offset applies; the first one also before it starts."""
        since = [epoch.starts_ns for epoch in self.epochs]
        return list(zip([0, *since[1:]], [epoch.offset for epoch in self.epochs], strict=False))


def _starts_ns(epoch: Epoch) -> int:
    return epoch.starts_ns


def timeline(segments: Iterable[Segment], reports: Reports) -> Timeline:
    """Lay segments out as epochs of passages; `reports` are those of the driver's own car."""
    steps, voids = lay_out(segments)
    epochs = _epochs(steps, reports)
    _label(epochs)
    return Timeline(tuple(epochs), voids)


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
    """Return how the number of the passage that a step begins is shifted; None if it begins none.

    1: the sim did not count on, but this follows the lap of that number. -1: this is the lap of
    that number, and the passage before is not.
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
    since_s = lasted_s((passage.start.at_ns, passage.start.clock_s), (cut.at_ns, cut.clock_s))
    return cut.line and not passage.jumped and since_s > SKEW_S


def _is_reported(passage: Passage, cut: Cut, reports: Reports) -> bool:
    versions = reports.get(passage.number, ()) if passage.number is not None else ()
    return any(passage.begins_ns < r.at_ns <= cut.at_ns + SKEW_NS for r in versions)


def _label(epochs: list[Epoch]) -> None:
    """Label passages with lap numbers, each number once over all epochs."""
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
        if number + epoch.offset > MAX_LABEL:
            continue
        if passage.shift == 0 or (number not in taken and number >= 0):
            passage.label = number + epoch.offset
            taken.add(number)
            last = number
