"""Performing a fold's decisions: each output and each dead letter is stored once."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Protocol

import msgspec

from pitbox import logs, metrics
from pitbox.nats.bus import BusDown, TooLarge
from pitbox.nats.delivery import Delivery
from pitbox.service.consumer import Consumer, NotNow
from pitbox.service.identity import StoredOutputs, of_letter, of_output
from pitbox.service.job import Job
from pitbox.service.retry import retry
from schemas.fold import Progress

log = logs.get("fold")


class Journal(Protocol):
    """Store the outputs of a fold; each coroutine raises BusDown without an acknowledgement."""

    async def publish(self, output: msgspec.Struct, identity: str) -> None:
        """Store an output; raises TooLarge or OverflowError for one that no stream can hold."""
        ...

    def admits_letter(self, delivery: Delivery) -> bool:
        """Spend one dead letter of the sender's ration; return False when it is used up."""
        ...

    async def store_letter(self, delivery: Delivery, reason: str, identity: str) -> None:
        """Store a message as a dead letter."""
        ...

    async def stored(self, since_ns: int) -> StoredOutputs:
        """Return the outputs and dead letters stored since `since_ns` (ns since 1970)."""
        ...

    async def save(self, record: Progress) -> None:
        """Store the progress in a stream."""
        ...


class _Stopped(Exception):  # noqa: N818 - a state, not a mistake
    """Leave a message unfinished because the service stops."""


class Performer:
    """Perform the decisions of one consumer, and keep their outputs in a journal."""

    def __init__(
        self,
        consumer: Consumer[Any, Any, Any],
        journal: Journal,
        *,
        backoff_s: Sequence[float] = (),
        clock_s: Callable[[], float] = time.time,
    ) -> None:
        """Prepare; a decision that raises NotNow is retried after each of `backoff_s`."""
        self.stop = asyncio.Event()
        self._consumer = consumer
        self._journal = journal
        self._backoff_s = backoff_s
        self._clock_s = clock_s

    async def perform(self, job: Job) -> None:
        """Perform a job's decisions; the message stays unfinished when the service stops."""
        with contextlib.suppress(_Stopped):
            if of_letter(job.cause) not in job.stored:
                reason = job.reason or await self._perform_all(job)
                if reason:
                    await self._store_letter(job, reason)
            job.mark.finish(job.delivery.sequence)

    async def _perform_all(self, job: Job) -> str:
        """Perform the decisions that are not stored, up to the first impossible one.

        Returns the reason why that one is impossible, or "". Raises _Stopped.
        """
        for number, decision in enumerate(job.decisions):
            if job.stored.whole(job.cause, number):
                continue
            reason = await self._perform_one(job, number, decision)
            if reason:
                return reason
        return ""

    async def _perform_one(self, job: Job, number: int, decision: Any) -> str:
        """Perform a decision and publish its outputs.

        Returns the reason why that is impossible, or "". Raises _Stopped.
        """
        for pause_s in (*self._backoff_s, None):
            if job.is_late(decision, self._clock_s()):
                self._count_expired(1)
                return ""
            try:
                outputs = await self._consumer.perform(decision)
                return await self._publish(job, number, outputs)
            except NotNow as error:
                if pause_s is None:
                    return f"NotNow: {error}"
                log.warning(
                    "decision not performed, will retry", reason=str(error), pause_s=pause_s
                )
                await self.pause(pause_s)
                if self.stop.is_set():
                    raise _Stopped from None
        raise AssertionError("the last attempt returns")

    async def _publish(self, job: Job, number: int, outputs: Sequence[msgspec.Struct]) -> str:
        for index, output in enumerate(outputs):
            identity = of_output(job.cause, number, index, len(outputs))
            if identity in job.stored:
                continue
            try:
                await self._store(job, partial(self._journal.publish, output, identity), identity)
            except (TooLarge, OverflowError) as error:
                return f"{type(error).__name__}: {error}"
        return ""

    async def _store_letter(self, job: Job, reason: str) -> None:
        if self._journal.admits_letter(job.delivery):
            identity = of_letter(job.cause)
            letter = partial(self._journal.store_letter, job.delivery, reason, identity)
            await self._store(job, letter, identity)

    async def _store(self, job: Job, store: Callable[[], Awaitable[object]], identity: str) -> None:
        """Store once, retrying until stopped: an attempt may succeed without an acknowledgement."""
        tried = False

        async def attempt() -> None:
            nonlocal tried
            if tried and identity in await self._journal.stored(job.delivery.stored_ns):
                return
            tried = True
            await store()

        await self._retry(attempt)

    async def save(self, record: Progress) -> None:
        """Keep the progress, retrying until stopped."""
        await self._retry(partial(self._journal.save, record))

    async def pause(self, pause_s: float) -> None:
        """Wait, at most until stopped."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stop.wait(), pause_s)

    def drop(self, job: Job) -> None:
        """Finish a job whose decisions have expired."""
        self._count_expired(len(job.decisions))
        job.mark.finish(job.delivery.sequence)

    async def _retry(self, attempt: Callable[[], Awaitable[object]]) -> None:
        await retry(
            attempt, peer="nats-server", on=BusDown, hopeless=TooLarge, log=log, stop=self.stop
        )

    def _count_expired(self, decisions: int) -> None:
        metrics.expired.labels(self._consumer.name).inc(decisions)
