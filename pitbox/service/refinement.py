"""The contract of a consumer that derives facts from facts of another one, and its account: pure.

The account is that of chunks one level up: facts to derive are those of the other consumer, minus
those that a fold has stepped over. A fold goes over them in their order, so it goes on while they
begin with those that it knows, and begins again once they do not.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from pitbox.chunks.owner import Owner

State = TypeVar("State")

Mark = bytes
"""What an item or a fact is recognised by."""

Place = tuple[Any, ...]


class Refinement(Protocol[State]):
    """Derive facts from the facts of a driver in a session, one after another.

    Another `version` derives all facts anew. With `reads_telemetry` facts stay as they are where
    retention has removed telemetry.
    """

    name: str
    version: int
    reads_telemetry: bool

    async def items(self, connection: Any, owner: Owner) -> Sequence[Any]:
        """Return the facts to step over, or what they are recognised by, in their order.

        Fields that change nothing have a fixed value: an item that differs is another one.
        """
        ...

    async def material(self, connection: Any, owner: Owner, item: Any) -> Any:
        """Return what is needed beside an item; raises Conflict when that is not there any more."""
        ...

    def initial(self) -> State:
        """Return the state before the first item."""
        ...

    def step(self, state: State, item: Any, material: Any) -> tuple[State, Iterable[Any]]:
        """Step over an item; return the facts that come of it, with any revision: pure."""
        ...

    def snapshot(self, state: State) -> bytes:
        """Return a state as bytes."""
        ...

    def restore(self, snapshot: bytes) -> State:
        """Return the state of a snapshot; raises ValueError for one that does not decode."""
        ...

    def withdrawn(self, fact: Any) -> Any | None:
        """Return what to state in place of a fact that no longer comes of the items.

        None deletes the fact and states nothing.
        """
        ...


class Snapshot(Struct, frozen=True, array_like=True):
    """Hold a state, and what the items were recognised by that it has stepped over."""

    marks: tuple[Mark, ...]
    state: bytes


class Known(Struct, frozen=True):
    """Hold what is known of a fact in Postgres: its revision, and what it is recognised by."""

    revision: int
    mark: Mark


def mark_of(item: Any) -> Mark:
    """Return what an item is recognised by.

    Its encoding would not do: whether a default is omitted depends on more than its value.
    """
    return hashlib.blake2b(repr(item).encode(), digest_size=8).digest()


def known_of(fact: Any) -> Known:
    """Return what to know of a fact; one without a revision has revision 0."""
    if "revision" not in fact.__struct_fields__:
        return Known(0, mark_of(fact))
    return Known(fact.revision, mark_of(replace(fact, revision=0)))


def revised(known: Known | None, fact: Any) -> Any | None:
    """Return a fact with its next revision, None if it is the known one."""
    found = known_of(fact)
    if known is not None and found.mark == known.mark:
        return None
    if "revision" not in fact.__struct_fields__:
        return fact
    return replace(fact, revision=known.revision + 1 if known else 1)


def changes(known: Mapping[Place, Known], facts: Mapping[Place, Any]) -> dict[Place, Any]:
    """Return the facts that differ from the known ones, each with its next revision."""
    found = {place: revised(known.get(place), fact) for place, fact in facts.items()}
    return {place: fact for place, fact in found.items() if fact is not None}
