"""One connection to Postgres, one transaction at a time.

Whatever goes wrong inside a transaction ends the connection, because only a new one says for sure
what was committed. What is held in memory of the database is good for the life of one connection,
named by `boot`.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg

from pitbox.postgres import errors

CONNECT_TIMEOUT_S: Final = 5.0
COMMAND_TIMEOUT_S: Final = 30.0
ASYNCPG_ERRORS: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
LIMITS: Final = ("22", "54")
"""Classes of SQLSTATE that blame what is written: data exceptions, program limits."""


class PostgresDown(Exception):  # noqa: N818 - a state of the world, not a mistake
    """Say that nothing is known to be committed, and why."""


class Clash(PostgresDown):
    """Say that a row is there already: what is held in memory is older than Postgres."""


class Refused(Exception):  # noqa: N818 - a state of the world, not a mistake
    """Say that Postgres does not take what it was given, however often it is tried."""


class Connection:
    """Hold one connection; `boot` names its life and is "" while there is none."""

    def __init__(self, url: str, name: str) -> None:
        """Prepare to connect; Postgres shows the connection under `name`."""
        self.boot = ""
        self._url = url
        self._name = name
        self._open: asyncpg.Connection | None = None
        self._turn = asyncio.Lock()

    async def ready(self) -> str:
        """Connect if there is no connection and return its `boot`; raises PostgresDown."""
        async with self._turn:
            if self._open is None or self._open.is_closed():
                await self._connect()
            return self.boot

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[asyncpg.Connection]:
        """Lend the connection for one transaction, committed at the end.

        Raises PostgresDown, Clash or Refused; then the connection is gone and what was committed is
        known to the next one.
        """
        async with self._turn:
            connection = self._open
            if connection is None or connection.is_closed():
                self.drop()
                raise PostgresDown("not connected")
            try:
                await connection.execute("begin")
                yield connection
                await connection.execute("commit")
            except BaseException as error:
                self.drop()
                raise _verdict(error) from error

    def drop(self) -> None:
        """Leave without a word; what was under way is rolled back by Postgres."""
        connection, self._open = self._open, None
        self.boot = ""
        if connection is not None:
            connection.remove_termination_listener(self._ended)
            connection.terminate()

    async def _connect(self) -> None:
        self.drop()
        try:
            connection = await asyncpg.connect(
                self._url,
                timeout=CONNECT_TIMEOUT_S,
                command_timeout=COMMAND_TIMEOUT_S,
                server_settings={"application_name": self._name},
            )
        except (OSError, ValueError, *ASYNCPG_ERRORS) as error:
            raise PostgresDown(f"cannot connect: {error!r}") from None
        connection.add_termination_listener(self._ended)
        self._open, self.boot = connection, uuid.uuid4().hex

    def _ended(self, connection: Any) -> None:
        if connection is self._open:
            self.drop()


def _verdict(error: BaseException) -> BaseException:
    """Return what an error inside a transaction means for who wrote."""
    reason = errors.reason(error)
    if isinstance(error, asyncpg.UniqueViolationError):
        return Clash(reason)
    blamed = isinstance(error, asyncpg.PostgresError) and (error.sqlstate or "")[:2] in LIMITS
    # asyncpg's own complaint about an argument, raised before anything is sent, is a ValueError.
    unfit = isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError)
    if blamed or unfit:
        return Refused(reason)
    if not isinstance(error, Exception):
        return error
    return PostgresDown(reason)
