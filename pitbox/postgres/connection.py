"""One connection to Postgres, for one piece of work or for one transaction at a time."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
import msgspec

from pitbox.postgres.errors import ERRORS, LoginRefused, PostgresDown, Refused, reason, verdict

CONNECT_TIMEOUT_S: Final = 5.0
COMMAND_TIMEOUT_S: Final = 30.0


@asynccontextmanager
async def connected(url: str, name: str, *, timeout_s: float) -> AsyncIterator[asyncpg.Connection]:
    """Open a connection and close it at the end; `name` is its application_name.

    Raises PostgresDown, LoginRefused, NoTables, Conflict or Refused, each from asyncpg's error.
    """
    connection = await _connect(url, name, timeout_s, timeout_s)
    try:
        yield connection
        await connection.close(timeout=timeout_s)
    except ERRORS as error:
        raise verdict(error) from error
    finally:
        connection.terminate()


class Connection:
    """Hold one connection; `boot` identifies it and is "" while there is none.

    Any error inside a transaction closes the connection, because only a new one reads for sure
    whether the transaction was committed. State derived from the database is valid for one `boot`.
    """

    def __init__(
        self, url: str, name: str, *, command_timeout_s: float = COMMAND_TIMEOUT_S
    ) -> None:
        """Prepare to connect; `name` is the connection's application_name."""
        self.boot = ""
        self._url = url
        self._name = name
        self._command_timeout_s = command_timeout_s
        self._open: asyncpg.Connection | None = None
        self._turn = asyncio.Lock()

    async def ready(self) -> str:
        """Connect unless connected, and return the connection's `boot`; raises PostgresDown."""
        async with self._turn:
            if self._open is None or self._open.is_closed():
                await self._connect()
            return self.boot

    async def is_ready(self) -> bool:
        """Return whether Postgres takes writes, for loops beside one that logs why it does not."""
        try:
            await self.ready()
        except PostgresDown:
            return False
        return True

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[asyncpg.Connection]:
        """Open a transaction and commit it at the end.

        Raises PostgresDown, Conflict, NoTables or Refused, and DecodeError for the content of a
        row; the connection is closed then.
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
            except (PostgresDown, Refused, msgspec.DecodeError):
                self.drop()
                raise
            except Exception as error:
                self.drop()
                raise verdict(error) from error
            except BaseException:
                self.drop()
                raise

    async def fetch(self, statement: str, *parameters: object) -> list[Any]:
        """Return the rows of one statement in its own transaction; raises as `transaction`."""
        async with self.transaction() as connection:
            return list(await connection.fetch(statement, *parameters))

    def drop(self) -> None:
        """Close the connection at once; Postgres rolls an open transaction back."""
        connection, self._open = self._open, None
        self.boot = ""
        if connection is not None:
            connection.remove_termination_listener(self._ended)
            connection.terminate()

    async def _connect(self) -> None:
        self.drop()
        connection = await _connect(
            self._url, self._name, CONNECT_TIMEOUT_S, self._command_timeout_s
        )
        connection.add_termination_listener(self._ended)
        self._open, self.boot = connection, uuid.uuid4().hex

    def _ended(self, connection: Any) -> None:
        if connection is self._open:
            self.drop()


async def _connect(
    url: str, name: str, connect_timeout_s: float, command_timeout_s: float
) -> asyncpg.Connection:
    try:
        return await asyncpg.connect(
            url,
            timeout=connect_timeout_s,
            command_timeout=command_timeout_s,
            server_settings={"application_name": name},
        )
    except asyncpg.InvalidAuthorizationSpecificationError as error:
        raise LoginRefused(f"cannot connect: {reason(error)}") from error
    except (ValueError, *ERRORS) as error:  # asyncpg raises ValueError for a wrong address
        raise PostgresDown(f"cannot connect: {reason(error)}") from error
