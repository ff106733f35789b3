"""Decide which chunks of a run are sealed, and in which order runs are visited: pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import chain, zip_longest
from typing import Any, Final

from msgspec import Struct

from consumers.persister.decide import RunKey
from pitbox.chunks import ranges
from pitbox.chunks.ranges import NONE, Ranges
from pitbox.chunks.sealing import MAX_CHUNKS
from schemas.telemetry import Range

PART_CHUNKS: Final = 2 * MAX_CHUNKS
"""The most chunks that are read at once: more than a block holds, so that each part has one."""


class Run(Struct, frozen=True):
    """Hold a run's chunks in Postgres: see the table `run`.

    `ended` states that nothing came of it for so long that no chunks follow those it has.
    """

    key: RunKey
    have: Ranges
    dead: Ranges = NONE
    gone: Ranges = NONE
    sealed: Ranges = NONE
    expired: Ranges = NONE
    ended: bool = False


class Part(Struct, frozen=True):
    """Name chunks to read and seal; `ended` states that no more follow that join the last one."""

    chunks: Range
    ended: bool


def sealable(run: Run) -> Ranges:
    """Return the chunks to seal: none behind a hole that may still be filled."""
    known = ranges.union(ranges.union(run.have, run.dead), run.gone)
    if not known or known[0][0]:
        return NONE
    complete = ranges.within(run.have, 0, known[0][1])
    return ranges.minus(ranges.minus(complete, run.sealed), run.expired)


def next_part(run: Run, rest: Ranges, after: int) -> Part | None:
    """Return the next chunks of `rest` that are above `after`, None for no more."""
    left = ranges.within(rest, after + 1, rest[-1][1]) if rest else NONE
    if not left:
        return None
    first, last = left[0]
    end = min(last, first + PART_CHUNKS - 1)
    newest = run.have[-1][1]
    return Part((first, end), ended=end == last and (run.ended or end < newest))


def in_turn(runs: Iterable[Run]) -> list[Run]:
    """Return runs, one of each driver before the second one of any."""
    of_driver: Mapping[str, list[Run]] = defaultdict(list)
    for run in runs:
        of_driver[run.key.driver].append(run)
    rounds: Iterable[Any] = zip_longest(*of_driver.values())
    return [run for run in chain.from_iterable(rounds) if run is not None]
