"""A fold that is killed, started again and handed messages twice publishes each output once."""

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
from pitbox.service.folding import Folding, NotNow
from pitbox.service.identity import Standing
from pitbox.service.input import Input
from pitbox.service.performing import Performing
from pitbox.service.watermark import Place, Watermark
from schemas.fold import Progress

SECOND_NS: Final = 1_000_000_000
POISON: Final = 99
SLOW: Final = 98
LIVES: Final = 30


class Killed(BaseException):
    """End a process at an await, as SIGKILL does."""


class Said(Struct, frozen=True):
    """Say how many messages of a car were folded, and which value came last."""

    car: str
    count: int
    value: int
    place: int = 0


class Message(Struct, frozen=True):
    """Hold what a message carries: as many outputs as its value modulo 3."""

    car: str
    value: int


class Decision(Struct, frozen=True):
    """Say something, within a time or not."""

    said: Said
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
        said = Said(event.car, state + 1, event.value)
        expires_s = 5.0 if event.value == SLOW else None
        return state + 1, [Decision(said, expires_s)] if event.value % 4 else []

    async def perform(self, decision: Decision) -> Sequence[Said]:
        await self._world.step()
        return await self._world.perform(decision)


class World:
    """Keep a stream, what a fold published, and its progress; kill it at chosen steps."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages = list(messages)
        self.outputs: list[tuple[str, Any]] = []
        self.letters: list[tuple[str, str]] = []
        self.progress = Progress(consumer="counter", stream="S", version=1)
        self.decided: list[Message] = []
        self.now_s = 100.0
        self.steps_left = -1
        self.answers = True
        self.perform: Callable[[Decision], Awaitable[Sequence[Said]]] = self.outputs_of

    async def outputs_of(self, decision: Decision) -> Sequence[Said]:
        said = decision.said
        return [msgspec.structs.replace(said, place=n) for n in range(said.value % 3)]

    async def step(self) -> None:
        """Let others run; be killed here when that is due."""
        await asyncio.sleep(0)
        if self.steps_left == 0:
            raise Killed
        self.steps_left -= 1

    async def publish(self, output: Any, identity: str) -> None:
        await self.step()
        self.outputs.append((identity, output))
        await self.step()

    async def bury(self, delivery: Delivery, reason: str, identity: str) -> None:
        await self.step()
        self.letters.append((identity, reason))
        await self.step()

    async def save(self, record: Progress) -> None:
        await self.step()
        self.progress = record
        await self.step()

    async def standing(self, since_ns: int) -> Standing:
        return Standing([one for one, _ in (*self.outputs, *self.letters)])


class Stream:
    """Hand out a world's messages in order, now and then one again."""

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
            return []
        places = [self._next]
        if self._next in self._again and self._next:
            places.append(self._next - 1)
        self._next += 1
        return [delivery_of(self._world.messages[place], place + 1) for place in places]

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


async def live(world: World, again: Iterable[int] = ()) -> None:
    """Run a fold until it has published everything; raises Killed when the world ends it."""
    stop = asyncio.Event()

    def at_end() -> None:
        if world.progress.sequence == len(world.messages):
            stop.set()

    record, end = world.progress, len(world.messages)
    standing = await world.standing(0)
    source = Input(Stream(world, again, at_end), record, end, standing, batch=10)
    folding = Folding(
        Counter(world),
        decode,
        [source],
        world,
        performers=3,
        backoff_s=(0, 0),
        clock_s=lambda: world.now_s,
        progress_s=0,
    )
    try:
        await folding.run(stop)
    except BaseExceptionGroup as group:
        if group.subgroup(Killed):
            raise Killed from None
        raise


def run(world: World, kills: Sequence[int] = (), again: Iterable[int] = ()) -> World:
    """Run one life after another, each killed after so many steps, the last one to its end."""
    for steps in (*kills, -1):
        world.steps_left = steps
        try:
            asyncio.run(live(world, again))
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
        counts = [said.count for _, said in world.outputs if said.car == car]
        assert all(before <= after for before, after in pairwise(counts))


def test_a_restart_folds_what_is_done_in_silence() -> None:
    world = run(World([Message("a", 1), Message("b", 2), Message("a", 5)]))
    published = list(world.outputs)
    world.decided.clear()
    run(world)
    assert world.outputs == published
    assert world.decided == world.messages


def test_state_goes_on_after_a_restart() -> None:
    world = run(World([Message("a", 1)] * 3))
    world.messages.append(Message("a", 1))
    run(world)
    assert [said.count for _, said in world.outputs] == [1, 2, 3, 4]


def test_progress_that_was_lost_publishes_nothing_that_stands() -> None:
    world = run(World([Message("a", 1), Message("b", POISON), Message("a", 5)]))
    published, buried = list(world.outputs), list(world.letters)
    world.progress = Progress(consumer="counter", stream="S", version=1)
    run(world)
    assert (world.outputs, world.letters) == (published, buried)


def test_a_message_that_ends_the_process_is_given_up_and_the_rest_goes_on() -> None:
    world = World([Message("a", 1), Message("b", 7), Message("c", 1)])
    lives = 0

    async def perform(decision: Decision) -> Sequence[Said]:
        if decision.said.car == "b":
            raise Killed
        return [decision.said]

    world.perform = perform
    while world.progress.sequence < 3:
        lives += 1
        assert lives < LIVES
        run(world)
    assert [reason.split(":")[0] for _, reason in world.letters] == ["EndedTheProcess"]
    assert sorted(said.car for _, said in world.outputs) == ["a", "c"]
    run(world)
    assert len(world.letters) == 1


