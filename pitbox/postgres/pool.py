"""Postgres: the past, read only, and the people, by a role that may do no more than it must."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import asyncpg

from pitbox import logs
from pitbox.postgres import errors

MAX_CONNECTIONS: Final = 4
CONNECT_TIMEOUT_S: Final = 3.0
COMMAND_TIMEOUT_S: Final = 10.0
READY_TIMEOUT_S: Final = 2.0
READ_ONLY: Final = {"default_transaction_read_only": "on"}
ERRORS: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)

log = logs.get("gateway")

Result = TypeVar("Result")


class ArchiveDown(Exception):  # noqa: N818 - a state of the world, not a mistake
    """Say that Postgres does not answer."""


class Archive:
    """Lend connections of a small pool; Postgres need not be there to begin with."""

    def __init__(self, url: str, server_settings: Mapping[str, str] = READ_ONLY) -> None:
        self._url = url
        self._settings = {"application_name": "pitbox-gateway", **server_settings}
        self._pool: asyncpg.Pool | None = None
        self._failed = False
        self._turn = asyncio.Lock()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="archive")

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """Lend a connection; raises ArchiveDown when Postgres fails meanwhile."""
        try:
            pool = await self._opened()
            async with pool.acquire(timeout=CONNECT_TIMEOUT_S) as connection:
                yield connection
            self._failed = False
        except ERRORS as error:
            if not self._failed:
                log.warning("Postgres does not answer", reason=errors.reason(error))
            self._failed = True
            raise ArchiveDown("Postgres does not answer, try again") from error

    async def ready(self) -> bool:
        """Tell whether Postgres answers in time."""
        try:
            async with asyncio.timeout(READY_TIMEOUT_S), self.connection() as connection:
                await connection.execute("select 1")
        except (ArchiveDown, TimeoutError):
            return False
        return True

    async def aside(self, work: Callable[[], Result]) -> Result:
        """Do long work in a thread, one after the other, so that live messages go out meanwhile."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        """Leave without a word."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.terminate()
        self._thread.shutdown(wait=False, cancel_futures=True)

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
