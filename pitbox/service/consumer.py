"""The contract between a fold and its pure consumer."""

from collections.abc import Hashable, Sequence
from typing import Protocol, TypeVar

import msgspec

State = TypeVar("State")
Event_contra = TypeVar("Event_contra", contravariant=True)
Decision = TypeVar("Decision")


class NotNow(Exception):  # noqa: N818 - a state of the world, not a mistake
    """Report that a decision cannot be performed now; it is retried after the next backoff."""


class Consumer(Protocol[State, Event_contra, Decision]):
    """Decide what follows from each event, and perform it.

    `decide` is pure: it never waits, reads a clock or draws a random number. Time comes from the
    event. A decision may have a field `expires_after_s`: performing it begins within so many
    seconds after its message was stored, or never.

    The first start with another `version` decides and performs the whole stream again.
    """

    name: str
    version: int

    def key(self, event: Event_contra) -> Hashable:
        """Return the key of the state that an event changes."""
        ...

    def initial(self) -> State:
        """Return the state before the first event."""
        ...

    def decide(self, state: State, event: Event_contra) -> tuple[State, Sequence[Decision]]:
        """Return the state after an event and the decisions to perform.

        An exception makes the message a dead letter and leaves the state as it was.
        """
        ...

    async def perform(self, decision: Decision) -> Sequence[msgspec.Struct]:
        """Perform a decision and return the events to publish; raises NotNow."""
        ...
