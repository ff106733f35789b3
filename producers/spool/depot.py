"""The spool and the accounts of its runs, for use from the event loop.

Only one thread touches the disk. Its results are passed to the accounts in the event loop, where
everything else runs too, so nothing needs a lock.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Final, TextIO, TypeVar

import msgspec

from pitbox import logs
from pitbox.chunks import ranges
from producers import metrics
from producers.spool.disk import DiskError, Spool
from producers.spool.ledger import Ledger, RunKey, key_of
from producers.spool.record import Record
from producers.spool.retention import Dropped
from schemas.link import Receipt
from schemas.telemetry import Chunk, Range

PATIENCE_S: Final = 0.1
MAX_BEHIND: Final = 2000
"""Calls of `keep` that may wait for the disk: 100 seconds of driving."""

TRIM_INTERVAL_S: Final = 2.0
TRIM_SLICES: Final = 16
COMPLAIN_S: Final = 10.0

log = logs.get("spool")

Result = TypeVar("Result")
encode: Final = msgspec.msgpack.Encoder().encode


class Depot:
    """Keep chunks on disk, and an account of each run."""

    def __init__(self, spool: Spool, record: TextIO | None = None) -> None:
        """Open the accounts of a spool; `record` names every chunk before and after it is kept.

        The runs found are closed: a run is never continued, only finished.
        """
        self.accounts: dict[RunKey, Ledger] = {}
        self.deleted_through = -1
        self._first_send = time.time_ns() // 1000
        self.completed = asyncio.Event()
        self.owing = asyncio.Event()
        self._behind = 0
        self._spool = spool
        self._record = Record(record)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spool")
        self._complained_s = -COMPLAIN_S
        for run in spool.runs.values():
            self.accounts[run.key] = Ledger(
                run.key,
                send=self._first_send,
                made=run.made,
                have=run.have,
                dropped=run.dropped,
                closed=True,
            )

    @property
    def newest_run(self) -> int:
        """Return the highest run in the spool, 0 for none."""
        return max((key.run for key in self.accounts), default=0)

    @property
    def waiting(self) -> int:
        """Return how many chunks Postgres is not known to have and can still get."""
        return sum(account.waiting for account in self.accounts.values())

    @property
    def complete(self) -> bool:
        """Return whether every run is closed, and receipts confirm that Postgres has all of it."""
        return all(account.complete for account in self.accounts.values())

    def account(self, key: RunKey) -> Ledger:
        """Return the account of a run; open one for a new run."""
        found = self.accounts.get(key)
        if found is None:
            found = self.accounts[key] = Ledger(key, send=self._first_send)
        return found

    def on_receipt(self, receipt: Receipt) -> None:
        """Update a run's account from a receipt.

        Set `owing` when chunks are left to send, `completed` when every run is complete.
        """
        account = self.accounts.get(key_of(receipt))
        if receipt.deleted >= receipt.run:
            self._delete(receipt)
        elif account is not None:
            account.on_receipt(receipt)
            if account.todo:
                self.owing.set()
        if self.complete:
            self.completed.set()
        else:
            self.completed.clear()

    def _delete(self, receipt: Receipt) -> None:
        """Delete the runs of a session that was deleted at the hub; the disk follows in slices."""
        owner = receipt.session, receipt.driver
        deleted = [
            account
            for key, account in self.accounts.items()
            if (key.session, key.driver) == owner and key.run <= receipt.deleted
        ]
        if not all(account.deleted for account in deleted):
            log.warning(
                "this session was deleted at the hub: its telemetry is deleted here too",
                session=receipt.session,
                driver=receipt.driver,
            )
        for account in deleted:
            account.delete()
        self.deleted_through = max(self.deleted_through, receipt.deleted)

    def close(self, key: RunKey) -> None:
        """Note that a run makes no more chunks."""
        self.account(key).close()
        self.completed.clear()

    async def keep(self, chunks: Sequence[Chunk]) -> None:
        """Write consecutive chunks of one run; wait for the disk, but not for a slow one.

        Chunks that the disk refuses are counted as dropped: they can only be sent live.
        """
        key = key_of(chunks[0])
        self._record.made(chunks)
        if self._behind >= MAX_BEHIND:
            self._refused(key, chunks, "the disk is too slow")
            return
        self._behind += 1
        loop = asyncio.get_running_loop()
        written = loop.create_future()

        def pass_on(done: "Future[None]") -> None:
            # One turn of the loop, where wrapping the future would take three: this runs 20 times a
            # second beside a game.
            loop.call_soon_threadsafe(self._kept, key, chunks, done, written)

        self._thread.submit(self._append, key, chunks).add_done_callback(pass_on)
        if self._behind == 1:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_S):
                    await written

    async def read(self, key: RunKey, chunks: Range, max_bytes: int) -> list[bytes]:
        """Return the first chunks of a range; drop the very first when the spool lacks it.

        Raises DiskError.
        """
        found = await self._on_disk(partial(self._spool.read, key, chunks, max_bytes))
        if not found and not self.account(key).deleted:
            await self.drop(key, (chunks[0], chunks[0]), "not found in the spool")
        return found

    async def drop(self, key: RunKey, chunks: Range, reason: str) -> None:
        """Drop chunks that can never be sent; raises DiskError."""
        await self._on_disk(partial(self._spool.drop, key, chunks))
        self._dropped(Dropped(key, chunks, receipted=False), reason)

    async def maintain(self) -> None:
        """Store receipts on disk and trim the spool, until cancelled."""
        while True:
            await asyncio.sleep(TRIM_INTERVAL_S)
            try:
                await self._trim()
            except DiskError as error:
                self._complain("the spool cannot be tidied", str(error))

    async def settle(self) -> None:
        """Wait until the disk has done everything requested before."""
        await self._on_disk(lambda: None)

    async def leave(self) -> None:
        """Store on disk what Postgres has, and stop the thread."""
        have = {key: account.have for key, account in self.accounts.items()}
        try:
            await self._on_disk(partial(self._spool.note, have))
        except DiskError as error:
            self._complain("the spool cannot be tidied", str(error))
        self._thread.shutdown(wait=True)

    def _append(self, key: RunKey, chunks: Sequence[Chunk]) -> None:
        encoded = [encode(chunk) for chunk in chunks]
        self._spool.append(key, chunks[0].chunk, encoded, time.time())

    def _kept(
        self,
        key: RunKey,
        chunks: Sequence[Chunk],
        done: "Future[None]",
        written: "asyncio.Future[None]",
    ) -> None:
        self._behind -= 1
        if not written.done():
            written.set_result(None)
        error = done.exception()
        if error is not None:
            self._refused(key, chunks, str(error))
            return
        self._record.kept(chunks)
        self.account(key).keep(chunks[-1].chunk)
        metrics.kept.inc(len(chunks))

    def _refused(self, key: RunKey, chunks: Sequence[Chunk], reason: str) -> None:
        account = self.account(key)
        account.keep(chunks[-1].chunk)
        account.drop(((chunks[0].chunk, chunks[-1].chunk),))
        metrics.refused.inc(len(chunks))
        self._complain("THE DISK REFUSES CHUNKS: make room on it; live sending goes on", reason)

    async def _trim(self) -> None:
        have = {key: account.have for key, account in self.accounts.items()}
        await self._on_disk(partial(self._spool.note, have))
        deleted = frozenset(key for key, account in self.accounts.items() if account.deleted)
        for _ in range(TRIM_SLICES):
            part = await self._on_disk(partial(self._spool.trim, time.time(), deleted))
            if part is None:
                break
            self._dropped(part)
        metrics.spool_bytes.set(await self._on_disk(lambda: self._spool.used_bytes))
        metrics.waiting.set(self.waiting)
        for key in [key for key, account in self.accounts.items() if account.complete]:
            if await self._on_disk(partial(self._spool.forget, key)):
                del self.accounts[key]

    def _dropped(self, part: Dropped, reason: str = "the spool is full") -> None:
        self.account(part.key).drop((part.chunks,))
        count = ranges.count((part.chunks,))
        metrics.dropped.labels("yes" if part.receipted else "no").inc(count)
        if not part.receipted:
            self._complain("DROPPED CHUNKS THAT POSTGRES LACKS", reason, chunks=count)

    def _complain(self, event: str, reason: str, **fields: int) -> None:
        """Log an error, at most once in `COMPLAIN_S`."""
        now = time.monotonic()
        if now - self._complained_s >= COMPLAIN_S:
            self._complained_s = now
            log.error(event, reason=reason, **fields)

    def _on_disk(self, work: Callable[[], Result]) -> Awaitable[Result]:
        return asyncio.get_running_loop().run_in_executor(self._thread, work)
