"""One stream as a fold reads it: in silence up to what is done, in earnest after that."""

from collections import deque
from typing import Final, Protocol

from msgspec.structs import replace

from pitbox.nats.delivery import Delivery
from pitbox.service.identity import Standing
from pitbox.service.watermark import Place, Watermark
from schemas.fold import Progress

STARTS: Final = 3
"""After so many starts in vain the messages are decided one by one, to find the one at fault."""

ENDINGS: Final = 2
"""A message that ended the process so often while it was decided alone is given up."""

MAX_BURIED: Final = 100


class Reader(Protocol):
    """Read one stream in order, from its beginning."""

    stream: str

    @property
    def exhausted(self) -> bool:
        """Tell whether nothing was left in the stream after the last message read."""
        ...

    async def batch(self, max_messages: int, max_wait_s: float) -> list[Delivery]:
        """Return the next messages, [] when none comes in time."""
        ...

    async def close(self) -> None:
        """Stop reading."""
        ...


class Input:
    """Read a stream for a fold; `record` is the progress that was saved last.

    `end` is the stream's last sequence at the start; `standing` has the outputs of messages between
    the progress and the end.
    """

    def __init__(
        self, reader: Reader, record: Progress, end: int, standing: Standing, *, batch: int
    ) -> None:
        """Prepare to read, `batch` messages at a time."""
        self.record = record
        self.mark = Watermark(Place(record.sequence, record.stored_ns))
        self.standing = standing
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
        """Return the next message of the replay, once `replays` was true."""
        return self._buffer[0]

    def take(self) -> Delivery | None:
        """Go past the head and return it; None when it came before, or was given up."""
        delivery = self._buffer.popleft()
        came_before = delivery.sequence <= self._replayed
        self._replayed = max(self._replayed, delivery.sequence)
        return None if came_before or delivery.sequence in self.record.buried else delivery

    async def replays(self, wait_s: float) -> bool | None:
        """Tell whether the next message was done before this start; None when none came in time."""
        if not self._done:
            return False
        if not self._buffer and not self._reader.exhausted:
            self._buffer.extend(await self._reader.batch(self._batch, wait_s))
            if not self._buffer and not self._reader.exhausted:
                return None
        if not self._buffer:
            return False
        if self._life is None:
            self._life = self.head.life
        return self.head.life == self._life and self.head.sequence <= self._done

    async def batch(self, wait_s: float) -> list[Delivery]:
        """Return the messages behind the replay, [] when none comes in time."""
        if not self._buffer:
            return await self._reader.batch(self._batch, wait_s)
        found = list(self._buffer)
        self._buffer.clear()
        return found

    def is_new(self, delivery: Delivery) -> bool:
        """Tell whether a message was not read before; a stream that was recreated begins anew."""
        if self._life is not None and delivery.life != self._life:
            self.mark, self.standing, self._one_by_one = Watermark(), Standing(), False
            self._created_ns = delivery.created_ns
        self._life = delivery.life
        return delivery.sequence > self.mark.last.sequence

    def begin(self) -> Progress:
        """Return the record with this start in it."""
        unfinished = self.record.suspect > self.record.sequence
        endings = self.record.endings + 1 if unfinished else 0
        return replace(self.record, starts=self.record.starts + 1, endings=endings)

    def moved(self) -> Progress:
        """Return the record with the place up to which everything is done now."""
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
        """Tell whether a message may be the one that ended the process at every start."""
        self._one_by_one = self._one_by_one and delivery.sequence <= self._end
        return self._one_by_one

    def gives_up(self, delivery: Delivery) -> bool:
        """Tell whether a message ended the process too often, and note that it is given up."""
        record = self.record
        if record.suspect != delivery.sequence or record.endings < ENDINGS:
            return False
        buried = (*record.buried, delivery.sequence)[-MAX_BURIED:]
        self.record = replace(record, suspect=0, endings=0, buried=buried)
        return True

    def suspecting(self, delivery: Delivery) -> Progress:
        """Return the record that says which message is decided next, alone."""
        endings = self.record.endings if self.record.suspect == delivery.sequence else 0
        return replace(self.moved(), suspect=delivery.sequence, endings=endings)

    async def close(self) -> None:
        """Stop reading."""
        await self._reader.close()
