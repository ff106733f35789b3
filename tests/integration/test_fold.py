"""A fold against a real nats-server: one order for each message, and three ways to end."""

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pitbox.nats import readback
from pitbox.nats.bus import Bus
from pitbox.service.fold import Fold, NotNow
from pitbox.service.lifetime import serve
from schemas.dead import DeadLetter
from schemas.telemetry import Chunk, Mark
from schemas.timing import Lap
from tests.tools.hub import (
    apply,
    chunk,
    connected,
    eventually,
    mark,
    send,
    serving,
    settings_of,
    streams_with,
)
from tests.tools.servers import NatsServer

Seen = tuple[int, ...]


class Recorder:
    """Record chunk numbers and publish each as a lap; mark 0 raises, mark 1 clears the state."""

    name = "recorder"
    version = 1

    def __init__(self) -> None:
        self.happened: list[str] = []
        self.refusals = 0
        self.gate = asyncio.Event()
        self.gate.set()

    def key(self, event: Chunk | Mark) -> str:
        return event.driver

    def initial(self) -> Seen:
        return (-1,)

    def decide(self, state: Seen, event: Chunk | Mark) -> tuple[Seen, Sequence[int]]:
        self.happened.append(f"decide {state}")
        if isinstance(event, Chunk):
            return (*state, event.chunk), [event.chunk]
        if event.made == 0:
            raise ZeroDivisionError("poison")
        return (), []

    async def perform(self, number: int) -> Sequence[msgspec.Struct]:
        self.happened.append(f"perform {number}")
        await self.gate.wait()
        if self.refusals:
            self.refusals -= 1
            raise NotNow("the peer is busy")
        car = "x" * 300_000 if number == 1000 else "1"
        lap_number = 2**64 if number == 2000 else number
        return [
            Lap(
                session="s",
                driver="d",
                at_ns=0,
                car=car,
                own=True,
                lap_number=lap_number,
                revision=1,
            )
        ]


@pytest.fixture
def streams(tmp_path: Path) -> str:
    return streams_with(
        tmp_path,
        "recorder",
        about="remembers",
        kind="fold",
        reads=["telemetry.live", "telemetry.backfill"],
        writes=["timing.lap", "dead.letter", "fold.progress"],
        backoff=["300ms", "300ms"],
    )


@pytest.fixture
async def driver(nats_server: NatsServer, streams: str) -> AsyncIterator[Bus]:
    await apply(nats_server.url, streams)
    async with connected(nats_server.url, streams=streams) as bus:
        yield bus


async def stored(bus: Bus, stream: str) -> list[Any]:
    """Return every event of a stream."""
    state = (await bus.jetstream.stream_info(stream)).state
    decode = msgspec.msgpack.Decoder(Lap if stream == "TIMING" else DeadLetter).decode
    found = [await bus.jetstream.get_msg(stream, seq=n + 1) for n in range(state.last_seq)]
    return [decode(message.data or b"") for message in found]


async def until_stored(bus: Bus, stream: str, events: int) -> list[Any]:
    async def enough() -> list[Any] | None:
        found = await stored(bus, stream)
        return found if len(found) >= events else None

    found: list[Any] = await eventually(enough, f"{events} events in {stream}")
    assert len(found) == events
    return found


async def done(bus: Bus) -> int:
    """Return the sequence in TELEMETRY up to which the recorder has finished."""
    record = await readback.last(bus, "fold.progress", consumer="recorder", stream="TELEMETRY")
    return record.sequence if record else 0


async def until_done(bus: Bus) -> None:
    """Wait until the recorder's progress is at the stream's end."""
    end = (await bus.jetstream.stream_info("TELEMETRY")).state.last_seq

    async def at_end() -> bool:
        return await done(bus) == end

    await eventually(at_end, "everything is published")


def fold(recorder: Recorder, server: NatsServer, streams: str) -> Fold:
    return Fold(recorder, settings_of(server.url, streams=streams))


async def test_a_message_is_decided_performed_published_and_then_done(
    nats_server: NatsServer, driver: Bus, streams: str
) -> None:
    recorder = Recorder()
    recorder.gate.clear()
    async with serving(fold(recorder, nats_server, streams)):
        await send(driver, [chunk(7)])

        async def performing() -> bool:
            return "perform 7" in recorder.happened

        await eventually(performing, "perform")
        assert await stored(driver, "TIMING") == []
        assert await done(driver) == 0
        recorder.gate.set()
        laps = await until_stored(driver, "TIMING", 1)
        await until_done(driver)
    assert [lap.lap_number for lap in laps] == [7]
    assert recorder.happened == ["decide (-1,)", "perform 7"]


async def test_an_event_on_a_foreign_subject_becomes_a_dead_letter(
    nats_server: NatsServer, driver: Bus, streams: str
) -> None:
    recorder = Recorder()
    async with serving(fold(recorder, nats_server, streams)):
        await driver.store("telemetry.backfill", chunk(0), driver="eve")
        letters = await until_stored(driver, "DEAD", 1)
    assert "ForeignSubject" in letters[0].reason
    assert recorder.happened == []


async def test_state_is_carried_from_message_to_message_even_when_empty(
    nats_server: NatsServer, driver: Bus, streams: str
) -> None:
    recorder = Recorder()
    async with serving(fold(recorder, nats_server, streams)):
        await send(driver, [chunk(0), mark(1), chunk(1)])
        await until_stored(driver, "TIMING", 2)
    assert [h for h in recorder.happened if h.startswith("decide")] == [
        "decide (-1,)",
        "decide (-1, 0)",
        "decide ()",
    ]


