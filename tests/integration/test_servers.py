"""The servers that other tests stand on."""

import asyncpg
import nats

from tests.servers import NatsServer


async def test_nats_server_has_no_streams_at_first(nats_server: NatsServer) -> None:
    client = await nats.connect(nats_server.url, **nats_server.options())
    assert await client.jetstream().streams_info() == []
    await client.close()


async def test_database_is_migrated_and_empty(database: str) -> None:
    connection = await asyncpg.connect(database)
    assert await connection.fetchval("select count(*) from telemetry_chunk") == 0
    await connection.close()
