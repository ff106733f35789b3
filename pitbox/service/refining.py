"""Hold the fold of the facts of one driver in a session, and compare it with them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from pitbox import logs
from pitbox.chunks.owner import Owner
from pitbox.postgres.facts import Facts, FactTables, Place
from pitbox.postgres.refined import Stored
from pitbox.service.derivation import with_crc, without_crc
from pitbox.service.refinement import (
    Known,
    Mark,
    Refinement,
    Snapshot,
    changes,
    known_of,
    mark_of,
)

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Snapshot).decode

log = logs.get("refine")


class Change(Struct, frozen=True):
    """Hold what a commit writes: facts that differ, and places of facts to delete."""

    changed: Mapping[Place, Any]
    removed: Sequence[Place]


class Refining:
    """Fold the facts of one driver in a session.

    `generation` is that of the fold in Postgres, None before it was read. `unpublished` are the
    places of committed facts that wait to be published. While `is_whole` the facts come from the
    first item on, so those in Postgres that are not among them are gone.
    """

    def __init__(self, refinement: Refinement[Any], tables: FactTables, owner: Owner) -> None:
        """Begin with nothing folded, and nothing read from Postgres."""
        self.owner = owner
        self.generation: int | None = None
        self.unpublished: tuple[Place, ...] = ()
        self._refinement = refinement
        self._tables = tables
        self._known: dict[Place, Known] = {}
        self._marks: list[Mark] = []
        self._facts: dict[Place, Any] = {}
        self._begin()

    @property
    def is_dirty(self) -> bool:
        """Return whether Postgres lacks the fold as it is."""
        return self.is_whole or self._stepped

    @property
    def gone(self) -> bool:
        """Return whether facts in Postgres no longer come of the items."""
        return self.is_whole and not self._known.keys() <= self._facts.keys()

    def read(self, stored: Stored) -> list[Any]:
        """Begin from what Postgres has; return the facts that were committed unpublished."""
        self.generation, self.unpublished = stored.generation, stored.unpublished
        self._known = {place: known_of(fact) for place, fact in stored.facts.items()}
        self._begin()
        if stored.state is not None and stored.version == self._refinement.version:
            try:
                snapshot = _decode(without_crc(stored.state))
                self._state = self._refinement.restore(snapshot.state)
                self._marks, self.is_whole = list(snapshot.marks), False
            except (ValueError, msgspec.DecodeError) as error:
                log.warning("a snapshot is not used", reason=str(error))
        return [stored.facts[place] for place in stored.unpublished if place in stored.facts]

    def compare(self, items: Sequence[Any]) -> Sequence[Any]:
        """Return the items to step over: all of them unless they begin with the known ones."""
        if [mark_of(item) for item in items[: len(self._marks)]] != self._marks:
            self._begin()
        return items[len(self._marks) :]

    def step(self, item: Any, material: Any) -> None:
        """Step over an item."""
        self._state, facts = self._refinement.step(self._state, item, material)
        self._facts.update(self._tables.keyed(facts))
        self._marks.append(mark_of(item))
        self._stepped = True

    def change(self, stored: Facts) -> Change:
        """Return what a commit writes; `stored` are the facts in Postgres if some are `gone`."""
        facts, removed = dict(self._facts), []
        for place in [place for place in stored if place not in self._facts]:
            fact = self._refinement.withdrawn(stored[place])
            if fact is None:
                removed.append(place)
            else:
                facts[place] = fact
        return Change(changes(self._known, facts), removed)

    def snapshot(self) -> bytes:
        """Return the fold as it is stored."""
        state = self._refinement.snapshot(self._state)
        return with_crc(_encode(Snapshot(tuple(self._marks), state)))

    def committed(self, generation: int, change: Change) -> None:
        """Note that a change and the fold are in Postgres."""
        self.generation = generation
        self.unpublished = self.to_publish(change)
        self._known |= {place: known_of(fact) for place, fact in change.changed.items()}
        for place in change.removed:
            del self._known[place]
        self._facts, self._stepped, self.is_whole = {}, False, False

    def to_publish(self, change: Change) -> tuple[Place, ...]:
        """Return the places of facts that wait to be published once a change is committed."""
        waiting = dict.fromkeys((*self.unpublished, *change.changed))
        return tuple(place for place in waiting if place not in change.removed)

    def _begin(self) -> None:
        """Begin again, before the first item."""
        self._state = self._refinement.initial()
        self._marks, self._facts = [], {}
        self.is_whole, self._stepped = True, False
