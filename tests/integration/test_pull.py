"""Messages of a stream are delivered in order and none is skipped, over failures of the server."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nats.errors
import pytest
from structlog.testing import capture_logs

from pitbox import topology
from pitbox.nats import pull
from pitbox.nats.bus import Bus
from pitbox.nats.delivery import Delivery
from pitbox.nats.pull import Pull, StalledError
from pitbox.settings import Nats
from schemas.timing import Lap
from tests.tools import echo
from tests.tools.hub import apply, chunk, connected, eventually, letter, send, streams_with, wire
from tests.tools.servers import NatsServer, credentials


def lap(number: int) -> Lap:
    return Lap(
        session="test", driver="ada", at_ns=0, car="1", own=True, lap_number=number, revision=1
    )


@asynccontextmanager
async def pulling(
    server: NatsServer,
    consumer: str,
    stream: str = "TELEMETRY",
    streams: str = "",
    **limits: float,
) -> AsyncIterator[Pull]:
    async with connected(server.url, consumer, streams or echo.streams()) as bus:
        reader = Pull(bus, consumer, stream, **limits)
        yield reader
        await reader.close()


async def read(reader: Pull, messages: int) -> list[Delivery]:
    """Read a number of messages, or fail."""
    got: list[Delivery] = []

    async def enough() -> bool:
        got.extend(await reader.batch(messages - len(got), 0.2))
        return len(got) == messages

    await eventually(enough, f"{messages} messages")
    return got


def sequences(deliveries: list[Delivery]) -> list[int]:
    return [delivery.sequence for delivery in deliveries]


async def back(bus: Bus, connects: int) -> None:
    """Wait until a bus has connected more than `connects` times."""

    async def connected_again() -> bool:
        return bus.connects > connects and bus.up.is_set()

    await eventually(connected_again, "connected again")


async def unacknowledged(bus: Bus, stream: str = "TELEMETRY") -> int | None:
    return (await bus.jetstream.consumer_info(stream, "persister")).num_ack_pending


@pytest.fixture
async def driver(nats_server: NatsServer) -> AsyncIterator[Bus]:
    """Yield a driver's connection to a server with its streams."""
    await apply(nats_server.url)
    async with connected(nats_server.url) as bus:
        yield bus


async def test_messages_are_delivered_in_order_with_their_metadata(
    nats_server: NatsServer, driver: Bus
) -> None:
    await send(driver, [chunk(number) for number in range(5000)])
    async with pulling(nats_server, "persister") as reader:
        deliveries = await read(reader, 5000)
    assert sequences(deliveries) == list(range(1, 5001))
    first = deliveries[0]
    assert first.stream == "TELEMETRY"
    assert first.subject == "telemetry.ada.test.backfill"
    assert first.tries == 1
    assert abs(first.stored_ns / 1e9 - datetime.now(UTC).timestamp()) < 60


async def test_an_unacknowledged_message_is_redelivered(
    nats_server: NatsServer, driver: Bus, tmp_path: Path
) -> None:
    impatient = streams_with(tmp_path, "persister", ack_wait="1s")
    await apply(nats_server.url, impatient)
    await send(driver, [chunk(0)])
    async with pulling(nats_server, "persister") as reader:
        assert [d.tries for d in await read(reader, 2)] == [1, 2]


async def test_one_acknowledgement_covers_a_batch_of_telemetry(
    nats_server: NatsServer, driver: Bus
) -> None:
    await send(driver, [chunk(number) for number in range(100)])
    async with pulling(nats_server, "persister") as reader:
        await reader.ack(await read(reader, 60))
        await eventually(lambda: is_value(unacknowledged(driver), 40), "60 are acknowledged")


