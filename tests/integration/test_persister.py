"""Each message is stored once and receipted, sent in any order and any number of times."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from consumers.persister.service import service
from pitbox.chunks.frames import check_crc, unpack_block
from pitbox.nats.bus import Bus
from pitbox.postgres import migration, telemetry
from pitbox.postgres.connection import Connection
from pitbox.postgres.errors import PostgresDown, Refused
from pitbox.service.lifetime import Service
from pitbox.settings import Settings
from schemas.dead import DeadLetter
from schemas.link import Ask, Receipt
from schemas.timing import Lap
from tests.tools import echo
from tests.tools.hub import (
    START_NS,
    Database,
    apply,
    chunk,
    connected,
    driving,
    eventually,
    letter,
    mark,
    send,
    serving,
    settings_of,
    settled,
    wire,
)
from tests.tools.servers import NOWHERE, NatsServer, PostgresServer, running


@pytest.fixture
def settings(nats_server: NatsServer, database: str) -> Settings:
    return settings_of(nats_server.url, database)


@pytest.fixture
def stored(database: str) -> Database:
    return Database(database)


@pytest.fixture
async def driver(nats_server: NatsServer) -> AsyncIterator[Bus]:
    await apply(nats_server.url)
    async with connected(nats_server.url) as bus:
        yield bus


@pytest.fixture
async def fold(nats_server: NatsServer, driver: Bus) -> AsyncIterator[Bus]:
    async with connected(nats_server.url, echo.NAME, echo.streams()) as bus:
        yield bus


@pytest.fixture
async def receipts(driver: Bus) -> list[Receipt]:
    """Return a list that every receipt is added to."""
    received: list[Receipt] = []

    def receive(receipt: Receipt) -> None:
        received.append(receipt)

    await driver.listen("link.receipt", receive)
    await settled(driver)
    return received


async def receipted(
    receipts: list[Receipt], wanted: Callable[[Receipt], bool], what: str
) -> Receipt:
    """Wait until the latest receipt fulfils a condition."""

    async def fulfilled() -> Receipt | None:
        return receipts[-1] if receipts and wanted(receipts[-1]) else None

    found: Receipt = await eventually(fulfilled, what)
    return found


async def receipt_of(server: NatsServer, run: int = 1) -> Receipt:
    async with driving(server) as driver:
        answer = await driver.request("link.ask", Ask(session="test", driver="ada", run=run))
    assert isinstance(answer, Receipt)
    return answer


async def dead_letters(stored: Database, count: int) -> list[Any]:
    """Wait for a number of dead letters; return them in the order of their messages."""
    query = "select * from dead_letter order by sequence"

    async def enough() -> list[Any] | None:
        found = await stored.rows(query)
        return found if len(found) >= count else None

    found: list[Any] = await eventually(enough, f"{count} dead letters")
    return found


def lap(number: int = 1, **changes: Any) -> Lap:
    first = Lap(
        session="test", driver="ada", at_ns=1, car="1", own=True, lap_number=number, revision=1
    )
    return msgspec.structs.replace(first, **changes)


async def test_unordered_and_repeated_chunks_are_stored_once_and_complete(
    settings: Settings, driver: Bus, stored: Database
) -> None:
    sent = [chunk(number) for number in range(600)]
    mixed = sent + random.Random(7).choices(sent, k=300)
    random.Random(8).shuffle(mixed)
    async with serving(service(settings)):
        await send(driver, mixed[:450])
        await send(driver, mixed[450:], "telemetry.live")
        await eventually(lambda: stored.has(600), "all chunks")
    rows = await stored.rows("select * from telemetry_chunk order by chunk")
    for row, original in zip(rows, sent, strict=True):
        assert (row["block"], row["crc"]) == (original.block, original.crc)
        assert (row["first_frame"], row["frames"]) == (original.first_frame, 3)
        assert row["channels"] == original.channels
        assert row["observed"] is None
    frames = unpack_block(rows[9]["block"], 3, rows[9]["channels"], rows[9]["captured_ns"])
    assert frames.column(30) == [19.0] * 3


async def test_plain_columns_hold_at_the_last_frame_and_are_null_where_nothing_is_known(
    settings: Settings, driver: Bus, stored: Database
) -> None:
    async with serving(service(settings)):
        await send(driver, [chunk(0), chunk(1, frames=0, block=b"", observed=b"\x90")])
        await eventually(lambda: stored.has(2), "both chunks")
    full, empty = await stored.rows("select * from telemetry_chunk order by chunk")
    names = ("lap_number", "lap_distance", "position", "fuel", "speed", "world_x", "world_y")
    assert [full[name] for name in names] == [2, 100.0, 3, 40.0, 10.0, None, None]
    assert full["ended_ns"] == START_NS + 32_000_000
    assert [empty[name] for name in names] == [None] * 7
    assert (empty["observed"], empty["ended_ns"]) == (b"\x90", empty["captured_ns"])


async def test_a_receipt_lists_stored_and_missing_chunks_and_echoes_the_latest(
    nats_server: NatsServer, settings: Settings, driver: Bus, receipts: list[Receipt]
) -> None:
    async with serving(service(settings)):
        await send(driver, [chunk(n, send=100 + n) for n in (0, 1, 2, 5, 9)])
        receipt = await receipted(receipts, lambda r: r.echo == 109, "the receipt of all five")
        assert (receipt.through, receipt.upto, receipt.missing) == (2, 9, ((3, 4), (6, 8)))
        await send(driver, [chunk(n, send=200 + n) for n in (3, 4, 6, 7, 8)])
        receipt = await receipted(receipts, lambda r: r.through == 9, "the receipt of all ten")
        assert (receipt.upto, receipt.missing, receipt.echo, receipt.made) == (9, (), 208, -1)
        assert msgspec.structs.replace(
            await receipt_of(nats_server), hub_ns=0
        ) == msgspec.structs.replace(receipt, hub_ns=0)


async def test_more_holes_than_a_receipt_holds_end_it_early(
    settings: Settings, driver: Bus, receipts: list[Receipt]
) -> None:
    async with serving(service(settings)):
        await send(driver, [chunk(n) for n in range(0, 200, 2)])
        receipt = await receipted(receipts, lambda r: r.echo == 198, "the receipt")
    assert len(receipt.missing) == 64
    assert receipt.missing[-1] == (127, 127)
    assert receipt.upto == 128


async def test_the_receipt_of_an_unknown_run_is_empty(
    nats_server: NatsServer, settings: Settings, driver: Bus
) -> None:
    async with serving(service(settings)):

        async def answered() -> Receipt | None:
            try:
                return await receipt_of(nats_server, run=99)
            except Exception:
                return None

        receipt = await eventually(answered, "an answer")
    assert (receipt.run, receipt.through, receipt.upto, receipt.echo, receipt.made) == (
        99,
        -1,
        -1,
        -1,
        -1,
    )
    assert receipt.boot


async def test_a_mark_gives_the_number_of_chunks_and_those_that_are_gone(
    settings: Settings, driver: Bus, stored: Database, receipts: list[Receipt]
) -> None:
    async with serving(service(settings)):
        await send(driver, [chunk(0), chunk(4), mark(7, gone=((2, 3),)), mark(7, closed=True)])
        await receipted(receipts, lambda r: r.made == 7 and r.upto == 4, "the mark is heard")
    holes = await stored.rows("select first_chunk, last_chunk, gone from holes order by 1")
    assert [tuple(hole) for hole in holes] == [(1, 1, False), (2, 3, True), (5, 6, False)]
    assert await stored.value("select closed from run")


async def test_stored_chunks_survive_a_restart_and_are_not_stored_again(
    settings: Settings, driver: Bus, stored: Database, receipts: list[Receipt]
) -> None:
    for _ in range(2):
        async with serving(service(settings)):
            await send(driver, [chunk(n) for n in range(50)])
            await receipted(receipts, lambda r: r.through == 49, "all are there")
        receipts.clear()
    assert await stored.has(50)


async def test_an_immediate_stop_of_postgres_loses_and_doubles_nothing(
    nats_server: NatsServer, driver: Bus, receipts: list[Receipt], tmp_path: Path
) -> None:
    server = PostgresServer(tmp_path)  # the shared one has the databases of all tests to recover
    with running(server):
        await migration.migrate(server.url("stopped"))
        async with serving(service(settings_of(nats_server.url, server.url("stopped")))):
            await send(driver, [chunk(n) for n in range(100)])
            await receipted(receipts, lambda r: r.through == 99, "the first hundred")
            for start in (100, 300, 500):
                await send(driver, [chunk(n) for n in range(start, start + 50)])
                server.stop_at_once()
                await send(driver, [chunk(n) for n in range(start + 50, start + 200)])
                server.start()
            await receipted(receipts, lambda r: r.through == 699, "all are there")
        assert await Database(server.url("stopped")).has(700)
        assert len({receipt.boot for receipt in receipts}) > 1


async def test_drivers_are_not_made_to_ask_again_while_postgres_refuses_writes(
    settings: Settings, driver: Bus, stored: Database, receipts: list[Receipt]
) -> None:
    async with serving(service(settings)):
        await send(driver, [chunk(0)])
        await receipted(receipts, lambda r: r.through == 0, "the first is there")
        await stored.read_only(True)
        seen = await stored.disconnect("pitbox-persister")
        await send(driver, [chunk(1)])

        async def reconnected() -> bool:
            seen.update(await stored.connections("pitbox-persister"))
            return len(seen) > 6

        await eventually(reconnected, "the persister has reconnected again and again")
        await stored.read_only(False)
        await receipted(receipts, lambda r: r.through == 1, "the second is there")
    assert len({receipt.boot for receipt in receipts}) == 1
    assert [receipt.through for receipt in receipts] == [0, 1]


async def test_a_persister_that_starts_makes_drivers_ask_again(
    settings: Settings, driver: Bus, receipts: list[Receipt]
) -> None:
    for number in range(2):
        async with serving(service(settings)):
            await send(driver, [chunk(number)])
            await receipted(receipts, lambda r, n=number: r.through == n, "it is there")  # type: ignore[misc]
    assert len({receipt.boot for receipt in receipts}) == 2


async def test_a_row_inserted_by_another_process_is_counted_in_the_receipt(
    settings: Settings, driver: Bus, stored: Database, receipts: list[Receipt]
) -> None:
    async with serving(service(settings)):
        await send(driver, [chunk(0)])
        await receipted(receipts, lambda r: r.through == 0, "the first is there")
        columns = "session, driver, run, first_frame, frames, captured_ns, ended_ns, crc, channels"
        await stored.rows(
            f"insert into telemetry_chunk (chunk, {columns}, block) "
            f"select 5, {columns}, block from telemetry_chunk"
        )
        await send(driver, [chunk(n) for n in range(10)])
        await receipted(receipts, lambda r: r.through == 9, "all are there")
    assert await stored.has(10)


async def test_two_persisters_at_once_store_each_chunk_once(
    settings: Settings, driver: Bus, stored: Database
) -> None:
    async with serving(service(settings)), serving(service(settings)):
        for start in range(0, 400, 40):
            await send(driver, [chunk(n) for n in range(start, start + 40)])
        await eventually(lambda: stored.has(400), "all chunks")


async def test_any_exception_inside_a_transaction_ends_the_connection(database: str) -> None:
    connection = Connection(database, "test")
    first = await connection.ready()
    with pytest.raises(PostgresDown, match="RuntimeError"):
        async with connection.transaction() as open_one:
            await open_one.execute("insert into run (session, driver, run) values ('s', 'd', 1)")
            raise RuntimeError
    assert connection.boot == ""
    assert await connection.ready() != first
    async with connection.transaction() as open_one:
        assert await open_one.fetchval("select count(*) from run") == 0
    connection.drop()


async def test_an_unreachable_server_raises_postgres_down() -> None:
    connection = Connection(NOWHERE, "test")
    with pytest.raises(PostgresDown, match="cannot connect"):
        await connection.ready()


async def test_chunks_of_both_versions_come_out_of_postgres_with_crcs_that_match(
    settings: Settings, driver: Bus, stored: Database
) -> None:
    sent = [chunk(0, version=1, observed=b"\x90"), chunk(1, observed=b"\x90")]
    async with serving(service(settings)):
        await send(driver, sent)
        await eventually(lambda: stored.has(2), "both chunks")
    connection = await asyncpg.connect(settings.postgres.url)
    found = await telemetry.chunks(connection, ("test", "ada"), 1, 0, 1)
    await connection.close()
    assert [one.version for one in found] == [1, 2]
    assert [msgspec.structs.replace(one, send=one.chunk) for one in found] == sent
    for one in found:
        check_crc(one)


async def test_a_corrupt_chunk_is_a_dead_letter_and_abandoned_after_three_attempts(
    settings: Settings, driver: Bus, stored: Database, receipts: list[Receipt]
) -> None:
    corrupt = chunk(1, crc=1)
    async with serving(service(settings)):
        await send(driver, [chunk(0), corrupt, chunk(2)])
        receipt = await receipted(receipts, lambda r: r.upto == 2, "its neighbours are there")
        assert (receipt.missing, receipt.dead) == (((1, 1),), 0)
        await send(driver, [corrupt, corrupt])
        receipt = await receipted(receipts, lambda r: r.dead == 1, "it is given up")
        assert receipt.missing == ()
    found = await dead_letters(stored, 3)
    assert {dead_letter["reason"] for dead_letter in found} == {
        "CorruptChunk: the fields of the chunk do not match its crc"
    }
    assert found[0]["payload"] == msgspec.msgpack.encode(corrupt)
    assert await stored.chunks() == [0, 2]


async def test_a_corrupt_chunk_that_is_resent_intact_is_stored(
    settings: Settings, driver: Bus, stored: Database, receipts: list[Receipt]
) -> None:
    async with serving(service(settings)):
        await send(driver, [chunk(0, crc=1)] * 3)
        await receipted(receipts, lambda r: r.dead == 1, "it is given up")
        await send(driver, [chunk(0)])
        receipt = await receipted(receipts, lambda r: r.dead == 0, "it is there")
    assert receipt.through == 0
    assert await stored.has(1)


async def test_a_chunk_of_a_newer_version_is_kept_whole_and_not_requested_again(
    settings: Settings, driver: Bus, stored: Database, receipts: list[Receipt]
) -> None:
    shaped_alike = chunk(0, version=8)
    reshaped = [1, 9, "ada", "test", 1, 1, 77, {"all": "different"}]
    subject = driver.topology.subject("telemetry.live", driver="ada", session="test")
    async with serving(service(settings)):
        await send(driver, [shaped_alike])
        await driver.client.publish(subject, msgspec.msgpack.encode(reshaped))
        receipt = await receipted(receipts, lambda r: r.dead == 2, "both are kept")
    assert (receipt.through, receipt.missing, receipt.echo) == (1, (), 77)
    found = await dead_letters(stored, 2)
    assert [dead_letter["reason"].split(",")[0] for dead_letter in found] == [
        "NewerVersion: 8",
        "NewerVersion: 9",
    ]
    assert await stored.chunks() == []
    holes = await stored.rows("select first_chunk, last_chunk, gone, refused from holes")
    assert [tuple(hole) for hole in holes] == [(0, 1, True, True)]
    assert receipt.refused == ((0, 1),)


async def test_events_for_another_driver_or_session_become_dead_letters(
    settings: Settings, driver: Bus, stored: Database
) -> None:
    elsewhere = driver.topology.subject("telemetry.live", driver="eve", session="test")
    async with serving(service(settings)):
        await driver.client.publish(elsewhere, msgspec.msgpack.encode(chunk(0)))
        await driver.client.publish(elsewhere, msgspec.msgpack.encode(mark(9)))
        found = await dead_letters(stored, 2)
    assert all(dead_letter["reason"].startswith("WrongSubject") for dead_letter in found)
    assert await stored.rows("select * from run") == []


async def test_undecodable_bytes_on_any_subject_are_a_dead_letter_and_block_nothing(
    settings: Settings, nats_server: NatsServer, driver: Bus, stored: Database
) -> None:
    _, writer = await wire(nats_server)
    for session in (b"\xff", b"a\x0bb", b"a\x00b"):
        writer.write(b"PUB telemetry.eve.%s.live 2\r\nhi\r\n" % session)
    await writer.drain()
    async with serving(service(settings)):
        found = await dead_letters(stored, 3)
        await send(driver, [chunk(0)])
        await eventually(lambda: stored.has(1), "the chunk behind them")
    assert {dead_letter["payload"] for dead_letter in found} == {b"hi"}
    writer.close()


async def test_a_fact_with_a_number_out_of_its_columns_range_is_a_dead_letter(
    settings: Settings, fold: Bus, stored: Database
) -> None:
    async with serving(service(settings)):
        for fact in (letter(1), letter(2, tries=2**40), letter(3, reason="nul\0byte")):
            await fold.store("dead.letter", fact)
        found = await dead_letters(stored, 3)
    reasons = {row["consumer"]: row["reason"].split(":")[0] for row in found}
    assert reasons == {"echo": "nulbyte", "persister": "Refused"}


async def test_a_fact_on_a_foreign_subject_is_dropped(
    settings: Settings, fold: Bus, stored: Database
) -> None:
    async with serving(service(settings)):
        await fold.store("dead.letter", letter(1), consumer="timing")
        await fold.store("dead.letter", letter(2))
        found = await dead_letters(stored, 2)
    assert [row["sequence"] for row in found if row["consumer"] == "echo"] == [2]
    [dropped] = [row for row in found if row["consumer"] == "persister"]
    assert dropped["reason"].startswith("ForeignSubject: ")


@pytest.mark.parametrize(
    "writing",
    [
        "insert into telemetry_chunk (driver) values ('what he said')",
        "insert into nats_account select 'what he said', 'A', '' from generate_series(1, 2)",
    ],
    ids=["a check", "a key"],
)
async def test_an_error_of_postgres_does_not_quote_the_row(database: str, writing: str) -> None:
    connection = Connection(database, "test")
    await connection.ready()
    with pytest.raises((PostgresDown, Refused)) as refused:
        async with connection.transaction() as postgres:
            await postgres.execute(writing)
    assert "Error: " in str(refused.value)
    assert "what he said" not in str(refused.value)


async def test_dead_letters_of_other_consumers_are_kept(
    settings: Settings, fold: Bus, stored: Database
) -> None:
    dead_letter = DeadLetter(
        **{"consumer": "timing", "stream": "TELEMETRY", "created_ns": 1, "sequence": 2},
        **{"subject": "telemetry.ada.test.live", "reason": "ValueError: odd", "payload": b"\xc1"},
        **{"tries": 1, "at_ns": 3},
    )
    async with serving(service(settings)):
        for _ in range(2):
            await fold.store("dead.letter", dead_letter)
        found = await dead_letters(stored, 1)
    assert (found[0]["consumer"], found[0]["payload"]) == ("timing", b"\xc1")


async def test_a_running_persister_survives_a_wiped_store(
    settings: Settings, nats_server: NatsServer, driver: Bus, receipts: list[Receipt]
) -> None:
    async with serving(service(settings)):
        await send(driver, [chunk(n) for n in range(20)])
        await receipted(receipts, lambda r: r.through == 19, "the first twenty")
        nats_server.kill()
        nats_server.wipe()
        nats_server.start()

        async def taken() -> bool:
            try:
                await send(driver, [chunk(20)])
            except Exception:
                return False
            return True

        await eventually(taken, "the streams are back")
        await receipted(receipts, lambda r: r.through == 20, "the next one")


@pytest.mark.parametrize("down", ["postgres", "nats"])
async def test_a_persister_starts_before_its_peers_and_stops_without_them(
    nats_server: NatsServer, database: str, down: str
) -> None:
    if down == "nats":
        nats_server.stop()
    made: Service = service(settings_of(nats_server.url, NOWHERE))
    async with serving(made) as task:
        done, _ = await asyncio.wait({task}, timeout=0.5)
        assert not done
    if down == "nats":
        nats_server.start()


def test_asyncpg_still_raises_what_this_code_catches() -> None:
    assert not issubclass(asyncpg.InternalClientError, (asyncpg.PostgresError, OSError))
