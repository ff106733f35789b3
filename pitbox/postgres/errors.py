"""What may go wrong with Postgres: the one list of asyncpg's errors, and what they mean here."""

from typing import Final

import asyncpg

ERRORS: Final = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""What asyncpg raises for a connection or a statement; its timeouts are OSErrors."""

LIMITS: Final = ("22", "54")
"""Classes of SQLSTATE that blame the values of a statement: data exceptions, program limits."""


class PostgresDown(Exception):  # noqa: N818 - a state of the world, not a mistake
    """Say that Postgres does not answer, or failed meanwhile: nothing is known to be committed."""


class LoginRefused(PostgresDown):
    """Say that Postgres refuses the user or the password."""


class NoTables(PostgresDown):
    """Say that the database lacks a table: it has not been migrated."""


class Clash(PostgresDown):
    """Say that a row is there already: what is held in memory is older than Postgres."""


class Refused(Exception):  # noqa: N818 - a state of the world, not a mistake
    """Say that Postgres does not take the values of a statement, however often it is tried."""


def verdict(error: Exception) -> PostgresDown | Refused:
    """Return what an error of a statement means for its caller."""
    because = reason(error)
    if isinstance(error, asyncpg.UniqueViolationError):
        return Clash(because)
    if isinstance(error, asyncpg.UndefinedTableError):
        return NoTables(because)
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return LoginRefused(because)
    blamed = isinstance(error, asyncpg.PostgresError) and (error.sqlstate or "")[:2] in LIMITS
    # asyncpg's own complaint about an argument, raised before anything is sent, is a ValueError.
    unfit = isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError)
    return Refused(because) if blamed or unfit else PostgresDown(because)


def reason(error: BaseException) -> str:
    """Return an error's kind and first line, for logs: the lines after it quote rows."""
    return f"{type(error).__name__}: {error}".partition("\n")[0]


def sentence(error: BaseException) -> str:
    """Return an error's first line without its kind, for the terminal."""
    return str(error).partition("\n")[0] or repr(error)
