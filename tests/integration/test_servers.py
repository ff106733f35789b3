"""The servers that other tests use."""

import subprocess
import sys

import asyncpg
import nats

from tests.tools.servers import PORTS, NatsServer, free_port

TAKES_PORTS = (
    f"from tests.tools.servers import free_port\nprint(*(free_port() for _ in range({PORTS.step})))"
)


async def test_nats_server_has_no_streams_at_first(nats_server: NatsServer) -> None:
    client = await nats.connect(nats_server.url, **nats_server.options())
    assert await client.jetstream().streams_info() == []
    await client.close()


async def test_database_is_migrated_and_empty(database: str) -> None:
    connection = await asyncpg.connect(database)
    assert await connection.fetchval("select count(*) from telemetry") == 0
    await connection.close()


def test_no_port_is_given_to_tests_of_two_processes() -> None:
    # This process takes its block first: it keeps it, and the other one's is free again at its end.
    ours = {free_port() for _ in range(PORTS.step)}
    others = subprocess.check_output([sys.executable, "-c", TAKES_PORTS], text=True).split()
    assert not {int(port) for port in others} & ours
