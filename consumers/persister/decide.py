"""Compute the chunks of a run that Postgres holds after a batch, and the receipt for them.

The order and repetition of messages do not change the result.
"""

from collections.abc import Iterable, Sequence
from itertools import chain
from operator import lt
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from pitbox.chunks import ranges
from pitbox.chunks.ranges import NONE, Ranges
from schemas.link import Receipt
from schemas.telemetry import Mark, Number, Token

MAX_MISSING: Final = 64
MAX_RANGES: Final = 8192
"""The most ranges of a run, of each kind: every commit reads them, and all drivers wait for it.
Chunks, dead letters and gaps above the limit are left out; such chunks are sent again later."""


class RunKey(Struct, frozen=True, gc=False):
    """Identify one run: one start of a driver's app."""

    session: Token
    driver: Token
    run: Number


class Held(Struct, frozen=True, gc=False):
    """Hold the state of a run in Postgres.

    `have` are the stored chunks, `dead` those kept as dead letters, `gone` those that the producer
    lost. `made` is the number of chunks made, -1 before the first mark. `echo` is the highest send
    number committed, -1 before any. `deleted` is the highest run of its driver and session that was
    deleted: not below this run when it was, and then nothing else is set.
    """

    have: Ranges = NONE
    dead: Ranges = NONE
    gone: Ranges = NONE
    made: int = -1
    closed: bool = False
    echo: int = -1
    deleted: int = -1


def fresh(held: Held, chunks: Sequence[int]) -> Sequence[int]:
    """Return the indices of the chunks to store: those that Postgres lacks, each once.

    Chunks that would make more than `MAX_RANGES` ranges are left out.
    """
    newest = held.have[-1][1] if held.have else -1
    room = MAX_RANGES - len(held.have)
    if len(chunks) <= room and all(map(lt, chain((newest,), chunks), chunks)):
        return range(len(chunks))
    seen: set[int] = set()

    def has(chunk: int) -> bool:
        return chunk in seen or ranges.contains(held.have, chunk)

    places = []
    for place, chunk in enumerate(chunks):
        alone = not (has(chunk - 1) or has(chunk + 1))
        if has(chunk) or (alone and room <= 0):
            continue
        places.append(place)
        seen.add(chunk)
        room -= alone
    return places


def committed(
    held: Held, stored: Iterable[int], dead: Iterable[int], marks: Sequence[Mark], echo: int
) -> Held:
    """Return the state of a run once these chunks, dead letters and marks are committed."""
    gone = held.gone
    for mark in marks:
        if len(gone) + len(mark.gone) <= MAX_RANGES:
            gone = ranges.union(gone, ranges.normal(mark.gone))
    have = ranges.union(held.have, ranges.of(stored))
    buried = ranges.union(held.dead, ranges.of(dead))
    return replace(
        held,
        have=have,
        dead=buried if len(buried) <= MAX_RANGES else held.dead,
        gone=ranges.minus(gone, have),
        made=max(held.made, *(mark.made for mark in marks), -1),
        closed=held.closed or any(mark.closed for mark in marks),
        echo=max(held.echo, echo),
    )


def receipt(key: RunKey, held: Held, *, boot: str, hub_ns: int) -> Receipt:
    """Return the receipt of a run; chunks that came and could not be used count as stored."""
    refused = ranges.minus(held.dead, held.have)
    known = ranges.union(held.have, held.dead)
    upto = known[-1][1] if known else -1
    missing = ranges.minus(((0, upto),), known) if known else NONE
    if len(missing) > MAX_MISSING:
        # Leave out lost chunks: otherwise they could hide the chunks after them for ever.
        missing = ranges.minus(missing, held.gone)
    if len(missing) > MAX_MISSING:
        upto = missing[MAX_MISSING][0] - 1
        missing = missing[:MAX_MISSING]
    return Receipt(
        session=key.session,
        driver=key.driver,
        run=key.run,
        through=missing[0][0] - 1 if missing else upto,
        upto=upto,
        missing=missing,
        echo=held.echo,
        made=held.made,
        boot=boot,
        hub_ns=hub_ns,
        dead=ranges.count(refused),
        refused=refused[:MAX_MISSING],
        gone=held.gone[:MAX_MISSING],
        deleted=held.deleted,
    )
