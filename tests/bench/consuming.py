"""A reader of a whole stream: its cost for nats-server and for itself, beside a filtered reader."""

import asyncio
import time
from collections.abc import Iterator
from typing import Final

from nats.js import JetStreamContext

from pitbox import topology
from pitbox.nats.bus import Bus
from pitbox.nats.pull import Pull
from pitbox.settings import Nats
from pitbox.topology import admin
from tests.bench.effort import Effort
from tests.bench.report import Result, result
from tests.bench.servers import Servers
from tests.tools.servers import credentials

READER: Final = "persister"
STREAM: Final = "TELEMETRY"
MESSAGES: Final = 100_000
DRIVERS: Final = 100
FLUSH_EVERY: Final = 500
ROUNDS: Final = 3
PAYLOAD: Final = bytes(900)
EVERYTHING: Final[tuple[str, ...]] = (">",)
"""The filter of a reader that reads all routes of its stream."""


def measure(servers: Servers, effort: Effort) -> Iterator[Result]:
    """Yield the CPU time of nats-server, and of the reader, for a million messages read."""
    rounds, messages = effort.rounds(ROUNDS), effort.count(MESSAGES)
    whole, filtered = asyncio.run(_measure(servers, rounds, messages))
    yield result(
        "nats_cpu_s_per_million_read",
        "CPU s",
        "lower",
        [nats_s for nats_s, _ in whole],
        peers={"filtered by subjects": [nats_s for nats_s, _ in filtered]},
    )
    yield result("read_cpu_s_per_million", "CPU s", "lower", [own_s for _, own_s in whole])


async def _measure(
    servers: Servers, rounds: int, messages: int
) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Return rounds that alternate between both kinds of reader; each reads everything anew."""
    await _fill(servers, messages)
    declared = topology.load()
    filters = [declared.filter(route) for route in declared.durables(READER)[STREAM]]
    server = Nats(url=servers.nats.url, credentials=str(credentials(servers.nats.url)))
    whole, filtered = [], []
    for _ in range(rounds):
        whole.append(await _read(servers, server, list(EVERYTHING), messages))
        filtered.append(await _read(servers, server, filters, messages))
    return whole, filtered


async def _fill(servers: Servers, messages: int) -> None:
    """Store messages of many drivers in turn, on both routes."""
    declared = topology.load()
    client = await servers.connect()
    subjects = [
        declared.subject(route, driver=f"driver{number}", session="bench")
        for number in range(DRIVERS)
        for route in declared.durables(READER)[STREAM]
    ]
    for number in range(messages):
        await client.publish(subjects[number % len(subjects)], PAYLOAD)
        if number % FLUSH_EVERY == 0:
            await client.flush()
    await client.jetstream().publish(subjects[0], PAYLOAD)
    await client.close()


async def _read(
    servers: Servers, server: Nats, filters: list[str], messages: int
) -> tuple[float, float]:
    """Read the stream from its start; return the CPU seconds of nats-server and our own."""
    client = await servers.connect()
    await _create(client.jetstream(), filters)
    await client.close()
    bus = await Bus.connect(server, READER, topology.load())
    reader = Pull(bus, READER, STREAM)
    nats_s, own_s, left = servers.cpu_s()["nats"], time.process_time(), messages
    while left > 0:
        deliveries = await reader.batch(left, 5)
        await reader.ack(deliveries)
        left -= len(deliveries)
    spent = servers.cpu_s()["nats"] - nats_s, time.process_time() - own_s
    await reader.close()
    await bus.close()
    return spent[0] / messages * 1e6, spent[1] / messages * 1e6


async def _create(jetstream: JetStreamContext, filters: list[str]) -> None:
    await jetstream.delete_consumer(STREAM, READER)
    config = admin.consumer_config(topology.load(), READER, STREAM)
    await jetstream.add_consumer(STREAM, config.evolve(filter_subjects=filters))
