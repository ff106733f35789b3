"""Messages of the telemetry stream become rows, marks and dead letters, each proved once.

Everything that costs time per chunk is here; nothing in here knows what Postgres already has.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import Struct

from consumers.persister import rows
from consumers.persister.decide import RunKey
from consumers.persister.letters import letter
from pitbox.delivery import Delivery
from pitbox.frames import CorruptChunkError
from schemas.dead import DeadLetter
from schemas.registry import UNDECODABLE
from schemas.telemetry import CHUNK_VERSION, Chunk, Identity, Mark, Telemetry

CHUNK_TAG: Final = 1
CORRUPT_TRIES: Final = 3
CORRUPT_REMEMBERED: Final = 1024

_decode: Final = msgspec.msgpack.Decoder(Telemetry).decode
_identify: Final = msgspec.msgpack.Decoder(Identity).decode

Subjects = Callable[[str, str], frozenset[str]]


class Arrivals(Struct, gc=False):
    """Collect what arrived of one run.

    `numbers` are the chunks that have `rows`, `dead` those kept as dead letters, `echo` the highest
    send number.
    """

    numbers: list[int] = []
    rows: list[bytes] = []
    dead: list[int] = []
    marks: list[Mark] = []
    echo: int = -1


class Batch(Struct):
    """Collect what arrived of all runs."""

    runs: dict[RunKey, Arrivals] = {}
    letters: list[DeadLetter] = []
    deliveries: list[Delivery] = []
    bytes: int = 0
    frames: int = 0


class Intake:
    """Turn deliveries into batches."""

    def __init__(self, subjects: Subjects) -> None:
        """Prepare; `subjects` tells on which ones a driver may speak in a session."""
        self._subjects = subjects
        self._corrupt: OrderedDict[tuple[RunKey, int], int] = OrderedDict()

    def take(self, delivery: Delivery, batch: Batch) -> None:
        """Add a message to a batch, if need be as a dead letter."""
        batch.deliveries.append(delivery)
        batch.bytes += len(delivery.payload)
        try:
            event = _decode(delivery.payload)
        except UNDECODABLE as error:
            self._undecodable(delivery, batch, f"{type(error).__name__}: {error}")
            return
        if delivery.subject not in self._subjects(event.driver, event.session):
            batch.letters.append(_misplaced(delivery, event))
            return
        arrivals = _of_run(batch, event)
        arrivals.echo = max(arrivals.echo, event.send)
        if type(event) is Mark:
            arrivals.marks.append(event)
        elif event.version > CHUNK_VERSION:
            arrivals.dead.append(event.chunk)
            batch.letters.append(_newer(delivery, event.version))
        else:
            self._chunk(delivery, batch, arrivals, event)

    def _chunk(self, delivery: Delivery, batch: Batch, arrivals: Arrivals, chunk: Chunk) -> None:
        try:
            row = rows.row(chunk)
        except CorruptChunkError as error:
            batch.letters.append(letter(delivery, f"CorruptChunk: {error}"))
            if self._hopeless(chunk):
                arrivals.dead.append(chunk.chunk)
            return
        arrivals.numbers.append(chunk.chunk)
        arrivals.rows.append(row)
        batch.frames += chunk.frames

    def _undecodable(self, delivery: Delivery, batch: Batch, reason: str) -> None:
        """Keep what does not decode; if it is a chunk of a newer version, name it to its run."""
        try:
            identity = _identify(delivery.payload)
        except UNDECODABLE:
            batch.letters.append(letter(delivery, reason))
            return
        if identity.tag != CHUNK_TAG or identity.version <= CHUNK_VERSION:
            batch.letters.append(letter(delivery, reason))
        elif delivery.subject not in self._subjects(identity.driver, identity.session):
            batch.letters.append(_misplaced(delivery, identity))
        else:
            arrivals = _of_run(batch, identity)
            arrivals.echo = max(arrivals.echo, identity.send)
            arrivals.dead.append(identity.chunk)
            batch.letters.append(_newer(delivery, identity.version))

    def _hopeless(self, chunk: Chunk) -> bool:
        """Count how often a chunk came corrupt; give it up after a few, or it comes for ever."""
        which = (RunKey(chunk.session, chunk.driver, chunk.run), chunk.chunk)
        tries = self._corrupt.pop(which, 0) + 1
        self._corrupt[which] = tries
        if len(self._corrupt) > CORRUPT_REMEMBERED:
            self._corrupt.popitem(last=False)
        return tries >= CORRUPT_TRIES


def _of_run(batch: Batch, event: Chunk | Mark | Identity) -> Arrivals:
    key = RunKey(event.session, event.driver, event.run)
    arrivals = batch.runs.get(key)
    if arrivals is None:
        arrivals = batch.runs[key] = Arrivals()
    return arrivals


def _newer(delivery: Delivery, version: int) -> DeadLetter:
    return letter(delivery, f"NewerVersion: {version}, this is {CHUNK_VERSION}")


def _misplaced(delivery: Delivery, event: Chunk | Mark | Identity) -> DeadLetter:
    return letter(delivery, f"WrongSubject: says it is of {event.driver} in {event.session}")
