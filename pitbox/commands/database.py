"""What commands ask of Postgres: one statement, one connection, errors as a sentence."""

import asyncio
from typing import Annotated, Any, Final

from cyclopts import Parameter, validators

from pitbox import settings
from pitbox.cli import CommandError

AtMost = Annotated[int, Parameter(validator=validators.Number(gte=1, lte=1_000_000))]
TIMEOUT_S: Final = 10.0


def fetch(statement: str, *parameters: object) -> list[Any]:
    """Return the rows of a statement; raises CommandError when Postgres does not answer."""
    return asyncio.run(_fetch(settings.load().postgres.url, statement, parameters))


async def _fetch(url: str, statement: str, parameters: tuple[object, ...]) -> list[Any]:
    import asyncpg

    try:
        connection = await asyncpg.connect(url, timeout=TIMEOUT_S, command_timeout=TIMEOUT_S)
        try:
            return list(await connection.fetch(statement, *parameters))
        finally:
            await connection.close(timeout=TIMEOUT_S)
    except asyncpg.UndefinedTableError:
        raise CommandError("the database has no tables yet: run `pitbox migrate`") from None
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise CommandError(f"Postgres does not answer: {error or repr(error)}") from None
