"""A driver whose facts cannot be derived holds up nobody else's."""

from collections.abc import Iterator, Sequence

import pytest
from msgspec.structs import replace

from consumers.timing import decide, tables
from consumers.timing.service import Timing
from consumers.timing.state import Fact, State, add
from consumers.timing.stretches import extend
from pitbox.chunks.frames import sealed
from pitbox.postgres import facts
from pitbox.service.derive import Derive
from schemas.telemetry import Chunk
from schemas.timing import Session
from tests.tools.drives import race
from tests.tools.hub import (
    Database,
    apply,
    connected,
    eventually,
    send,
    serving,
    settings_of,
    write_facts,
)
from tests.tools.processes import running
from tests.tools.servers import NatsServer

OTHERS_LAPS = "select count(*) = 8 from lap where driver = 'ada'"
DAMAGED = "update session set left_out = '[{}]' where driver = 'eve'"


class Mistaken(Timing):
    """Fail for one driver in each place where code of a derivation runs."""

    def __init__(self, place: str) -> None:
        self._place = place
        self.failed = False

    def add(self, state: State, chunk: Chunk) -> State:  # type: ignore[override]
        self._fail(chunk.driver, "add")
        return add(state, chunk)

    def extend(self, state: State, chunks: Sequence[Chunk]) -> State:  # type: ignore[override]
        self._fail(chunks[0].driver, "extend")
        return extend(state, chunks)

    def issue(self, state: State) -> tuple[State, Sequence[Fact]]:  # type: ignore[override]
        self._fail(state.driver, "issue")
        return decide.issue(state)

    def settle(self, state: State) -> tuple[State, Sequence[Fact]]:  # type: ignore[override]
        self._fail(state.driver, "settle")
        return decide.settle(state)

    def facts(self, state: State) -> Iterator[Fact]:  # type: ignore[override]
        self._fail(state.driver, "facts")
        return decide.facts_of(state)

    def _fail(self, driver: str, place: str) -> None:
        if driver == "eve" and place == self._place:
            self.failed = True
            raise ZeroDivisionError(place)


def of_eve(chunks: Sequence[Chunk]) -> list[Chunk]:
    return [sealed(replace(chunk, driver="eve")) for chunk in chunks]


@pytest.mark.parametrize("place", ["add", "extend", "issue", "settle", "facts"])
async def test_a_mistake_in_the_code_stops_the_facts_of_one_driver(
    place: str, nats_server: NatsServer, database: str
) -> None:
    await apply(nats_server.url)
    mistaken = Mistaken(place)
    service = Derive(mistaken, facts.scan(tables), settings_of(nats_server.url, database))
    async with connected(nats_server.url) as bus:
        with running("persister", nats_server, database):
            await send(bus, of_eve(race()))  # from Postgres, in part
            async with serving(service):

                async def fails() -> bool:
                    await send(bus, of_eve(race()[:1]), "telemetry.live")
                    return mistaken.failed

                await eventually(fails, "the mistake is made")
                await send(bus, race(), "telemetry.live")
                await eventually(lambda: Database(database).value(OTHERS_LAPS), "others' laps")


async def test_a_row_that_does_not_decode_stops_the_facts_of_one_driver(
    nats_server: NatsServer, database: str
) -> None:
    await apply(nats_server.url)
    session = Session(session="test", driver="eve", at_ns=0, source="test", started_ns=0)
    await write_facts(database, session)
    await Database(database).rows(DAMAGED)
    with running("persister", nats_server, database), running("timing", nats_server, database):
        async with connected(nats_server.url) as bus:
            await send(bus, of_eve(race()), "telemetry.live")
            await send(bus, race(), "telemetry.live")
            await eventually(lambda: Database(database).value(OTHERS_LAPS), "others' laps")
