"""Identities of a fold's outputs, derived from the message that caused them: pure.

A message that is folded again has the same outputs with the same identities, so outputs that are
stored already are recognised.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from pitbox.nats.delivery import Delivery

LETTER: Final = "dead"


def of_cause(consumer: str, version: int, delivery: Delivery) -> str:
    """Return the identity of a message as a cause: consumer, version, stream, sequence, time.

    The time of storing is part of it because a stream that was recreated or restored from a copy
    uses its sequences again.
    """
    position = f"{delivery.stream}:{delivery.sequence}:{delivery.stored_ns}"
    return f"{consumer}.{version}:{position}"


def of_output(cause: str, decision: int, output: int, outputs: int) -> str:
    """Return the identity of one of a decision's `outputs`; both indices count from 0."""
    return f"{cause}:{decision}.{output}.{outputs}"


def of_letter(cause: str) -> str:
    """Return the identity of a message's dead letter."""
    return f"{cause}:{LETTER}"


class StoredOutputs:
    """Look up which outputs and dead letters are stored, by their identities."""

    def __init__(self, identities: Iterable[str] = ()) -> None:
        self._identities = frozenset(identities)
        # Performing may return another number of outputs the next time: each number counts alone.
        counts: Counter[tuple[str, str, str]] = Counter()
        for identity in self._identities:
            cause, _, index = identity.rpartition(":")
            decision, _, output = index.partition(".")
            counts[cause, decision, output.partition(".")[2]] += 1
        self._whole = {
            (cause, decision)
            for (cause, decision, outputs), count in counts.items()
            if str(count) == outputs
        }

    def __contains__(self, identity: str) -> bool:
        """Return whether one output or dead letter is stored."""
        return identity in self._identities

    def whole(self, cause: str, decision: int) -> bool:
        """Return whether every output of a decision is stored, False for one without outputs."""
        return (cause, str(decision)) in self._whole
