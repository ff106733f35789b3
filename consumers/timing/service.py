"""The derivation of sessions and laps as a service."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from consumers.timing import decide, tables
from consumers.timing.revisions import changed_laps
from consumers.timing.segments import Segment
from consumers.timing.state import Fact, State, add, restored
from consumers.timing.stretches import extend
from pitbox.chunks.owner import Owner
from pitbox.chunks.ranges import Ranges
from pitbox.postgres import facts
from pitbox.service.derive import Derive
from pitbox.service.lifetime import Service
from pitbox.settings import Settings
from schemas.timing import Deriving, Lap

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(dict[int, tuple[Segment, ...]]).decode


class Timing:
    """Offer the pure fold to the runtime."""

    name = "timing"
    version = 2
    add = staticmethod(add)
    extend = staticmethod(extend)
    issue = staticmethod(decide.issue)
    settle = staticmethod(decide.settle)
    facts = staticmethod(decide.facts_of)

    def restore(self, owner: Owner, snapshot: bytes | None, known: Iterable[Fact]) -> State:
        """Return a state of segments and issued facts; raises ValueError for another snapshot."""
        session, driver = owner
        return restored(session, driver, _decode(snapshot) if snapshot else {}, known)

    def snapshot(self, state: State) -> bytes:
        """Return the segments of a state; facts are in Postgres, all else is derived."""
        return _encode(state.runs)

    def folded(self, state: State) -> Mapping[int, Ranges]:
        """Return the chunks in a state."""
        return {
            run: tuple((segment.first, segment.last) for segment in segments)
            for run, segments in state.runs.items()
        }

    def amend(self, known: Fact | None, fact: Fact) -> Fact | None:
        """Return a whole lap, or another car's, if it differs from the one issued."""
        if not isinstance(fact, Lap) or (fact.own and not fact.complete):
            return None
        if not isinstance(known, Lap):
            return fact
        changed = changed_laps({(fact.car, fact.lap_number): known}, [fact])
        return changed[0] if changed else None

    def progress(self, owner: Owner, chunks_behind: int, at_ns: int) -> Deriving:
        """Return the number of chunks that the laps of a session lack."""
        session, driver = owner
        return Deriving(session=session, driver=driver, at_ns=at_ns, chunks_behind=chunks_behind)


def service(settings: Settings) -> Service:
    """Return the timing service; raises TopologyError when streams.yaml lacks it."""
    return Derive(Timing(), facts.scan(tables), settings)
