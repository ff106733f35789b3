"""The spool and the accounts of its runs, for use from the event loop.

Only one thread touches the disk. What it did is entered into the accounts in the event loop, where
everything else runs too, so nothing needs a lock. The loop is woken for it only when somebody
waits: beside a game each wake-up counts. A disk that fails is a state of the app: chunks that it
does not keep are sent live, and count as dropped.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TextIO, TypeVar

import msgspec

from pitbox import logs
from pitbox.chunks import ranges
from producers import metrics
from producers.spool.accounts import Accounts
from producers.spool.database import DiskError
from producers.spool.disk import Spool
from producers.spool.keeper import Keeper, Runs
from producers.spool.ledger import RunKey, key_of
from producers.spool.record import Record
from producers.spool.refusal import REFUSES, Refusal
from producers.spool.retention import Dropped
from schemas.link import Receipt
from schemas.telemetry import Chunk, Range

PATIENCE_S: Final = 0.1
AHEAD: Final = 8
"""Calls of `keep` ahead of the disk at which a source waits; one in real time is not there."""

MAX_BEHIND: Final = 2000
"""Calls of `keep` that may wait for the disk: 100 seconds of driving."""

TRIM_INTERVAL_S: Final = 2.0
TRIM_SLICES: Final = 16
GIVEN_UP: Final = "THE HUB CANNOT USE CHUNKS OF THIS RUN: they are shown as gone"
OPEN_S: Final = 5.0
"""A spool that takes longer to open is used once it is open."""


log = logs.get("spool")

Result = TypeVar("Result")
encode: Final = msgspec.msgpack.Encoder().encode


class Depot:
    """Keep chunks on disk, and an account of each run."""

    def __init__(self, keeper: Keeper, record: TextIO | None = None) -> None:
        """Prepare to keep chunks; `record` names every chunk before and after it is kept."""
        self._accounts = Accounts(send=time.time_ns() // 1000)
        self.completed = asyncio.Event()
        self.owing = asyncio.Event()
        self.found = asyncio.Event()
        """Set when the spool was opened and accounts may have been added."""

        self.refusal = Refusal()
        self._behind = 0
        self._done = deque[Callable[[], None]]()
        self._loop = asyncio.get_running_loop()
        self._keeper = keeper
        self._record = Record(record)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spool")

    async def open(self) -> None:
        """Open the spool; continue without it while its disk fails or is slow.

        The runs found are closed: a run is never continued, only finished. Raises SpoolError for a
        spool that no retry can open.
        """
        self._keeper.on_opened = lambda runs: self._enter_soon(partial(self._opened, runs))
        opening = asyncio.ensure_future(self._on_disk(self._keeper.open))
        try:
            await asyncio.wait_for(asyncio.shield(opening), OPEN_S)
        except TimeoutError:
            opening.add_done_callback(lambda done: done.exception())
            log.error("the spool is not open yet", waited_s=OPEN_S)
        except DiskError as error:
            self.refusal.complain(REFUSES, str(error))

    @property
    def accounts(self) -> Accounts:
        """Return the accounts, up to date with what the disk has done."""
        self._enter()
        return self._accounts

    @property
    def trouble(self) -> str:
        """Return why the disk keeps no chunks now, "" while it does."""
        return self._keeper.trouble or self.refusal.reason

    def on_receipt(self, receipt: Receipt) -> None:
        """Update a run's account from a receipt.

        Set `owing` when chunks are left to send, `completed` when every run is complete.
        """
        account = self.accounts.get(key_of(receipt))
        if receipt.deleted >= receipt.run:
            if self.accounts.delete(receipt):
                named = {"session": receipt.session, "driver": receipt.driver}
                log.warning("this session was deleted at the hub: it is deleted here too", **named)
        elif account is not None:
            if receipt.dead > account.refused:
                self.refusal.complain(GIVEN_UP, "see its dead letters", chunks=receipt.dead)
            account.on_receipt(receipt)
            if account.todo:
                self.owing.set()
        if self.accounts.complete:
            self.completed.set()
        else:
            self.completed.clear()

    def close(self, key: RunKey) -> None:
        """Note that a run makes no more chunks."""
        self.accounts.of(key).close()
        self.completed.clear()

    async def keep(self, chunks: Sequence[Chunk], *, sent: bool = False) -> None:
        """Write consecutive chunks of one run; wait for the disk, but not for a slow one.

        Chunks that are `sent` live meanwhile wait only when their source is ahead of the disk, and
        may take a second to be safe from a power cut; others are safe when they count as kept.
        Chunks that the disk refuses are counted as dropped: they can only be sent live.
        """
        key = key_of(chunks[0])
        self._record.made(chunks)
        self._enter()
        if self._behind >= MAX_BEHIND:
            self._refused(key, chunks, "the disk is too slow")
            return
        self._behind += 1
        self._thread.submit(self._append, key, chunks, sent)
        if self._behind == (AHEAD if sent else 1):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_S):
                    await self.settle()

    async def read(self, key: RunKey, chunks: Range, max_bytes: int) -> tuple[Chunk, ...]:
        """Return the first chunks of a range, without those that the spool lacks; they are dropped.

        Raises DiskError.
        """
        found = await self._work(lambda spool: spool.read(key, chunks, max_bytes))
        metrics.rotten.inc(found.rotten)
        for part in () if self.accounts.of(key).deleted else found.lost:
            self._dropped(Dropped(key, part, receipted=False), found.reason)
        return found.chunks

    async def drop(self, key: RunKey, chunks: Range, reason: str) -> None:
        """Drop chunks that can never be sent; raises DiskError."""
        await self._work(lambda spool: spool.drop(key, chunks))
        self._dropped(Dropped(key, chunks, receipted=False), reason)

    async def maintain(self) -> None:
        """Store receipts on disk and trim the spool, until cancelled."""
        while True:
            await asyncio.sleep(TRIM_INTERVAL_S)
            try:
                await self._trim()
            except DiskError as error:
                self.refusal.complain("the spool cannot be tidied", str(error))

    async def settle(self) -> None:
        """Wait until the disk has done everything requested before."""
        await self._on_disk(lambda: None)

    async def leave(self) -> None:
        """Store on disk what Postgres has, close the spool, and stop the thread."""
        have = {key: account.have for key, account in self.accounts.items()}
        if not self._keeper.trouble:
            try:
                await self._work(lambda spool: spool.note(have))
            except DiskError as error:
                self.refusal.complain("the spool cannot be tidied", str(error))
        await self._on_disk(self._keeper.close)
        self._thread.shutdown(wait=True)
        self._enter()

    def _append(self, key: RunKey, chunks: Sequence[Chunk], sent: bool) -> None:
        try:
            encoded = [encode(chunk) for chunk in chunks]
            first, now_s = chunks[0].chunk, time.time()
            self._keeper.work(lambda spool: spool.append(key, first, encoded, now_s, sync=not sent))
        except Exception as error:
            self._enter_soon(partial(self._not_kept, key, chunks, str(error)))
            return
        kept = partial(self._kept, key, chunks)
        if sent:
            self._done.append(kept)
        else:
            self._enter_soon(kept)

    def _enter_soon(self, done: Callable[[], None]) -> None:
        """Have something that the disk did entered into the accounts now, from its thread."""
        self._done.append(done)
        self._loop.call_soon_threadsafe(self._enter)

    def _enter(self) -> None:
        while self._done:
            self._done.popleft()()

    def _opened(self, runs: Runs) -> None:
        """Bring the accounts up to date with the file: all else that was kept is lost."""
        self._accounts.follow(runs)
        self.found.set()
        self.owing.set()

    def _kept(self, key: RunKey, chunks: Sequence[Chunk]) -> None:
        self._behind -= 1
        self.refusal.end()
        self._record.kept(chunks)
        account = self._accounts.of(key)
        account.keep(chunks[-1].chunk)
        account.restore((chunks[0].chunk, chunks[-1].chunk))
        if account.todo:
            self.owing.set()
        metrics.kept.inc(len(chunks))

    def _not_kept(self, key: RunKey, chunks: Sequence[Chunk], reason: str) -> None:
        self._behind -= 1
        self._refused(key, chunks, reason)

    def _refused(self, key: RunKey, chunks: Sequence[Chunk], reason: str) -> None:
        account = self._accounts.of(key)
        account.keep(chunks[-1].chunk)
        account.drop(((chunks[0].chunk, chunks[-1].chunk),))
        self.refusal.add(len(chunks), reason)

    async def _trim(self) -> None:
        have = {key: account.have for key, account in self.accounts.items()}
        await self._work(lambda spool: spool.note(have))
        deleted = frozenset(key for key, account in self.accounts.items() if account.deleted)
        if deleted:
            await self._on_disk(self._keeper.discard_damaged)  # they may hold what was deleted
        for _ in range(TRIM_SLICES):
            part = await self._work(lambda spool: spool.trim(time.time(), deleted))
            if part is None:
                break
            self._dropped(part)
        metrics.spool_bytes.set(await self._work(lambda spool: spool.used_bytes))
        metrics.waiting.set(self.accounts.waiting)
        for key in [key for key, account in self.accounts.items() if account.complete]:
            if await self._work(partial(Spool.forget, key=key)):
                del self.accounts[key]

    def _dropped(self, part: Dropped, reason: str = "the spool is full") -> None:
        self.accounts.of(part.key).drop((part.chunks,))
        count = ranges.count((part.chunks,))
        metrics.dropped.labels("yes" if part.receipted else "no").inc(count)
        if not part.receipted:
            self.refusal.complain("DROPPED CHUNKS THAT POSTGRES LACKS", reason, chunks=count)

    def _work(self, task: Callable[[Spool], Result]) -> Awaitable[Result]:
        return self._on_disk(lambda: self._keeper.work(task))

    def _on_disk(self, work: Callable[[], Result]) -> Awaitable[Result]:
        return self._loop.run_in_executor(self._thread, work)
