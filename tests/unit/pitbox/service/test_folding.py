"""A fold publishes each output once, over kills, restarts and redelivery."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from pitbox.nats.bus import BusDown, TooLarge
from pitbox.nats.delivery import Delivery
from pitbox.service import dead
from pitbox.service.consumer import NotNow
from pitbox.service.folding import Folding
from pitbox.service.identity import StoredOutputs, of_output
from pitbox.service.input import Input
from pitbox.service.performing import Performing
from pitbox.service.watermark import Position, Watermark
from schemas.fold import Progress

SECOND_NS: Final = 1_000_000_000
POISON: Final = 99
SLOW: Final = 98
MAX_STARTS: Final = 30
PROGRESS: Final = Progress(consumer="counter", stream="S", version=1, created_ns=1)


class Killed(BaseException):
    """End a fold at an await, as SIGKILL does."""


class Output(Struct, frozen=True):
    """Count the folded messages of a car; `value` is the last message's."""

    car: str
    count: int
    value: int
    index: int = 0


class Message(Struct, frozen=True):
    """Cause as many outputs as its value modulo 3, and no decision for a multiple of 4."""

    car: str
    value: int


class Decision(Struct, frozen=True):
    """Publish an output, if need be before it expires."""

    output: Output
    expires_after_s: float | None = None


class Counter:
    """Count the messages of each car."""

    name = "counter"
    version = 1

    def __init__(self, world: "World") -> None:
        self._world = world

    def key(self, event: Message) -> str:
        return event.car

    def initial(self) -> int:
        return 0

    def decide(self, state: int, event: Message) -> tuple[int, Sequence[Decision]]:
        self._world.decided.append(event)
        if event.value == POISON:
            raise ZeroDivisionError("poison")
        output = Output(event.car, state + 1, event.value)
        expires_s = 5.0 if event.value == SLOW else None
        return state + 1, [Decision(output, expires_s)] if event.value % 4 else []

    async def perform(self, decision: Decision) -> Sequence[Output]:
        await self._world.step()
        return await self._world.perform(decision)


class World:
    """Store a stream, a fold's outputs and its progress; kill the fold at chosen steps."""

    idle_s = 0.0
    """The time between two saves of progress, and that a stream waits for one more message."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages = list(messages)
        self.outputs: list[tuple[str, Any]] = []
        self.letters: list[tuple[str, str]] = []
        self.progress = PROGRESS
        self.decided: list[Message] = []
        self.now_s = 100.0
        self.steps_left = -1
        self.ration = dead.Ration({"S"}, count=1000)
        self.perform: Callable[[Decision], Awaitable[Sequence[Output]]] = self.outputs_of

    async def outputs_of(self, decision: Decision) -> Sequence[Output]:
        output = decision.output
        return [msgspec.structs.replace(output, index=n) for n in range(output.value % 3)]

    async def step(self) -> None:
        """Let other tasks run; raise Killed once no step is left."""
        await asyncio.sleep(0)
        if self.steps_left == 0:
            raise Killed
        self.steps_left -= 1

    async def publish(self, output: Any, identity: str) -> None:
        await self.step()
        self.outputs.append((identity, output))
        await self.step()

    def admits_letter(self, delivery: Delivery) -> bool:
        return self.ration.spend(delivery)

    async def store_letter(self, delivery: Delivery, reason: str, identity: str) -> None:
        await self.step()
        self.letters.append((identity, reason))
        await self.step()

    async def save(self, record: Progress) -> None:
        await self.step()
        self.progress = record
        await self.step()

    async def stored(self, since_ns: int) -> StoredOutputs:
        return StoredOutputs([one for one, _ in (*self.outputs, *self.letters)])


class Stream:
    """Deliver a world's messages in order, some of them twice."""

    stream = "S"

    def __init__(self, world: World, again: Iterable[int], at_end: Callable[[], None]) -> None:
        self._world = world
        self._again = set(again)
        self._next = 0
        self._at_end = at_end

    @property
    def exhausted(self) -> bool:
        return self._next == len(self._world.messages)

    async def batch(self, max_messages: int, max_wait_s: float) -> list[Delivery]:
        await self._world.step()
        if self.exhausted:
            self._at_end()
            await asyncio.sleep(self._world.idle_s)
            return []
        indices = [self._next]
        if self._next in self._again and self._next:
            indices.append(self._next - 1)
        self._next += 1
        return [delivery_of(self._world.messages[n], n + 1) for n in indices]

    async def close(self) -> None:
        pass


