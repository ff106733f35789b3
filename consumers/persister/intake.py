"""Turn messages of TELEMETRY into rows, marks and dead letters, each checked once.

All work per chunk is done here, without knowing what Postgres holds.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Container
from functools import lru_cache
from typing import Annotated, Final

import msgspec
from msgspec import Struct

from consumers.persister import CONSUMER, rows
from consumers.persister.decide import RunKey
from pitbox.chunks.errors import CorruptChunkError, RefusedChunkError
from pitbox.nats.delivery import Delivery
from pitbox.service import dead
from schemas.dead import DeadLetter
from schemas.registry import UNDECODABLE
from schemas.telemetry import CHUNK_VERSION, NAME, Chunk, Identity, Mark, Telemetry

CHUNK_TAG: Final = 1
CHUNK_RATION: Final = (2000, 50.0)
"""A corrupt chunk without a dead letter is sent again, because its receipt reports it missing. So
the ration of such letters is twice the rate at which a car makes chunks."""

CORRUPT_TRIES: Final = 3
CORRUPT_REMEMBERED: Final = 1024

Name = Annotated[str, msgspec.Meta(max_length=64)]
"""Text that may be a `Token`; bounded as that is, because what was looked up is remembered."""


class UncheckedNames(Chunk, array_like=True, frozen=True, tag=CHUNK_TAG, gc=False):
    """Decode a chunk without matching its names, which takes as long as all the rest of decoding.

    Names that are no tokens have no subject, and the subject of each message is looked up.
    """

    driver: Name
    session: Name


_decode: Final = msgspec.msgpack.Decoder(UncheckedNames | Mark).decode
_decode_strictly: Final = msgspec.msgpack.Decoder(Telemetry).decode
_identify: Final = msgspec.msgpack.Decoder(Identity).decode

Subjects = Callable[[str, str], frozenset[str]]


class Arrivals(Struct, gc=False):
    """Collect the arrivals of one run.

    `numbers` are the chunks of `rows`, `dead` those kept as dead letters, `echo` the highest send
    number.
    """

    numbers: list[int] = []
    rows: list[bytes] = []
    dead: list[int] = []
    marks: list[Mark] = []
    echo: int = -1


class Batch(Struct):
    """Collect the arrivals of all runs."""

    runs: dict[RunKey, Arrivals] = {}
    letters: list[DeadLetter] = []
    not_kept: int = 0
    deliveries: list[Delivery] = []
    bytes: int = 0
    frames: int = 0


class Intake:
    """Turn deliveries into batches."""

    def __init__(self, subjects: Subjects, from_drivers: Container[str]) -> None:
        """Prepare; `subjects(driver, session)` returns the subjects of a driver in a session."""
        self._subjects = _of_names(subjects)
        self._corrupt: OrderedDict[tuple[RunKey, int], int] = OrderedDict()
        self._letters = dead.Ration(from_drivers)
        self._chunks = dead.Ration(from_drivers, *CHUNK_RATION)

    def take(self, delivery: Delivery, batch: Batch) -> None:
        """Add a message to a batch, as a row, a mark or a dead letter."""
        batch.deliveries.append(delivery)
        batch.bytes += len(delivery.payload)
        try:
            event: Telemetry = _decode(delivery.payload)
            misplaced = delivery.subject not in self._subjects(event.driver, event.session)
            if misplaced:
                event = _decode_strictly(delivery.payload)
        except UNDECODABLE as error:
            self._undecodable(delivery, batch, f"{type(error).__name__}: {error}")
            return
        if misplaced:
            self._bury(delivery, batch, _misplaced(event), self._letters)
            return
        arrivals = _of_run(batch, event)
        arrivals.echo = max(arrivals.echo, event.send)
        if isinstance(event, Mark):
            arrivals.marks.append(event)
        elif event.version > CHUNK_VERSION:
            if self._bury(delivery, batch, _newer(event.version), self._chunks):
                arrivals.dead.append(event.chunk)
        else:
            self._chunk(delivery, batch, arrivals, event)

    def _chunk(self, delivery: Delivery, batch: Batch, arrivals: Arrivals, chunk: Chunk) -> None:
        try:
            row = rows.row(chunk)
        except RefusedChunkError as error:
            # Its crc is right, so it would be refused again: the producer must not repeat it.
            self._bury(delivery, batch, f"RefusedChunk: {error}", self._letters)
            arrivals.dead.append(chunk.chunk)
            return
        except CorruptChunkError as error:
            kept = self._bury(delivery, batch, f"CorruptChunk: {error}", self._chunks)
            if self._hopeless(chunk) and kept:
                arrivals.dead.append(chunk.chunk)
            return
        arrivals.numbers.append(chunk.chunk)
        arrivals.rows.append(row)
        batch.frames += chunk.frames

    def _undecodable(self, delivery: Delivery, batch: Batch, reason: str) -> None:
        """Add a dead letter; a chunk of a newer version counts as received in its run."""
        try:
            identity = _identify(delivery.payload)
        except UNDECODABLE:
            self._bury(delivery, batch, reason, self._letters)
            return
        if identity.tag != CHUNK_TAG or identity.version <= CHUNK_VERSION:
            self._bury(delivery, batch, reason, self._letters)
        elif delivery.subject not in self._subjects(identity.driver, identity.session):
            self._bury(delivery, batch, _misplaced(identity), self._letters)
        else:
            arrivals = _of_run(batch, identity)
            arrivals.echo = max(arrivals.echo, identity.send)
            if self._bury(delivery, batch, _newer(identity.version), self._chunks):
                arrivals.dead.append(identity.chunk)

    def _bury(self, delivery: Delivery, batch: Batch, reason: str, ration: dead.Ration) -> bool:
        """Add a dead letter; return False and count it when its sender's ration is used up."""
        if not ration.spend(delivery):
            batch.not_kept += 1
            return False
        batch.letters.append(dead.letter_of(CONSUMER, delivery, reason))
        return True

    def _hopeless(self, chunk: Chunk) -> bool:
        """Return whether a chunk came corrupt `CORRUPT_TRIES` times and is not awaited any more."""
        which = (RunKey(chunk.session, chunk.driver, chunk.run), chunk.chunk)
        tries = self._corrupt.pop(which, 0) + 1
        self._corrupt[which] = tries
        if len(self._corrupt) > CORRUPT_REMEMBERED:
            self._corrupt.popitem(last=False)
        return tries >= CORRUPT_TRIES


def _of_names(subjects: Subjects) -> Subjects:
    """Return a lookup of subjects that has none for a driver or session of a bad name."""
    is_name = re.compile(NAME).fullmatch

    @lru_cache(maxsize=1024)
    def found(driver: str, session: str) -> frozenset[str]:
        return subjects(driver, session) if is_name(driver) and is_name(session) else frozenset()

    return found


def _of_run(batch: Batch, event: Chunk | Mark | Identity) -> Arrivals:
    key = RunKey(event.session, event.driver, event.run)
    arrivals = batch.runs.get(key)
    if arrivals is None:
        arrivals = batch.runs[key] = Arrivals()
    return arrivals


def _newer(version: int) -> str:
    return f"NewerVersion: {version}, this is {CHUNK_VERSION}"


def _misplaced(event: Chunk | Mark | Identity) -> str:
    return f"WrongSubject: its fields name {event.driver} in {event.session}"
