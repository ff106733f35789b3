"""The loop of a fold: decode, decide, perform, publish, note the progress.

A start folds the stream again in silence, up to where everything was published. Behind that it
decides in earnest. Each output has an identity that derives from its cause, so outputs that stand
in their stream already are published no second time. Deciding never waits; performing runs beside
it, in order per key. A message ends as finished or as a dead letter.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Final, Protocol, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from pitbox import logs, metrics
from pitbox.nats.bus import TooLarge
from pitbox.nats.delivery import Delivery
from pitbox.service.identity import Standing, cause_of, letter_of, output_of
from pitbox.service.input import MAX_BURIED, SUSPECTED, Input
from pitbox.service.limits import sender
from pitbox.service.performing import Performing
from pitbox.service.states import States
from pitbox.service.watermark import Place
from schemas.fold import Progress

BATCH_WAIT_S: Final = 0.5
PROGRESS_S: Final = 1.0

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

    source: Input
    delivery: Delivery
    cause: str
    decisions: Sequence[Any] = ()
    reason: str = ""

    @property
    def expires(self) -> bool:
        """Tell whether every decision is worthless after some time."""
        return bool(self.decisions) and all(_expires_s(one) is not None for one in self.decisions)


Persist = Callable[[Callable[[], Any], asyncio.Event], Any]


class Folding:
    """Fold streams: the loop, whatever reads and keeps them."""

    def __init__(
        self,
        consumer: Consumer[Any, Any, Any],
        decode: Callable[[Delivery], Any],
        inputs: Sequence[Input],
        journal: Journal,
        persist: Persist,
        *,
        backoff_s: Sequence[float] = (),
        performers: int = 1,
        clock_s: Callable[[], float] = time.time,
    ) -> None:
        """Prepare; `decode` raises for a message that is no event of its subject."""
        self._consumer = consumer
        self._decode = decode
        self._inputs = inputs
        self._journal = journal
        self._persist = persist
        self._backoff_s = backoff_s
        self._clock_s = clock_s
        self._states = States[Any]()
        self._performing = Performing[Job](self._perform, self._drop, limit=performers)
        self._stop = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Replay what is done, then fold until `stop` is set."""
        self._stop = stop
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._performing.run(stop))
            await self._start()
            await self._replay()
            tasks.create_task(self._keep_progress())
            for source in self._inputs:
                tasks.create_task(self._pump(source))
        await self._save()

    async def _start(self) -> None:
        for source in self._inputs:
            record = replace(source.record, starts=source.record.starts + 1)
            if record.suspect:
                record = replace(record, suspected=record.suspected + 1)
            source.record = record
            await self._persist(lambda record=record: self._journal.save(record), self._stop)

    async def _replay(self) -> None:
        """Fold what was done before, without performing: all streams by when messages were stored."""
        started, count = self._clock_s(), 0
        while not self._stop.is_set():
            answers = [(source, await source.replays(BATCH_WAIT_S)) for source in self._inputs]
            ready = [source for source, replays in answers if replays]
            if any(replays is None for _, replays in answers):
                continue
            if not ready:
                break
            source = min(ready, key=lambda one: one.head.stored_ns)
            delivery = source.take()
            if delivery.sequence not in source.record.buried:
                with contextlib.suppress(Exception):  # it was a dead letter then, too
                    self._judge(delivery)
            count += 1
            if count % 100 == 0:
                await asyncio.sleep(0)
        if count:
            log.info("replayed", messages=count, seconds=round(self._clock_s() - started, 1))

    async def _pump(self, source: Input) -> None:
        name = self._consumer.name
        while not self._stop.is_set():
            deliveries = await source.batch(BATCH_WAIT_S)
            started = time.perf_counter()
            for delivery in deliveries:
                if self._stop.is_set():
                    break
                if source.is_new(delivery):
                    await self._take(source, delivery)
            if deliveries:
                metrics.step_s.labels(name).observe(time.perf_counter() - started)
        await source.close()

    async def _take(self, source: Input, delivery: Delivery) -> None:
        suspicious = source.is_suspicious(delivery)
        if suspicious and await self._gives_up(source, delivery):
            return
        cause = cause_of(self._consumer.name, self._consumer.version, delivery)
        try:
            key, decisions = self._judge(delivery)
        except Exception as error:  # it is pure, so it would fail again, and for ever
            await self._give_up(source, delivery, f"{type(error).__name__}: {error}")
        else:
            place = Place(delivery.sequence, delivery.stored_ns)
            if decisions:
                source.mark.begin(place)
                await self._performing.put(key, Job(source, delivery, cause, decisions))
            else:
                source.mark.skip(place)
        if suspicious:
            await self._performing.idle()

    def _judge(self, delivery: Delivery) -> tuple[Hashable, Sequence[Any]]:
        """Decide a message and commit the state; raises what makes it a dead letter."""
        event, owner = self._decode(delivery), sender(delivery.subject)
        key = self._consumer.key(event)
        state = self._states.get(owner, key)
        known = self._consumer.initial() if state is None else state
        after, decisions = self._consumer.decide(known, event)
        self._states.put(owner, key, after)
        return key, decisions

    async def _gives_up(self, source: Input, delivery: Delivery) -> bool:
        """Note which message is decided next; give one up that ended the process before."""
        record = replace(_moved(source), starts=source.record.starts)
        again = record.suspect == delivery.sequence
        if again and record.suspected >= SUSPECTED:
            buried = (*record.buried, delivery.sequence)[-MAX_BURIED:]
            source.record = replace(record, suspect=0, suspected=0, buried=buried)
            await self._give_up(source, delivery, "EndedTheProcess: the consumer never finished it")
            return True
        suspected = record.suspected if again else 0
        source.record = replace(record, suspect=delivery.sequence, suspected=suspected)
        await self._persist(lambda: self._journal.save(source.record), self._stop)
        return False

    async def _give_up(self, source: Input, delivery: Delivery, reason: str) -> None:
        cause = cause_of(self._consumer.name, self._consumer.version, delivery)
        source.mark.begin(Place(delivery.sequence, delivery.stored_ns))
        job = Job(source, delivery, cause, reason=reason)
        await self._performing.put(sender(delivery.subject), job)

    async def _perform(self, job: Job) -> None:
        reason = job.reason
        for number, decision in enumerate(job.decisions):
            if reason or job.source.standing.whole(job.cause, number):
                continue
            if self._is_late(job, decision):
                self._count_expired(1)
            else:
                reason = await self._perform_one(job, number, decision)
        if reason:
            await self._bury(job, reason)
        job.source.mark.finish(job.delivery.sequence)

    async def _perform_one(self, job: Job, number: int, decision: Any) -> str:
        """Perform a decision and publish its outputs; return why that is impossible, or ""."""
        outputs: Sequence[msgspec.Struct] = ()
        for pause_s in (*self._backoff_s, None):
            try:
                outputs = await self._consumer.perform(decision)
                break
            except NotNow as error:
                if pause_s is None:
                    return f"NotNow: {error}"
                log.warning("will be tried again", reason=str(error), pause_s=pause_s)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), pause_s)
                if self._is_late(job, decision):
                    self._count_expired(1)
                    return ""
        try:
            for place, output in enumerate(outputs):
                identity = output_of(job.cause, number, place, len(outputs))
                if identity not in job.source.standing:
                    await self._publish(job, output, identity)
        except (TooLarge, OverflowError) as error:  # no event can hold what was decided
            return f"{type(error).__name__}: {error}"
        return ""

    async def _publish(self, job: Job, output: msgspec.Struct, identity: str) -> None:
        tried = False

        async def attempt() -> None:
            nonlocal tried
            # An attempt without an answer may have succeeded.
            if not tried or identity not in await self._journal.standing(job.delivery.stored_ns):
                tried = True
                await self._journal.publish(output, identity)

        await self._persist(attempt, self._stop)

    async def _bury(self, job: Job, reason: str) -> None:
        identity = letter_of(job.cause)
        if identity not in job.source.standing:
            await self._persist(
                lambda: self._journal.bury(job.delivery, reason, identity), self._stop
            )

    def _is_late(self, job: Job, decision: Any) -> bool:
        expires_s = _expires_s(decision)
        return expires_s is not None and (
            self._clock_s() > job.delivery.stored_ns / 1e9 + expires_s
        )

    def _drop(self, job: Job) -> None:
        self._count_expired(len(job.decisions))
        job.source.mark.finish(job.delivery.sequence)

    def _count_expired(self, decisions: int) -> None:
        metrics.expired.labels(self._consumer.name).inc(decisions)

    async def _keep_progress(self) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), PROGRESS_S)
            await self._save()

    async def _save(self) -> None:
        """Keep the progress of each stream that moved."""
        for source in self._inputs:
            record = _moved(source)
            if record.sequence != source.record.sequence:
                source.record = record
                await self._persist(lambda record=record: self._journal.save(record), self._stop)


def _moved(source: Input) -> Progress:
    """Return the record with the place up to which everything is done now."""
    done, record = source.mark.done, source.record
    if done.sequence == record.sequence and done.stored_ns == record.stored_ns:
        return record
    return replace(record, sequence=done.sequence, stored_ns=done.stored_ns, starts=0)


def _expires_s(decision: Any) -> float | None:
    expires_s: float | None = getattr(decision, "expires_after_s", None)
    return expires_s
