"""Pair the sim's own times with laps."""

import math
from collections import ChainMap
from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from consumers.timing.labels import MAX_LABEL
from consumers.timing.passages import Passage
from consumers.timing.reports import Car, Fresh, Only, Reports, fresh_since, gather_reports
from consumers.timing.segments import Segment
from consumers.timing.spans import Void, is_void
from consumers.timing.timeline import Timeline

AGREES_S: Final = 0.5
"""How far the sim's time of a lap and ours lie apart at most."""

SAME_S: Final = 0.001
"""How far the reported time of a lap and the same time in the channel lie apart at most."""

FLAG_AGREES_S: Final = 1.0
"""How far the sim's time and the time since the line lie apart at most when the flag falls."""


class Verdict(Struct, frozen=True):
    """Hold the sim's result of a lap, from a report or from its last-lap-time channel.

    `time_s` is 0 for a lap that gets no time.
    """

    at_ns: int
    time_s: float
    sectors_s: tuple[float, ...] = ()
    valid: bool | None = None


Paired = dict[int, tuple[int, Verdict]]
"""Results of laps from the channel, by label, each with the index of the passage of its change."""


MANY: Final = 10_000
"""With more lap numbers to look up, all reports are judged anew."""


class Anew(Struct, frozen=True):
    """Name the reports to judge anew: those of the laps in `fresh`, None for all.

    `offsets` are all that was or is added to their numbers.
    """

    fresh: Fresh | None
    offsets: frozenset[int] = frozenset()


ALL: Final = Anew(None)


def judged_anew(
    segments: Sequence[Segment], before: Timeline, line: Timeline, fresh: Fresh
) -> Anew:
    """Return which reports are new in `fresh`, or may mean another lap than in the line before."""
    since_ns = before.counts_as_until_ns(line)
    if since_ns is not None:
        fresh = fresh_since((segment.reports for segment in segments), since_ns, fresh)
    return Anew(fresh, before.offsets | line.offsets)


def judge(
    segments: Sequence[Segment],
    car: Car,
    line: Timeline,
    before: dict[int, Verdict],
    anew: Anew,
) -> tuple[dict[int, Verdict], set[int]]:
    """Return the sim's reported results of a car, and the labels of those that differ from before.

    Those stay that are not to be judged anew.
    """
    fresh = None if anew.fresh is None else anew.fresh.get(car, frozenset())
    if fresh is not None and not fresh:
        return before, set()
    offsets = anew.offsets
    if fresh is None or len(fresh) * len(offsets) ** 2 > MANY:
        judged = from_reports(line, _gathered(segments, car, None))
        labels = {*judged, *before}
    else:
        labels = {number + offset for number in fresh for offset in offsets}
        numbers = {label - offset for label in labels for offset in offsets}
        found = from_reports(line, _gathered(segments, car, numbers))
        judged = dict(before)
        for label in labels:
            judged.pop(label, None)
            if label in found:
                judged[label] = found[label]
    return judged, {label for label in labels if before.get(label) != judged.get(label)}


def _gathered(segments: Sequence[Segment], car: Car, only: Only) -> Reports:
    return gather_reports((segment.reports for segment in segments), {car: only})[car]


def from_reports(line: Timeline, reports: Reports) -> dict[int, Verdict]:
    """Return the sim's latest result of each lap, by label.

    Of two numbers with one label the lower one is of a later epoch.
    """
    verdicts: dict[int, Verdict] = {}
    for number in sorted(reports, reverse=True):
        for report in reports[number]:
            if is_void(line.voids, report.at_ns):
                continue
            offset = line.epochs[line.epoch_of(report.at_ns)].offset if line.epochs else 0
            if number + offset > MAX_LABEL:
                continue
            time_s = round(report.lap_time_s, 4)
            sectors_s = tuple(round(sector_s, 4) for sector_s in report.sectors_s)
            verdict = Verdict(report.at_ns, time_s, sectors_s, report.valid)
            known = verdicts.get(number + offset)
            if known is None or replace(verdict, at_ns=known.at_ns) != known:
                verdicts[number + offset] = verdict
    return verdicts


def pair_last_lap_times(
    passages: Sequence[Passage],
    voids: Sequence[Void],
    reported: dict[int, Verdict],
    before: Paired,
    since: int,
) -> tuple[Paired, set[int]]:
    """Pair changes of the sim's last lap time with laps that it did not report.

    It arrives late, sometimes a lap late, and at the flag while the lap number stays. The pairs
    `before` of passages until `since` stay. Return all in the order of their passages, and the
    labels of those that may differ.
    """
    anew = set(takewhile(lambda label: before[label][0] >= since, reversed(before)))
    pairs = dict(before)
    for label in anew:
        del pairs[label]
    for index, verdict in _last_lap_times(passages, voids, since):
        if _is_reported(passages[max(index - 2, 0) : index + 1], verdict, reported):
            continue
        paired = _label_of(passages, index, verdict, ChainMap[int, Any](pairs, reported))
        if paired is not None and paired not in reported:
            pairs[paired] = index, verdict
            anew.add(paired)
    return pairs, anew


def _last_lap_times(
    passages: Sequence[Passage], voids: Sequence[Void], since: int
) -> Iterator[tuple[int, Verdict]]:
    """Yield the changes of the channel from a passage on, each with the index of its passage."""
    first_ns = passages[0].pieces[0].first_ns if passages else 0
    last: float | None = None
    for index in range(since, len(passages)):
        for at_ns, _, value in passages[index].changes("last_lap_time_s"):
            if last is None:
                last = _last_before(passages, index)
            changed = value != last and at_ns > first_ns and value > 0
            last = value
            if changed and not is_void(voids, at_ns):
                yield index, Verdict(at_ns, round(value, 4))


def _last_before(passages: Sequence[Passage], index: int) -> float:
    """Return the last value of the channel before a passage, NaN without any."""
    earlier = (passages[at].changes("last_lap_time_s") for at in range(index - 1, -1, -1))
    return next((changes[-1][2] for changes in earlier if changes), math.nan)


def _is_reported(
    passages: Sequence[Passage], verdict: Verdict, reported: Mapping[int, Verdict]
) -> bool:
    """Return whether a change of the channel repeats the report of one of these laps."""
    reports = [reported[p.label] for p in passages if p.label is not None and p.label in reported]
    return any(abs(report.time_s - verdict.time_s) < SAME_S for report in reports)


def _label_of(
    passages: Sequence[Passage], index: int, verdict: Verdict, known: Container[int | None]
) -> int | None:
    ended = [p for p in passages[max(index - 2, 0) : index] if p.label not in known]
    for passage in reversed(ended):
        crossing_s = passage.crossing_s()
        if crossing_s is not None and abs(crossing_s - verdict.time_s) < AGREES_S:
            return passage.label
    driving = passages[index]
    if driving.start is not None:
        elapsed_s = (verdict.at_ns - driving.start.at_ns) / 1e9
        if abs(elapsed_s - verdict.time_s) < FLAG_AGREES_S:
            return driving.label
    last = passages[index - 1] if index else None
    return last.label if last is not None and last in ended else None
