"""The harness's one connection to Postgres, reopened after a case has broken it."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

import asyncpg

from tests.faults.background import Background
from tests.tools.servers import until

CONNECT_S: Final = 20.0

Result = TypeVar("Result")


class DatabaseAway(Exception):  # noqa: N818 - a state, not an error
    """Postgres does not answer now."""


class Database:
    """Query the database of a stack."""

    def __init__(self, background: Background, url: str) -> None:
        """Connect at the first query."""
        self._background = background
        self._url = url
        self._connection: asyncpg.Connection | None = None

    def run(self, work: Callable[[asyncpg.Connection], Awaitable[Result]]) -> Result:
        """Return the result of some work on the connection; raises DatabaseAway."""
        return self._background.run(self._run(work))

    def rows(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        """Return the rows of a query; raises DatabaseAway."""
        return self.run(lambda connection: connection.fetch(sql, *arguments))

    def rows_once_up(self, sql: str) -> list[asyncpg.Record]:
        """Return the rows of a query, once Postgres answers."""
        found: list[asyncpg.Record] = []

        def answered() -> bool:
            with suppress(DatabaseAway):
                found.extend(self.rows(sql))
                return True
            return False

        until(answered, "Postgres answers")
        return found

    def execute(self, sql: str) -> None:
        """Execute a statement; raises DatabaseAway."""
        self.run(lambda connection: connection.execute(sql))

    def close(self) -> None:
        """Close the connection without waiting."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._background.loop.call_soon_threadsafe(connection.terminate)

    async def _run(self, work: Callable[[asyncpg.Connection], Awaitable[Result]]) -> Result:
        try:
            if self._connection is None or self._connection.is_closed():
                self._connection = await asyncpg.connect(self._url, timeout=CONNECT_S)
            return await work(self._connection)
        except (
            OSError,
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
            asyncpg.InternalClientError,
        ) as error:
            if self._connection is not None:
                self._connection.terminate()
            self._connection = None
            raise DatabaseAway(repr(error)) from None