def test_an_expired_decision_is_dropped() -> None:
    world = World([Message("a", SLOW), Message("a", 1)])
    world.now_s = 106.0
    run(world)
    assert [said.value for _, said in world.outputs] == [1]
    assert world.letters == []


def test_a_decision_that_expires_while_its_peer_is_busy_is_dropped() -> None:
    world = World([Message("a", SLOW), Message("a", 1)])

    async def perform(decision: Decision) -> Sequence[Said]:
        if decision.said.value == SLOW:
            world.now_s += 10
            raise NotNow("busy")
        return [decision.said]

    world.perform = perform
    run(world)
    assert [said.value for _, said in world.outputs] == [1]
    assert world.letters == []


def test_what_can_never_be_performed_becomes_a_dead_letter_after_the_last_backoff() -> None:
    world, tries = World([Message("a", 1)]), 0

    async def perform(decision: Decision) -> Sequence[Said]:
        nonlocal tries
        tries += 1
        raise NotNow("busy")

    world.perform = perform
    run(world)
    assert tries == 3
    assert [reason for _, reason in world.letters] == ["NotNow: busy"]


def test_a_slow_decision_holds_up_its_own_car_alone() -> None:
    world = World([Message("a", 1), Message("a", 2), Message("b", 1), Message("c", 1)])
    order: list[str] = []
    others = asyncio.Event()

    async def perform(decision: Decision) -> Sequence[Said]:
        said = decision.said
        if said.car == "a" and said.count == 1:
            await others.wait()
        order.append(f"{said.car}{said.count}")
        if {"b1", "c1"} <= set(order):
            others.set()
        return [said]

    world.perform = perform
    run(world)
    assert order.index("a1") > max(order.index("b1"), order.index("c1"))
    assert order.index("a1") < order.index("a2")


class Unanswered(World):
    """Store the first output without an answer."""

    async def publish(self, output: Any, identity: str) -> None:
        await super().publish(output, identity)
        if len(self.outputs) == 1:
            raise BusDown("no answer")


def test_an_output_that_was_stored_without_an_answer_is_stored_once() -> None:
    world = run(Unanswered([Message("a", 1), Message("a", 1)]))
    assert [said.count for _, said in world.outputs] == [1, 2]


class Small(World):
    """Take no output of more than one digit."""

    async def publish(self, output: Any, identity: str) -> None:
        if output.value > 9:
            raise TooLarge("it does not fit")
        await super().publish(output, identity)


def test_an_output_that_no_stream_takes_is_a_dead_letter() -> None:
    world = run(Small([Message("a", 10), Message("a", 1)]))
    assert [reason for _, reason in world.letters] == ["TooLarge: it does not fit"]
    assert [said.count for _, said in world.outputs] == [2]


def test_a_new_version_decides_everything_in_earnest_again() -> None:
    world = run(World([Message("a", 1)]))
    world.progress = Progress(consumer="counter", stream="S", version=2)

    class Second(Counter):
        version = 2

    async def second() -> None:
        stop = asyncio.Event()
        stream = Stream(world, (), lambda: stop.set() if world.progress.sequence else None)
        source = Input(stream, world.progress, 1, await world.standing(0), batch=10)
        await Folding(Second(world), decode, [source], world, progress_s=0).run(stop)

    asyncio.run(second())
    assert [said.count for _, said in world.outputs] == [1, 1]


class Job(Struct, frozen=True):
    """Number a job."""

    number: int
    expires: bool = True


async def test_a_key_that_fills_its_share_loses_the_oldest_that_expires() -> None:
    performed: list[int] = []
    dropped: list[int] = []

    async def perform(job: Job) -> None:
        performed.append(job.number)

    performing = Performing[Job](perform, lambda job: dropped.append(job.number), limit=1, room=12)
    for number in range(5):
        await performing.put("a", Job(number, expires=number != 1))
    assert performing.waiting == 3
    stop = asyncio.Event()
    running = asyncio.create_task(performing.run(stop))
    await performing.idle()
    stop.set()
    await running
    assert (performed, dropped) == ([0, 1, 4], [2, 3])


async def test_work_that_does_not_expire_waits_for_room_and_is_never_dropped() -> None:
    performed: list[int] = []

    async def perform(job: Job) -> None:
        performed.append(job.number)

    performing = Performing[Job](perform, lambda job: pytest.fail("dropped"), limit=2, room=2)
    stop = asyncio.Event()
    running = asyncio.create_task(performing.run(stop))
    for number in range(20):
        await performing.put(number % 3, Job(number, expires=False))
        assert performing.waiting <= 2
    await performing.idle()
    stop.set()
    await running
    assert sorted(performed) == list(range(20))


def test_a_watermark_stands_before_the_first_open_message() -> None:
    mark = Watermark(Place(1))
    mark.begin(Place(2))
    mark.skip(Place(3))
    mark.begin(Place(4))
    mark.skip(Place(5))
    assert mark.done == Place(1)
    mark.finish(4)
    assert mark.done == Place(1)
    mark.finish(2)
    assert mark.done == Place(5)
