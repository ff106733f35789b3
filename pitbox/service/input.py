"""One stream as a fold reads it: in silence up to what is done, in earnest after that."""

from collections import deque
from typing import Protocol

from pitbox.nats.delivery import Delivery
from pitbox.service.identity import Standing
from pitbox.service.watermark import Place, Watermark
from schemas.fold import Progress

CAREFUL_STARTS = 3
"""After so many starts without progress, messages are decided one by one, to find the cause."""

SUSPECTED = 2
"""A message that ended the process so often while it was decided alone is given up."""

MAX_BURIED = 100


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
    """Read a stream for a fold; `record` is its progress, `end` the last sequence at the start."""

    def __init__(
        self, reader: Reader, record: Progress, end: int, standing: Standing, *, batch: int
    ) -> None:
        self.mark = Watermark(Place(record.sequence, record.stored_ns))
        self.record = record
        self.standing = standing
        self._reader = reader
        self._replayed = self.mark.done
        self._end = end
        self._batch = batch
        self._buffer: deque[Delivery] = deque()
        self._life: int | None = None

    @property
    def head(self) -> Delivery:
        """Return the next message; only after `replays` returned True."""
        return self._buffer[0]

    @property
    def stream(self) -> str:
        """Return the name of the stream."""
        return self._reader.stream

    def take(self) -> Delivery:
        """Return the next message and go past it; only after `replays` returned True."""
        return self._buffer.popleft()

    async def replays(self, wait_s: float) -> bool | None:
        """Tell whether the next message was done before this start; None when none came in time."""
        if not self._replayed.sequence:
            return False
        if not self._buffer:
            if self._reader.exhausted:
                return False
            self._buffer.extend(await self._reader.batch(self._batch, wait_s))
        if not self._buffer:
            return None
        if self._life is None:
            self._life = self.head.life
        return self.head.life == self._life and self.head.sequence <= self._replayed.sequence

    async def batch(self, wait_s: float) -> list[Delivery]:
        """Return the messages that come after the replay, [] when none comes in time."""
        if self._buffer:
            found = list(self._buffer)
            self._buffer.clear()
            return found
        return await self._reader.batch(self._batch, wait_s)

    def is_new(self, delivery: Delivery) -> bool:
        """Tell whether a message was not read before; a stream that was recreated begins anew."""
        if self._life is not None and delivery.life != self._life:
            self.mark, self.standing, self._end = Watermark(), Standing(), 0
        self._life = delivery.life
        return delivery.sequence > self.mark.last.sequence

    def is_suspicious(self, delivery: Delivery) -> bool:
        """Tell whether a message may be the one that ended the process at every start."""
        return self.record.starts > CAREFUL_STARTS and delivery.sequence <= self._end

    async def close(self) -> None:
        """Stop reading."""
        await self._reader.close()
