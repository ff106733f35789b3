"""Keep a session from retention."""

from typing import Any, Final

from commands import database
from commands.cli import CommandError

KNOWN: Final = "select exists (select from run where session = $1)"


def pin(session: str, /) -> None:
    """Keep a session: retention removes nothing of it.

    Example: pitbox sessions pin spa-race-1

    Parameters
    ----------
    session
        the session, as `pitbox sessions` lists it
    """

    from pitbox.postgres import pins

    async def pinned(connection: Any) -> None:
        if not await connection.fetchval(KNOWN, session):
            raise CommandError(f"no session {session}: `pitbox sessions` lists them")
        await pins.pin(connection, session, "command line")

    database.run(pinned)
    print(f"{session} is pinned: retention keeps it")


def unpin(session: str, /) -> None:
    """Let retention remove a session again.

    Example: pitbox sessions unpin spa-race-1

    Parameters
    ----------
    session
        the session
    """

    from pitbox.postgres import pins

    if not database.run(lambda connection: pins.unpin(connection, session)):
        raise CommandError(f"{session} is not pinned")
    print(f"{session} is not pinned any more")
