"""The passages of a car from line to line, made of steps.

A passage is not always the lap that the sim numbers: an out-lap may share the number of the lap
after it, the number may stay at the flag, or begin again when the session is restarted.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from consumers.timing.crossings import Cut, lasted_s
from consumers.timing.reports import OWN, gather_reports
from consumers.timing.segments import Changes, Piece, Segment, chain
from consumers.timing.steps import SKEW_NS, SKEW_S, Step
from schemas.sim import LapReported

PRECISE_S: Final = 0.25
"""The largest slack of both crossings for a lap to be timed by them."""

LONGEST_S: Final = 3600.0
"""A car that takes longer from line to line was not driven meanwhile."""

BACK_M: Final = 50.0
"""A car that is this much further back after a hole is on another lap."""


class Mark(Struct, frozen=True):
    """Hold what was known of a passage when it came to its first solid step.

    `pieces` are those before the step. `asked` are the laps whose reports decided about passages
    until then.
    """

    step: Step
    pieces: int
    whole: bool
    asked: frozenset[int]


class Passage(Struct):
    """Hold the pieces from one line crossing to the next.

    `number` is the sim's, `shift` is 1 for a passage after, -1 for one before the lap of that
    number. `start` and `end` are None when they were not seen; `grid` marks a standing start
    before the line. `label` is the lap's number over all epochs, None without one, and
    `is_settled` whether nothing that comes later changes the labels until here. `mark` is where
    the timeline can be laid out again, None if it cannot within the passage.
    """

    number: int | None
    pieces: list[Piece]
    start: Cut | None
    grid: bool = False
    end: Cut | None = None
    whole: bool = True
    shift: int = 0
    label: int | None = None
    is_settled: bool = False
    mark: Mark | None = None

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
    """Hold the passages between two restarts; the sim's lap numbers plus `offset` are unique.

    `highest` is the highest label until its end.
    """

    starts_ns: int
    passages: list[Passage]
    offset: int = 0
    highest: int = 0


class Asked:
    """Give the reports of the driver's own laps, and note which ones were asked for."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        """Give the reports of segments."""
        self._segments = segments
        self.numbers: frozenset[int] = frozenset()

    def of(self, number: int) -> tuple[LapReported, ...]:
        """Return the reports of a lap."""
        self.numbers |= {number}
        gathered = gather_reports((one.reports for one in self._segments), {OWN: (number,)})
        return gathered[OWN].get(number, ())


def add_steps(epochs: list[Epoch], steps: Iterable[Step], asked: Asked) -> None:
    """Add steps to the last passage of epochs, and to further ones."""
    passage = epochs[-1].passages[-1] if epochs else None
    for step in steps:
        if passage is None or _restarts(passage, step):
            passage = _begin(step, joined=False)
            epochs.append(Epoch(step.piece.first_ns, [passage]))
        elif (shift := _next_shift(passage, step, asked)) is None:
            passage.pieces.append(step.piece)
            passage.whole = passage.whole and step.joined
        else:
            passage.end = step.cut if step.joined else None
            if shift < 0:
                passage.shift = -1
            passage = _begin(step, step.joined)
            passage.shift = max(shift, 0)
            epochs[-1].passages.append(passage)
        if passage.mark is None and step.is_solid:
            before = len(passage.pieces) - 1
            passage.mark = Mark(replace(step), before, passage.whole, asked.numbers)


def _begin(step: Step, joined: bool) -> Passage:
    grid = not joined and step.piece.first_m <= 0
    return Passage(step.number, [step.piece], step.cut if joined else None, grid)


def _restarts(passage: Passage, step: Step) -> bool:
    if step.restarted:
        return True
    return step.number is not None and passage.number is not None and step.number < passage.number


def _next_shift(passage: Passage, step: Step, asked: Asked) -> int | None:
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
    return 1 if passage.start is not None or _is_reported(passage, step.cut, asked) else -1


def _passes_line(passage: Passage, cut: Cut) -> bool:
    if passage.start is None:
        return cut.line
    since_s = lasted_s((passage.start.at_ns, passage.start.clock_s), (cut.at_ns, cut.clock_s))
    return cut.line and not passage.jumped and since_s > SKEW_S


def _is_reported(passage: Passage, cut: Cut, asked: Asked) -> bool:
    versions = asked.of(passage.number) if passage.number is not None else ()
    return any(passage.begins_ns < r.at_ns <= cut.at_ns + SKEW_NS for r in versions)
