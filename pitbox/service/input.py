"""One stream as a fold reads it: first the messages to replay, then those to perform."""

from collections import deque
from typing import Final, Protocol

from msgspec.structs import replace

from pitbox.nats.delivery import Delivery
from pitbox.service.identity import StoredOutputs
from pitbox.service.watermark import Position, Watermark
from schemas.fold import Progress

STARTS: Final = 3
"""After this many starts without progress, messages are decided and performed one at a time."""

ENDINGS: Final = 2
"""A message that ended the process this often while it was alone becomes a dead letter."""

MAX_BURIED: Final = 100


class Reader(Protocol):
    """Read one stream in order, from its beginning."""

    stream: str

    @property
    def exhausted(self) -> bool:
        """Return whether the last message read was the last one in the stream."""
        ...

    async def batch(self, max_messages: int, max_wait_s: float) -> list[Delivery]:
        """Return the next messages, [] if none arrives within `max_wait_s`."""
        ...

    async def close(self) -> None:
        """Stop reading."""
        ...


class Input:
    """Read a stream for a fold.

    `record` is the progress saved last. `end` is the stream's last sequence at the start. `stored`
    holds the outputs of messages between the progress and the end.
    """

    def __init__(
        self, reader: Reader, record: Progress, end: int, stored: StoredOutputs, *, batch: int
    ) -> None:
        """Prepare to read, `batch` messages at a time."""
        self.record = record
        self.mark = Watermark(Position(record.sequence, record.stored_ns))
        self.stored = stored
        self._reader = reader
        self._done = record.sequence
        self._replayed = 0
        self._end = end
        self._batch = batch
        self._buffer: deque[Delivery] = deque()
        self._life: int | None = None
        self._created_ns = record.created_ns
        self._one_by_one = record.starts >= STARTS

    @property
    def head(self) -> Delivery:
        """Return the next message to replay; valid after `replays` returned True."""
        return self._buffer[0]

    def take(self) -> Delivery | None:
        """Remove and return the head; None if it is a repetition or ended the process."""
        delivery = self._buffer.popleft()
        repeated = delivery.sequence <= self._replayed
        self._replayed = max(self._replayed, delivery.sequence)
        return None if repeated or delivery.sequence in self.record.buried else delivery

    async def replays(self, wait_s: float) -> bool | None:
        """Return whether the next message was finished before this start; None if none arrives."""
        if not self._done:
            return False
        if not self._buffer and not self._reader.exhausted:
            self._buffer.extend(await self._reader.batch(self._batch, wait_s))
            if not self._buffer and not self._reader.exhausted:
                return None
        if not self._buffer:
            return False
        if self._life is None and self.head.created_ns == self._created_ns:
            self._life = self.head.life
        return self.head.life == self._life and self.head.sequence <= self._done

    async def batch(self, wait_s: float) -> list[Delivery]:
        """Return the messages after the replay, [] if none arrives within `wait_s`."""
        if not self._buffer:
            return await self._reader.batch(self._batch, wait_s)
        found = list(self._buffer)
        self._buffer.clear()
        return found

    def is_new(self, delivery: Delivery) -> bool:
        """Return whether a message was not read before.

        The first message of a stream that was recreated or restored resets the progress.
        """
        recreated = delivery.created_ns != self._created_ns
        if recreated or (self._life is not None and delivery.life != self._life):
            self.mark, self.stored, self._one_by_one = Watermark(), StoredOutputs(), False
            # Its sequences belong to other messages now.
            self.record = replace(self.record, suspect=0, endings=0, buried=())
            self._created_ns = delivery.created_ns
        self._life = delivery.life
        return delivery.sequence > self.mark.last.sequence

    def begin(self) -> Progress:
        """Return the record with this start counted."""
        unfinished = self.record.suspect > self.record.sequence
        endings = self.record.endings + 1 if unfinished else 0
        return replace(self.record, starts=self.record.starts + 1, endings=endings)

    def moved(self) -> Progress:
        """Return the record with the position up to which every message is finished."""
        done = self.mark.done
        starts = self.record.starts if self._one_by_one and done.sequence < self._end else 0
        return replace(
            self.record,
            created_ns=self._created_ns,
            sequence=done.sequence,
            stored_ns=done.stored_ns,
            starts=starts,
        )

    def is_suspect(self, delivery: Delivery) -> bool:
        """Return whether a message may be the one that ends the process at each start."""
        self._one_by_one = self._one_by_one and delivery.sequence <= self._end
        return self._one_by_one

    def gives_up(self, delivery: Delivery) -> bool:
        """Return whether a message ended the process too often, and if so add it to `buried`."""
        record = self.record
        if record.suspect != delivery.sequence or record.endings < ENDINGS:
            return False
        buried = (*record.buried, delivery.sequence)[-MAX_BURIED:]
        self.record = replace(record, suspect=0, endings=0, buried=buried)
        return True

    def suspecting(self, delivery: Delivery) -> Progress:
        """Return the record that names a message as the one in work, alone."""
        endings = self.record.endings if self.record.suspect == delivery.sequence else 0
        return replace(self.moved(), suspect=delivery.sequence, endings=endings)

    async def close(self) -> None:
        """Stop reading."""
        await self._reader.close()
