"""The loop of a fold, independent of the reader of its streams and the store of its outputs.

Each start replays the streams up to the saved progress: it decides those messages again and
performs nothing. Later messages are decided and performed. Each output has an identity derived from
its cause, so an output that is stored already is not published again. Deciding never waits;
performing runs in tasks of its own, in order per key. Each message ends as finished or as a dead
letter.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Hashable, Sequence
from functools import partial
from typing import Any, Final, Protocol

import msgspec

from pitbox import logs, metrics
from pitbox.nats.bus import BusDown, TooLarge
from pitbox.nats.delivery import Delivery
from pitbox.service.consumer import Consumer, NotNow
from pitbox.service.identity import StoredOutputs, of_cause, of_letter, of_output
from pitbox.service.input import Input
from pitbox.service.job import Job
from pitbox.service.limits import sender
from pitbox.service.performing import Performing
from pitbox.service.retry import retry
from pitbox.service.states import States
from pitbox.service.watermark import Position
from schemas.fold import Progress

BATCH_WAIT_S: Final = 0.5
PROGRESS_S: Final = 1.0
TURN: Final = 100
"""Other tasks get a turn after this many replayed messages."""

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


class Folding:
    """Fold streams: decide message by message, perform concurrently, save the progress."""

    def __init__(
        self,
        consumer: Consumer[Any, Any, Any],
        decode: Callable[[Delivery], Any],
        inputs: Sequence[Input],
        journal: Journal,
        *,
        backoff_s: Sequence[float] = (),
        performers: int = 1,
        clock_s: Callable[[], float] = time.time,
        progress_s: float = PROGRESS_S,
    ) -> None:
        """Prepare; `decode` raises for a message that is no event of its subject.

        A decision that raises NotNow is retried after each of `backoff_s`. At most `performers`
        decisions are performed at once. Progress is saved every `progress_s`.
        """
        self._consumer = consumer
        self._decode = decode
        self._inputs = inputs
        self._journal = journal
        self._backoff_s = backoff_s
        self._clock_s = clock_s
        self._progress_s = progress_s
        self._states = States[Any]()
        self._performing = Performing[Job](self._perform, self._drop, limit=performers)
        self._stop = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Replay the finished messages, then fold until `stop` is set."""
        self._stop = stop
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._performing.run(stop))
            for source in self._inputs:
                await self._save(source, source.begin())
            await self._replay()
            tasks.create_task(self._keep_progress())
            for source in self._inputs:
                tasks.create_task(self._pump(source))
        await self._save_all()

    async def _replay(self) -> None:
        """Decide the finished messages again, over all streams in the order of storing."""
        count, started = 0, time.perf_counter()
        while not self._stop.is_set():
            answers = [(source, await source.replays(BATCH_WAIT_S)) for source in self._inputs]
            if any(replays is None for _, replays in answers):
                continue
            ready = [source for source, replays in answers if replays]
            if not ready:
                break
            delivery = min(ready, key=lambda one: one.head.stored_ns).take()
            if delivery is not None:
                with contextlib.suppress(Exception):  # it is a dead letter already
                    self._decide(delivery)
            count += 1
            if count % TURN == 0:
                await asyncio.sleep(0)
        if count:
            log.info("replayed", messages=count, seconds=round(time.perf_counter() - started, 1))

    async def _pump(self, source: Input) -> None:
        while not self._stop.is_set():
            deliveries = await source.batch(BATCH_WAIT_S)
            started = time.perf_counter()
            for delivery in deliveries:
                if self._stop.is_set():
                    break
                if source.is_new(delivery):
                    await self._take(source, delivery)
            if deliveries:
                seconds = time.perf_counter() - started
                metrics.step_s.labels(self._consumer.name).observe(seconds)
        await source.close()

    async def _take(self, source: Input, delivery: Delivery) -> None:
        """Decide a message and queue its decisions, or its dead letter, for performing."""
        position = Position(delivery.sequence, delivery.stored_ns)
        key: Hashable = sender(delivery.subject)
        decisions: Sequence[Any] = ()
        reason = ""
        alone = source.is_suspect(delivery)
        if alone and source.gives_up(delivery):
            reason = "EndedTheProcess: the consumer never finished it"
        else:
            if alone:
                await self._save(source, source.suspecting(delivery))
            try:
                key, decisions = self._decide(delivery)
            except Exception as error:  # deciding is pure, so a retry would fail too
                reason = f"{type(error).__name__}: {error}"
        if not decisions and not reason:
            source.mark.skip(position)
            return
        source.mark.begin(position)
        cause = of_cause(self._consumer.name, self._consumer.version, delivery)
        job = Job(source.mark, source.stored, delivery, cause, decisions, reason)
        await self._performing.put(key, job)
        if alone:
            await self._performing.idle()

    def _decide(self, delivery: Delivery) -> tuple[Hashable, Sequence[Any]]:
        """Decide a message and keep its state; any exception makes it a dead letter."""
        event, owner = self._decode(delivery), sender(delivery.subject)
        key = self._consumer.key(event)
        state = self._states.get(owner, key)
        known = self._consumer.initial() if state is None else state
        after, decisions = self._consumer.decide(known, event)
        self._states.put(owner, key, after)
        return key, decisions

    async def _perform(self, job: Job) -> None:
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
                await self._pause(pause_s)
                if self._stop.is_set():
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

    async def _keep_progress(self) -> None:
        while not self._stop.is_set():
            await self._pause(self._progress_s)
            await self._save_all()

    async def _save_all(self) -> None:
        for source in self._inputs:
            if source.moved().sequence != source.record.sequence:
                await self._save(source, source.moved())

    async def _save(self, source: Input, record: Progress) -> None:
        source.record = record
        await self._retry(partial(self._journal.save, record))

    async def _retry(self, attempt: Callable[[], Awaitable[object]]) -> None:
        await retry(
            attempt, peer="nats-server", on=BusDown, hopeless=TooLarge, log=log, stop=self._stop
        )

    async def _pause(self, pause_s: float) -> None:
        """Wait, at most until stopped."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), pause_s)

    def _drop(self, job: Job) -> None:
        self._count_expired(len(job.decisions))
        job.mark.finish(job.delivery.sequence)

    def _count_expired(self, decisions: int) -> None:
        metrics.expired.labels(self._consumer.name).inc(decisions)
