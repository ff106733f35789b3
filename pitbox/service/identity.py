"""Identities of a fold's outputs, derived from their cause: pure.

An output's identity names the message that caused it, which decision it comes from, and its place
among that decision's outputs. So a message that is folded again has the same outputs, and the ones
that stand in their stream already are known.
"""

from collections.abc import Iterable
from typing import Final

from pitbox.nats.delivery import Delivery

LETTER: Final = "dead"


def of_cause(consumer: str, version: int, delivery: Delivery) -> str:
    """Return the identity of a message as a cause.

    It holds when the message was stored too: a stream that was recreated or restored from a copy
    uses its sequences again.
    """
    place = f"{delivery.stream}:{delivery.sequence}:{delivery.stored_ns}"
    return f"{consumer}.{version}:{place}"


def of_output(cause: str, decision: int, output: int, outputs: int) -> str:
    """Return the identity of one of a decision's `outputs`, both counted from 0."""
    return f"{cause}:{decision}.{output}.{outputs}"


def of_letter(cause: str) -> str:
    """Return the identity of a message's dead letter."""
    return f"{cause}:{LETTER}"


class Standing:
    """Know which outputs stand in their streams."""

    def __init__(self, identities: Iterable[str] = ()) -> None:
        self._identities = frozenset(identities)
        self._outputs: dict[tuple[str, str], int] = {}
        for identity in self._identities:
            cause, _, place = identity.rpartition(":")
            decision = place.partition(".")[0]
            self._outputs[cause, decision] = self._outputs.get((cause, decision), 0) + 1

    def __contains__(self, identity: str) -> bool:
        """Tell whether one output stands."""
        return identity in self._identities

    def whole(self, cause: str, decision: int) -> bool:
        """Tell whether every output of a decision stands."""
        count = self._outputs.get((cause, str(decision)), 0)
        return count > 0 and of_output(cause, decision, 0, count) in self._identities