async def test_a_decision_that_raises_not_now_is_performed_later(
    nats_server: NatsServer, driver: Bus, streams: str
) -> None:
    recorder = Recorder()
    recorder.refusals = 1
    async with serving(fold(recorder, nats_server, streams)):
        await send(driver, [chunk(0)])
        await until_stored(driver, "TIMING", 1)
        await until_done(driver)
    assert recorder.happened == ["decide (-1,)", "perform 0", "perform 0"]
    assert await stored(driver, "DEAD") == []


async def test_a_decision_that_is_never_performed_is_a_dead_letter_after_the_last_backoff(
    nats_server: NatsServer, driver: Bus, streams: str
) -> None:
    recorder = Recorder()
    recorder.refusals = 99
    async with serving(fold(recorder, nats_server, streams)):
        await send(driver, [chunk(0)])
        letters = await until_stored(driver, "DEAD", 1)
        await until_done(driver)
    assert letters[0].reason == "NotNow: the peer is busy"
    assert recorder.happened.count("perform 0") == 3


async def test_undecodable_and_failing_messages_are_dead_letters_and_block_no_other(
    nats_server: NatsServer, driver: Bus, streams: str
) -> None:
    subject = driver.topology.subject("telemetry.live", driver="ada", session="test")
    recorder = Recorder()
    async with serving(fold(recorder, nats_server, streams)):
        await driver.client.publish(subject, b"no msgpack")
        await driver.client.publish(subject, msgspec.msgpack.encode(chunk(0))[:20])
        await send(driver, [mark(0), chunk(1000), chunk(2000), chunk(5)])
        letters = await until_stored(driver, "DEAD", 5)
        laps = await until_stored(driver, "TIMING", 1)
        await until_done(driver)
    letters.sort(key=lambda letter: letter.sequence)
    assert [letter.reason.split(":")[0] for letter in letters] == [
        "ValidationError",
        "DecodeError",
        "ZeroDivisionError",
        "TooLarge",
        "OverflowError",
    ]
    assert (letters[0].payload, letters[0].subject, letters[0].sequence) == (
        b"no msgpack",
        subject,
        1,
    )
    assert [lap.lap_number for lap in laps] == [5]
    assert "decide (-1, 1000, 2000)" in recorder.happened


async def test_a_message_that_ends_the_process_at_each_start_becomes_a_dead_letter(
    nats_server: NatsServer, driver: Bus, streams: str
) -> None:
    await send(driver, [chunk(0)])
    starts = 0
    while not await stored(driver, "DEAD"):
        assert starts < 12
        recorder = Recorder()
        recorder.gate.clear()
        running = asyncio.create_task(serve(fold(recorder, nats_server, streams), asyncio.Event()))

        async def handled(recorder: Recorder = recorder) -> object:
            return recorder.happened or await stored(driver, "DEAD")

        await eventually(handled, "the message is handled")
        running.cancel()
        await asyncio.wait({running})
        starts += 1
    assert (await stored(driver, "DEAD"))[0].reason.startswith("EndedTheProcess")


async def test_a_second_start_on_a_stream_without_messages_folds_the_first_one(
    nats_server: NatsServer, driver: Bus, streams: str
) -> None:
    async def starts() -> int:
        record = await readback.last(
            driver, "fold.progress", consumer="recorder", stream="TELEMETRY"
        )
        return record.starts if record else 0

    async def started_twice() -> bool:
        return await starts() == 2

    async with serving(fold(Recorder(), nats_server, streams)):
        await eventually(starts, "the first start is stored")
    async with serving(fold(Recorder(), nats_server, streams)):
        await eventually(started_twice, "the second start is stored")
        await send(driver, [chunk(0)])
        await until_stored(driver, "TIMING", 1)


async def test_a_fold_that_cannot_publish_saves_no_progress_and_stops_in_time(
    nats_server: NatsServer, driver: Bus, streams: str
) -> None:
    recorder = Recorder()
    recorder.gate.clear()
    async with serving(fold(recorder, nats_server, streams)):
        await send(driver, [chunk(0)])

        async def performing() -> bool:
            return "perform 0" in recorder.happened

        await eventually(performing, "perform")
        nats_server.kill()
        recorder.gate.set()
    nats_server.start()
    await eventually(driver.alive, "the server is back")
    successor = Recorder()
    async with serving(fold(successor, nats_server, streams)):
        await until_stored(driver, "TIMING", 1)
    assert successor.happened == ["decide (-1,)", "perform 0"]


async def test_publishing_waits_for_a_server_that_comes_back(
    nats_server: NatsServer, driver: Bus, streams: str
) -> None:
    recorder = Recorder()
    recorder.gate.clear()
    async with serving(fold(recorder, nats_server, streams)):
        await send(driver, [chunk(0)])

        async def performing() -> bool:
            return "perform 0" in recorder.happened

        await eventually(performing, "perform")
        nats_server.kill()
        recorder.gate.set()
        nats_server.start()
        await eventually(driver.alive, "the server is back")
        laps = await until_stored(driver, "TIMING", 1)
    assert laps[0].lap_number == 0


@pytest.mark.parametrize("trouble", ["down", "paused"])
async def test_a_fold_stops_in_time_with_a_server_down_or_paused(
    nats_server: NatsServer, driver: Bus, streams: str, trouble: str
) -> None:
    recorder = Recorder()
    async with serving(fold(recorder, nats_server, streams)):
        await send(driver, [chunk(0)])
        await until_stored(driver, "TIMING", 1)
        if trouble == "down":
            nats_server.kill()
        else:
            nats_server.send(signal.SIGSTOP)


async def test_a_fold_waits_for_its_server_and_stops_on_request(
    nats_server: NatsServer, streams: str
) -> None:
    nats_server.stop()
    async with serving(fold(Recorder(), nats_server, streams)) as running:
        done, _ = await asyncio.wait({running}, timeout=0.5)
        assert not done
    nats_server.start()
