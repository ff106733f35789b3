"""The errors of Postgres: the one list of asyncpg's errors, and their meaning for callers."""

from typing import Final

import asyncpg

ERRORS: Final = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""The errors that asyncpg raises for a connection or a statement; its timeouts are OSErrors."""

NO_WRITES: Final = {
    "25006": "Postgres is read-only: default_transaction_read_only is on, or it is a standby",
    "53100": "the disk of Postgres is full: make room on it",
}
"""The SQLSTATEs of a Postgres that answers and takes no writes, and what that means."""

LIMITS: Final = ("22", "54")
"""Classes of SQLSTATE for wrong values of a statement: data exceptions, program limits."""


class PostgresDown(Exception):  # noqa: N818 - a state of the world, not a mistake
    """Report that Postgres does not answer or failed: a commit may or may not be done."""


class LoginRefused(PostgresDown):
    """Report that Postgres rejects the user or the password."""


class NoTables(PostgresDown):
    """Report that the database lacks a table: it is not migrated."""


class Conflict(PostgresDown):
    """Report that a row exists already: the state in memory is older than Postgres."""


class NoWrites(PostgresDown):
    """Report that Postgres runs and takes no writes: it is read-only, or its disk is full."""


class Refused(Exception):  # noqa: N818 - a state of the world, not a mistake
    """Report that Postgres rejects the values of a statement; a retry would fail too."""


def verdict(error: Exception) -> PostgresDown | Refused:
    """Return the exception to raise for an error of a statement."""
    because = reason(error)
    if isinstance(error, asyncpg.UniqueViolationError):
        return Conflict(because)
    if isinstance(error, asyncpg.PostgresError) and error.sqlstate in NO_WRITES:
        return NoWrites(NO_WRITES[error.sqlstate])
    if isinstance(error, asyncpg.UndefinedTableError):
        return NoTables(because)
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return LoginRefused(because)
    blamed = isinstance(error, asyncpg.PostgresError) and (error.sqlstate or "")[:2] in LIMITS
    # asyncpg raises a ValueError for an argument of the wrong type, before it sends anything.
    unfit = isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError)
    return Refused(because) if blamed or unfit else PostgresDown(because)


def reason(error: BaseException) -> str:
    """Return an error's type and first line, for logs; later lines quote rows."""
    message = str(error) or ("no answer in time" if isinstance(error, TimeoutError) else "")
    return f"{type(error).__name__}: {message}".partition("\n")[0]


def sentence(error: BaseException) -> str:
    """Return an error's first line without its type, for the terminal."""
    return str(error).partition("\n")[0] or repr(error)
