"""A small pool of connections, opened on first use."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg

from pitbox import logs
from pitbox.postgres.errors import ERRORS, PostgresDown, reason

MAX_CONNECTIONS: Final = 4
CONNECT_TIMEOUT_S: Final = 3.0
COMMAND_TIMEOUT_S: Final = 10.0
READY_TIMEOUT_S: Final = 2.0
READ_ONLY: Final = {"default_transaction_read_only": "on"}

log = logs.get("postgres")


class Pool:
    """Lend connections with the same server settings, at most `MAX_CONNECTIONS` at once."""

    def __init__(self, url: str, name: str, server_settings: Mapping[str, str]) -> None:
        """Prepare to connect; `name` is the connections' application_name."""
        self._url = url
        self._settings = {"application_name": name, **server_settings}
        self._pool: asyncpg.Pool | None = None
        self._failed = False
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """Lend a connection; raises PostgresDown for any error of asyncpg inside the block."""
        try:
            pool = await self._opened()
            async with pool.acquire(timeout=CONNECT_TIMEOUT_S) as connection:
                yield connection
            self._failed = False
        except ERRORS as error:
            if not self._failed:
                log.warning("Postgres does not answer", reason=reason(error))
            self._failed = True
            raise PostgresDown("Postgres does not answer, try again") from error

    async def ready(self) -> bool:
        """Return whether Postgres answers within `READY_TIMEOUT_S`."""
        try:
            async with asyncio.timeout(READY_TIMEOUT_S), self.connection() as connection:
                await connection.execute("select 1")
        except (PostgresDown, TimeoutError):
            return False
        return True

    def close(self) -> None:
        """Close all connections without waiting for Postgres."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.terminate()

    async def _opened(self) -> asyncpg.Pool:
        async with self._turn:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._url,
                    min_size=0,
                    max_size=MAX_CONNECTIONS,
                    timeout=CONNECT_TIMEOUT_S,
                    command_timeout=COMMAND_TIMEOUT_S,
                    server_settings=self._settings,
                )
            return self._pool
