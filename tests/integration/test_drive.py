"""All that was driven is in Postgres after any outage: real servers, real persister."""

import asyncio
import os
import random
import subprocess
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
import yaml
from msgspec.structs import astuple

from commands.hub.supervisor import pitbox
from pitbox import topology
from pitbox.settings import Driver, Nats, Settings
from producers.drive import Status, drive
from producers.imports import import_files
from producers.run_number import RANDOM_BITS
from producers.source import Began, Frame, Observation, SourceError
from producers.uplink.link import NO_PERSISTER
from schemas.sim import SessionOpened
from schemas.telemetry import Chunk
from tests.faults.ledger import read_ledger
from tests.faults.programs import Service
from tests.tools.hub import Database, apply, connected, eventually
from tests.tools.servers import NatsServer, addresses

START_NS: Final = 1_700_000_000_000_000_000
SIXTIETH_NS: Final = 16_666_667
PAUSE_S: Final = 0.003
WHOLE_S: Final = 60.0


class Car:
    """Drive in circles until stopped, faster than real time."""

    def __init__(self, session: str = "spa") -> None:
        self.session = session
        self.parked = asyncio.Event()

    async def observations(self) -> AsyncIterator[Observation]:
        """Yield a session, and a frame every few milliseconds."""
        opened = SessionOpened(at_ns=START_NS, source="test")
        yield Began(self.session, (30, 31), opened)
        number = 0
        while not self.parked.is_set():
            yield Frame(START_NS + number * SIXTIETH_NS, (float(number % 300), 1.0))
            number += 1
            await asyncio.sleep(PAUSE_S)


class App:
    """One run of the driver app, in the test's own loop."""

    def __init__(self, settings: Settings, ledger: Path, car: Car | None = None) -> None:
        self.car = car or Car()
        self.stop = asyncio.Event()
        self.statuses: list[Status] = []
        self._ledger = ledger
        self.task = asyncio.create_task(self._drive(settings))

    async def _drive(self, settings: Settings) -> None:
        with self._ledger.open("a") as record:
            show = self.statuses.append
            observations = self.car.observations()
            await drive(settings, observations, self.stop, record=record, show=show)

    def rows(self) -> list[tuple[Any, ...]]:
        """Return the chunks in the spool."""
        return rows_of(self._ledger)

    async def drives(self, chunks: int) -> None:
        """Wait until the spool has a number of further chunks."""
        wanted = len(self.rows()) + chunks

        async def there() -> bool:
            assert not self.task.done(), "the app ended by itself"
            return len(self.rows()) >= wanted

        await eventually(there, f"{chunks} chunks are kept")

    async def park(self) -> None:
        """End the drive and wait until Postgres has all of it."""
        self.car.parked.set()
        await asyncio.wait_for(self.task, WHOLE_S)

    async def quit(self) -> None:
        """Stop the app, as Ctrl-C does."""
        self.stop.set()
        await asyncio.wait_for(self.task, WHOLE_S)


class Hub:
    """A nats-server, a database and a persister."""

    def __init__(self, nats: NatsServer, database: str, folder: Path) -> None:
        self.nats = nats
        self.database = Database(database)
        self.folder = folder
        self.environment = {
            **_plain(os.environ),
            **addresses(nats.url, database),
        }
        self.persister = Service("persister", folder, self.environment)
        ada = {"PITBOX_NATS__CREDENTIALS": str(nats.driver("ada"))}
        self.pc = {**self.environment, **ada}

    def settings(self, place: str = "pc", **driver: Any) -> Settings:
        """Return the settings of a driver's PC."""
        driver = {"name": "ada", "spool": str(self.folder / place), **driver}
        credentials = str(self.nats.driver(driver["name"]))
        nats = Nats(url=self.nats.url, credentials=credentials)
        return Settings(nats=nats, driver=Driver(**driver))

    def drive(self, place: str = "pc", car: Car | None = None, **driver: Any) -> App:
        """Start a driver app."""
        return App(self.settings(place, **driver), self.folder / f"{place}.ledger", car)

    async def stored(self) -> list[tuple[Any, ...]]:
        """Return the rows of Postgres in the form of a ledger's."""
        rows = await self.database.rows(
            "select session, driver, run, chunk, crc, first_frame, frames from telemetry_chunk"
        )
        return sorted(map(tuple, rows))

    async def holds_exactly(self, *apps: App) -> bool:
        """Return whether Postgres has every chunk of these ledgers once, and no other."""
        driven = {row for app in apps for row in app.rows()}
        return await self.stored() == sorted(driven)


