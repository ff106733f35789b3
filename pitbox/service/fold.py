"""The loop that every pure consumer runs in.

It keeps one order for every message: decode, decide, perform, publish, commit, ack. A message ends
as acknowledged, as left to the server's backoff, or as a dead letter.
"""

import asyncio
import contextlib
import sys
import time
from collections.abc import Awaitable, Callable, Hashable, Sequence
from functools import partial
from typing import Any, Final, Protocol, TypeVar

import msgspec

from pitbox import logs, metrics, topology
from pitbox.nats.bus import Bus, BusDown, TooLarge
from pitbox.nats.delivery import Delivery
from pitbox.nats.pull import Pull
from pitbox.service.lifetime import GRACE_S, until
from pitbox.service.limits import Limit, sender
from pitbox.service.states import States
from pitbox.settings import Settings
from pitbox.topology import Topology
from schemas.dead import DeadLetter
from schemas.registry import EVENTS

BATCH_WAIT_S: Final = 0.5
RETRY_S: Final = (0.1, 0.2, 0.5, 1.0, 2.0)
LETTERS_KEPT: Final = (100, 1000.0)
"""So many dead letters of what a driver sent are kept at once, and again in so many seconds."""

SPARE_TRIES: Final = 4
"""A message may be handed out this often more than it is tried, for connections break."""

log = logs.get("fold")

State = TypeVar("State")
Event_contra = TypeVar("Event_contra", contravariant=True)
Decision = TypeVar("Decision")


class NotNow(Exception):  # noqa: N818 - a state of the world, not a mistake
    """Say that a decision cannot be performed now; the server brings the message back later."""


class Consumer(Protocol[State, Event_contra, Decision]):
    """A pure function wrapped in a name.

    `key` says whose state an event belongs to, `decide` what should happen, `perform` makes it
    happen and returns the events to publish. `decide` never waits, looks at a clock or draws a
    random number: time comes from the event.
    """

    name: str

    def key(self, event: Event_contra) -> Hashable:
        """Return whose state the event changes."""
        ...

    def initial(self) -> State:
        """Return what a newcomer starts with."""
        ...

    def decide(self, state: State, event: Event_contra) -> tuple[State, Sequence[Decision]]:
        """Return the state after the event and what should happen; what it raises makes it dead."""
        ...

    async def perform(self, decision: Decision) -> Sequence[msgspec.Struct]:
        """Make a decision happen and return the events to publish."""
        ...


