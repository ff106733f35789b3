"""Old entries of the audit log are deleted, by a role without other rights."""

from pathlib import Path

import asyncpg
import pytest

from tests.tools import hub
from tests.tools.hub import Database, eventually
from tests.tools.page import gateway_of
from tests.tools.servers import NatsServer

AGES_D = (0, 89, 91, 399, 401, 4000)


@pytest.fixture
async def stored(database: str) -> Database:
    """Yield a database with an entry of each age."""
    found = Database(database)
    for days in AGES_D:
        await found.rows(
            "insert into audit (action, at) values ($1, now() - make_interval(days => $2))",
            str(days),
            days,
        )
    return found


async def left(stored: Database) -> list[int]:
    """Return the ages in days of the entries that are left."""
    rows = await stored.rows("select action from audit where action ~ '^[0-9]+$' order by id")
    return [int(row["action"]) for row in rows]


async def test_the_gateway_deletes_audit_entries_older_than_its_setting(
    nats_server: NatsServer, stored: Database, tmp_path: Path
) -> None:
    await hub.apply(nats_server.url)
    async with gateway_of(nats_server.url, stored.url, tmp_path):

        async def tidy() -> bool:
            return await left(stored) == [0, 89, 91, 399]

        await eventually(tidy, "what is older than 400 days is forgotten")
    async with gateway_of(nats_server.url, stored.url, tmp_path, audit_days=90):

        async def shorter() -> bool:
            return await left(stored) == [0, 89]

        await eventually(shorter, "what is older than 90 days is forgotten")


async def test_asvs_13_2_2_the_keeper_of_the_audit_log_deletes_old_entries_and_has_no_other_right(
    stored: Database,
) -> None:
    connection = await asyncpg.connect(stored.url, server_settings={"role": "pitbox_audit_keeper"})
    try:
        for deed in (
            "delete from audit",
            "delete from audit where at < now() - interval '400 days'",
            "select * from audit",
            "update audit set action = ''",
            "insert into audit (action) values ('')",
            "truncate audit",
            "select * from account",
            "select * from telemetry_chunk",
            "create or replace function audit_least_age() returns interval language sql"
            " return interval '0 days'",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(deed)
        for days in (0, -4000, 1):
            await connection.fetchval("select audit_forget($1)", days)
        assert await left(stored) == [0, 89]
    finally:
        await connection.close()


async def test_the_keeper_role_gains_no_rights_by_a_temporary_table(stored: Database) -> None:
    connection = await asyncpg.connect(stored.url, server_settings={"role": "pitbox_audit_keeper"})
    try:
        await connection.execute("""
            create temp table audit as select 1::bigint as id, now() - interval '4000 days' as at;
            create function pg_temp.as_owner() returns trigger language plpgsql as
                $$ begin raise exception 'as %', current_user; end $$;
            create trigger as_owner before delete on audit
                for each row execute function pg_temp.as_owner();
            grant all on audit to public
        """)
        assert await connection.fetchval("select audit_forget(400)") == 2
    finally:
        await connection.close()
    assert await left(stored) == [0, 89, 91, 399]


async def test_the_gateways_role_cannot_delete_or_date_audit_entries(
    stored: Database,
) -> None:
    connection = await asyncpg.connect(stored.url, server_settings={"role": "pitbox_gateway"})
    try:
        for deed in (
            "select audit_forget(400)",
            "delete from audit where at < now() - interval '400 days'",
            "insert into audit (action, at) values ('', now() - interval '400 days')",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(deed)
        await connection.execute("insert into audit (action) values ('added')")
    finally:
        await connection.close()
    assert await left(stored) == list(AGES_D)


async def test_not_even_the_database_owner_can_delete_recent_entries(
    stored: Database,
) -> None:
    for deed in (
        "delete from audit where action = '89'",
        "delete from audit",
        "update audit set at = now() - interval '400 days' where action = '0'",
        "update audit set action = '' where action = '4000'",
        "truncate audit",
    ):
        with pytest.raises(asyncpg.RaiseError, match="only grows"):
            await stored.rows(deed)
    assert await left(stored) == list(AGES_D)