def rows_of(ledger: Path) -> list[tuple[Any, ...]]:
    """Return the chunks of a ledger that were committed, as rows."""
    return [astuple(entry) for entry in read_ledger(ledger).committed]


def _plain(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not name.startswith("PITBOX_")}


@pytest.fixture
async def hub(nats_server: NatsServer, database: str, tmp_path: Path) -> AsyncIterator[Hub]:
    """Run a hub for one test."""
    made = Hub(nats_server, database, tmp_path)
    await apply(nats_server.url)
    made.persister.start()
    try:
        yield made
    finally:
        made.persister.end()


async def test_everything_that_was_driven_is_in_postgres_once(hub: Hub) -> None:
    app = hub.drive()
    await app.drives(100)
    await app.park()
    assert await hub.holds_exactly(app)
    assert await hub.database.value("select closed and made = $1 from run", len(app.rows()))


async def test_chunks_driven_without_a_hub_are_sent_once_it_is_up(hub: Hub) -> None:
    hub.nats.stop()
    app = hub.drive()
    await app.drives(50)
    hub.nats.start()
    await app.park()
    assert await hub.holds_exactly(app)


async def test_a_killed_nats_server_loses_no_chunk(hub: Hub) -> None:
    app = hub.drive()
    await app.drives(50)
    hub.nats.kill()
    await app.drives(100)
    hub.nats.start()
    await app.drives(50)
    await app.park()
    assert await hub.holds_exactly(app)


async def test_a_wiped_stream_loses_no_chunk(hub: Hub) -> None:
    hub.persister.end()
    app = hub.drive()
    await app.drives(50)
    hub.nats.kill()
    hub.nats.wipe()
    hub.nats.start()
    await apply(hub.nats.url)
    hub.persister.start()
    await app.drives(50)
    await app.park()
    assert await hub.holds_exactly(app)


async def test_chunks_evicted_from_the_stream_by_others_are_sent_again(hub: Hub) -> None:
    hub.persister.end()
    app = hub.drive()
    await app.drives(50)
    async with connected(hub.nats.url) as bus:
        full = (await bus.jetstream.stream_info("TELEMETRY")).config
        await bus.jetstream.update_stream(full.evolve(max_bytes=1_000_000))
        sent = (await bus.jetstream.stream_info("TELEMETRY")).state.last_seq
        for _ in range(6):
            await bus.jetstream.publish("telemetry.bea.spa.live", b"x" * 200_000)
        assert (await bus.jetstream.stream_info("TELEMETRY")).state.first_seq > sent
    hub.persister.start()
    await app.drives(50)
    await app.park()
    assert await hub.holds_exactly(app)


async def test_a_killed_persister_loses_no_chunk(hub: Hub) -> None:
    app = hub.drive()
    await app.drives(50)
    hub.persister.kill()
    await app.drives(100)
    hub.persister.start()
    await app.park()
    assert await hub.holds_exactly(app)


async def test_unsent_chunks_are_sent_by_a_later_run_under_their_own_run_id(hub: Hub) -> None:
    hub.nats.stop()
    first = hub.drive()
    await first.drives(50)
    await first.quit()
    hub.nats.start()
    second = hub.drive()
    await second.drives(20)
    await second.park()
    assert await hub.holds_exactly(second)
    runs = await hub.database.rows("select run, closed from run order by run")
    assert [row["closed"] for row in runs] == [True, True]


