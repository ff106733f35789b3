"""Migrations give any database the same schema, run by one process or many, once or often."""

import asyncio
import re
import subprocess
from pathlib import Path

import asyncpg
import pytest

from commands.hub.postgres_server import binaries
from pitbox.postgres import migration
from pitbox.postgres.migration import FOLDER, MigrationError
from tests.tools.servers import PostgresServer, free_port


def dump(url: str) -> str:
    """Return the schema of a database, without the random tokens of a dump."""
    command = [str(binaries() / "pg_dump"), "--schema-only", "--no-owner", url]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return re.sub(r"(?m)^\\(un)?restrict .*$", "", text)


async def dbmate(url: str, command: str) -> None:
    code, output = await migration._dbmate(url, FOLDER, [command])
    assert code == 0, output


async def test_a_missing_database_is_created(postgres_server: PostgresServer) -> None:
    url = postgres_server.url("created_by_migration")
    await migration.migrate(url)
    assert await migration.pending(url) == 0


async def test_migrating_again_changes_nothing(database: str) -> None:
    before = await asyncio.to_thread(dump, database)
    await migration.migrate(database)
    assert await asyncio.to_thread(dump, database) == before


async def test_several_migrations_at_once_all_succeed(postgres_server: PostgresServer) -> None:
    url = postgres_server.url("migrated_by_many")
    await asyncio.gather(*(migration.migrate(url) for _ in range(3)))
    assert await migration.pending(url) == 0


async def test_every_migration_can_be_rolled_back_and_applied_again(database: str) -> None:
    before = await asyncio.to_thread(dump, database)
    files = len(list(FOLDER.glob("*.sql")))
    for _ in range(files):
        await dbmate(database, "rollback")
    assert await migration.pending(database) == files
    assert "CREATE TABLE public.telemetry_chunk" not in await asyncio.to_thread(dump, database)
    await migration.migrate(database)
    assert await asyncio.to_thread(dump, database) == before


async def test_waiting_for_a_locked_table_times_out(database: str, tmp_path: Path) -> None:
    (tmp_path / "9999_locked.sql").write_text(
        "-- migrate:up\nset lock_timeout = '200ms';\nalter table run add column x int;\n"
        "-- migrate:down\n"
    )
    connection = await asyncpg.connect(database)
    async with connection.transaction():
        await connection.execute("lock table run in access share mode")
        with pytest.raises(MigrationError, match="lock timeout"):
            await migration.migrate(database, tmp_path)
    await connection.close()
    await migration.migrate(database, tmp_path)


async def test_an_error_of_a_migration_is_reported(database: str, tmp_path: Path) -> None:
    (tmp_path / "9999_wrong.sql").write_text("-- migrate:up\nselect nonsense;\n-- migrate:down\n")
    with pytest.raises(MigrationError, match='column "nonsense" does not exist'):
        await migration.migrate(database, tmp_path)


@pytest.mark.parametrize("trouble", ["port", "password"])
async def test_an_unreachable_server_is_named_without_the_password(
    database: str, trouble: str
) -> None:
    secret = database.split(":")[2].split("@", maxsplit=1)[0]
    port = re.search(r":(\d+)/", database)
    assert port
    wrong = {
        "port": database.replace(f":{port[1]}/", f":{free_port()}/"),
        "password": database.replace(secret, "s3cr3t"),
    }[trouble]
    with pytest.raises(MigrationError, match=r"cannot migrate 127\.0\.0\.1") as raised:
        await migration.migrate(wrong, wait_s=0.5)
    assert secret not in str(raised.value)
    assert "s3cr3t" not in str(raised.value)


def test_every_migration_bounds_how_long_it_waits_for_a_lock() -> None:
    for path in FOLDER.glob("*.sql"):
        up = path.read_text().split("-- migrate:down")[0]
        assert re.match(r"-- migrate:up\nset lock_timeout = '\d+m?s';\n", up), path.name
        assert "-- migrate:down" in path.read_text(), path.name