def delivery_of(message: Message, sequence: int) -> Delivery:
    return Delivery(
        stream="S",
        created_ns=1,
        sequence=sequence,
        subject=f"s.{message.car}",
        payload=msgspec.msgpack.encode(message),
        tries=1,
        stored_ns=100 * SECOND_NS + sequence,
        reply="",
    )


def decode(delivery: Delivery) -> Message:
    return msgspec.msgpack.decode(delivery.payload, type=Message)


async def started(world: World, again: Iterable[int] = ()) -> None:
    """Run a fold until every message is finished; raises Killed when the world kills it."""
    stop = asyncio.Event()

    def at_end() -> None:
        if world.progress.sequence == len(world.messages):
            stop.set()

    record, end = world.progress, len(world.messages)
    stored = await world.stored(0)
    source = Input(Stream(world, again, at_end), record, end, stored, batch=10)
    folding = Folding(
        Counter(world),
        decode,
        [source],
        world,
        performers=3,
        backoff_s=(0, 0),
        clock_s=lambda: world.now_s,
        progress_s=world.idle_s,
    )
    try:
        await folding.run(stop)
    except BaseExceptionGroup as group:
        if group.subgroup(Killed):
            raise Killed from None
        raise


def run(world: World, kills: Sequence[int] = (), again: Iterable[int] = ()) -> World:
    """Start a fold again and again, killed after so many steps; the last start is not killed."""
    for steps in (*kills, -1):
        world.steps_left = steps
        try:
            asyncio.run(started(world, again))
        except Killed:
            continue
    return world


messages = st.lists(
    st.builds(Message, st.sampled_from("abc"), st.integers(0, 11) | st.just(POISON)), max_size=12
)


@given(messages, st.lists(st.integers(0, 60), max_size=4), st.sets(st.integers(0, 11)))
def test_restarts_and_redelivery_change_no_output_and_repeat_none(
    stream: list[Message], kills: list[int], again: set[int]
) -> None:
    calm = run(World(stream))
    disturbed = run(World(stream), kills, again)
    assert sorted(disturbed.outputs, key=str) == sorted(calm.outputs, key=str)
    assert sorted(disturbed.letters) == sorted(calm.letters)
    assert len({identity for identity, _ in disturbed.outputs}) == len(disturbed.outputs)


@given(messages, st.lists(st.integers(0, 60), max_size=4))
def test_outputs_of_a_car_keep_their_order_over_restarts(
    stream: list[Message], kills: list[int]
) -> None:
    world = run(World(stream), kills)
    for car in "abc":
        counts = [output.count for _, output in world.outputs if output.car == car]
        assert all(before <= after for before, after in pairwise(counts))


def test_a_restart_decides_finished_messages_again_and_publishes_nothing() -> None:
    world = run(World([Message("a", 1), Message("b", 2), Message("a", 5)]))
    published = list(world.outputs)
    world.decided.clear()
    run(world)
    assert world.outputs == published
    assert world.decided == world.messages


def test_state_continues_after_a_restart() -> None:
    world = run(World([Message("a", 1)] * 3))
    world.messages.append(Message("a", 1))
    run(world)
    assert [output.count for _, output in world.outputs] == [1, 2, 3, 4]


def test_lost_progress_repeats_no_stored_output_or_letter() -> None:
    world = run(World([Message("a", 1), Message("b", POISON), Message("a", 5)]))
    published, letters = list(world.outputs), list(world.letters)
    world.progress = PROGRESS
    run(world)
    assert (world.outputs, world.letters) == (published, letters)


def test_a_message_that_ends_the_process_becomes_a_dead_letter_and_blocks_no_other() -> None:
    world = World([Message("a", 1), Message("b", 7), Message("c", 1)])
    starts = 0

    async def perform(decision: Decision) -> Sequence[Output]:
        if decision.output.car == "b":
            raise Killed
        return [decision.output]

    world.perform = perform
    while world.progress.sequence < 3:
        starts += 1
        assert starts < MAX_STARTS
        run(world)
    assert [reason.split(":")[0] for _, reason in world.letters] == ["EndedTheProcess"]
    assert sorted(output.car for _, output in world.outputs) == ["a", "c"]
    run(world)
    assert len(world.letters) == 1