async def test_chunks_in_the_spool_at_exit_are_sent_by_a_later_run(hub: Hub) -> None:
    hub.persister.end()
    app = hub.drive()
    await app.drives(100)
    await app.quit()
    assert await hub.stored() == []
    hub.persister.start()
    later = hub.drive(car=Car("monza"))
    await later.drives(1)
    await later.park()
    assert await hub.holds_exactly(later)


async def test_the_older_of_two_apps_of_a_driver_is_not_live_and_loses_nothing(hub: Hub) -> None:
    runs: list[int] = []

    def receive(chunk: Chunk) -> None:
        runs.append(chunk.run)

    async with connected(hub.nats.url, "gateway") as listener:
        await listener.listen("telemetry.live", receive)
        older = hub.drive("older")
        await older.drives(20)
        began_s = older.rows()[0][2] >> RANDOM_BITS

        async def is_later() -> bool:
            return time.time() >= began_s + 1

        await eventually(is_later, "runs are ordered by the second of their start")
        newer = hub.drive("newer")
        await newer.drives(20)

        async def fenced() -> bool:
            return bool(older.statuses) and older.statuses[-1].fenced

        await eventually(fenced, "the older app gives way")
        runs.clear()
        await older.drives(50)
        assert set(runs) == {max(runs)}
        assert not newer.statuses[-1].fenced
        await asyncio.gather(older.park(), newer.park())
    assert await hub.holds_exactly(older, newer)


async def test_a_session_after_another_closes_the_one_before(hub: Hub) -> None:
    class TwoSessions(Car):
        async def observations(self) -> AsyncIterator[Observation]:
            for session in ("spa", "monza"):
                self.session = session
                async for observation in super().observations():
                    yield observation
                self.parked.clear()

    car = TwoSessions()
    app = hub.drive(car=car)
    await app.drives(20)
    car.parked.set()
    await app.drives(20)
    await app.park()
    assert await hub.holds_exactly(app)
    rows = await hub.database.rows("select session, closed from run order by run")
    assert [tuple(row) for row in rows] == [("spa", True), ("monza", True)]


async def test_a_chunk_too_large_for_the_stream_is_declared_gone_and_blocks_no_other(
    hub: Hub,
) -> None:
    class Heavy(Car):
        async def observations(self) -> AsyncIterator[Observation]:
            noise = random.Random(1)
            async for observation in super().observations():
                if isinstance(observation, Frame) and observation.captured_ns - START_NS > 10**9:
                    yield Frame(observation.captured_ns, [noise.random() for _ in range(200)])
                elif isinstance(observation, Began):
                    yield msgspec.structs.replace(observation, channels=tuple(range(200)))
                else:
                    yield Frame(observation.captured_ns, [0.0] * 200)

    document = yaml.safe_load(topology.find().read_text())
    document["streams"]["TELEMETRY"]["max_msg_size"] = "1kB"
    streams = hub.folder / "streams.yaml"
    streams.write_text(yaml.safe_dump(document))
    await apply(hub.nats.url, str(streams))
    app = hub.drive(car=Heavy())
    await app.drives(40)
    await app.park()
    stored = await hub.database.rows("select chunk from telemetry")
    gone = await hub.database.value("select sum(upper(r) - lower(r)) from run, unnest(gone) as r")
    assert 0 < len(stored) < len(app.rows()) == len(stored) + gone


async def test_observations_before_a_pause_are_sent_without_waiting_for_more(hub: Hub) -> None:
    class Paused(Car):
        async def observations(self) -> AsyncIterator[Observation]:
            yield Began("spa", (30,), SessionOpened(at_ns=START_NS, source="test"))
            yield Frame(START_NS, [1.0])
            await self.parked.wait()

    app = hub.drive(car=Paused())
    await app.drives(1)

    async def stored() -> bool:
        return await hub.holds_exactly(app)

    await eventually(stored, "Postgres has the frame")
    await app.park()


async def test_a_second_app_on_the_same_spool_is_refused(hub: Hub) -> None:
    app = hub.drive()
    await app.drives(1)
    with pytest.raises(SourceError, match="in use"):
        await drive(hub.settings(), Car().observations(), asyncio.Event())
    await app.park()


