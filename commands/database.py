"""What commands ask of Postgres: one connection, errors as a sentence."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, TypeVar

from cyclopts import Parameter, validators

from commands.cli import CommandError
from pitbox import settings

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
    return asyncio.run(connected(settings.load().postgres.url, work))


async def connected(url: str, work: Callable[[Any], Awaitable[Result]]) -> Result:
    """Do some work with a connection; raises CommandError when Postgres does not answer."""
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
        raise CommandError(f"{failure}: {sentence(error.__cause__ or error)}") from None
