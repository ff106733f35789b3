"""A fold that is killed while it publishes stores each output of an undisturbed fold once."""

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from consumers.timing.decide import decide, key
from consumers.timing.state import initial
from pitbox.nats import readback
from pitbox.nats.bus import Bus
from schemas.timing import Lap
from tests.tools import echo
from tests.tools.drives import race
from tests.tools.hub import apply, connected, eventually, mark, send
from tests.tools.processes import alive, environment
from tests.tools.servers import NatsServer, credentials

NOWHERE = "postgresql://pitbox@127.0.0.1:1/pitbox"
ROUTES = ("timing.session", "timing.lap")


@pytest.fixture
async def driver(nats_server: NatsServer) -> AsyncIterator[Bus]:
    await apply(nats_server.url)
    async with connected(nats_server.url) as bus:
        yield bus


def folding(nats_server: NatsServer) -> AbstractContextManager[None]:
    """Run the fold as a process of its own during the block, then kill it."""
    users = credentials(nats_server.url, echo.streams())
    reaches = {"PITBOX_STREAMS": echo.streams(), "PITBOX_NATS__CREDENTIALS": str(users)}
    return alive("tests.tools.echo", environment=environment(nats_server, NOWHERE) | reaches)


async def identities(bus: Bus) -> list[str]:
    """Return the identities in TIMING, each as often as it is stored."""
    return [one for route in ROUTES for one in await readback.identities(bus, route, 0)]


async def stored(bus: Bus) -> int:
    """Return the number of messages in TIMING."""
    return int((await bus.jetstream.stream_info("TIMING")).state.messages)


async def undisturbed(bus: Bus) -> list[str]:
    """Return the places of all facts of TELEMETRY, folded once in this process."""
    decode = bus.topology.decoder("telemetry.live", "telemetry.backfill").decode
    last = (await bus.jetstream.stream_info("TELEMETRY")).state.last_seq
    states: dict[Any, Any] = {}
    found: list[str] = []
    for sequence in range(1, last + 1):
        message = await bus.jetstream.get_msg("TELEMETRY", seq=sequence)
        event = decode(message.data or b"")
        states[key(event)], facts = decide(states.get(key(event), initial()), event)
        found += [f"{sequence}:{number}" for number in range(len(facts))]
    return found


async def until_finished(bus: Bus) -> None:
    """Wait until the progress of the fold is at the end of TELEMETRY."""
    last = (await bus.jetstream.stream_info("TELEMETRY")).state.last_seq

    async def finished() -> bool:
        record = await readback.last(bus, "fold.progress", consumer="echo", stream="TELEMETRY")
        return record is not None and record.sequence == last

    await eventually(finished, "the fold has published everything")


def place(identity: str) -> str:
    """Return the sequence and the decision of an output's identity."""
    _, _, sequence, _, output = identity.split(":")
    return f"{sequence}:{output.split('.')[0]}"


async def test_a_fold_that_is_killed_while_it_publishes_stores_each_fact_once(
    nats_server: NatsServer, driver: Bus
) -> None:
    await send(driver, race(laps=60))
    expected = sorted(await undisturbed(driver))
    for _ in range(4):
        # A fast fold may publish everything before it is killed.
        enough = min(await stored(driver) + 20, len(expected))
        with folding(nats_server):

            async def published(enough: int = enough) -> bool:
                return await stored(driver) >= enough

            await eventually(published, "the fold publishes more facts")
    with folding(nats_server):
        await until_finished(driver)
    found = await identities(driver)
    assert len(set(found)) == len(found)
    assert sorted(map(place, found)) == expected


async def test_a_restart_of_a_fold_publishes_nothing_that_is_stored(
    nats_server: NatsServer, driver: Bus
) -> None:
    await send(driver, race())
    with folding(nats_server):
        await until_finished(driver)
    before = await identities(driver)
    await send(driver, [mark(10**6)])
    with folding(nats_server):
        await until_finished(driver)
    assert await identities(driver) == before


async def test_an_identity_is_stored_once_and_prevents_no_later_issue(
    nats_server: NatsServer,
) -> None:
    await apply(nats_server.url)
    lap = Lap(session="s", driver="d", at_ns=0, car="1", own=True, lap_number=1, revision=1)
    async with connected(nats_server.url, "timing") as bus:
        first = await bus.store("timing.lap", lap, identity="timing.1:TELEMETRY:1:0:0.0.1")
        again = await bus.store("timing.lap", lap, identity="timing.1:TELEMETRY:1:0:0.0.1")
        issued = await bus.store("timing.lap", lap)
    assert (first, again, issued) == (1, 1, 2)
