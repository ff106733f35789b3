"""Hold the fold of one driver in a session, and compare it with the chunks in Postgres."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from pitbox import logs, metrics
from pitbox.chunks import ranges
from pitbox.chunks.owner import Owner
from pitbox.postgres.facts import Facts, FactTables, Place
from pitbox.postgres.folds import Difference, Stored
from pitbox.service.derivation import (
    Derivation,
    Slice,
    count,
    minus,
    newest_first,
    union,
    without_crc,
)
from schemas.telemetry import Chunk

RECENT_CHUNKS: Final = 4000
"""With more chunks missing, the newest are folded first and facts of older ones wait."""

SLICE_CHUNKS: Final = 500
MAX_QUEUED: Final = 2000
"""The most live chunks that wait for a turn; older ones are read from Postgres."""

IDLE_S: Final = 1.0
COMMIT_S: Final = 60.0
STUCK_S: Final = 3.0
QUIET_S: Final = 5.0
"""So long after the last live chunk nobody watches a lap that is being driven."""

OVERTAKEN_NS: Final = 2_000_000_000
"""More than nats-server's clock and this one may differ on one hub."""

Candidate = tuple[Any, dict[int, ranges.Ranges]]
"""A state to commit, and the chunks in it."""

log = logs.get("derive")


class Deriving:
    """Derive the facts of one driver in a session.

    The state is ahead of Postgres by the chunks that came over NATS and are not stored yet. It is
    committed once Postgres has all its chunks, so no fact there rests on a chunk that is missing.

    `is_read` is False before Postgres was read, `is_sure` while another commit may have replaced
    the one of `generation`. `wanted_s` is since when live chunks wait for the read, 0 if none do.
    `partial` is True while so many chunks are missing that only whole laps are issued. `frozen` is
    True when a state cannot be made, because retention has removed chunks that no snapshot
    contains: then the facts in Postgres stay as they are.
    """

    def __init__(
        self,
        derivation: Derivation[Any],
        tables: FactTables,
        owner: Owner,
        *,
        clock_s: Callable[[], float] = time.monotonic,
        recent: int = RECENT_CHUNKS,
    ) -> None:
        """Begin with nothing folded, and nothing read from Postgres."""
        self.owner = owner
        self.generation = 0
        self.wanted_s = 0.0
        self.is_read = self.is_sure = False
        self.behind: list[Slice] = []
        self.partial = self.frozen = False
        self.stored: Facts = {}
        self._derivation = derivation
        self._tables = tables
        self._clock_s = clock_s
        self._recent = recent
        self._queue: deque[Chunk] = deque(maxlen=MAX_QUEUED)
        self._state = derivation.restore(owner, None, ())
        self._known: dict[Place, Any] = {}
        self._committed: Any = self._state
        self._folded: dict[int, ranges.Ranges] = {}
        self._left_out: dict[int, ranges.Ranges] = {}
        self._missing: dict[int, ranges.Ranges] = {}
        self._candidate: Candidate | None = None
        self._since = 0.0, 0
        self._committed_s = self.used_s = clock_s()
        self._urgent = False

    @property
    def is_waiting(self) -> bool:
        """Return whether live chunks wait."""
        return bool(self._queue)

    @property
    def is_dirty(self) -> bool:
        """Return whether Postgres lacks the state."""
        return not self.frozen and self._state is not self._committed

    @property
    def runs(self) -> Iterable[int]:
        """Return the runs of the folded chunks."""
        return self._derivation.folded(self._state)

    @property
    def chunks_behind(self) -> int:
        """Return the number of chunks to read from Postgres."""
        return sum(ranges.count(self._of(which)) for which in self.behind)

    def put(self, chunk: Chunk) -> None:
        """Queue a live chunk."""
        self.used_s = self._clock_s()
        self._queue.append(chunk)

    def take(self, most_s: float) -> list[Any]:
        """Add queued chunks for a time, at least one; return the facts to publish."""
        if self.frozen:
            self.drop()
            return []
        until_s = self._clock_s() + most_s
        while self._queue:
            try:
                self._state = self._derivation.add(self._state, self._queue.popleft())
            except ValueError:
                metrics.decode_errors.labels("telemetry.live").inc()
            if self._clock_s() >= until_s:
                break
        self._state, facts = self._derivation.issue(self._state)
        return self._issued(facts)

    def drop(self) -> None:
        """Drop the queued chunks; those that Postgres has are read from it."""
        self._queue.clear()

    def read(self, stored: Stored, version: int) -> None:
        """Begin anew from what Postgres has."""
        self.generation, self.stored, self.is_read = stored.generation, stored.facts, True
        self._folded, self._left_out = dict(stored.folded), {}
        self._known = dict(stored.facts)
        self._candidate = None
        state = self._restored(stored) if stored.version == version else None
        if state is None:
            state = self._derivation.restore(self.owner, None, ())
        missing = minus(stored.have, self._derivation.folded(state))
        self.frozen = bool(minus(missing, minus(missing, stored.expired)))
        if self.frozen:
            session, driver = self.owner
            log.warning(
                "facts stay as they are: their telemetry was removed",
                session=session,
                driver=driver,
            )
        self.partial = not self.frozen and count(missing) > self._recent
        self._urgent = bool(missing)
        if not self.partial:
            facts = stored.facts.values()
            state = self._derivation.restore(self.owner, self._derivation.snapshot(state), facts)
        self._state = state
        self._committed = None if minus(stored.folded, self._derivation.folded(state)) else state

    def _restored(self, stored: Stored) -> Any:
        """Return the state of a snapshot, None if it does not agree with its chunks in Postgres."""
        if stored.state is None:
            return None
        try:
            state = self._derivation.restore(self.owner, without_crc(stored.state), ())
        except ValueError as error:
            log.warning("a snapshot is not used", reason=str(error))
            return None
        return None if minus(self._derivation.folded(state), stored.have) else state

    def compare(self, runs: dict[int, Difference]) -> dict[int, ranges.Ranges]:
        """Note the chunks to read from Postgres; return those that Postgres has.

        `runs` are the runs whose chunks differ from those of the last commit.
        """
        have = {**self._folded, **{run: one.have for run, one in runs.items()}}
        missing = minus(have, self._derivation.folded(self._state), self._left_out)
        self._missing = missing
        self.behind = [] if self.frozen else newest_first(missing, SLICE_CHUNKS)
        return have

    def extend(self, chunks: Sequence[Chunk]) -> None:
        """Add chunks that were read from Postgres; `settle` returns the facts that they change."""
        self._state = self._derivation.extend(self._state, chunks)

    def close(self, which: Slice) -> None:
        """Note that a slice was read: what was not added of it is left out from now on."""
        rest = minus({which[0]: self._of(which)}, self._derivation.folded(self._state))
        if rest:
            if not self._left_out:
                log.warning("facts leave chunks out", owner=self.owner, chunks=count(rest))
            metrics.chunks_left_out.labels(self._derivation.name).inc(count(rest))
            self._left_out = union(self._left_out, rest)

    def _of(self, which: Slice) -> ranges.Ranges:
        """Return the chunks of a slice that were missing."""
        run, first, last = which
        return ranges.within(self._missing.get(run, ranges.NONE), first, last)

    def hurry(self) -> None:
        """Commit at the next opportunity."""
        self._urgent, self._candidate = True, None

    def settle(self) -> list[Any]:
        """Derive all facts after chunks were added; return those to publish."""
        if self.partial:
            snapshot = self._derivation.snapshot(self._state)
            self._state = self._derivation.restore(self.owner, snapshot, self._known.values())
            self.partial = False
        self._state, facts = self._derivation.settle(self._state)
        return self._issued(facts)

    def amended(self) -> Facts:
        """Return the facts that Postgres lacks while older chunks are missing."""
        return {
            place: fact for place, fact in self._known.items() if self.stored.get(place) != fact
        }

    def candidate(
        self, have: dict[int, ranges.Ranges], lost: dict[int, ranges.Ranges], read_ns: int
    ) -> Candidate | None:
        """Return a state to commit, None if there is none yet.

        `read_ns` is when the stream stored the newest message in Postgres. Sets `is_read` to False
        when the state rests on chunks that were published before and are not there, or while nobody
        drives on chunks that keep the facts of others from Postgres.
        """
        now_s = self._clock_s()
        if self._candidate is None:
            idle = now_s - self.used_s > IDLE_S
            due = idle or self._urgent or now_s - self._committed_s > COMMIT_S
            if not (self.is_dirty and due):
                return None
            self._candidate = self._state, dict(self._derivation.folded(self._state))
            self._since = now_s, time.time_ns()
        ahead = minus(self._candidate[1], have)
        if not ahead:
            return self._candidate
        waiting_s = now_s - self._since[0]
        overtaken = waiting_s > STUCK_S and read_ns > self._since[1] + OVERTAKEN_NS
        quiet = now_s - self.used_s > QUIET_S and waiting_s > STUCK_S
        hinders = quiet and bool(minus(have, self._folded))
        if overtaken or hinders or minus(ahead, minus(ahead, lost)):
            log.warning("derives again without chunks that are missing", chunks=count(ahead))
            self.is_read = False
        return None

    def committed(self, candidate: Candidate, generation: int, facts: Facts) -> None:
        """Note that a candidate is in Postgres."""
        state, folded = candidate
        self.generation, self.stored = generation, facts
        self._committed, self._folded = state, union(folded, self._left_out)
        self._candidate, self._urgent = None, state is not self._state and self._urgent
        self._committed_s = self._clock_s()

    def to_store(self, candidate: Candidate) -> dict[int, ranges.Ranges]:
        """Return the chunks to note as folded: those left out count too."""
        return union(candidate[1], self._left_out)

    def _issued(self, facts: Sequence[Any]) -> list[Any]:
        """Return the facts to publish; while chunks are missing, only those that stay true."""
        if facts:
            self._urgent = True
        if not self.partial:
            self._known.update(self._tables.keyed(facts))
            return list(facts)
        issued = []
        for place, fact in self._tables.keyed(facts).items():
            amended = self._derivation.amend(self._known.get(place), fact)
            if amended is not None:
                self._known[place] = amended
                issued.append(amended)
        return issued