def test_an_expired_decision_is_dropped() -> None:
    world = World([Message("a", SLOW), Message("a", 1)])
    world.now_s = 106.0
    run(world)
    assert [output.value for _, output in world.outputs] == [1]
    assert world.letters == []


def test_a_decision_that_expires_while_its_peer_is_busy_is_dropped() -> None:
    world = World([Message("a", SLOW), Message("a", 1)])

    async def perform(decision: Decision) -> Sequence[Output]:
        if decision.output.value == SLOW:
            world.now_s += 10
            raise NotNow("busy")
        return [decision.output]

    world.perform = perform
    run(world)
    assert [output.value for _, output in world.outputs] == [1]
    assert world.letters == []


def test_a_decision_that_is_never_performed_becomes_a_dead_letter_after_the_last_backoff() -> None:
    world, tries = World([Message("a", 1)]), 0

    async def perform(decision: Decision) -> Sequence[Output]:
        nonlocal tries
        tries += 1
        raise NotNow("busy")

    world.perform = perform
    run(world)
    assert tries == 3
    assert [reason for _, reason in world.letters] == ["NotNow: busy"]


def test_a_slow_decision_delays_its_own_car_only() -> None:
    world = World([Message("a", 1), Message("a", 2), Message("b", 1), Message("c", 1)])
    order: list[str] = []
    others = asyncio.Event()

    async def perform(decision: Decision) -> Sequence[Output]:
        output = decision.output
        if output.car == "a" and output.count == 1:
            await others.wait()
        order.append(f"{output.car}{output.count}")
        if {"b1", "c1"} <= set(order):
            others.set()
        return [output]

    world.perform = perform
    run(world)
    assert order.index("a1") > max(order.index("b1"), order.index("c1"))
    assert order.index("a1") < order.index("a2")


class Unacknowledged(World):
    """Store the first output without an acknowledgement."""

    async def publish(self, output: Any, identity: str) -> None:
        await super().publish(output, identity)
        if len(self.outputs) == 1:
            raise BusDown("no acknowledgement")


def test_an_output_stored_without_an_acknowledgement_is_stored_once() -> None:
    world = run(Unacknowledged([Message("a", 1), Message("a", 1)]))
    assert [output.count for _, output in world.outputs] == [1, 2]


class Small(World):
    """Reject outputs above 9."""

    async def publish(self, output: Any, identity: str) -> None:
        if output.value > 9:
            raise TooLarge("it does not fit")
        await super().publish(output, identity)


def test_an_output_too_large_for_its_stream_becomes_a_dead_letter() -> None:
    world = run(Small([Message("a", 10), Message("a", 1)]))
    assert [reason for _, reason in world.letters] == ["TooLarge: it does not fit"]
    assert [output.count for _, output in world.outputs] == [2]


def test_a_new_version_decides_and_performs_the_whole_stream_again() -> None:
    world = run(World([Message("a", 1)]))
    world.progress = msgspec.structs.replace(PROGRESS, version=2)

    class Second(Counter):
        version = 2

    async def second() -> None:
        stop = asyncio.Event()
        stream = Stream(world, (), lambda: stop.set() if world.progress.sequence else None)
        source = Input(stream, world.progress, 1, await world.stored(0), batch=10)
        await Folding(Second(world), decode, [source], world, progress_s=0).run(stop)

    asyncio.run(second())
    assert [output.count for _, output in world.outputs] == [1, 1]


async def started_until_stopped_in_a_backoff(world: World) -> None:
    stop = asyncio.Event()

    async def perform(decision: Decision) -> Sequence[Output]:
        stop.set()
        raise NotNow("busy")

    world.perform = perform
    stream = Stream(world, (), lambda: None)
    source = Input(stream, world.progress, 1, StoredOutputs(), batch=10)
    folding = Folding(Counter(world), decode, [source], world, backoff_s=(60,), progress_s=0)
    await folding.run(stop)


def test_a_stop_during_a_backoff_leaves_the_message_for_the_next_start() -> None:
    world = World([Message("a", 1)])
    asyncio.run(started_until_stopped_in_a_backoff(world))
    assert (world.outputs, world.letters, world.progress.sequence) == ([], [], 0)
    world.perform = world.outputs_of
    run(world)
    assert [output.count for _, output in world.outputs] == [1]


def test_a_message_whose_dead_letter_is_stored_is_not_performed_again() -> None:
    world = World([Message("a", 1)])

    async def perform(decision: Decision) -> Sequence[Output]:
        raise NotNow("busy")

    world.perform = perform
    run(world)
    world.progress, world.perform = PROGRESS, world.outputs_of
    run(world)
    assert (len(world.letters), world.outputs) == (1, [])