async def test_a_failing_source_ends_the_app_with_its_reason_and_keeps_all_chunks(hub: Hub) -> None:
    class Broken(Car):
        async def observations(self) -> AsyncIterator[Observation]:
            async for observation in super().observations():
                yield observation
            raise SourceError("the game is gone")

    app = hub.drive(car=Broken())
    await app.drives(20)
    with pytest.raises(SourceError, match="the game is gone"):
        await app.park()
    assert await hub.holds_exactly(app)


async def test_a_simulated_drive_from_the_command_line_ends_when_postgres_has_it(hub: Hub) -> None:
    ledger = hub.folder / "sim.ledger"
    command = pitbox(
        *("drive", "--source", "sim", "--laps", "1", "--speed", "40"),
        *("--track", "pebble-lane", "--ledger", str(ledger)),
    )
    environment = {**hub.pc, "PITBOX_DRIVER__SPOOL": str(hub.folder / "sim")}
    await _run(command, environment)
    driven = rows_of(ledger)
    assert len(driven) > 10
    assert await hub.stored() == sorted(driven)


async def test_importing_a_recording_twice_stores_it_once(hub: Hub, data_dir: Path) -> None:
    recording = data_dir / "iracing" / "langley_sk-modified_laps-15.187-15.099.ibt"
    command = pitbox("import", "--json", str(recording), str(recording))
    printed = [msgspec.json.decode(await _run(command, hub.pc)) for _ in range(2)]
    assert printed[0] == printed[1]
    stored = await hub.stored()
    assert len(stored) == printed[0][0]["chunks"]
    assert sum(int(row[-1]) for row in stored) == printed[0][0]["frames"] == 3577


async def test_a_bad_file_among_good_ones_stores_nothing(hub: Hub, data_dir: Path) -> None:
    good = data_dir / "iracing" / "red-bull-ring_w13_2024-build_6.5s.ibt"
    bad = data_dir / "iracing" / "bad_invalid.ibt"
    command = pitbox("import", str(good), str(bad))
    errors = await _run(command, hub.pc, code=2)
    assert errors.count(b"\n") == 1
    assert b"bad_invalid.ibt" in errors
    assert await hub.stored() == []


async def test_a_table_of_an_unknown_layout_is_imported_as_it_is_mapped(hub: Hub) -> None:
    table = hub.folder / "stint.csv"
    table.write_text("t,v,odd\n" + "".join(f"{at / 10},{100 + at},x\n" for at in range(50)))
    mapped = ("--map", "time=t", "--map", "speed:km/h=v")
    refused = await _run(pitbox("import", str(table), *mapped), hub.pc, code=2)
    assert b"speed = v in km/h" in refused
    assert b"add --yes" in refused
    assert await hub.stored() == []
    command = pitbox("import", str(table), *mapped, "--yes", "--json")
    [part] = msgspec.json.decode(await _run(command, hub.pc))
    assert (part["frames"], part["left_out"][0]["about"]) == (50, "odd")
    assert len(await hub.stored()) == part["chunks"]


async def test_an_import_waits_for_a_persister_that_is_away(hub: Hub, data_dir: Path) -> None:
    hub.persister.end()
    recording = data_dir / "iracing" / "red-bull-ring_w13_2024-build_6.5s.ibt"
    waits_for: list[str] = []
    settings = hub.settings()
    importing = asyncio.create_task(
        import_files(settings, [recording], lambda *progress: waits_for.append(progress[2]))
    )

    async def stated() -> bool:
        assert not importing.done()
        return NO_PERSISTER in waits_for

    await eventually(stated, "the import states what it waits for")
    hub.persister.start()
    imported = await asyncio.wait_for(importing, WHOLE_S)
    assert len(await hub.stored()) == imported[0].chunks


async def _run(command: tuple[str, ...], environment: Mapping[str, str], code: int = 0) -> bytes:
    """Run a command that must end with `code`; return its output, stderr if that is not 0."""
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    output, errors = await asyncio.wait_for(process.communicate(), WHOLE_S)
    assert process.returncode == code, errors.decode()
    return errors if code else output
