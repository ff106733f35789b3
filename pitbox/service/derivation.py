"""The contract of a consumer that derives facts from chunks, and its account per driver: pure.

The account is the spool's rule one level up: chunks to derive are those that Postgres has, minus
those that are folded already. Chunks may be folded in any order, each once.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

from pitbox.chunks import ranges
from pitbox.chunks.owner import Owner
from pitbox.chunks.ranges import NONE, Ranges
from schemas.telemetry import Chunk

State = TypeVar("State")

Runs = Mapping[int, Ranges]
"""Sets of chunks, by run."""

Slice = tuple[int, int, int]
"""A run, and the first and last of some of its chunks."""

CRC_BYTES: Final = 4

EVENT_BYTES: Final = 30
"""The fewest bytes of an event of a chunk, roughly."""


class Derivation(Protocol[State]):
    """Derive facts from a driver's chunks in a session. Every method is pure.

    Another `version` derives all facts anew. `add` has to take the same time whatever was added
    before; a chunk that is folded already changes nothing, and a state may leave chunks out.
    `issue` returns the facts that the live chunks added since then change, `settle` those of all
    chunks that differ from the facts issued. `restore` makes a state of a snapshot and of the facts
    that Postgres has, which count as issued.
    """

    name: str
    version: int

    def restore(self, owner: Owner, snapshot: bytes | None, facts: Iterable[Any]) -> State:
        """Return a state; raises ValueError for a snapshot that does not decode."""
        ...

    def snapshot(self, state: State) -> bytes:
        """Return the chunks of a state in their folded form."""
        ...

    def add(self, state: State, chunk: Chunk) -> State:
        """Add a live chunk; raises ValueError for one that does not unpack."""
        ...

    def extend(self, state: State, chunks: Sequence[Chunk]) -> State:
        """Add chunks of history; `settle` and not `issue` returns the facts that they change.

        Those that do not unpack are left out.
        """
        ...

    def issue(self, state: State) -> tuple[State, Sequence[Any]]:
        """Derive the facts that added chunks change; return those that differ from the issued."""
        ...

    def settle(self, state: State) -> tuple[State, Sequence[Any]]:
        """Derive all facts; return those that differ from the issued ones."""
        ...

    def folded(self, state: State) -> Runs:
        """Return the chunks in a state."""
        ...

    def facts(self, state: State) -> Iterable[Any]:
        """Return all facts of a state, as Postgres should have them."""
        ...

    def amend(self, known: Any | None, fact: Any) -> Any | None:
        """Return a fact to issue while older chunks are missing, None if it has to wait.

        `known` is the fact issued at its place.
        """
        ...

    def progress(self, owner: Owner, chunks_behind: int, at_ns: int) -> Any:
        """Return the event that states how many chunks the facts still lack."""
        ...


def with_crc(snapshot: bytes) -> bytes:
    """Return a snapshot behind its crc32, because a flipped bit may decode to other facts."""
    return zlib.crc32(snapshot).to_bytes(CRC_BYTES, "big") + snapshot


def without_crc(stored: bytes) -> bytes:
    """Return the snapshot of a stored one; raises ValueError when it does not match its crc32."""
    snapshot = stored[CRC_BYTES:]
    if with_crc(snapshot) != stored:
        raise ValueError("its crc32 is wrong")
    return snapshot


def minus(left: Runs, *others: Runs) -> dict[int, Ranges]:
    """Return the chunks of `left` that none of the others has; no run is empty."""
    rest = {}
    for run, some in left.items():
        for other in others:
            some = ranges.minus(some, other.get(run, NONE))
        if some:
            rest[run] = some
    return rest


def union(left: Runs, right: Runs) -> dict[int, Ranges]:
    """Return the chunks in either."""
    return {run: ranges.union(left.get(run, NONE), right.get(run, NONE)) for run in {*left, *right}}


def count(runs: Runs) -> int:
    """Return the number of chunks."""
    return sum(map(ranges.count, runs.values()))


def newest_first(missing: Runs, size: int) -> list[Slice]:
    """Return slices that contain all missing chunks, the newest run and chunk first.

    A slice spans at most `size` numbers, also such as are not missing: there is no slice for each
    chunk where every second one is missing.
    """
    slices: list[Slice] = []
    for run in sorted(missing, reverse=True):
        first = last = -1
        for low, high in reversed(missing[run]):
            end = high
            while end >= low:
                if last - end >= size or first < 0:
                    slices.append((run, end, end))
                    last = end
                first = max(low, last - size + 1)
                slices[-1] = run, first, last
                end = first - 1
    return slices


def portions(chunks: Iterable[Chunk], most: int) -> Iterator[list[Chunk]]:
    """Yield chunks in portions of at most `most` frames and events, or of one chunk."""
    portion: list[Chunk] = []
    size = 0
    for chunk in chunks:
        size += chunk.frames + len(chunk.observed) // EVENT_BYTES
        if portion and size > most:
            yield portion
            portion, size = [], chunk.frames + len(chunk.observed) // EVENT_BYTES
        portion.append(chunk)
    if portion:
        yield portion
