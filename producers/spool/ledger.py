"""The account of one run: the chunks made, the chunks that Postgres has, the chunks to send.

Pure: `todo = made - have - in flight`. A receipt takes chunks out of flight when it describes them
and they were sent no later than the last message committed: Postgres has them, or they are lost.
No timer and no PubAck decides anything. A receipt that states less than the one before it counts.
"""

from typing import Final

from msgspec import Struct

from pitbox.chunks import ranges
from pitbox.chunks.ranges import NONE, Ranges
from schemas.link import Receipt
from schemas.telemetry import CHUNK_VERSION, Chunk, Mark, Number, Range, Token

MAX_MISSING: Final = 64
"""A receipt with this many missing ranges is cut: it describes nothing above `upto`."""

NO_LIMIT: Final = 2**63


class RunKey(Struct, frozen=True, gc=False):
    """Name one run: the chunks of one session from one start of a driver's app."""

    session: Token
    driver: Token
    run: Number


def key_of(of: Chunk | Receipt) -> RunKey:
    """Return the run of a chunk or a receipt."""
    return RunKey(of.session, of.driver, of.run)


class Sent(Struct, frozen=True, gc=False):
    """Hold consecutive chunks in flight: `first` has send number `send`, the next `send + 1`."""

    send: int
    first: int
    last: int


class Marked(Struct, frozen=True):
    """Hold the content of the last mark sent, and its send number."""

    made: int
    closed: bool
    gone: Ranges
    send: int


UNMARKED: Final = Marked(made=-1, closed=False, gone=NONE, send=NO_LIMIT)


class Ledger:
    """Keep the account of one run.

    `made` chunks are in the spool except for those `dropped` from it. `have` is what Postgres has
    by the last receipt. `reconciled` is whether that is known: a run of an earlier start of the app
    is not sent before its first receipt. A run that was `deleted` at the hub has nothing to send.
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
        """Open the account; send numbers begin above `send` and above every receipt's `echo`."""
        self.key = key
        self.made = made
        self.have = have
        self.dropped = dropped
        self.closed = closed
        self.reconciled = not closed
        self.refused = 0
        self.deleted = False
        self._send = send
        self._sent: list[Sent] = []
        self._flight = NONE
        self._echo = -1
        self._receipt_made = -1
        self._receipt_gone = NONE
        self._marked = UNMARKED
        self._todo: Ranges | None = None

    @property
    def todo(self) -> Ranges:
        """Return the chunks to send."""
        if self._todo is None:
            self._todo = NONE
            if self.reconciled:
                self._todo = ranges.minus(self._lacking(), self._flight)
        return self._todo

    @property
    def waiting(self) -> int:
        """Return how many chunks Postgres is not known to have and can still get."""
        return ranges.count(self._lacking())

    @property
    def gone(self) -> Ranges:
        """Return the chunks that Postgres lacks and that can never come."""
        if not self.reconciled:
            return NONE
        return ranges.minus(ranges.minus(self.dropped, self.have), self._flight)

    @property
    def settled(self) -> bool:
        """Return whether Postgres has every chunk made and the last mark, or wants none."""
        return self.deleted or (
            self.reconciled
            and not self._flight
            and self._receipt_made >= self.made
            and self._echo >= self._marked.send
            and (self._marked.made, self._marked.closed) == (self.made, self.closed)
            and self._gone_is_known
            and not self._lacking()
        )

    @property
    def _gone_is_known(self) -> bool:
        """Return whether the hub has what is gone: a receipt that is cut states no more of it.

        A mark with a lower send number may be lost, when another PC has a copy of this spool.
        """
        cut = len(self._receipt_gone) >= MAX_MISSING
        unknown = ranges.minus(self.gone, self._receipt_gone)
        return self._marked.gone == self.gone and (cut or not unknown)

    @property
    def complete(self) -> bool:
        """Return whether the run is closed and settled; only its own writer can conclude this."""
        return self.closed and self.settled

    def keep(self, chunk: int) -> None:
        """Note that all chunks up to this number are made."""
        self.made = max(self.made, chunk + 1)
        self._todo = None

    def drop(self, chunks: Ranges) -> None:
        """Note that the spool lost or deleted chunks."""
        self.dropped = ranges.union(self.dropped, chunks)
        self._todo = None

    def restore(self, chunks: Range) -> None:
        """Note that the spool has these chunks after all: they were written behind a slow disk."""
        if self.dropped:
            self.dropped = ranges.minus(self.dropped, (chunks,))
            self._todo = None

    def keep_only(self, chunks: Ranges) -> None:
        """Note that the spool has these chunks alone."""
        if self.made:
            self.drop(ranges.minus(((0, self.made - 1),), chunks))

    def close(self) -> None:
        """Note that no more chunks will be made."""
        self.closed = True

    def delete(self) -> None:
        """Note that the run was deleted at the hub for good."""
        self.deleted = True
        self._todo = None

    def sent(self, first: int, last: int) -> int:
        """Note that consecutive chunks are sent now; return the send number of the first."""
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
        """Return the mark to send now, with a send number of its own."""
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
        """Replace `have` by a receipt, also when it states less than before."""
        cut = len(receipt.missing) >= MAX_MISSING
        described: Ranges = ((0, receipt.upto),)
        stated = ranges.minus(described, ranges.normal(receipt.missing))
        above = ranges.minus(self.have, described) if cut else NONE
        self.have = ranges.union(stated, above) if receipt.upto >= 0 else above
        self._land(receipt.echo, receipt.upto if cut else NO_LIMIT)
        self._echo = receipt.echo
        self.refused = receipt.dead
        self._receipt_made = receipt.made
        self._receipt_gone = ranges.normal(receipt.gone)
        self._send = max(self._send, receipt.echo)
        self.reconciled = True
        self._todo = None

    def burst(self, limit: int) -> Range | None:
        """Return the first consecutive chunks to send, at most `limit`; None for none."""
        if not self.todo:
            return None
        first, last = self.todo[0]
        return first, min(last, first + limit - 1)

    def _lacking(self) -> Ranges:
        if self.deleted:
            return NONE
        kept = ranges.minus(((0, self.made - 1),), self.dropped) if self.made else NONE
        return ranges.minus(kept, self.have)

    def _take_send(self, count: int) -> int:
        self._send += count
        return self._send - count + 1

    def _land(self, echo: int, described: int) -> None:
        """Take chunks up to `described` that were sent no later than `echo` out of flight."""
        sent = []
        for part in self._sent:
            overtaken = part.first + echo - part.send
            first = max(part.first, min(overtaken, described) + 1)
            if first <= part.last:
                sent.append(Sent(part.send + first - part.first, first, part.last))
        self._sent = sent
        self._flight = ranges.normal((part.first, part.last) for part in sent)
