"""The laps of the driver's own car; only those are derived anew that added chunks can change."""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from consumers.timing.laps import Basis, Owner, driven_lap, reported_lap
from consumers.timing.passages import Passage
from consumers.timing.reports import OWN, Fresh
from consumers.timing.segments import Segment
from consumers.timing.spans import within
from consumers.timing.timeline import Timeline, timeline
from consumers.timing.verdicts import (
    ALL,
    Anew,
    Paired,
    Verdict,
    judge,
    judged_anew,
    pair_last_lap_times,
)
from schemas.timing import Lap

NOT_PAIRED: Final[tuple[int, Verdict | None]] = 0, None


class Own(Struct, frozen=True):
    """Hold what was derived of the own car.

    `reported` and `paired` are the sim's results by label, of its reports and of its channel.
    `changed` are the labels that may differ from those that it was derived from, `anew` is which
    reports were judged anew.
    """

    owner: Owner | None = None
    line: Timeline = Timeline()
    reported: dict[int, Verdict] = {}
    paired: Paired = {}
    laps: dict[int, Lap] = {}
    changed: frozenset[int] = frozenset()
    anew: Anew = ALL


def derive(segments: Sequence[Segment], owner: Owner, before: Own, fresh: Fresh) -> Own:
    """Derive the laps of segments.

    `before` was derived from some of their chunks, `fresh` has all laps that were reported since.
    The result is that of an empty `before`.
    """
    line = timeline(segments, before.line, fresh.get(OWN, frozenset()))
    passages = line.passages
    anew = judged_anew(segments, before.line, line, fresh) if before.owner else ALL
    reported, judged = judge(segments, OWN, line, before.reported, anew)
    since = line.kept
    if judged:
        since = next((at for at in range(since) if passages[at].label in judged), since)
    paired, paired_anew = pair_last_lap_times(passages, line.voids, reported, before.paired, since)
    redrawn = {*_labels(before.line.passages[line.kept :]), *_labels(passages[line.kept :])}
    changed = redrawn | judged | paired_anew
    if owner != before.owner:
        changed |= {*before.laps, *reported, *_labels(passages)}
        since = 0
    laps = dict(before.laps)
    for label in changed:
        laps.pop(label, None)
        if label in reported:
            laps[label] = reported_lap(label, reported[label], owner, own=True)
    # A change of the channel is about one of the two laps before it, or about its own.
    for passage in passages[max(since - 2, 0) :]:
        number = passage.label
        if number is not None and number in changed:
            verdict = reported.get(number) or paired.get(number, NOT_PAIRED)[1]
            voids = within(line.voids, passage.begins_ns, passage.pieces[-1].last_ns + 1)
            is_last = passage is passages[-1]
            laps[number] = driven_lap(Basis(passage, verdict, voids, owner, is_last))
    return Own(owner, line, reported, paired, laps, frozenset(changed), anew)


def _labels(passages: Iterable[Passage]) -> list[int]:
    return [passage.label for passage in passages if passage.label is not None]
