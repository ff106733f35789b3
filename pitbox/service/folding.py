"""The loop of a fold, whatever reads its streams and keeps its outputs.

A start folds the streams again in silence, up to where everything was published. Behind that it
decides in earnest. Each output has an identity that derives from its cause, so outputs that stand
in their stream already are published no second time. Deciding never waits; performing runs beside
it, in order per key. Each message ends as finished or as a dead letter.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Hashable, Sequence
from functools import partial
from typing import Any, Final, Protocol, TypeVar

import msgspec
from msgspec import Struct

from pitbox import logs, metrics
from pitbox.nats.bus import BusDown, TooLarge
from pitbox.nats.delivery import Delivery
from pitbox.service.identity import Standing, of_cause, of_letter, of_output
from pitbox.service.input import Input
from pitbox.service.limits import sender
from pitbox.service.performing import Performing
from pitbox.service.retry import retry
from pitbox.service.states import States
from pitbox.service.watermark import Place, Watermark
from schemas.fold import Progress

BATCH_WAIT_S: Final = 0.5
PROGRESS_S: Final = 1.0
TURN: Final = 100
"""After so many replayed messages other tasks get their turn."""

log = logs.get("fold")

State = TypeVar("State")
Event_contra = TypeVar("Event_contra", contravariant=True)
Decision = TypeVar("Decision")


class NotNow(Exception):  # noqa: N818 - a state of the world, not a mistake
    """Say that a decision cannot be performed now; it is tried again after the next backoff."""


class Consumer(Protocol[State, Event_contra, Decision]):
    """Wrap a pure function in a name.

    `key` returns whose state an event belongs to, `decide` what should happen, `perform` makes it
    happen and returns the events to publish. `decide` never waits, reads a clock or draws a random
    number: time comes from the event. Of a decision with a field `expires_after_s`, performing
    begins within so many seconds after its message was stored, or never.

    The first start with another `version` decides the whole stream in earnest again.
    """

    name: str
    version: int

    def key(self, event: Event_contra) -> Hashable:
        """Return whose state the event changes."""
        ...

    def initial(self) -> State:
        """Return the state before the first event."""
        ...

    def decide(self, state: State, event: Event_contra) -> tuple[State, Sequence[Decision]]:
        """Return the state after the event and what should happen; an exception is a dead letter.

        It changes no state then.
        """
        ...

    async def perform(self, decision: Decision) -> Sequence[msgspec.Struct]:
        """Make a decision happen and return the events to publish; raises NotNow."""
        ...


class Journal(Protocol):
    """Keep what a fold publishes; every method raises BusDown while that cannot be done."""

    async def publish(self, output: msgspec.Struct, identity: str) -> None:
        """Store an output under its identity; raises TooLarge or OverflowError if it never fits."""
        ...

    async def bury(self, delivery: Delivery, reason: str, identity: str) -> None:
        """Keep a message as a dead letter."""
        ...

    async def standing(self, since_ns: int) -> Standing:
        """Return the outputs that were stored since then."""
        ...

    async def save(self, record: Progress) -> None:
        """Keep the progress in a stream."""
        ...


class Job(Struct, frozen=True):
    """Hold what is to be performed for one message: its decisions, or why it is given up."""

    mark: Watermark
    standing: Standing
    delivery: Delivery
    cause: str
    decisions: Sequence[Any] = ()
    reason: str = ""

    @property
    def expires(self) -> bool:
        """Tell whether every decision is worthless after some time."""
        return bool(self.decisions) and all(_expires_s(one) is not None for one in self.decisions)

    def is_late(self, decision: Any, now_s: float) -> bool:
        """Tell whether a decision has expired (`now_s` since 1970)."""
        expires_s = _expires_s(decision)
        return expires_s is not None and now_s > self.delivery.stored_ns / 1e9 + expires_s


class Folding:
    """Fold streams: decide message by message, perform beside that, note the progress."""

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
        """Prepare; `decode` raises for a message that is no event of its subject."""
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
        """Replay the part that is done, then fold until `stop` is set."""
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
        """Decide what is done again, all streams in the order in which messages were stored."""
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
                with contextlib.suppress(Exception):  # it became a dead letter then, too
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
        """Decide a message and hand on what is to be performed."""
        place = Place(delivery.sequence, delivery.stored_ns)
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
            except Exception as error:  # it is pure, so it would fail again, and for ever
                reason = f"{type(error).__name__}: {error}"
        if not decisions and not reason:
            source.mark.skip(place)
            return
        source.mark.begin(place)
        cause = of_cause(self._consumer.name, self._consumer.version, delivery)
        job = Job(source.mark, source.standing, delivery, cause, decisions, reason)
        await self._performing.put(key, job)
        if alone:
            await self._performing.idle()

    def _decide(self, delivery: Delivery) -> tuple[Hashable, Sequence[Any]]:
        """Decide a message and keep the state; raises what makes it a dead letter."""
        event, owner = self._decode(delivery), sender(delivery.subject)
        key = self._consumer.key(event)
        state = self._states.get(owner, key)
        known = self._consumer.initial() if state is None else state
        after, decisions = self._consumer.decide(known, event)
        self._states.put(owner, key, after)
        return key, decisions

    async def _perform(self, job: Job) -> None:
        reason = job.reason
        for number, decision in enumerate(job.decisions):
            if not job.standing.whole(job.cause, number):
                reason = await self._perform_one(job, number, decision)
            if reason:
                break
        if reason:
            await self._bury(job, reason)
        job.mark.finish(job.delivery.sequence)

    async def _perform_one(self, job: Job, number: int, decision: Any) -> str:
        """Perform a decision and publish its outputs; return why that is impossible, or ""."""
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
                log.warning("will be tried again", reason=str(error), pause_s=pause_s)
                await self._pause(pause_s)
        raise AssertionError("the last attempt returns")

    async def _publish(self, job: Job, number: int, outputs: Sequence[msgspec.Struct]) -> str:
        for place, output in enumerate(outputs):
            identity = of_output(job.cause, number, place, len(outputs))
            if identity in job.standing:
                continue
            try:
                await self._store(job, partial(self._journal.publish, output, identity), identity)
            except (TooLarge, OverflowError) as error:  # no event can hold what was decided
                return f"{type(error).__name__}: {error}"
        return ""

    async def _bury(self, job: Job, reason: str) -> None:
        identity = of_letter(job.cause)
        if identity not in job.standing:
            bury = partial(self._journal.bury, job.delivery, reason, identity)
            await self._store(job, bury, identity)

    async def _store(self, job: Job, store: Callable[[], Awaitable[object]], identity: str) -> None:
        """Store once, with as many attempts as it takes: one may succeed without an answer."""
        tried = False

        async def attempt() -> None:
            nonlocal tried
            if tried and identity in await self._journal.standing(job.delivery.stored_ns):
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
        """Wait, no longer than until stopped."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), pause_s)

    def _drop(self, job: Job) -> None:
        self._count_expired(len(job.decisions))
        job.mark.finish(job.delivery.sequence)

    def _count_expired(self, decisions: int) -> None:
        metrics.expired.labels(self._consumer.name).inc(decisions)


def _expires_s(decision: Any) -> float | None:
    expires_s: float | None = getattr(decision, "expires_after_s", None)
    return expires_s
