"""One connection to Postgres for a command; errors become a sentence."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, TypeVar

from cyclopts import Parameter, validators

from commands.cli import CommandError
from commands.hub import nearby

AtMost = Annotated[int, Parameter(validator=validators.Number(gte=1, lte=1_000_000))]
TIMEOUT_S: Final = 10.0

Result = TypeVar("Result")


def fetch(statement: str, *parameters: object) -> list[Any]:
    """Return the rows of a statement; raises CommandError when Postgres does not answer."""

    async def fetched(connection: Any) -> list[Any]:
        return list(await connection.fetch(statement, *parameters))

    return run(fetched)


def run(work: Callable[[Any], Awaitable[Result]]) -> Result:
    """Do some work with a connection; raises CommandError when Postgres does not answer."""
    found = nearby.find()
    return asyncio.run(connected(found.settings.postgres.url, work, found.origin("postgres")))


async def connected(url: str, work: Callable[[Any], Awaitable[Result]], origin: str = "") -> Result:
    """Do some work with a connection; raises CommandError when Postgres does not answer.

    `origin` completes that error: it says where `url` comes from.
    """
    from pitbox.postgres import connection as postgres
    from pitbox.postgres.errors import LoginRefused, NoTables, PostgresDown, Refused, sentence

    try:
        async with postgres.connected(url, "pitbox-command", timeout_s=TIMEOUT_S) as connection:
            return await work(connection)
    except NoTables:
        raise CommandError("the database has no tables yet: run `pitbox migrate`") from None
    except (PostgresDown, Refused) as error:
        refused = isinstance(error, LoginRefused)
        failure = "Postgres refuses the login" if refused else "Postgres does not answer"
        reason = "; ".join(filter(None, [sentence(error.__cause__ or error), origin]))
        raise CommandError(f"{failure}: {reason}") from None
