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
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Final

from pitbox import logs, metrics
from pitbox.nats.delivery import Delivery
from pitbox.service.consumer import Consumer
from pitbox.service.identity import of_cause
from pitbox.service.input import Input
from pitbox.service.job import Job
from pitbox.service.limits import sender
from pitbox.service.performer import Journal, Performer
from pitbox.service.performing import Performing
from pitbox.service.states import States
from pitbox.service.watermark import Position
from schemas.fold import Progress

BATCH_WAIT_S: Final = 0.5
PROGRESS_S: Final = 1.0
TURN: Final = 100
"""Other tasks get a turn after this many replayed messages."""

log = logs.get("fold")


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
        self._progress_s = progress_s
        self._states = States[Any]()
        self._performer = Performer(consumer, journal, backoff_s=backoff_s, clock_s=clock_s)
        self._performing = Performing[Job](
            self._performer.perform, self._performer.drop, limit=performers
        )
        self._stop = self._performer.stop

    async def run(self, stop: asyncio.Event) -> None:
        """Replay the finished messages, then fold until `stop` is set."""
        self._stop = self._performer.stop = stop
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

    async def _keep_progress(self) -> None:
        while not self._stop.is_set():
            await self._performer.pause(self._progress_s)
            await self._save_all()

    async def _save_all(self) -> None:
        for source in self._inputs:
            if source.moved().sequence != source.record.sequence:
                await self._save(source, source.moved())

    async def _save(self, source: Input, record: Progress) -> None:
        source.record = record
        await self._performer.save(record)
