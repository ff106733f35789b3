"""The driven frames as passages from line to line, over all restarts of a session.

Everything here follows from the segments alone, whatever the order in which they came. What a
chunk cannot have changed is taken from an earlier timeline.
"""

from bisect import bisect_right
from collections.abc import Container, Iterator, Sequence
from itertools import chain, pairwise, takewhile, zip_longest

from msgspec import Struct

from consumers.timing.labels import label
from consumers.timing.layout import lay_out, ordered
from consumers.timing.passages import Asked, Epoch, Passage, add_steps
from consumers.timing.segments import Segment
from consumers.timing.spans import Void, apart
from consumers.timing.steps import REWIND_NS, Place, Start, Step


class Layout(Struct, frozen=True):
    """Tell from what a timeline was laid out.

    Of each segment in driven order it has run, first and last chunk, and number of ended pieces.
    """

    segments: tuple[tuple[int, int, int, int], ...] = ()
    rewinds: tuple[tuple[int, float], ...] = ()

    def agreed(self, other: "Layout") -> "Agreed":
        """Return how far another layout is the same."""
        pairs = list(zip(self.segments, other.segments, strict=False))
        index = next((at for at, (old, new) in enumerate(pairs) if old != new), len(pairs))
        ended = 0
        if index < len(pairs):
            old, new = pairs[index]
            ended = min(old[3], new[3]) if old[:2] == new[:2] else 0
        taken = zip(self.rewinds, other.rewinds, strict=False)
        rewinds = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], taken))
        return Agreed((index, ended), rewinds, other.rewinds[rewinds : rewinds + 1])


class Agreed(Struct, frozen=True):
    """Hold the first place and the number of flashbacks in which two layouts differ.

    `following` is the flashback after those that are the same, if any.
    """

    until: Place
    rewinds: int
    following: tuple[tuple[int, float], ...]

    def keeps(self, step: Step) -> bool:
        """Return whether all that was known until after a step is the same."""
        if step.place >= self.until or step.rewinds > self.rewinds:
            return False
        at_end = step.rewinds == self.rewinds and self.following
        return not at_end or self.following[0][0] > step.piece.first_ns + REWIND_NS


class Timeline(Struct, frozen=True):
    """Hold all epochs in order, and the spans taken back.

    `kept` is how many of the first passages are those of the timeline that it was derived from.
    `spans` are the spans taken back as they were found.
    """

    epochs: tuple[Epoch, ...] = ()
    voids: tuple[Void, ...] = ()
    spans: tuple[Void, ...] = ()
    layout: Layout = Layout()
    kept: int = 0

    @property
    def passages(self) -> list[Passage]:
        """Return the passages of all epochs."""
        return list(chain.from_iterable(epoch.passages for epoch in self.epochs))

    def epoch_of(self, at_ns: int) -> int:
        """Return the index of the epoch that an instant belongs to."""
        return max(bisect_right(self.epochs, at_ns, key=_starts_ns) - 1, 0)

    @property
    def offsets(self) -> frozenset[int]:
        """Return what is added to lap numbers in any epoch."""
        return frozenset(epoch.offset for epoch in self.epochs) or frozenset({0})

    def counts_as_until_ns(self, other: "Timeline") -> int | None:
        """Return until when a lap number means the same lap in another timeline; None for ever."""
        differ = [
            *_first_difference(self._counting(), other._counting()),
            *_first_difference(self.voids, other.voids),
        ]
        return min((since_ns for since_ns, _ in differ), default=None)

    def _counting(self) -> list[tuple[int, int]]:
        """Return since when which offset applies; the first one also before it starts."""
        since = [epoch.starts_ns for epoch in self.epochs]
        return list(zip([0, *since[1:]], [epoch.offset for epoch in self.epochs], strict=False))


def _first_difference(
    old: Sequence[tuple[int, int]], new: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    pairs = (pair for pair in zip_longest(old, new) if pair[0] != pair[1])
    return [one for one in next(pairs, ()) if one is not None]


def _starts_ns(epoch: Epoch) -> int:
    return epoch.starts_ns


class _Ground(Struct, frozen=True):
    """Hold what a timeline is laid out from: segments in driven order, their layout and reports."""

    segments: Sequence[Segment]
    layout: Layout
    asked: Asked


def timeline(segments: Sequence[Segment], before: Timeline, fresh: Container[int]) -> Timeline:
    """Lay segments out as epochs of passages.

    `before` is an earlier timeline of some of their chunks, or empty; `fresh` has the numbers of
    all own laps that were reported since. The result is the same as with an empty one.
    """
    driven = ordered(segments)
    rewinds = tuple(sorted(rewind for segment in segments for rewind in segment.rewinds))
    places = tuple((one.run, one.first, one.last, len(one.ended)) for one in driven)
    ground = _Ground(driven, Layout(places, rewinds), Asked(segments))
    for at, place in _resumable(before, ground.layout, fresh):
        line = _resumed(before, at, place, ground)
        if line:
            return line
    laid = lay_out(driven, rewinds)
    epochs: list[Epoch] = []
    if laid:
        add_steps(epochs, laid.steps, ground.asked)
    highest = 0
    for epoch in epochs:
        label(epoch, highest, is_first=epoch is epochs[0])
        highest = epoch.highest
    spans = laid.spans if laid else ()
    return Timeline(tuple(epochs), apart(spans), spans, ground.layout)


def _resumable(
    before: Timeline, layout: Layout, fresh: Container[int]
) -> Iterator[tuple[int, int]]:
    """Yield the places of passages in which the timeline can be laid out again, the last first.

    The way to the next one doubles, so those that fail cost no more than the one that does not.
    """
    agreed = before.layout.agreed(layout)
    skip, passed = 0, 0
    for epoch in range(len(before.epochs) - 1, -1, -1):
        passages = before.epochs[epoch].passages
        for passage in range(len(passages) - 1, -1, -1):
            mark = passages[passage].mark
            passed += 1
            if passed <= skip or mark is None or any(number in fresh for number in mark.asked):
                continue
            if agreed.keeps(mark.step):
                yield epoch, passage
                skip = 2 * passed


def _resumed(before: Timeline, at: int, place: int, ground: _Ground) -> Timeline | None:
    """Lay out again from a passage of an epoch on; None when that changes what lies before it."""
    old = before.epochs[at]
    passage = old.passages[place]
    mark = passage.mark
    if mark is None:
        return None
    start = Start(mark.step, before.spans[: mark.step.spans])
    laid = lay_out(ground.segments, ground.layout.rewinds, start)
    if laid is None:
        return None
    ground.asked.numbers = mark.asked
    first, *steps = laid.steps
    resumed = Passage(
        number=passage.number,
        pieces=[*passage.pieces[: mark.pieces], first.piece],
        start=passage.start,
        grid=passage.grid,
        whole=mark.whole,
        shift=max(passage.shift, 0),
        mark=mark,
    )
    epoch = Epoch(
        starts_ns=old.starts_ns,
        passages=[*old.passages[:place], resumed],
        offset=old.offset,
    )
    epochs = [*before.epochs[:at], epoch]
    add_steps(epochs, steps, ground.asked)
    highest = before.epochs[at - 1].highest if at else 0
    kept = label(epoch, highest, is_first=at == 0, known=place)
    for earlier, later in pairwise(epochs[at:]):
        label(later, earlier.highest, is_first=False)
    kept += sum(len(one.passages) for one in before.epochs[:at])
    return Timeline(tuple(epochs), apart(laid.spans), laid.spans, ground.layout, kept)