async def test_an_acknowledged_fact_does_not_cover_the_one_before_it(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    impatient = streams_with(tmp_path, "persister", ack_wait="1s")
    await apply(nats_server.url, impatient)
    async with connected(nats_server.url, echo.NAME, echo.streams()) as fold:
        for number in (1, 2):
            await fold.store("dead.letter", letter(number))
    async with pulling(nats_server, "persister", "DEAD") as reader:
        await reader.ack((await read(reader, 2))[1:])
        again = await read(reader, 1)
        assert (again[0].sequence, again[0].tries) == (1, 2)


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_reading_continues_after_the_server_restarted(
    nats_server: NatsServer, driver: Bus, end: str
) -> None:
    await send(driver, [chunk(number) for number in range(10)])
    async with pulling(nats_server, "persister") as durable, pulling(nats_server, "echo") as all_:
        await durable.ack(await read(durable, 10))
        await read(all_, 10)
        getattr(nats_server, end)()
        nats_server.start()
        await back(driver, connects=1)
        await send(driver, [chunk(number) for number in range(10, 20)])
        assert sequences(await read(all_, 10)) == list(range(11, 21))
        # An acknowledgement may be lost with the server; its message is delivered again.
        seen: set[int] = set()

        async def all_new_ones() -> bool:
            seen.update(sequences(await durable.batch(100, 0.2)))
            return seen >= set(range(11, 21))

        await eventually(all_new_ones, "11 to 20")


async def test_a_reader_recreates_the_streams_of_a_wiped_store_and_logs_it(
    nats_server: NatsServer, driver: Bus
) -> None:
    await send(driver, [chunk(number) for number in range(10)])
    async with pulling(nats_server, "echo") as reader:
        await read(reader, 10)
        with capture_logs() as logs:
            nats_server.kill()
            nats_server.wipe()
            nats_server.start()

            async def recreated() -> bool:
                assert not await reader.batch(1, 0.1)
                return [line["event"] for line in logs].count(
                    "recreated streams that were gone"
                ) == 1

            await eventually(recreated, "the streams are recreated")
        await back(driver, connects=1)
        await send(driver, [chunk(number) for number in range(3)])
        assert sequences(await read(reader, 3)) == [1, 2, 3]


async def test_a_deleted_durable_is_recreated(nats_server: NatsServer, driver: Bus) -> None:
    async with pulling(nats_server, "persister") as reader:
        await reader.batch(1, 0.2)
        await driver.jetstream.delete_consumer("TELEMETRY", "persister")
        await send(driver, [chunk(0)])
        assert sequences(await read(reader, 1)) == [1]


async def test_a_deleted_stream_is_recreated_by_its_publisher(
    nats_server: NatsServer, driver: Bus
) -> None:
    await driver.jetstream.delete_stream("TIMING")
    async with connected(nats_server.url, "timing") as timing:
        with pytest.raises(Exception, match="no stream takes"):
            await timing.store("timing.lap", lap(1))
        assert await timing.store("timing.lap", lap(1)) == 1


async def test_a_reader_starts_over_after_an_older_store_was_restored(
    nats_server: NatsServer, driver: Bus
) -> None:
    await send(driver, [chunk(number) for number in range(5)])
    nats_server.stop()
    older = nats_server.store.with_name("older")
    shutil.copytree(nats_server.store, older)
    nats_server.start()
    await back(driver, connects=1)
    await send(driver, [chunk(number) for number in range(5, 10)])
    async with pulling(nats_server, "echo") as reader:
        assert len(await read(reader, 10)) == 10
        nats_server.kill()
        nats_server.wipe()
        older.rename(nats_server.store)
        nats_server.start()
        async with connected(nats_server.url) as other:
            await send(other, [chunk(number) for number in range(100, 120)])
        assert sequences(await read(reader, 25)) == list(range(1, 26))


async def test_a_reader_continues_after_its_last_message_when_only_the_connection_broke(
    nats_server: NatsServer, driver: Bus
) -> None:
    await send(driver, [chunk(number) for number in range(5)])
    async with connected(nats_server.url, "echo", echo.streams()) as bus:
        reader = Pull(bus, "echo", "TELEMETRY")
        await read(reader, 5)
        await bus.force_reconnect()
        await send(driver, [chunk(5)])
        assert sequences(await read(reader, 1)) == [6]
        await reader.close()


async def test_a_reader_of_a_whole_stream_passes_by_what_the_stream_gets_later(
    nats_server: NatsServer, driver: Bus
) -> None:
    config = (await driver.jetstream.stream_info("TELEMETRY")).config
    async with pulling(nats_server, "echo") as reader:
        await send(driver, [chunk(0)])
        await read(reader, 1)
        more = [*(config.subjects or []), "telemetry.*.*.note"]
        await driver.jetstream.update_stream(config, subjects=more)
        for _ in range(3):
            await driver.jetstream.publish("telemetry.ada.test.note", b"")
        await send(driver, [chunk(1)])
        assert sequences(await read(reader, 1)) == [5]
        await driver.jetstream.publish("telemetry.ada.test.note", b"")
        await eventually(lambda: passed_by(reader), "the reader is at the end")


async def passed_by(reader: Pull) -> bool:
    return await reader.batch(1, 0.1) == [] and reader.exhausted


async def test_two_readers_without_a_durable_take_no_message_from_each_other(
    nats_server: NatsServer, driver: Bus
) -> None:
    async with pulling(nats_server, "echo") as one, pulling(nats_server, "echo") as other:
        for first in (1, 6):
            await send(driver, [chunk(number) for number in range(first, first + 5)])
            both = await asyncio.gather(read(one, 5), read(other, 5))
            assert [sequences(read) for read in both] == [list(range(first, first + 5))] * 2


async def test_a_reader_without_a_durable_may_create_only_its_own_consumer(
    nats_server: NatsServer, driver: Bus
) -> None:
    own = Nats(url=nats_server.url, credentials=str(credentials(nats_server.url, echo.streams())))
    bus = await Bus.connect(own, "echo", topology.load(echo.streams()))
    reader = Pull(bus, "echo", "TELEMETRY")
    await send(driver, [chunk(0)])
    await read(reader, 1)

    async def names() -> set[str]:
        return {info.name for info in await driver.jetstream.consumers_info("TELEMETRY")}

    before = await names()
    ephemeral = {"stream_name": "TELEMETRY", "config": {"ack_policy": "none"}}
    durable = ephemeral | {"config": {"durable_name": "evil", "ack_policy": "explicit"}}
    for operation, request in (
        ("CREATE.TELEMETRY", ephemeral),
        ("CREATE.TELEMETRY.evil.telemetry.>", ephemeral),
        ("CREATE.TELEMETRY.persister", ephemeral),
        ("DURABLE.CREATE.TELEMETRY.evil", durable),
        ("MSG.NEXT.TELEMETRY.persister", {"batch": 1}),
        *((f"DELETE.TELEMETRY.{name}", {}) for name in before),
    ):
        with pytest.raises(nats.errors.TimeoutError):
            subject = f"$JS.API.CONSUMER.{operation}"
            await bus.client.request(subject, json.dumps(request).encode(), timeout=0.3)
    assert await names() == before
    assert sorted(name.split("-")[0] for name in before) == ["echo", "persister"]
    await reader.close()
    await bus.close()


async def test_a_reconnect_delays_no_message_and_loses_no_acknowledgement(
    nats_server: NatsServer, driver: Bus
) -> None:
    await send(driver, [chunk(number) for number in range(5)])
    async with connected(nats_server.url, "persister") as bus:
        reader = Pull(bus, "persister", "TELEMETRY")
        before = await read(reader, 5)
        await bus.force_reconnect()
        await back(bus, connects=1)
        await send(driver, [chunk(number) for number in range(5, 10)])
        assert sequences(await read(reader, 5)) == [6, 7, 8, 9, 10]
        await reader.ack(before)
        await eventually(lambda: is_value(unacknowledged(driver), 5), "five are acknowledged")
        await reader.close()


async def test_an_acknowledgement_from_before_a_restore_skips_no_message(
    nats_server: NatsServer, driver: Bus
) -> None:
    nats_server.stop()
    older = nats_server.store.with_name("older")
    shutil.copytree(nats_server.store, older)
    nats_server.start()
    await back(driver, connects=1)
    await send(driver, [chunk(number) for number in range(10)])
    async with pulling(nats_server, "persister") as reader:
        before = await read(reader, 10)
        nats_server.kill()
        nats_server.wipe()
        older.rename(nats_server.store)
        nats_server.start()
        async with connected(nats_server.url) as other:
            await send(other, [chunk(number) for number in range(100, 120)])
        after = await read(reader, 1)
        await reader.ack(before)
        after += await read(reader, 19)
    assert sequences(after) == list(range(1, 21))


async def test_a_durable_that_delivers_nothing_raises_an_error(
    nats_server: NatsServer, driver: Bus
) -> None:
    await send(driver, [chunk(0)])
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    subject = "$JS.API.CONSUMER.PAUSE.TELEMETRY.persister"
    await driver.client.request(subject, json.dumps({"pause_until": until}).encode())
    async with pulling(nats_server, "persister", progress_s=0.3) as reader:
        with pytest.raises(StalledError, match="TELEMETRY holds 1 messages and delivers none"):
            await read(reader, 1)


async def test_waiting_for_messages_of_a_dead_process_is_no_stall(
    nats_server: NatsServer, driver: Bus, tmp_path: Path
) -> None:
    narrow = streams_with(tmp_path, "persister", ack_wait="2s", max_ack_pending=3)
    await apply(nats_server.url, narrow)
    await send(driver, [chunk(number) for number in range(9)])
    async with pulling(nats_server, "persister", streams=narrow) as first:
        await read(first, 3)
    async with pulling(nats_server, "persister", streams=narrow, progress_s=0.2) as reader:
        assert sequences(await read(reader, 3)) == [1, 2, 3]


async def test_held_messages_are_bounded_in_bytes_too(nats_server: NatsServer, driver: Bus) -> None:
    large = [chunk(number, observed=bytes(190_000)) for number in range(400)]
    await send(driver, large)
    async with pulling(nats_server, "persister") as reader:
        await reader.batch(1, 5)
        await driver.alive()
        held = await unacknowledged(driver)
        assert held is not None
        assert held * 190_000 < 3 * pull.MAX_HELD_BYTES
        assert len(await read(reader, 399)) == 399


async def test_a_request_served_in_full_causes_no_new_consumer(
    nats_server: NatsServer, driver: Bus, tmp_path: Path
) -> None:
    """A reader without a durable creates another consumer at each attachment."""
    await send(driver, [chunk(number) for number in range(20)])
    narrow = echo.declared(tmp_path, batch=4)
    async with pulling(nats_server, "echo", streams=narrow) as reader:
        assert sequences(await read(reader, 20)) == list(range(1, 21))
        assert not await reader.batch(1, 0.1)
        made = [info.name for info in await driver.jetstream.consumers_info("TELEMETRY")]
    assert sorted(name.split("-")[0] for name in made) == ["echo", "persister"]


async def test_no_subject_and_no_header_ends_a_reader(nats_server: NatsServer, driver: Bus) -> None:
    _, writer = await wire(nats_server)
    for session in (b"\xff\xfe", b"a\x0bb", b"a\x00b"):
        writer.write(b"PUB telemetry.eve.%s.live 2\r\nhi\r\n" % session)
    for headers in (b"NATS", b"NATS/1.0 \xff\xff\xff\r\n\r\n", b"NATS/1.0 404\r\n\r\n"):
        size = len(headers)
        frame = b"HPUB telemetry.eve.x.live %d %d\r\n%bhi\r\n" % (size, size + 2, headers)
        writer.write(frame)
    await writer.drain()
    async with pulling(nats_server, "persister") as reader:
        assert len(await read(reader, 6)) == 6
        await send(driver, [chunk(0)])
        assert sequences(await read(reader, 1)) == [7]
    writer.close()


async def is_value(found: object, wanted: object) -> bool:
    return await found == wanted  # type: ignore[misc]


async def test_a_stream_that_a_connected_server_does_not_give_is_logged_once(
    nats_server: NatsServer,
) -> None:
    await apply(nats_server.url)
    async with pulling(nats_server, "persister", refused_s=0.0) as reader:
        assert await reader.batch(1, 0.1) == []
        with capture_logs() as logs:
            nats_server.stop()
            nats_server.jetstream = False
            nats_server.start()

            def said(event: str) -> int:
                return sum(one["event"] == event for one in logs)

            async def refused() -> bool:
                await reader.batch(1, 0.5)
                return said("nats-server does not give the stream") > 0

            await eventually(refused, "it is logged")
            for _ in range(4):
                await reader.batch(1, 0.5)
            assert said("nats-server does not give the stream") == 1
            nats_server.stop()
            nats_server.jetstream = True
            nats_server.start()

            async def given() -> bool:
                await reader.batch(1, 0.5)
                return said("nats-server gives the stream again") == 1

            await eventually(given, "the end is logged")