class Disconnected(World):
    """Lose the connection at the first attempts to store a dead letter."""

    # The delays between attempts are real time.
    idle_s = 0.01
    failures = 3

    async def store_letter(self, delivery: Delivery, reason: str, identity: str) -> None:
        if self.failures:
            self.failures -= 1
            raise BusDown("not connected")
        await super().store_letter(delivery, reason, identity)


def test_a_letter_is_spent_once_however_often_storing_it_is_retried() -> None:
    world = Disconnected([Message("a", POISON), Message("a", POISON)])
    world.ration = dead.Ration({"S"}, count=2)
    run(world)
    assert len(world.letters) == 2


def test_a_decision_is_whole_with_all_outputs_of_one_performance() -> None:
    stored = StoredOutputs([of_output("c", 0, 0, 2), *(of_output("c", 0, n, 3) for n in range(3))])
    assert stored.whole("c", 0)
    stored = StoredOutputs([of_output("c", 0, 0, 2), of_output("c", 0, 0, 3)])
    assert not stored.whole("c", 0)


def of_recreated(sequence: int) -> Delivery:
    delivery = delivery_of(Message("a", 1), sequence)
    return msgspec.structs.replace(delivery, created_ns=2, life=1)


async def test_a_stream_recreated_before_the_first_read_is_not_replayed() -> None:
    class Recreated(Stream):
        async def batch(self, max_messages: int, max_wait_s: float) -> list[Delivery]:
            return [of_recreated(1)]

    record = msgspec.structs.replace(PROGRESS, sequence=9, stored_ns=9)
    world = World([Message("a", 1)])
    source = Input(Recreated(world, (), lambda: None), record, 9, StoredOutputs(), batch=10)
    assert await source.replays(0) is False
    [delivery] = await source.batch(0)
    assert source.is_new(delivery)
    source.mark.skip(Position(1, 1))
    assert (source.moved().created_ns, source.moved().sequence) == (2, 1)


def test_a_recreated_stream_forgets_the_messages_that_ended_the_process() -> None:
    record = msgspec.structs.replace(PROGRESS, sequence=9, suspect=3, endings=2, buried=(3,))
    world = World([])
    source = Input(Stream(world, (), lambda: None), record, 9, StoredOutputs(), batch=10)
    assert source.is_new(delivery_of(Message("a", 1), 10))
    assert source.is_new(of_recreated(1))
    moved = source.moved()
    assert (moved.suspect, moved.endings, moved.buried) == (0, 0, ())


class Job(Struct, frozen=True):
    """Number a job."""

    number: int
    expires: bool = True


async def test_a_key_above_its_share_loses_its_oldest_job_that_expires() -> None:
    performed: list[int] = []
    dropped: list[int] = []

    async def perform(job: Job) -> None:
        performed.append(job.number)

    performing = Performing[Job](
        perform, lambda job: dropped.append(job.number), limit=1, max_waiting=12
    )
    for number in range(5):
        await performing.put("a", Job(number, expires=number != 1))
    assert performing.waiting == 3
    stop = asyncio.Event()
    running = asyncio.create_task(performing.run(stop))
    await performing.idle()
    stop.set()
    await running
    assert (performed, dropped) == ([0, 1, 4], [2, 3])


async def test_putting_jobs_that_do_not_expire_waits_and_drops_none() -> None:
    performed: list[int] = []

    async def perform(job: Job) -> None:
        performed.append(job.number)

    performing = Performing[Job](
        perform, lambda job: pytest.fail("dropped"), limit=2, max_waiting=2
    )
    stop = asyncio.Event()
    running = asyncio.create_task(performing.run(stop))
    for number in range(20):
        await performing.put(number % 3, Job(number, expires=False))
        assert performing.waiting <= 2
    await performing.idle()
    stop.set()
    await running
    assert sorted(performed) == list(range(20))


def test_a_watermark_is_done_up_to_the_first_open_message() -> None:
    mark = Watermark(Position(1))
    mark.begin(Position(2))
    mark.skip(Position(3))
    mark.begin(Position(4))
    mark.skip(Position(5))
    assert mark.done == Position(1)
    mark.finish(4)
    assert mark.done == Position(1)
    mark.finish(2)
    assert mark.done == Position(5)
