"""What a run has made, what Postgres has of it, and so what there is to send.

Pure: `todo = made - have - in flight`. A receipt takes out of flight whatever it describes and was
sent no later than the last message committed: that is either had or lost, there is no third thing.
No timer and no PubAck decides anything, and a receipt that says less than the one before is obeyed.
"""

from typing import Final

from msgspec import Struct

from pitbox.chunks import ranges
from pitbox.chunks.ranges import NONE, Ranges
from schemas.link import Receipt
from schemas.telemetry import CHUNK_VERSION, Chunk, Mark, Number, Range, Token

MISSING_TOLD: Final = 64
"""A receipt that names so many missing ranges says nothing of what is above `upto`."""

NO_LIMIT: Final = 2**63


class RunKey(Struct, frozen=True, gc=False):
    """Name one run: a session as one life of one driver's app saw it."""

    session: Token
    driver: Token
    run: Number


def key_of(of: Chunk | Receipt) -> RunKey:
    """Return which run something is of."""
    return RunKey(of.session, of.driver, of.run)


class Sent(Struct, frozen=True, gc=False):
    """Hold chunks that went out in a row: `first` as send number `send`, the next as one more."""

    send: int
    first: int
    last: int


class Marked(Struct, frozen=True):
    """Hold what a mark said, and its send number."""

    made: int
    closed: bool
    gone: Ranges
    send: int


UNMARKED: Final = Marked(made=-1, closed=False, gone=NONE, send=NO_LIMIT)


class Ledger:
    """Keep the account of one run.

    `made` chunks are in the spool but for those `dropped` from it. `have` is what Postgres has by
    the last receipt. Until one was heard, a run of an earlier life is not sent.
    """

    def __init__(
        self,
        key: RunKey,
        *,
        send: int,
        made: int = 0,
        have: Ranges = NONE,
        dropped: Ranges = NONE,
        closed: bool = False,
    ) -> None:
        """Open the account; send numbers begin above `send` and above all that receipts echo."""
        self.key = key
        self.made = made
        self.have = have
        self.dropped = dropped
        self.closed = closed
        self.heard = not closed
        self._send = send
        self._sent: list[Sent] = []
        self._flight = NONE
        self._echo = -1
        self._told_made = -1
        self._marked = UNMARKED
        self._todo: Ranges | None = None

    @property
    def todo(self) -> Ranges:
        """Return the chunks to send."""
        if self._todo is None:
            self._todo = NONE
            if self.heard:
                self._todo = ranges.minus(self._lacking(), self._flight)
        return self._todo

    @property
    def waiting(self) -> int:
        """Return how many chunks Postgres is not known to have and may still get."""
        return ranges.count(self._lacking())

    @property
    def gone(self) -> Ranges:
        """Return the chunks that Postgres lacks and that can never come."""
        if not self.heard:
            return NONE
        return ranges.minus(ranges.minus(self.dropped, self.have), self._flight)

    @property
    def settled(self) -> bool:
        """Tell whether Postgres has all that was made so far, and heard so by the last mark."""
        return (
            self.heard
            and not self._flight
            and self._told_made >= self.made
            and self._echo >= self._marked.send
            and (self._marked.made, self._marked.closed) == (self.made, self.closed)
            and self._marked.gone == self.gone
            and not self._lacking()
        )

    @property
    def complete(self) -> bool:
        """Tell whether nothing is left to do for a closed run; only its writer can conclude so."""
        return self.closed and self.settled

    def keep(self, chunk: int) -> None:
        """Note that the spool has a chunk, and all before it."""
        self.made = max(self.made, chunk + 1)
        self._todo = None

    def drop(self, chunks: Ranges) -> None:
        """Note that the spool has chunks no more."""
        self.dropped = ranges.union(self.dropped, chunks)
        self._todo = None

    def close(self) -> None:
        """Note that no more chunks will be made."""
        self.closed = True

    def sent(self, first: int, last: int) -> int:
        """Note that chunks go out now, in a row; return the send number of the first."""
        send = self._take_send(last - first + 1)
        before = self._sent[-1] if self._sent else None
        if before and before.last + 1 == first and before.send + first - before.first == send:
            self._sent[-1] = Sent(before.send, before.first, last)
        else:
            self._sent.append(Sent(send, first, last))
        self._flight = ranges.union(self._flight, ((first, last),))
        self._todo = None
        return send

    def mark(self) -> Mark:
        """Return the mark to send now: it says how far the run goes, and probes its tail."""
        send = self._take_send(1)
        self._marked = Marked(self.made, self.closed, self.gone, send)
        return Mark(
            version=CHUNK_VERSION,
            driver=self.key.driver,
            session=self.key.session,
            run=self.key.run,
            send=send,
            made=self.made,
            closed=self.closed,
            gone=self._marked.gone,
        )

    def on_receipt(self, receipt: Receipt) -> None:
        """Take what Postgres says it has, also when it is less than before."""
        cut = len(receipt.missing) >= MISSING_TOLD
        described: Ranges = ((0, receipt.upto),)
        told = ranges.minus(described, ranges.normal(receipt.missing))
        above = ranges.minus(self.have, described) if cut else NONE
        self.have = ranges.union(told, above) if receipt.upto >= 0 else above
        self._land(receipt.echo, receipt.upto if cut else NO_LIMIT)
        self._echo = receipt.echo
        self._told_made = receipt.made
        self._send = max(self._send, receipt.echo)
        self.heard = True
        self._todo = None

    def burst(self, limit: int) -> Range | None:
        """Return the first chunks to send, in a row and at most `limit`; None for none."""
        if not self.todo:
            return None
        first, last = self.todo[0]
        return first, min(last, first + limit - 1)

    def _lacking(self) -> Ranges:
        kept = ranges.minus(((0, self.made - 1),), self.dropped) if self.made else NONE
        return ranges.minus(kept, self.have)

    def _take_send(self, count: int) -> int:
        self._send += count
        return self._send - count + 1

    def _land(self, echo: int, described: int) -> None:
        """Take out of flight what was sent no later than `echo`, as far as it is described."""
        sent = []
        for part in self._sent:
            overtaken = part.first + echo - part.send
            first = max(part.first, min(overtaken, described) + 1)
            if first <= part.last:
                sent.append(Sent(part.send + first - part.first, first, part.last))
        self._sent = sent
        self._flight = ranges.normal((part.first, part.last) for part in sent)
