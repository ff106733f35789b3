"""The spool over everything that its disk does: opened late, damaged, full, taken away, back again.

One thread uses it. Each piece of work opens the spool if it is not open, at most every few seconds.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

from msgspec.structs import replace

from pitbox import logs
from pitbox.chunks import ranges
from pitbox.folder_lock import LockedError, folder_lock
from producers import metrics
from producers.spool import salvage
from producers.spool.database import DamagedError, DiskError, DiskFullError, SpoolError, guarded
from producers.spool.disk import FILE, Spool
from producers.spool.ledger import RunKey
from producers.spool.retention import KeptRun
from producers.spool.tables import Restored

RETRY_S: Final = 2.0
PATIENCE: Final = 10
"""A failed attempt that took long is repeated after this many times as long."""

log = logs.get("spool")

Result = TypeVar("Result")
Runs = Mapping[RunKey, KeptRun]


class Keeper:
    """Hold the spool of a folder, open or not; `trouble` is why it is not open, "" while it is."""

    def __init__(
        self,
        folder: str | Path,
        *,
        max_bytes: int,
        max_age_h: float,
        kind: Callable[..., Spool] = Spool,
    ) -> None:
        """Set the folder and the limits of its spool; nothing is opened yet."""
        self.trouble = "the spool is not open yet"
        self.on_opened: Callable[[Runs], object] = lambda _: None
        """Called with a copy of the runs in the file, each time it was opened or written anew."""

        self._folder = Path(folder).expanduser()
        self._file = self._folder / FILE
        self._limits: dict[str, float] = {"max_bytes": max_bytes, "max_age_h": max_age_h}
        self._kind = kind
        self._spool: Spool | None = None
        self._held = contextlib.ExitStack()
        self._retry_at_s = 0.0

    def open(self) -> None:
        """Open the spool unless it is open; announce its runs.

        Raises DiskError, and SpoolError when no retry can help.
        """
        if self._spool is None:
            self._open()
        self._announce()

    def work(self, task: Callable[[Spool], Result]) -> Result:
        """Return the result of a task on the spool; raises DiskError.

        A damaged spool is salvaged and the task done once more. After any error but a full disk the
        spool is closed, and opened again later.
        """
        spool = self._spool or self._again()
        started_s = time.monotonic()
        try:
            spool.check()
            try:
                return task(spool)
            except DamagedError as error:
                return task(self._salvaged(spool, str(error)))
        except DiskError as error:
            if self._spool is None or not isinstance(error, DiskFullError):
                self._fail(error, started_s)
            raise

    def discard_damaged(self) -> None:
        """Delete the damaged files that were kept aside; raises DiskError."""
        salvage.discard(self._file)

    def close(self) -> None:
        """Close the spool for good."""
        self._leave("the spool is closed")
        self._retry_at_s = float("inf")

    def _open(self) -> None:
        started_s = time.monotonic()
        try:
            with guarded():
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._held.enter_context(folder_lock(self._folder))
            self._spool = self._opened()
        except LockedError:
            raise self._refused(
                f"the spool {self._folder} is in use: stop the other pitbox drive, or set "
                f"PITBOX_DRIVER__SPOOL to another folder"
            ) from None
        except SpoolError as error:
            raise self._refused(f"the spool {self._folder} cannot be used: {error}") from None
        except DiskError as error:
            self._fail(error, started_s)
            raise
        self.trouble = ""

    def _again(self) -> Spool:
        if time.monotonic() < self._retry_at_s:
            raise DiskError(self.trouble)
        try:
            self.open()
        except SpoolError as error:
            raise DiskError(str(error)) from None
        if self._spool is None:
            raise DiskError(self.trouble)
        return self._spool

    def _opened(self) -> Spool:
        if salvage.is_unfinished(self._file):
            salvage.finish(self._file)
        in_the_log = salvage.in_the_log(self._file)
        try:
            spool = self._kind(self._file, **self._limits)
        except DamagedError as error:
            return self._salvaged(None, str(error), in_the_log)
        reason = ""
        if salvage.beyond(spool.runs, in_the_log):
            reason = "its log is damaged"
        elif missing := spool.missing():
            reason = f"{ranges.count(missing.values())} chunks that were made are not found"
        return self._salvaged(spool, reason, in_the_log) if reason else spool

    def _salvaged(self, spool: Spool | None, reason: str, more: Sequence[Restored] = ()) -> Spool:
        """Return the spool in a new file with everything that can be read of the damaged one.

        `more` are the chunks that its log held before SQLite opened it.
        """
        log.error("THE SPOOL IS DAMAGED: what can be read moves to a new file", reason=reason)
        if spool is not None:
            spool.close()
        self._spool = None
        aside = salvage.salvage(self._file, more)
        self._spool = self._kind(self._file, **self._limits)
        if missing := self._spool.missing():
            self._spool.give_up(missing)
        metrics.salvaged.inc()
        kept = sum(ranges.count(run.kept) for run in self._spool.runs.values())
        log.error("the spool was written anew", chunks=kept, damaged_file=str(aside))
        self._announce()
        return self._spool

    def _announce(self) -> None:
        if self._spool is not None:
            self.on_opened({key: replace(run) for key, run in self._spool.runs.items()})

    def _refused(self, reason: str) -> SpoolError:
        self._leave(reason)
        self._retry_at_s = time.monotonic() + RETRY_S
        return SpoolError(reason)

    def _fail(self, error: DiskError, started_s: float) -> None:
        """Close the file, and retry later, the later the longer the attempt took."""
        self._leave(str(error))
        took_s = time.monotonic() - started_s
        self._retry_at_s = time.monotonic() + max(RETRY_S, PATIENCE * took_s)

    def _leave(self, reason: str) -> None:
        """Close the file and release the folder."""
        if self._spool is not None:
            self._spool.close()
        self._spool = None
        self.trouble = reason
        with contextlib.suppress(OSError):
            self._held.close()


@contextlib.contextmanager
def opened(folder: str | Path, *, max_bytes: int, max_age_h: float) -> Iterator[Keeper]:
    """Open the spool in a folder during the block; raises SpoolError when it cannot be used."""
    keeper = Keeper(folder, max_bytes=max_bytes, max_age_h=max_age_h)
    try:
        keeper.open()
    except DiskError as error:
        raise SpoolError(f"the spool {folder} cannot be used: {error}") from None
    try:
        yield keeper
    finally:
        keeper.close()
