"""What a service is, how it is run, and the loop that every pure consumer runs in.

The loop keeps one order for every message: decode, decide, perform, publish, commit, ack. A message
ends as acknowledged, as left to the server's backoff, or as a dead letter.
"""

import asyncio
import contextlib
import signal
import sys
import time
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from functools import partial
from typing import Any, Final, Protocol, TypeVar

import msgspec

from pitbox import logs, metrics
from pitbox.bus import Bus, BusDown
from pitbox.pull import Delivery, Pull, StalledError
from pitbox.settings import Settings
from pitbox.topology import Topology, TopologyError
from schemas.dead import DeadLetter

STOP_S: Final = 5.0
BATCH_WAIT_S: Final = 0.5
RETRY_S: Final = (0.1, 0.2, 0.5, 1.0, 2.0)
MAX_STATES: Final = 4096

log = logs.get("service")

State = TypeVar("State")
Event_contra = TypeVar("Event_contra", contravariant=True)
Decision = TypeVar("Decision")


class NotNow(Exception):  # noqa: N818 - a state of the world, not a mistake
    """Say that a decision cannot be performed now; the server brings the message back later."""


class Service(Protocol):
    """Run until told to stop; a service waits for its peers and never needs them to start."""

    name: str

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then leave within five seconds."""
        ...


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
        """Return the state after the event and what should happen; raises ValueError for poison."""
        ...

    async def perform(self, decision: Decision) -> Sequence[msgspec.Struct]:
        """Make a decision happen and return the events to publish."""
        ...


class Fold:
    """Run a pure consumer over the streams it reads."""

    def __init__(self, consumer: Consumer[Any, Any, Any], settings: Settings) -> None:
        """Prepare to run; raises TopologyError when streams.yaml does not know the consumer."""
        from pitbox import topology

        self.name = consumer.name
        self._consumer = consumer
        self._settings = settings
        self._topology = topology.load(settings.streams)
        self._states: OrderedDict[Hashable, Any] = OrderedDict()
        declared = self._topology.consumers[self.name]
        self._tries = declared.tries
        self._batch = declared.batch
        self._explicit = declared.ack == "explicit"
        self._routes = _routes_by_tag(self._topology, self.name)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set."""
        bus = await Bus.connect(self._settings.nats.url, self.name, self._topology)
        try:
            async with asyncio.TaskGroup() as tasks:
                for stream in _streams_read(self._topology, self.name):
                    tasks.create_task(self._pump(bus, stream, stop))
        finally:
            await bus.close()

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
            for delivery in deliveries:
                if await self._handle(bus, delivery, decode, stop) and self._explicit:
                    await pull.ack(delivery)
            if deliveries:
                metrics.step_s.labels(self.name).observe(time.perf_counter() - started)
                if not self._explicit:
                    await pull.ack(deliveries[-1])
        await pull.close()

    async def _handle(self, bus: Bus, delivery: Delivery, decode: Any, stop: asyncio.Event) -> bool:
        """Handle one message; return whether it is done with, else the server brings it back."""
        if self._explicit and delivery.tries > self._tries:
            await self._bury(bus, delivery, "TriedTooOften: the consumer never finished it", stop)
            return True
        try:
            event = decode(delivery.payload)
            key = self._consumer.key(event)
            state = self._states.get(key) or self._consumer.initial()
            state, decisions = self._consumer.decide(state, event)
            await self._perform(bus, decisions, stop)
        except NotNow as error:
            if self._explicit and delivery.tries < self._tries:
                log.warning("will be tried again", reason=str(error), tries=delivery.tries)
                return False
            await self._bury(bus, delivery, f"NotNow: {error}", stop)
            return True
        except (msgspec.DecodeError, RecursionError, ValueError) as error:
            await self._bury(bus, delivery, f"{type(error).__name__}: {error}", stop)
            return True
        self._commit(key, state)
        return True

    async def _perform(self, bus: Bus, decisions: Sequence[Any], stop: asyncio.Event) -> None:
        for decision in decisions:
            for output in await self._consumer.perform(decision):
                await persist(partial(bus.store, self._routes[type(output)], output), stop)

    async def _bury(self, bus: Bus, delivery: Delivery, reason: str, stop: asyncio.Event) -> None:
        await persist(partial(bury, bus, self.name, delivery, reason), stop)

    def _commit(self, key: Hashable, state: Any) -> None:
        self._states[key] = state
        self._states.move_to_end(key)
        if len(self._states) > MAX_STATES:
            self._states.popitem(last=False)


async def persist(attempt: Any, stop: asyncio.Event) -> None:
    """Try until it works, with backoff; give up only when stopping."""
    for number in range(sys.maxsize):
        try:
            await attempt()
            return
        except BusDown as error:
            if stop.is_set():
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


def run(service: Service, settings: Settings) -> int:
    """Run a service in this process until SIGINT or SIGTERM; return the exit code."""
    logs.configure(settings.log, service.name)
    metrics.serve(settings.metrics)
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            return runner.run(_supervise(service))
    except KeyboardInterrupt:
        return 0


def loop_factory() -> Any:
    """Return uvloop's loop where it is installed."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _supervise(service: Service) -> int:
    stop = asyncio.Event()
    on_signals(stop)
    task = asyncio.ensure_future(service.run(stop))
    stopped = asyncio.ensure_future(stop.wait())
    await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if not task.done():
        done, _ = await asyncio.wait({task}, timeout=STOP_S)
        if not done:
            log.error("did not stop in time", limit_s=STOP_S)
            task.cancel()
            await asyncio.wait({task}, timeout=1)
            return 1
    stopped.cancel()
    error = task.exception() if not task.cancelled() else None
    if error is None or (stop.is_set() and _only(error, BusDown)):
        return 0
    if _only(error, StalledError) or _only(error, TopologyError):
        log.error("stopped", reason=str(error))
        return 1
    raise error


def on_signals(stop: asyncio.Event) -> None:
    """Set `stop` on SIGINT or SIGTERM, also where the loop takes no signal handlers."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))


def _only(error: BaseException, kind: type[Exception]) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(_only(inner, kind) for inner in error.exceptions)
    return isinstance(error, kind)


def _streams_read(topology: Topology, consumer: str) -> list[str]:
    reads = topology.consumers[consumer].reads
    return list(dict.fromkeys(topology.stream_of[r] for r in reads if r in topology.stream_of))


def _routes_by_tag(topology: Topology, consumer: str) -> dict[type, str]:
    """Return which route each kind of event leaves by."""
    from schemas.registry import EVENTS

    return {
        EVENTS[tag]: route
        for route in topology.consumers[consumer].writes
        for tag in topology.route(route).events
    }
