"""What Postgres has of a run after more of it arrived, and how that is said to the driver's PC.

Pure. The order in which messages arrive, and how often, makes no difference to what is held.
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
"""Of a run, of each kind: every commit goes through them, and all drivers wait for it. What would
make more is left out; of chunks that means that they come again, when others have filled holes."""


class RunKey(Struct, frozen=True, gc=False):
    """Name one life of one driver's app."""

    session: Token
    driver: Token
    run: Number


class Held(Struct, frozen=True, gc=False):
    """Hold what Postgres has of a run.

    `have` are stored, `dead` kept as dead letters, `gone` can never come; `made` is -1 before a
    mark told it; `echo` is the highest send number committed, -1 before any.
    """

    have: Ranges = NONE
    dead: Ranges = NONE
    gone: Ranges = NONE
    made: int = -1
    closed: bool = False
    echo: int = -1


def fresh(held: Held, chunks: Sequence[int]) -> Sequence[int]:
    """Return the places of the chunks to store: those that Postgres lacks, each once.

    Those that would open too many holes are left out.
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
    """Return what is held once these chunks, dead letters and marks are committed."""
    gone = held.gone
    for mark in marks:
        if len(gone) + len(mark.gone) <= MAX_RANGES:
            gone = ranges.union(gone, ranges.normal(mark.gone))
    buried = ranges.union(held.dead, ranges.of(dead))
    return replace(
        held,
        have=ranges.union(held.have, ranges.of(stored)),
        dead=buried if len(buried) <= MAX_RANGES else held.dead,
        gone=gone,
        made=max(held.made, *(mark.made for mark in marks), -1),
        closed=held.closed or any(mark.closed for mark in marks),
        echo=max(held.echo, echo),
    )


def receipt(key: RunKey, held: Held, *, boot: str, hub_ns: int) -> Receipt:
    """Return what to say of a run; chunks kept as dead letters count as had."""
    known = ranges.union(held.have, held.dead)
    upto = known[-1][1] if known else -1
    missing = ranges.minus(((0, upto),), known) if known else NONE
    if len(missing) > MAX_MISSING:
        # What was declared gone need not be told, or it could hide for ever what is above.
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
        dead=ranges.count(ranges.minus(held.dead, held.have)),
    )
