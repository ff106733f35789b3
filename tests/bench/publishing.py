"""The cost of authentication when publishing into a stream, beside an open server."""

import asyncio
import time
from collections.abc import Iterator
from typing import Final

import nats
from nats.aio.client import Client

from pitbox import topology
from pitbox.identity.credentials import Identity
from pitbox.topology import admin
from tests.bench.effort import Effort
from tests.bench.report import Result, result
from tests.bench.servers import Servers

MESSAGES: Final = 6_000
WINDOW: Final = 64
SINGLE: Final = 1_500
PAYLOAD: Final = bytes(2_000)
ROUNDS: Final = 3
SUBJECT: Final = topology.load().subject("telemetry.live", driver="bench", session="bench")
OPEN: Final = "without identities"


def measure(servers: Servers, effort: Effort) -> Iterator[Result]:
    """Yield rate and latency of stored messages, with alternating rounds on both servers."""
    ours, theirs = asyncio.run(_measure(servers, effort))
    for place, (name, unit) in enumerate((("publish_per_s", "1/s"), ("publish_p99_ms", "ms"))):
        better = "higher" if place == 0 else "lower"
        mine, others = [one[place] for one in ours], [one[place] for one in theirs]
        yield result(name, unit, better, mine, peers={OPEN: others})


async def _measure(
    servers: Servers, effort: Effort
) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    who = Identity(servers.nats.driver("bench")).options()
    ours = await nats.connect(servers.nats.url, **who)
    theirs = await servers.connect_peer()
    await admin.apply(theirs.jetstream(), topology.load())
    taken: list[list[tuple[float, float]]] = [[], []]
    for _ in range(effort.rounds(ROUNDS)):
        for client, rounds in zip((ours, theirs), taken, strict=True):
            rounds.append(
                (
                    await _rate(client, effort.count(MESSAGES)),
                    await _p99_ms(client, effort.count(SINGLE)),
                )
            )
    await ours.close()
    await theirs.close()
    return taken[0], taken[1]


async def _rate(client: Client, messages: int) -> float:
    """Return messages stored per second, with several in flight at any time."""
    jetstream, room = client.jetstream(), asyncio.Semaphore(WINDOW)

    async def store() -> None:
        async with room:
            await jetstream.publish(SUBJECT, PAYLOAD)

    began = time.perf_counter()
    await asyncio.gather(*(store() for _ in range(messages)))
    return messages / (time.perf_counter() - began)


async def _p99_ms(client: Client, messages: int) -> float:
    """Return the 99th percentile of the time to store a message, one at a time."""
    jetstream, took = client.jetstream(), []
    for _ in range(messages):
        began = time.perf_counter()
        await jetstream.publish(SUBJECT, PAYLOAD)
        took.append((time.perf_counter() - began) * 1e3)
    return sorted(took)[messages * 99 // 100]