class Fold:
    """Run a pure consumer over the streams it reads."""

    def __init__(self, consumer: Consumer[Any, Any, Any], settings: Settings) -> None:
        """Prepare to run; raises TopologyError when streams.yaml does not know the consumer."""
        self.name = consumer.name
        self._consumer = consumer
        self._settings = settings
        self._topology = topology.load(settings.streams)
        self._states = States[Any]()
        declared = self._topology.consumers[self.name]
        self._tries = declared.tries
        self._batch = declared.batch
        self._explicit = declared.ack == "explicit"
        self._read = [
            self._topology.route(route)
            for route in declared.reads
            if route in self._topology.stream_of
        ]
        self._routes = _routes_by_tag(self._topology, self.name)
        self._letters = Limit(*LETTERS_KEPT)
        self._from_drivers = self._topology.from_drivers

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set."""
        bus = Bus(self.name, self._topology)
        try:
            if await until(stop, bus.open(self._settings.nats), grace_s=0):
                await until(stop, self._work(bus, stop), grace_s=GRACE_S)
        finally:
            await bus.close()

    async def _work(self, bus: Bus, stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as tasks:
            for stream in _streams_read(self._topology, self.name):
                tasks.create_task(self._pump(bus, stream, stop))

    async def _pump(self, bus: Bus, stream: str, stop: asyncio.Event) -> None:
        routes = [
            route
            for route in self._topology.consumers[self.name].reads
            if self._topology.stream_of.get(route) == stream
        ]
        decode = self._topology.decoder(*routes).decode
        pull = Pull(bus, self.name, stream)
        while not stop.is_set():
            deliveries = await pull.batch(self._batch, BATCH_WAIT_S)
            started = time.perf_counter()
            done: list[Delivery] = []
            for delivery in deliveries:
                if stop.is_set():
                    break
                if await self._handle(bus, delivery, decode, stop):
                    done.append(delivery)
                    if self._explicit:
                        await pull.ack([delivery])
            if deliveries:
                metrics.step_s.labels(self.name).observe(time.perf_counter() - started)
            if done and not self._explicit:
                await pull.ack(done)
        await pull.close()

    async def _handle(self, bus: Bus, delivery: Delivery, decode: Any, stop: asyncio.Event) -> bool:
        """Handle one message; return whether it is done with, else the server brings it back."""
        if self._explicit and delivery.tries > self._tries + SPARE_TRIES:
            await self._bury(bus, delivery, "TriedTooOften: the consumer never finished it", stop)
            return True
        owner = sender(delivery.subject)
        try:
            key, state, decisions = self._judge(decode, delivery, owner)
        except Exception as error:  # it is pure, so it would fail again, and for ever
            await self._bury(bus, delivery, f"{type(error).__name__}: {error}", stop)
            return True
        try:
            await self._perform(bus, decisions, stop)
        except NotNow as error:
            if self._explicit and delivery.tries < self._tries:
                log.warning("will be tried again", reason=str(error), tries=delivery.tries)
                return False
            await self._bury(bus, delivery, f"NotNow: {error}", stop)
            return True
        except (TooLarge, OverflowError) as error:  # no event can hold what was decided
            await self._bury(bus, delivery, f"{type(error).__name__}: {error}", stop)
            return True
        self._states.put(owner, key, state)
        return True

    def _judge(
        self, decode: Any, delivery: Delivery, owner: str
    ) -> tuple[Hashable, Any, Sequence[Any]]:
        event = decode(delivery.payload)
        if all(route.of(event) != delivery.subject for route in self._read):
            raise ValueError("ForeignSubject: the event came on a subject of others")
        key = self._consumer.key(event)
        state = self._states.get(owner, key)
        known = self._consumer.initial() if state is None else state
        return key, *self._consumer.decide(known, event)

    async def _perform(self, bus: Bus, decisions: Sequence[Any], stop: asyncio.Event) -> None:
        for decision in decisions:
            for output in await self._consumer.perform(decision):
                await persist(partial(bus.store, self._routes[type(output)], output), stop)

    async def _bury(self, bus: Bus, delivery: Delivery, reason: str, stop: asyncio.Event) -> None:
        if delivery.stream in self._from_drivers and self._letters.wait_s(
            sender(delivery.subject), delivery.stored_ns / 1e9
        ):
            metrics.not_kept.labels(self.name).inc()
            return
        await persist(partial(bury, bus, self.name, delivery, reason), stop)


async def persist(attempt: Callable[[], Awaitable[object]], stop: asyncio.Event) -> None:
    """Try until it works, with backoff; give up only when stopping, or on what cannot work."""
    for number in range(sys.maxsize):
        try:
            await attempt()
            return
        except BusDown as error:
            if stop.is_set() or isinstance(error, TooLarge):
                raise
            if number == len(RETRY_S):
                log.warning("cannot publish, trying on", reason=str(error))
            with contextlib.suppress(TimeoutError):
                wait_s = RETRY_S[min(number, len(RETRY_S) - 1)]
                await asyncio.wait_for(stop.wait(), wait_s)


async def bury(bus: Bus, consumer: str, delivery: Delivery, reason: str) -> None:
    """Keep a message that cannot be used as a dead letter; raises BusDown when that fails."""
    letter = DeadLetter(
        consumer=consumer,
        stream=delivery.stream,
        created_ns=delivery.created_ns,
        sequence=delivery.sequence,
        subject=delivery.subject,
        reason=reason[:500],
        payload=delivery.payload,
        tries=delivery.tries,
        at_ns=delivery.stored_ns,
    )
    await bus.store("dead.letter", letter)
    kind = reason.split(":", 1)[0][:40]
    metrics.dead_letters.labels(consumer, kind).inc()
    log.warning(
        "dead letter", stream=delivery.stream, sequence=delivery.sequence, reason=reason[:200]
    )


def _streams_read(topology: Topology, consumer: str) -> list[str]:
    reads = topology.consumers[consumer].reads
    return list(dict.fromkeys(topology.stream_of[r] for r in reads if r in topology.stream_of))


def _routes_by_tag(topology: Topology, consumer: str) -> dict[type, str]:
    """Return which route each kind of event leaves by."""
    return {
        EVENTS[tag]: route
        for route in topology.consumers[consumer].writes
        for tag in topology.route(route).events
    }
