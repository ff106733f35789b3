"""The race at an instant is read from the chunks that Postgres has, sealed or not."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest

from consumers.persister.service import service as persister
from schemas.sim import CarSeen, CarsSeen, Entry, RaceDescribed, Zone
from schemas.telemetry import Chunk
from tests.integration.test_sealing import IDLE, execute, seal
from tests.tools import hub
from tests.tools.hub import Database, connected, eventually, serving
from tests.tools.page import Served, gateway_of
from tests.tools.servers import NatsServer

CHUNK_NS: Final = 50_000_000
SECOND_NS: Final = 1_000_000_000
CHUNKS: Final = 20 * 25
"""Twenty-five seconds: the race is described at their start only."""

RACE: Final = RaceDescribed(
    at_ns=hub.START_NS,
    entries=(Entry("7", "Ada", "7", "GT3", "GT"), Entry("12", "Bo", "12")),
    laps=30,
    zones=(Zone(0.25, 0.5, "yellow"),),
    weather="light rain",
)


def cars(at_ns: int) -> CarsSeen:
    """Return two cars, of which the leader drives 50 m a second."""
    driven_dm = 500 * (at_ns - hub.START_NS) // SECOND_NS
    leader = CarSeen("12", 4, driven_dm, 100, -200, 1, 0, best_ms=94_000)
    return CarsSeen(at_ns=at_ns, own="7", cars=(CarSeen("7", 4, position=2, gap_ms=1250), leader))


def driven(number: int) -> Chunk:
    """Return a chunk; every fourth has the cars of its instant, the first one the race."""
    at_ns = hub.START_NS + number * CHUNK_NS
    events = [cars(at_ns)] if number % 4 == 0 else []
    described = [RACE] if number == 0 else []
    packed = hub.observed(*described, *events) if events else b""
    return hub.chunk(number, observed=packed)


@pytest.fixture
async def served(
    nats_server: NatsServer, database: str, tmp_path: Path
) -> AsyncIterator[tuple[Served, Database]]:
    """Yield a gateway over a race that a persister stored."""
    await hub.apply(nats_server.url)
    stored = Database(database)
    async with serving(persister(hub.settings_of(nats_server.url, database))):
        async with connected(nats_server.url) as drive:
            await hub.send(drive, [driven(number) for number in range(CHUNKS)])
        await eventually(lambda: stored.has(CHUNKS), "the race is stored")
    async with gateway_of(nats_server.url, database, tmp_path) as gateway:
        yield gateway, stored


async def at(served: Served, second: float, **changes: Any) -> tuple[int, Any]:
    """Return status and answer of the race so many seconds after its start."""
    at_ns = hub.START_NS + round(second * SECOND_NS)
    path = changes.get("path", "/sessions/test/drivers/ada/cars")
    async with served.rest() as client:
        answer = await client.get(path, params={"at_ns": at_ns})
    return answer.status_code, answer.json()


async def test_the_race_at_an_instant_is_the_same_before_and_after_it_is_sealed(
    served: tuple[Served, Database],
) -> None:
    gateway, stored = served
    status, before = await at(gateway, 20.11)
    assert status == 200
    assert before["at_ns"] == hub.START_NS + round(20.0 * SECOND_NS)
    leader, own = before["cars"]
    assert (leader["driver"], leader["lap_distance_m"], leader["best_lap_time_s"]) == (
        "Bo",
        1000.0,
        94.0,
    )
    assert (leader["world_x_m"], leader["world_y_m"]) == (10.0, -20.0)
    assert (own["own"], own["driver"], own["gap_s"], own["car_class"]) == (True, "Ada", 1.25, "GT")
    assert (before["laps"], before["weather"]) == (30, "light rain")
    assert before["zones"] == [{"begins": 0.25, "ends": 0.5, "flag": "yellow"}]
    await execute(stored, IDLE)
    await seal(stored, 0, CHUNKS)
    assert await at(gateway, 20.11) == (status, before)


async def test_there_is_no_race_where_no_cars_were_seen_just_before(
    served: tuple[Served, Database],
) -> None:
    gateway, _ = served
    assert [(await at(gateway, second))[0] for second in (-0.1, 0.0, 26.7, 27.0)] == [
        404,
        200,
        200,
        404,
    ]
    status, problem = await at(gateway, 5.0, path="/sessions/test/drivers/bob/cars")
    assert (status, problem["detail"].startswith("at_ns: bob has no cars")) == (404, True)
